from contextlib import nullcontext, suppress
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from config import database
from config.permissions import Role
from config.settings import Settings
from config.tables import AuditEntry
from listeners import sources
from listeners.tables import Mention, Source
from networks import accounts
from networks.network import Page, RemoteMention
from posts import categories, drafts, foresight, lapsing, queue, targets, workflow
from posts.tables import PostVersion, Target, Variant
from posts.workflow import Content, EditConflict, NotAllowed, TargetState, WrongState
from tests.listeners.said import admit
from tests.posts.conftest import Desk


def save(desk: Desk, number: int, by: int, message: str, *, title: str = "Coffee", revision: int | None = None) -> None:
    with database.writing(desk.engine) as session:
        post = drafts.read(session, number)
        drafts.save(
            session, number, by, post.revision if revision is None else revision,
            message=message, title=title, category=post.category, language=post.language, concern=post.concern,
            wordings=dict.fromkeys(desk.accounts), now=desk.now,
        )  # fmt: skip


def approve(desk: Desk, number: int, by: int, content: str | None = None) -> None:
    with database.writing(desk.engine) as session:
        drafts.approve(session, number, by, content or drafts.read(session, number).content_hash, desk.now)


def test_an_approved_post_with_a_time_has_a_target_for_each_account(desk: Desk) -> None:
    number = desk.approved()
    found = [(target.account_id, target.text, target.state) for target in desk.targets(number)]
    words = "Coffee with officers at nine."
    assert found == [(desk.accounts[0], words, "waiting"), (desk.accounts[1], words, "waiting")]
    assert desk.post(number).state == "scheduled"


def test_what_is_taken_back_after_its_time_is_a_draft_without_one(desk: Desk) -> None:
    number = desk.approved()
    late = (desk.post(number).due_at or desk.now) + timedelta(minutes=5)
    with database.writing(desk.engine) as session:
        drafts.withdraw(session, number, desk.officer, late)
        assert lapsing.lapse(session, late, timedelta(hours=1)) == []
    post = desk.post(number)
    assert (post.state, post.wall_time, post.time_zone, post.due_at) == ("draft", None, None, None)


def test_nobody_approves_a_post_of_their_own(desk: Desk) -> None:
    number = desk.handed_in()
    with pytest.raises(NotAllowed):
        approve(desk, number, desk.officer)
    assert desk.post(number).state == "in_review"


def test_nobody_approves_words_that_they_wrote_last(desk: Desk) -> None:
    number = desk.handed_in()
    save(desk, number, desk.second, "Coffee with officers at ten.")
    with pytest.raises(NotAllowed):
        approve(desk, number, desk.second)
    approve(desk, number, desk.approver)
    assert desk.post(number).state == "scheduled"


def test_whoever_wrote_the_words_stays_barred_when_something_beside_them_changes(desk: Desk) -> None:
    number = desk.handed_in()
    save(desk, number, desk.second, "Coffee with officers at ten.")
    with database.writing(desk.engine) as session:  # the author leaves the words as they are, and one account out
        post = drafts.read(session, number)
        drafts.save(
            session, number, desk.officer, post.revision, message=post.message, title="Coffee", category=post.category,
            language=post.language, concern=None, wordings={desk.accounts[1]: None}, now=desk.now,
        )  # fmt: skip
    with pytest.raises(NotAllowed):
        approve(desk, number, desk.second)
    save(desk, number, desk.officer, "Coffee with officers at eleven.")
    approve(desk, number, desk.second)  # none of the words are theirs now
    assert desk.post(number).state == "scheduled"


def test_an_approved_post_is_given_no_time_that_has_passed(desk: Desk) -> None:
    number = desk.approved()
    due = desk.post(number).due_at
    for back, refused in ((timedelta(minutes=30), True), (timedelta(minutes=2), False)):
        wall = (desk.now - back).replace(tzinfo=None)
        with suppress(WrongState) if refused else nullcontext(), database.writing(desk.engine) as session:
            drafts.schedule(session, number, desk.officer, wall, "UTC", desk.now)
        assert (desk.post(number).due_at == due) is refused


def test_a_post_that_waits_for_approval_is_given_no_time_that_has_passed(desk: Desk) -> None:
    number = desk.handed_in()
    due = desk.post(number).due_at
    for back in (timedelta(days=1), timedelta()):
        wall = (desk.now - back).replace(tzinfo=None)
        with pytest.raises(WrongState, match="That time has passed"), database.writing(desk.engine) as session:
            drafts.schedule(session, number, desk.officer, wall, "UTC", desk.now)
    assert (desk.post(number).state, desk.post(number).due_at) == ("in_review", due)


def test_changing_only_the_title_bars_nobody_and_keeps_the_approval(desk: Desk) -> None:
    number = desk.approved()
    save(desk, number, desk.approver, "Coffee with officers at nine.", title="Coffee morning")
    assert (desk.post(number).state, len(desk.targets(number))) == ("scheduled", 2)


def test_an_approval_is_for_the_words_that_were_looked_at(desk: Desk) -> None:
    number = desk.handed_in()
    looked_at = desk.post(number).content_hash
    save(desk, number, desk.officer, "Coffee is cancelled.")
    with pytest.raises(WrongState):
        approve(desk, number, desk.approver, looked_at)


def test_words_that_change_after_approval_go_back_to_review_and_nothing_waits_to_go_out(desk: Desk) -> None:
    number = desk.approved()
    save(desk, number, desk.officer, "Coffee at eleven.")
    assert (desk.post(number).state, desk.targets(number)) == ("in_review", [])


def test_going_back_to_approved_words_brings_the_approval_back_for_nobody_else(desk: Desk) -> None:
    """The words are again those approved, but the post waits for an approval: it left the approved state."""
    number = desk.approved()
    save(desk, number, desk.officer, "Other words.")
    save(desk, number, desk.officer, "Coffee with officers at nine.")
    assert (desk.post(number).state, desk.targets(number)) == ("in_review", [])


def test_moving_keeps_the_approval_and_is_recorded(desk: Desk) -> None:
    number = desk.approved()
    later = desk.now + timedelta(hours=5)
    with database.writing(desk.engine) as session:
        drafts.schedule(session, number, desk.officer, later.replace(tzinfo=None), "UTC", desk.now)
    assert [target.due_at for target in desk.targets(number)] == [later, later]
    with database.reading(desk.engine) as session:
        last = session.exec(select(AuditEntry).where(AuditEntry.action == "post.schedule")).all()[-1]
    assert last.detail["due"] == later.isoformat()


def test_the_second_of_two_editors_is_told_and_overwrites_nothing(desk: Desk) -> None:
    number = desk.writing()
    save(desk, number, desk.officer, "The first one's words.", revision=1)
    with pytest.raises(EditConflict):
        save(desk, number, desk.second, "The second one's words.", revision=1)
    assert desk.post(number).message == "The first one's words."


def test_every_version_is_kept(desk: Desk) -> None:
    number = desk.writing("One.")
    save(desk, number, desk.officer, "Two.")
    with database.reading(desk.engine) as session:
        kept = [version.content["message"] for version in session.exec(select(PostVersion).order_by(PostVersion.id))]  # type: ignore[arg-type]
    assert kept == ["One.", "Two."]


def test_a_variant_follows_the_message_until_it_is_reworded(desk: Desk) -> None:
    number = desk.writing("Coffee at nine.")
    with database.writing(desk.engine) as session:
        second = session.exec(select(Variant).where(Variant.account_id == desk.accounts[1])).one()
        second.text = "Café a las nueve."
        session.add(second)
        session.flush()
        assert drafts.texts_of(session, drafts.read(session, number)) == {
            desk.accounts[0]: "Coffee at nine.",
            desk.accounts[1]: "Café a las nueve.",
        }


@pytest.mark.parametrize("message", ["", "  \n "])
def test_a_post_that_says_nothing_is_not_handed_in(desk: Desk, message: str) -> None:
    number = desk.writing(message)
    with pytest.raises(WrongState), database.writing(desk.engine) as session:
        drafts.submit(session, number, desk.officer, desk.now)


def test_asking_for_changes_sends_it_back_with_the_words(desk: Desk) -> None:
    number = desk.handed_in()
    with database.writing(desk.engine) as session:
        drafts.ask_changes(session, number, desk.approver, "Say where.", desk.now)
    with database.reading(desk.engine) as session:
        detail = queue.post_detail(session, number)
    assert detail is not None
    assert (detail.post.state, [review.comment for review in detail.reviews]) == ("draft", ["Say where."])


def test_what_is_left_of_a_post_that_is_partly_out_can_be_called_off(desk: Desk) -> None:
    number = desk.approved()
    with database.writing(desk.engine) as session:
        first = session.exec(select(Target).where(Target.post_id == number)).first()
        assert first is not None
        targets.settle(session, first, TargetState.PUBLISHED, "", desk.now)
    with database.writing(desk.engine) as session:
        assert drafts.cancel(session, number, desk.officer, desk.now).state == "partly_published"
    assert sorted(target.state for target in desk.targets(number)) == ["cancelled", "published"]
    with pytest.raises(WrongState, match="cannot be"), database.writing(desk.engine) as session:
        drafts.cancel(session, number, desk.officer, desk.now)


def test_a_cancelled_post_has_nothing_left_to_send(desk: Desk) -> None:
    number = desk.approved()
    with database.writing(desk.engine) as session:
        drafts.cancel(session, number, desk.officer, desk.now)
    assert (desk.post(number).state, desk.targets(number)) == ("cancelled", [])


def test_the_lists_show_each_person_what_is_theirs(desk: Desk, now: datetime) -> None:
    number = desk.handed_in()
    with database.reading(desk.engine) as session:
        waits = {
            person: [row.post_id for row in queue.waiting_for(session, person, roles)]
            for person, roles in (
                (desk.officer, [Role.OFFICER]),
                (desk.approver, [Role.APPROVER]),
                (desk.second, [Role.APPROVER, Role.OFFICER]),
            )
        }
        assert waits == {desk.officer: [], desk.approver: [number], desk.second: [number]}
        assert [row.post_id for row in queue.in_review_by(session, desk.officer)] == [number]
        out = queue.going_out(session, now, now + timedelta(days=1))
    assert [(row.post_id, row.networks, row.state) for row in out] == [(number, ("practice",), "in_review")]


def mention(desk: Desk, network: str) -> int:
    """A mention on that network that can be answered."""
    with database.writing(desk.engine) as session:
        source = sources.add(session, network="practice", name=network, settings={}, every_seconds=60, now=desk.now)
        row = Mention(
            key=network.encode(), network=network, source_id=source.id or 0, author=b"resident", posted_at=desk.now,
            sealed_reference=desk.keys.seal('["12", null]'), text="When is coffee?", received_at=desk.now,
            expires_at=desk.now + timedelta(days=30),
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id or 0


def answer(desk: Desk, mention_id: int) -> int:
    """An answer to it, handed in."""
    with database.writing(desk.engine) as session:
        post = drafts.create(session, desk.officer, "At nine.", desk.accounts, desk.now, reply_to_mention_id=mention_id)
        wall = (desk.now + timedelta(hours=1)).replace(tzinfo=None)
        drafts.schedule(session, post.id or 0, desk.officer, wall, "UTC", desk.now)
        drafts.submit(session, post.id or 0, desk.officer, desk.now)
        return post.id or 0


def test_a_picture_that_tags_us_on_instagram_is_not_answered_and_a_comment_is(desk: Desk, settings: Settings) -> None:
    picture = RemoteMention("17", "Look, @rivertonpd", desk.now, "a", addressed=True)
    comment = RemoteMention("18", "When is coffee?", desk.now, "b", addressed=True, root_id="16")
    with database.writing(desk.engine) as session:
        account = accounts.add(
            session, network="instagram", name="Riverton PD", handle="", secret=None, keys=desk.keys, now=desk.now
        )
        source = Source(network="instagram", name="instagram")
        session.add(source)
        session.flush()
        admit(session, source, Page([picture, comment], None), desk.keys, settings, desk.now)
        first, second = (
            drafts.create(session, desk.officer, "At nine.", [account.id or 0], desk.now, reply_to_mention_id=number)
            for number in session.exec(select(Mention.id).order_by(col(Mention.id)))
        )
        with pytest.raises(WrongState, match="Instagram lets us answer comments only"):
            drafts.submit(session, first.id or 0, desk.officer, desk.now)
        seen = foresight.obstacles(session, [first.id or 0, second.id or 0], desk.now)
        assert {number: [one.kind for one in found] for number, found in seen.items()} == {
            first.id: ["unwritten", "misfit"],
            second.id: ["unwritten"],
        }
        assert drafts.submit(session, second.id or 0, desk.officer, desk.now).state == "in_review"


def test_an_answer_is_one_only_on_the_network_of_what_it_answers(desk: Desk) -> None:
    here, elsewhere = answer(desk, mention(desk, "practice")), answer(desk, mention(desk, "x"))
    for number in (here, elsewhere):
        approve(desk, number, desk.approver)
    assert [desk.keys.open(target.reply_to or b"") for target in desk.targets(here)] == ['["12", null]'] * 2
    assert [target.reply_to for target in desk.targets(elsewhere)] == [None, None]


def test_an_answer_whose_mention_is_gone_is_not_approved_as_a_post_of_its_own(desk: Desk) -> None:
    asked = mention(desk, "practice")
    number = answer(desk, asked)
    with database.writing(desk.engine) as session:
        session.delete(session.get_one(Mention, asked))
    with pytest.raises(WrongState):
        approve(desk, number, desk.approver)
    assert (desk.post(number).state, desk.targets(number)) == ("in_review", [])


def recategorise(desk: Desk, number: int, category: str) -> str:
    """The state after saving it with another kind and nothing else."""
    with database.writing(desk.engine) as session:
        post = drafts.read(session, number)
        drafts.save(
            session, number, desk.officer, post.revision, message=post.message, title=post.title, category=category,
            language=post.language, concern=post.concern, wordings=dict.fromkeys(desk.accounts), now=desk.now,
        )  # fmt: skip
    return desk.post(number).state


def test_a_kind_that_lets_it_do_more_at_its_time_asks_for_approval_again(desk: Desk) -> None:
    number = desk.approved()
    assert recategorise(desk, number, "recruiting") == "scheduled"  # lets it do just the same
    assert recategorise(desk, number, "safety") == "in_review"  # goes out on days of silence
    assert desk.targets(number) == []
    with database.writing(desk.engine) as session:
        categories.change(
            session, "event", steps=[categories.Step()], late=timedelta(days=2), over_blackout=False,
            person_id=desk.officer, now=desk.now,
        )  # fmt: skip
    other = desk.approved("Coffee on Elm Street.")
    assert recategorise(desk, other, "event") == "in_review"  # goes out two days late


def test_an_approval_from_before_that_holds_until_its_kind_lets_it_do_more(desk: Desk) -> None:
    number = desk.handed_in()
    with database.writing(desk.engine) as session:
        post = drafts.read(session, number)
        post.leave = None
        post.content_hash = workflow.content_hash(drafts.content_of(session, post))
        assert post.content_hash == workflow.content_hash(
            Content(drafts.texts_of(session, post), "en", None)
        )  # as it was then
        session.add(post)
    approve(desk, number, desk.approver)
    save(desk, number, desk.officer, "Coffee with officers at nine.", title="Coffee morning")
    assert recategorise(desk, number, "recruiting") == "scheduled"
    assert recategorise(desk, number, "safety") == "in_review"
