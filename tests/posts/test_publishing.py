from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from config import database, holds
from config.settings import Settings
from networks import accounts, practice
from networks.network import OutcomeUnknown, RateLimited, Rejected, SignInExpired, Unavailable
from networks.tables import Account
from posts import decide, drafts, publishing
from posts.publishing import LEASE
from posts.tables import Attempt
from posts.workflow import TargetState, WrongState
from tests.posts.conftest import Desk
from tests.posts.square import Square, raising

LATE = timedelta(hours=2)
HOUR = timedelta(hours=1)


def publish(desk: Desk, square: Square, at: datetime) -> list[TargetState]:
    """What a tick and its pools do at that time: look-ups and calls, one after the other."""
    publishing.recover(desk.engine, at)
    claims = [*publishing.claim(desk.engine, desk.keys, at), *publishing.claim_look_ups(desk.engine, desk.keys, at)]
    return [publishing.run(desk.engine, claim, square, lambda: at, LATE) for claim in claims]


def states(desk: Desk, number: int) -> list[str]:
    return [target.state for target in desk.targets(number)]


def test_a_due_post_goes_out_once_to_each_account_with_the_approved_words(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    assert publish(desk, square, desk.now + HOUR - timedelta(seconds=1)) == []
    publish(desk, square, desk.now + HOUR)
    publish(desk, square, desk.now + 2 * HOUR)
    assert [post.text for post in square.posts] == ["Coffee with officers at nine."] * 2
    assert (desk.post(number).state, states(desk, number)) == ("published", ["published"] * 2)
    assert [target.remote_url for target in desk.targets(number)] == [
        "https://square.example/1",
        "https://square.example/2",
    ]


def test_the_attempt_is_committed_before_the_call(desk: Desk) -> None:
    seen: list[tuple[str, str | None]] = []

    def look() -> None:
        with database.reading(desk.engine) as session:
            attempts = session.exec(select(Attempt)).all()
            seen.extend((attempt.kind, attempt.outcome) for attempt in attempts)

    desk.approved()
    publish(desk, Square(before=look), desk.now + HOUR)
    assert seen[0] == ("publish", None)


def test_two_claimers_never_get_the_same_target(desk: Desk) -> None:
    desk.approved()
    first = publishing.claim(desk.engine, desk.keys, desk.now + HOUR)
    assert (len(first), publishing.claim(desk.engine, desk.keys, desk.now + HOUR)) == (2, [])


def test_a_lost_reply_is_looked_up_and_not_sent_again(desk: Desk) -> None:
    number, square = desk.approved(), Square(after=raising(OutcomeUnknown("the reply was lost")))
    assert publish(desk, square, desk.now + HOUR) == [TargetState.UNKNOWN] * 2
    square.after = lambda: None
    publish(desk, square, desk.now + HOUR + timedelta(minutes=1))
    assert (len(square.posts), states(desk, number)) == (2, ["published"] * 2)


def test_an_error_nobody_foresaw_counts_as_unknown(desk: Desk) -> None:
    number = desk.approved()
    publish(desk, Square(after=raising(KeyError("surprise"))), desk.now + HOUR)
    assert states(desk, number) == ["unknown"] * 2


def test_what_is_proven_absent_is_sent_again_with_the_same_key(desk: Desk) -> None:
    number, square = desk.approved(), Square(before=raising(OutcomeUnknown("cut off on the way")))
    publish(desk, square, desk.now + HOUR)
    keys = {target.key for target in desk.targets(number)}
    square.before = lambda: None
    for minutes in (1, 2):
        publish(desk, square, desk.now + HOUR + timedelta(minutes=minutes))
    assert ({post.key for post in square.posts}, len(square.posts)) == (keys, 2)
    assert states(desk, number) == ["published"] * 2


def test_a_death_after_the_claim_is_looked_up_when_the_lease_is_over(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    claims = publishing.claim(desk.engine, desk.keys, desk.now + HOUR)
    square.publish(claims[0].outgoing)  # sent, and then the process died before writing the receipt
    publish(desk, square, desk.now + HOUR + LEASE - timedelta(seconds=1))
    assert states(desk, number) == ["publishing"] * 2
    for minutes in (3, 4, 5):
        publish(desk, square, desk.now + HOUR + timedelta(minutes=minutes))
    assert (len(square.posts), states(desk, number)) == (2, ["published"] * 2)


def test_where_the_network_cannot_tell_a_person_decides(desk: Desk) -> None:
    number = desk.approved()
    square = Square(after=raising(OutcomeUnknown("the reply was lost")), can_look_up=False)
    for minutes in (0, 5, 30, 60):
        publish(desk, square, desk.now + HOUR + timedelta(minutes=minutes))
    assert (len(square.posts), states(desk, number)) == (2, ["unknown"] * 2)
    one, other = desk.targets(number)
    with database.writing(desk.engine) as session:
        decide.decide(session, one.id or 0, desk.officer, "it_is_there", desk.now + 3 * HOUR)
        decide.decide(session, other.id or 0, desk.officer, "leave_it", desk.now + 3 * HOUR)
    assert (desk.post(number).state, len(square.posts)) == ("partly_published", 2)
    with pytest.raises(WrongState), database.writing(desk.engine) as session:
        decide.decide(session, one.id or 0, desk.officer, "send_again", desk.now + 3 * HOUR)


def test_a_limit_waits_for_the_networks_own_time(desk: Desk) -> None:
    later = desk.now + HOUR + timedelta(minutes=15)
    number, square = desk.approved(), Square(before=raising(RateLimited(later)))
    publish(desk, square, desk.now + HOUR)
    square.before = lambda: None
    assert publish(desk, square, later - timedelta(seconds=1)) == []
    publish(desk, square, later)
    assert states(desk, number) == ["published"] * 2


def test_an_unreachable_network_is_tried_again_later_and_not_for_ever(desk: Desk) -> None:
    number, square = desk.approved(), Square(before=raising(Unavailable("no route")))
    publish(desk, square, desk.now + HOUR)
    assert publish(desk, square, desk.now + HOUR + timedelta(seconds=1)) == []
    for step in range(1, 12):
        publish(desk, square, desk.now + HOUR + step * timedelta(minutes=10))
    assert (desk.post(number).state, square.posts) == ("failed", [])
    assert all(target.attempts == publishing.TRIES for target in desk.targets(number))


def test_a_refusal_of_one_network_leaves_the_other_alone(desk: Desk) -> None:
    number, good, bad = desk.approved(), Square(), Square(before=raising(Rejected("the text is too long")))
    for claim in publishing.claim(desk.engine, desk.keys, desk.now + HOUR):
        square = bad if claim.account_id == desk.accounts[0] else good
        publishing.run(desk.engine, claim, square, lambda: desk.now + HOUR, LATE)
    assert [(target.state, target.last_error) for target in desk.targets(number)] == [
        ("failed", "the text is too long"),
        ("published", None),
    ]
    assert desk.post(number).state == "partly_published"


def test_a_sign_in_that_ended_marks_the_account_and_holds_its_posts(desk: Desk) -> None:
    number, square = desk.approved(), Square(before=raising(SignInExpired("token revoked")))
    publish(desk, square, desk.now + HOUR)
    assert publish(desk, Square(), desk.now + HOUR) == []
    assert states(desk, number) == ["waiting"] * 2
    with database.writing(desk.engine) as session:
        for account_id in desk.accounts:
            account = session.get_one(Account, account_id)
            assert (account.state, account.state_reason) == ("signed_out", "token revoked")
            account.state = "connected"
            session.add(account)
    publish(desk, Square(), desk.now + HOUR + timedelta(minutes=1))
    assert states(desk, number) == ["published"] * 2


def test_a_hold_stops_claims_and_calls_that_have_not_begun(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    claims = publishing.claim(desk.engine, desk.keys, desk.now + HOUR)
    with database.writing(desk.engine) as session:
        holds.place(session, desk.officer, "An officer was hurt.", desk.now + HOUR)
    for claim in claims:
        publishing.run(desk.engine, claim, square, lambda: desk.now + HOUR, LATE)
    assert publish(desk, square, desk.now + HOUR) == []
    assert (square.posts, states(desk, number)) == ([], ["waiting"] * 2)
    with database.writing(desk.engine) as session:
        holds.lift(session, desk.approver, desk.now + HOUR)
    publish(desk, square, desk.now + HOUR + timedelta(minutes=5))
    assert states(desk, number) == ["published"] * 2


def test_a_claim_that_waited_too_long_is_given_back_without_a_call(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    for claim in publishing.claim(desk.engine, desk.keys, desk.now + HOUR):
        publishing.run(desk.engine, claim, square, lambda: desk.now + HOUR + LEASE, LATE)
    assert (square.posts, states(desk, number)) == ([], ["waiting"] * 2)


def test_a_receipt_that_comes_late_is_still_the_truth(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    claims = publishing.claim(desk.engine, desk.keys, desk.now + HOUR)

    def slow() -> None:
        publishing.recover(desk.engine, desk.now + HOUR + LEASE)

    square.before = slow
    for claim in claims:
        publishing.run(desk.engine, claim, square, lambda: desk.now + HOUR, LATE)
    assert states(desk, number) == ["published"] * 2


def test_a_post_not_approved_at_its_time_is_missed_and_its_author_named(desk: Desk) -> None:
    number = desk.handed_in()
    with database.writing(desk.engine) as session:
        (lapsed,) = publishing.lapse(session, desk.now + HOUR, LATE)
        assert publishing.lapse(session, desk.now + HOUR, LATE) == []
    assert (lapsed.post_id, lapsed.author_id, desk.post(number).state) == (number, desk.officer, "missed")


def test_a_post_too_late_is_missed_and_never_a_surprise_at_night(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    late = desk.now + HOUR + LATE + timedelta(seconds=1)
    with database.writing(desk.engine) as session:
        assert [found.post_id for found in publishing.lapse(session, late, LATE)] == [number]
    assert (publish(desk, square, late), square.posts) == ([], [])
    assert desk.post(number).state == "missed"


def test_a_target_whose_words_were_never_approved_is_not_sent(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    with database.writing(desk.engine) as session:
        for target in desk.targets(number):
            target.content_hash = "something else"
            session.add(target)
    assert (publish(desk, square, desk.now + HOUR), square.posts) == ([], [])
    assert states(desk, number) == ["cancelled"] * 2


def test_what_is_on_its_way_cannot_be_changed_moved_or_cancelled(desk: Desk) -> None:
    number = desk.approved()
    publishing.claim(desk.engine, desk.keys, desk.now + HOUR)
    changes: tuple[Callable[[Session], object], ...] = (
        lambda session: drafts.cancel(session, number, desk.officer, desk.now),
        lambda session: drafts.schedule(session, number, desk.officer, datetime(2026, 12, 1), "UTC", desk.now),  # noqa: DTZ001
        lambda session: drafts.withdraw(session, number, desk.officer, desk.now),
        lambda session: drafts.save(
            session, number, desk.officer, 1, message="Other.", title="", category="general", language="en",
            concern=None, wordings=dict.fromkeys(desk.accounts), now=desk.now,
        ),
    )  # fmt: skip
    for change in changes:
        with pytest.raises(WrongState), database.writing(desk.engine) as session:
            change(session)
    assert states(desk, number) == ["publishing"] * 2


def test_an_answer_carries_what_it_answers(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    with database.writing(desk.engine) as session:
        for target in desk.targets(number):
            target.reply_to = desk.keys.seal('["at://resident/1", null]')
            session.add(target)
    publish(desk, square, desk.now + HOUR)
    assert [post.reply_to for post in square.posts] == ["at://resident/1"] * 2


def test_the_practice_board_takes_it_too(desk: Desk, settings: Settings) -> None:
    number = desk.approved()
    with database.reading(desk.engine) as session:
        account = session.get_one(Account, desk.accounts[0])
    publisher = accounts.publisher(desk.engine, account, desk.keys, settings)
    for claim in publishing.claim(desk.engine, desk.keys, desk.now + HOUR):
        if claim.account_id == account.id:
            publishing.run(desk.engine, claim, publisher, lambda: desk.now + HOUR, LATE)
    with database.reading(desk.engine) as session:
        board = [(post.account_id, post.text) for post in practice.board(session)]
    assert board == [(account.id, "Coffee with officers at nine.")]
    assert states(desk, number) == ["published", "publishing"]
