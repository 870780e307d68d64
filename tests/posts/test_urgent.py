"""Urgent updates: words from a template, out at once when approved, over days of silence and never over a hold without
a person's word; what follows answers the first word on each account."""

from datetime import timedelta

import pytest
from sqlmodel import select

from config import database, holds
from config.settings import Settings
from config.tables import AuditEntry
from networks.network import Unavailable
from posts import blackouts, claims, drafts, publishing, urgent
from posts.claims import Claim
from posts.tables import Post, Target
from posts.urgent import TEMPLATES, Stage
from posts.workflow import NotAllowed, WrongState
from tests.posts.conftest import Desk
from tests.posts.square import Square, raising

CLEAR = "All clear: Elm Street is open."
BLANKS = {"where": "Elm Street.", "why": "a gas leak", "advice": "stay inside"}


def begun(desk: Desk, settings: Settings) -> int:
    with database.writing(desk.engine) as session:
        words = urgent.words("avoid_area", BLANKS, "en")
        made = urgent.begin(
            session, desk.officer, desk.now, template="avoid_area", message=words, language="en", settings=settings
        )
        return made.id or 0


def followed(desk: Desk, settings: Settings, first: int, stage: Stage, words: str) -> int:
    with database.writing(desk.engine) as session:
        made = urgent.follow(session, first, desk.officer, desk.now, stage=stage, message=words, settings=settings)
        return made.id or 0


def approved(desk: Desk, number: int, *, past_hold: bool = False, by: int | None = None) -> Post:
    with database.writing(desk.engine) as session:
        content = session.get_one(Post, number).content_hash
        return urgent.approve(session, number, by or desk.approver, content, desk.now, past_hold=past_hold)


def claimed(desk: Desk, after: timedelta = timedelta()) -> list[Claim]:
    return claims.claim(desk.engine, desk.keys, desk.now + after)


def sent(desk: Desk, square: Square, after: timedelta = timedelta()) -> list[str]:
    """What is due goes out; what each account says."""
    found = claimed(desk, after)
    return [publishing.run(desk.engine, one, square, lambda: desk.now + after).value for one in found]


def test_a_template_is_filled_and_every_blank_asked_for() -> None:
    assert urgent.words("avoid_area", BLANKS, "en") == (
        "Please avoid Elm Street: a gas leak. If you are there, stay inside. We will say more here."
    )
    for key, template in TEMPLATES.items():
        whole = urgent.words(key, dict.fromkeys(template.blanks, "x" * 30), "es")
        assert "%(" not in whole
        with pytest.raises(WrongState, match="every blank"):
            urgent.words(key, dict.fromkeys(template.blanks, "x") | {template.blanks[0]: " . "}, "en")
        with pytest.raises(WrongState, match="characters"):
            urgent.words(key, dict.fromkeys(template.blanks, "x" * 121), "en")


def test_it_goes_out_with_the_approval_of_a_second_person_on_a_day_of_silence(desk: Desk, settings: Settings) -> None:
    with database.writing(desk.engine) as session:
        blackouts.place(session, desk.now.date(), desk.now.date(), "A funeral", desk.approver, desk.now)
    number = begun(desk, settings)
    assert claimed(desk) == []
    with pytest.raises(NotAllowed):
        approved(desk, number, by=desk.officer)
    post = approved(desk, number)
    assert (post.state, post.due_at, post.wall_time.hour if post.wall_time else None) == ("scheduled", desk.now, 8)
    assert [one.outgoing.text for one in claimed(desk)] == [post.message, post.message]


def test_what_follows_answers_the_first_word_on_each_account(desk: Desk, settings: Settings) -> None:
    first, square = begun(desk, settings), Square()
    approved(desk, first)
    correction = followed(desk, settings, first, Stage.CORRECTION, "Correction: Oak Street, not Elm Street.")
    approved(desk, correction)
    waiting = claimed(desk)
    assert {one.post_id for one in waiting} == {first}  # the correction waits until there is something to answer
    for one in waiting:
        publishing.run(desk.engine, one, square, lambda: desk.now)
    answers = claimed(desk)
    assert [one.outgoing.reply_to for one in answers] == ["1", "2"]
    for one in answers:
        publishing.run(desk.engine, one, square, lambda: desk.now)
    approved(desk, followed(desk, settings, first, Stage.ALL_CLEAR, CLEAR))
    assert [one.outgoing.reply_to for one in claimed(desk)] == ["1", "2"]
    assert [target.remote_id for target in desk.targets(correction)] == ["3", "4"]


def test_a_look_up_asks_for_the_answer_that_was_sent(desk: Desk, settings: Settings) -> None:
    first = begun(desk, settings)
    approved(desk, first)
    square = Square()
    sent(desk, square)
    clear = followed(desk, settings, first, Stage.ALL_CLEAR, CLEAR)
    approved(desk, clear)
    lost = Square(after=raising(RuntimeError("the line broke")))
    assert sent(desk, lost) == ["unknown", "unknown"]
    with database.writing(desk.engine) as session:  # meanwhile the first word is taken down
        for target in session.exec(select(Target).where(Target.post_id == first)):
            target.state = "removed"
            session.add(target)
    looks = claims.claim_look_ups(desk.engine, desk.keys, desk.now + timedelta(minutes=1))
    assert [one.outgoing.reply_to for one in looks] == ["1", "2"]


def test_where_the_first_word_never_went_the_all_clear_stands_alone(desk: Desk, settings: Settings) -> None:
    first = begun(desk, settings)
    approved(desk, first)
    (one, other) = claimed(desk)
    publishing.run(desk.engine, one, Square(), lambda: desk.now)
    publishing.run(desk.engine, other, Square(before=raising(Unavailable("down"))), lambda: desk.now)
    clear = followed(desk, settings, first, Stage.ALL_CLEAR, CLEAR)
    approved(desk, clear)
    assert [made.outgoing.reply_to for made in claimed(desk)] == ["1"]
    with database.writing(desk.engine) as session:
        target = session.get_one(Target, other.target_id)
        target.state = "failed"
        session.add(target)
    (alone,) = claimed(desk, timedelta(seconds=1))
    assert (alone.post_id, alone.account_id, alone.outgoing.reply_to) == (clear, other.account_id, None)


def test_a_hold_stops_it_but_for_a_persons_word_and_a_later_hold_stops_that(desk: Desk, settings: Settings) -> None:
    usual = desk.approved("Coffee.", timedelta())
    with database.writing(desk.engine) as session:
        holds.place(session, desk.officer, "Gas leak", desk.now)
    number = begun(desk, settings)
    approved(desk, number)
    assert claimed(desk) == []
    second = followed(desk, settings, number, Stage.UPDATE, "Update: it smells of gas.")
    with database.writing(desk.engine) as session:  # as if the first had gone before the hold
        for target in session.exec(select(Target).where(Target.post_id == number)):
            target.state, target.remote_id = "published", f"r{target.account_id}"
            session.add(target)
    approved(desk, second, past_hold=True)
    found = claimed(desk)
    assert {one.post_id for one in found} == {second}
    square = Square()
    assert publishing.run(desk.engine, found[0], square, lambda: desk.now) == "published"
    with database.writing(desk.engine) as session:
        holds.lift(session, desk.approver, desk.now)
        holds.place(session, desk.approver, "Wrong street", desk.now)
    assert publishing.run(desk.engine, found[1], square, lambda: desk.now) == "waiting"
    assert (len(square.posts), claimed(desk)) == (1, [])
    with database.reading(desk.engine) as session:
        said = session.exec(select(AuditEntry).where(AuditEntry.action == "post.past_hold")).all()
        assert [(entry.subject, entry.person_id) for entry in said] == [(f"post:{second}", desk.approver)]
    assert desk.post(usual).state == "scheduled"


def test_other_words_are_approved_anew_and_not_once_it_is_approved(desk: Desk, settings: Settings) -> None:
    number = begun(desk, settings)
    with database.writing(desk.engine) as session:
        old = session.get_one(Post, number).content_hash
        drafts.ask_changes(session, number, desk.approver, "Say which end of the street.", desk.now)
        revision = session.get_one(Post, number).revision
        made = urgent.reword(session, number, desk.second, "Avoid north Elm Street.", revision, desk.now, settings)
        assert made.state == "in_review"
        with pytest.raises(WrongState, match="changed since"):
            drafts.approve(session, number, desk.approver, old, desk.now)
        with pytest.raises(NotAllowed):  # who wrote these words does not approve them
            drafts.approve(session, number, desk.second, made.content_hash, desk.now)
    approved(desk, number)
    with database.writing(desk.engine) as session, pytest.raises(WrongState, match="approved already"):
        urgent.reword(session, number, desk.officer, "No.", 3, desk.now, settings)


@pytest.mark.parametrize("message", ["", "Update: ", "x" * 1001])
def test_nothing_follows_without_words_or_before_the_first_is_approved(
    desk: Desk, settings: Settings, message: str
) -> None:
    first = begun(desk, settings)
    with pytest.raises(WrongState, match="not out yet"):
        followed(desk, settings, first, Stage.UPDATE, "Update: more.")
    approved(desk, first)
    with pytest.raises(WrongState):
        followed(desk, settings, first, Stage.UPDATE, message)


def test_a_thread_is_over_with_its_all_clear(desk: Desk, settings: Settings) -> None:
    first, square = begun(desk, settings), Square()
    another = begun(desk, settings)
    with database.reading(desk.engine) as session:
        assert [one.first.id for one in urgent.threads(session)] == [another, first]
    approved(desk, another)
    sent(desk, square)
    clear = followed(desk, settings, another, Stage.ALL_CLEAR, CLEAR)
    with database.reading(desk.engine) as session:
        thread = urgent.thread(session, clear)
        assert thread is not None
        assert ([post.id for post in thread.posts], thread.over) == ([another, clear], False)
        assert (thread.waiting.id if thread.waiting else None) == clear
    approved(desk, clear)
    sent(desk, square)
    with database.reading(desk.engine) as session:
        assert [(one.first.id, one.over) for one in urgent.threads(session)] == [(first, False), (another, True)]


def test_everyone_whose_word_it_needs_is_asked(desk: Desk, settings: Settings) -> None:
    number = begun(desk, settings)
    with database.reading(desk.engine) as session:
        everybody = [desk.officer, desk.approver, desk.second]
        assert urgent.asked(session, session.get_one(Post, number), everybody) == [desk.approver, desk.second]
