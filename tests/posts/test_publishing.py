"""Sending: on time, exactly once whatever the network answers, and what becomes of what cannot be told."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from config import database, holds
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry, Person
from networks import accounts, practice
from networks.network import OutcomeUnknown, Outgoing, RateLimited, Receipt, Rejected, SignInExpired, Unavailable
from networks.tables import Account
from posts import claims, decide, drafts, lapsing, publishing, queue, takedown
from posts.claims import LEASE, PREPARING, Claim
from posts.publishing import Outcome
from posts.tables import Attempt, Post
from posts.workflow import TargetState, WrongState
from tests.posts.conftest import Desk, set_up
from tests.posts.square import Blind, Remembering, Square, raising

LATE = timedelta(hours=2)
HOUR = timedelta(hours=1)


def publish(desk: Desk, square: Square, at: datetime) -> list[TargetState]:
    """What a tick and its pools do at that time: look-ups and calls, one after the other."""
    claims.recover(desk.engine, at)
    taken = [*claims.claim(desk.engine, desk.keys, at), *claims.claim_look_ups(desk.engine, desk.keys, at)]
    return [publishing.run(desk.engine, claim, square, lambda: at) for claim in taken]


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


def test_what_became_missed_since_a_moment_is_found_by_when_it_did_and_not_by_when_it_was_due(desk: Desk) -> None:
    early, late, moved = (desk.approved(f"Coffee {number}.", timedelta(minutes=number)) for number in (1, 2, 3))
    with database.writing(desk.engine) as session:
        lapsing.lapse(session, desk.now + timedelta(minutes=1) + LATE, LATE)
        lapsing.lapse(session, desk.now + 3 * HOUR, LATE)
        drafts.schedule(session, moved, desk.officer, (desk.now + 9 * HOUR).replace(tzinfo=None), "UTC", desk.now)
        found = queue.missed_since(session, desk.now + 3 * HOUR)
    assert (desk.post(early).state, [row.post_id for row in found]) == ("missed", [late])


def test_what_became_too_late_for_a_removed_account_says_so(desk: Desk) -> None:
    number = desk.approved()
    with database.writing(desk.engine) as session:
        accounts.disconnect(session, desk.accounts[0], desk.now)
        lapsing.lapse(session, desk.now + 3 * HOUR, LATE)
    assert [one.last_error for one in desk.targets(number)] == [
        "too late to be sent; the account was removed", "too late to be sent; it was not begun",
    ]  # fmt: skip


def test_two_claimers_never_get_the_same_target(desk: Desk) -> None:
    desk.approved()
    first = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    assert (len(first), claims.claim(desk.engine, desk.keys, desk.now + HOUR)) == (2, [])


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
    for minutes in (1, 2, 3):
        publish(desk, square, desk.now + HOUR + timedelta(minutes=minutes))
    assert ({post.key for post in square.posts}, len(square.posts)) == (keys, 2)
    assert states(desk, number) == ["published"] * 2


def test_a_death_after_the_claim_is_looked_up_when_the_lease_is_over(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    taken = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    square.publish(taken[0].outgoing)  # sent, and then the process died before writing the receipt
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


def test_what_a_person_sends_again_is_not_too_late_by_its_old_time(desk: Desk) -> None:
    number, later = desk.approved(), desk.now + 4 * HOUR
    square = Square(before=raising(OutcomeUnknown("cut off")), can_look_up=False)
    publish(desk, square, desk.now + HOUR)
    square.before = lambda: None
    with database.writing(desk.engine) as session:
        for target in desk.targets(number):
            decide.decide(session, target.id or 0, desk.officer, "send_again", later)
        assert lapsing.lapse(session, later, LATE) == []
    publish(desk, square, later)
    assert (len(square.posts), states(desk, number)) == (2, ["published"] * 2)


def test_a_look_up_that_must_wait_or_is_signed_out_proves_nothing(desk: Desk) -> None:
    number, square = desk.approved(), Square(after=raising(OutcomeUnknown("the reply was lost")))
    publish(desk, square, desk.now + HOUR)
    one, other = claims.claim_look_ups(desk.engine, desk.keys, desk.now + HOUR + timedelta(minutes=1))
    moment, until = desk.now + HOUR + timedelta(minutes=1), desk.now + 2 * HOUR
    publishing.run(desk.engine, one, Blind(RateLimited(until)), lambda: moment)
    publishing.run(desk.engine, other, Blind(SignInExpired("token revoked")), lambda: moment)
    first, second = desk.targets(number)
    assert (first.state, first.next_try_at, second.state) == ("unknown", until, "unknown")
    with database.reading(desk.engine) as session:
        assert session.get_one(Account, second.account_id).state == "signed_out"
    publish(desk, square, until)
    assert (len(square.posts), states(desk, number)) == (2, ["published", "unknown"])


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
    for step in range(1, 13):
        publish(desk, square, desk.now + HOUR + step * timedelta(minutes=10))
    assert states(desk, number) == ["retry"] * 2
    with database.writing(desk.engine) as session:
        (lapsed,) = lapsing.lapse(session, desk.now + HOUR + LATE + timedelta(seconds=1), LATE)
    assert lapsed.reason == ("it became too late to send it (Riverton PD: no route; Riverton PD en español: no route)")
    assert (desk.post(number).state, square.posts) == ("missed", [])


def test_a_refusal_of_one_network_leaves_the_other_alone(desk: Desk) -> None:
    number, good, bad = desk.approved(), Square(), Square(before=raising(Rejected("the text is too long")))
    for claim in claims.claim(desk.engine, desk.keys, desk.now + HOUR):
        square = bad if claim.account_id == desk.accounts[0] else good
        publishing.run(desk.engine, claim, square, lambda: desk.now + HOUR)
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
    taken = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    with database.writing(desk.engine) as session:
        holds.place(session, desk.officer, "An officer was hurt.", desk.now + HOUR)
    for claim in taken:
        publishing.run(desk.engine, claim, square, lambda: desk.now + HOUR)
    assert publish(desk, square, desk.now + HOUR) == []
    assert (square.posts, states(desk, number)) == ([], ["waiting"] * 2)
    with database.writing(desk.engine) as session:
        holds.lift(session, desk.approver, desk.now + HOUR)
    publish(desk, square, desk.now + HOUR + timedelta(minutes=5))
    assert states(desk, number) == ["published"] * 2


def test_a_claim_that_waited_too_long_is_given_back_without_a_call(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    for claim in claims.claim(desk.engine, desk.keys, desk.now + HOUR):
        publishing.run(desk.engine, claim, square, lambda: desk.now + HOUR + LEASE)
    assert (square.posts, states(desk, number)) == ([], ["waiting"] * 2)


def test_a_receipt_that_comes_late_is_still_the_truth(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    taken = claims.claim(desk.engine, desk.keys, desk.now + HOUR)

    def slow() -> None:
        claims.recover(desk.engine, desk.now + HOUR + LEASE)

    square.before = slow
    publishing.run(desk.engine, taken[0], square, lambda: desk.now + HOUR)
    assert states(desk, number) == ["published", "unknown"]


def test_a_receipt_that_comes_after_the_look_up_stops_another_try(desk: Desk) -> None:
    """The network showed the post only after it had been asked for it, and the reply took longer than the lease."""
    number, square = desk.approved(), Square()

    def outlast_the_lease() -> None:
        square.before = lambda: None
        publish(desk, Square(), desk.now + HOUR + LEASE)  # recovered, looked up on a network that does not show it

    square.before = outlast_the_lease
    first, second = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    publishing.run(desk.engine, first, square, lambda: desk.now + HOUR)
    assert states(desk, number) == ["published", "retry"]
    assert publishing.run(desk.engine, second, square, lambda: desk.now + HOUR) is TargetState.RETRY
    assert [post.key for post in square.posts] == [desk.targets(number)[0].key]


def test_an_old_claim_makes_no_call_once_another_has_the_target_even_if_the_clock_went_back(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    old = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    publish(desk, square, desk.now + HOUR + LEASE)  # recovered and looked up: absent
    new = claims.claim(desk.engine, desk.keys, desk.now + HOUR + LEASE)
    for claim in [*old, *new, *old]:
        publishing.run(desk.engine, claim, square, lambda: desk.now + HOUR)
    assert (len(square.posts), states(desk, number)) == (2, ["published"] * 2)


def test_a_call_whose_preparing_outlasts_its_lease_sends_nothing_once_another_sent_it(desk: Desk) -> None:
    number, square = desk.approved(), Square()

    def outlast_the_lease() -> None:
        square.preparing = lambda: None
        publish(desk, square, desk.now + HOUR + LEASE)  # recovered and looked up: absent
        publish(desk, square, desk.now + HOUR + LEASE + timedelta(seconds=1))

    square.preparing = outlast_the_lease
    first, _ = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    publishing.run(desk.engine, first, square, lambda: desk.now + HOUR)  # even if its clock stood still
    assert (len({post.key for post in square.posts}), len(square.posts)) == (2, 2)
    assert states(desk, number) == ["published"] * 2


def test_a_call_whose_preparing_outlasts_its_lease_never_says_words_that_were_cancelled(desk: Desk) -> None:
    number, square = desk.approved(), Square()

    def cancelled_meanwhile() -> None:
        square.preparing = lambda: None
        publish(desk, Square(), desk.now + HOUR + LEASE)
        with database.writing(desk.engine) as session:
            drafts.cancel(session, number, desk.officer, desk.now + HOUR + LEASE)

    square.preparing = cancelled_meanwhile
    first, _ = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    publishing.run(desk.engine, first, square, lambda: desk.now + HOUR)
    assert (square.posts, desk.post(number).state) == ([], "cancelled")


def test_a_post_that_took_too_long_to_prepare_is_not_sent_then_but_tried_again(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    moments = [desk.now + HOUR]
    square.preparing = lambda: moments.append(desk.now + HOUR + PREPARING)
    for claim in claims.claim(desk.engine, desk.keys, desk.now + HOUR):
        del moments[1:]
        publishing.run(desk.engine, claim, square, lambda: moments[-1])
    assert (square.posts, states(desk, number)) == ([], ["retry"] * 2)
    assert "took too long" in (desk.targets(number)[0].last_error or "")


def test_what_was_made_for_a_lapsed_claim_is_not_kept_in_the_place_of_another_attempts(desk: Desk) -> None:
    """Else a call that lost its claim would have its own container published, beside the next attempt's."""
    number, square = desk.approved(), Square()
    publisher = Remembering(lambda: publish(desk, square, desk.now + HOUR + LEASE))
    first, _ = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    publishing.run(desk.engine, first, publisher, lambda: desk.now + HOUR)
    assert (publisher.posts, desk.targets(number)[0].memory) == ([], None)


@pytest.mark.parametrize("sent", [True, False])
def test_absence_is_not_believed_while_the_call_may_still_be_under_way(desk: Desk, sent: bool) -> None:
    number, square = desk.approved(), Square(before=raising(OutcomeUnknown("no answer for a while")))
    publish(desk, square, desk.now + HOUR)
    publish(desk, square, desk.now + HOUR + timedelta(minutes=1))
    assert (states(desk, number), square.posts) == (["unknown"] * 2, [])
    if sent:  # what was on its way arrives
        square.posts += [Outgoing(target.key, target.text) for target in desk.targets(number)]
    assert publish(desk, square, desk.now + HOUR + LEASE - timedelta(seconds=1)) == []
    publish(desk, square, desk.now + HOUR + LEASE)
    assert states(desk, number) == ["published" if sent else "retry"] * 2


def told(desk: Desk, claim: Claim, receipt: Receipt) -> None:
    """A call of this claim came back with that receipt, whenever."""
    outcome = Outcome(claim, TargetState.PUBLISHED, "published", "", desk.now + 2 * HOUR, receipt=receipt)
    publishing.record(desk.engine, [outcome])


def second_receipts(desk: Desk) -> list[dict[str, object]]:
    with database.reading(desk.engine) as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "target.second_receipt")).all()
    return [entry.detail for entry in entries]


def test_a_receipt_for_a_second_post_is_kept_beside_the_first(desk: Desk) -> None:
    """However it came to that: the other is on the network, and only a person can take it down."""
    number = desk.approved()
    claim, _ = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    for remote_id in ("7", "7", "8"):
        told(desk, claim, Receipt(remote_id, f"https://square.example/{remote_id}", desk.now + HOUR))
    target = desk.targets(number)[0]
    assert (target.state, target.remote_url) == ("published", "https://square.example/7")
    assert second_receipts(desk) == [
        {"target": target.id, "account": claim.account_id, "remote_id": "8", "url": "https://square.example/8"}
    ]
    with database.reading(desk.engine) as session:
        attempt = session.get_one(Attempt, claim.attempt_id)
    assert (attempt.outcome, attempt.detail) == ("second_receipt", "https://square.example/8")


def test_a_receipt_after_a_person_said_that_it_is_there_gives_it_its_address(desk: Desk) -> None:
    number = desk.approved()
    claim, _ = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    claims.recover(desk.engine, desk.now + HOUR + LEASE)
    with database.writing(desk.engine) as session:
        decide.decide(session, claim.target_id, desk.officer, "it_is_there", desk.now + 2 * HOUR)
    told(desk, claim, Receipt("7", "https://square.example/7", desk.now + HOUR))
    target = desk.targets(number)[0]
    assert (target.state, target.remote_id, second_receipts(desk)) == ("published", "7", [])


def test_a_late_receipt_of_what_was_taken_down_since_does_not_bring_it_back(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    claim, _ = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    publishing.run(desk.engine, claim, square, lambda: desk.now + HOUR)
    with database.writing(desk.engine) as session:
        takedown.ask(session, claim.target_id, desk.officer, desk.now + HOUR)
    for removing in takedown.claim(desk.engine, desk.now + HOUR):
        takedown.run(desk.engine, removing, square, lambda: desk.now + HOUR)
    told(desk, claim, Receipt("1", None, desk.now + HOUR))
    assert (desk.targets(number)[0].state, second_receipts(desk)) == ("removed", [])


def test_an_answer_to_what_cannot_be_read_fails_and_the_others_go_out(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    with database.writing(desk.engine) as session:
        broken = desk.targets(number)[0]
        broken.reply_to = b"sealed with a lost key"
        session.add(broken)
    publish(desk, square, desk.now + HOUR)
    assert (len(square.posts), states(desk, number)) == (1, ["failed", "published"])


def test_what_is_being_tried_again_can_be_moved_with_its_key_and_its_attempts(desk: Desk) -> None:
    number = desk.approved()
    publish(desk, Square(before=raising(Unavailable("no route"))), desk.now + HOUR)
    before, later = desk.targets(number), desk.now + 5 * HOUR
    with database.writing(desk.engine) as session:
        drafts.schedule(session, number, desk.officer, later.replace(tzinfo=None), "UTC", desk.now + HOUR)
    after = desk.targets(number)
    assert [(target.key, target.attempts, target.due_at) for target in after] == [
        (target.key, 1, later) for target in before
    ]


def test_what_is_being_tried_again_can_be_cancelled_and_the_audit_log_keeps_the_attempts(desk: Desk) -> None:
    number, square = desk.approved(), Square(before=raising(Unavailable("no route")))
    publish(desk, square, desk.now + HOUR)
    square.before = lambda: None
    with database.writing(desk.engine) as session:
        drafts.cancel(session, number, desk.officer, desk.now + HOUR)
    publish(desk, square, desk.now + 2 * HOUR)
    with database.reading(desk.engine) as session:
        kept = session.exec(select(AuditEntry).where(AuditEntry.action == "target.attempt")).all()
    assert [(entry.subject, entry.detail["outcome"]) for entry in kept] == [(f"post:{number}", "unavailable")] * 2
    assert (desk.post(number).state, square.posts) == ("cancelled", [])


def test_a_post_not_approved_at_its_time_is_missed_and_its_author_named(desk: Desk) -> None:
    number = desk.handed_in()
    with database.writing(desk.engine) as session:
        (lapsed,) = lapsing.lapse(session, desk.now + HOUR, LATE)
        assert lapsing.lapse(session, desk.now + HOUR, LATE) == []
    assert (lapsed.post_id, lapsed.author_id, desk.post(number).state) == (number, desk.officer, "missed")


def test_a_post_sent_back_and_not_handed_in_again_is_missed_until_it_has_another_time(desk: Desk) -> None:
    number = desk.handed_in()
    with database.writing(desk.engine) as session:
        drafts.ask_changes(session, number, desk.approver, "Say where.", desk.now)
        assert [found.post_id for found in lapsing.lapse(session, desk.now + HOUR, LATE)] == [number]
    with database.writing(desk.engine) as session:
        drafts.save(
            session, number, desk.officer, 1, message="Coffee at the library.", title="", category="general",
            language="en", concern=None, wordings=dict.fromkeys(desk.accounts), now=desk.now + HOUR,
        )  # fmt: skip
        assert lapsing.lapse(session, desk.now + HOUR, LATE) == []
    assert desk.post(number).state == "missed"
    with database.writing(desk.engine) as session:
        wall = (desk.now + 3 * HOUR).replace(tzinfo=None)
        drafts.schedule(session, number, desk.officer, wall, "UTC", desk.now + HOUR)
    assert desk.post(number).state == "draft"


def test_a_post_too_late_is_missed_and_never_a_surprise_at_night(desk: Desk) -> None:
    number, square = desk.approved(), Square()
    late = desk.now + HOUR + LATE + timedelta(seconds=1)
    with database.writing(desk.engine) as session:
        assert [found.post_id for found in lapsing.lapse(session, late, LATE)] == [number]
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
    claims.claim(desk.engine, desk.keys, desk.now + HOUR)
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
    for claim in claims.claim(desk.engine, desk.keys, desk.now + HOUR):
        if claim.account_id == account.id:
            publishing.run(desk.engine, claim, publisher, lambda: desk.now + HOUR)
    with database.reading(desk.engine) as session:
        board = [(post.account_id, post.text) for post in practice.board(session)]
    assert board == [(account.id, "Coffee with officers at nine.")]
    assert states(desk, number) == ["published", "publishing"]


def test_a_receipt_and_a_cancellation_at_once_wait_for_each_other_in_turn(
    postgres_engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person]
) -> None:
    """Both lock the post before its targets; the other way round PostgreSQL would end one of them as a deadlock."""
    desk = set_up(postgres_engine, keys, now, person)
    number, square = desk.approved(), Square()
    claim, _ = claims.claim(desk.engine, desk.keys, desk.now + HOUR)
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with ThreadPoolExecutor(1) as pool:
        with database.writing(desk.engine) as session:
            session.exec(select(Post).where(Post.id == number).with_for_update()).one()
            receipt = pool.submit(publishing.run, desk.engine, claim, square, lambda: desk.now + HOUR)
            with desk.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
                while not watching.execute(waiting).scalar_one() and not receipt.done():
                    time.sleep(0.01)
            with pytest.raises(WrongState):
                drafts.cancel(session, number, desk.officer, desk.now + HOUR)
        assert receipt.result() is TargetState.PUBLISHED
    assert states(desk, number) == ["published", "publishing"]
