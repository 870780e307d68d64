"""What was published by mistake is taken down on the network, and stays in the record."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from config import database
from config.tables import AuditEntry
from networks.network import OutcomeUnknown, Rejected, SignInExpired
from networks.tables import Account
from posts import takedown
from posts.workflow import TargetState, WrongState
from tests.posts.conftest import Desk
from tests.posts.square import Square, raising
from tests.posts.test_publishing import HOUR, publish


def take_down(desk: Desk, square: Square, at: datetime) -> list[TargetState]:
    return [takedown.run(desk.engine, claim, square, lambda: at) for claim in takedown.claim(desk.engine, at)]


def published(desk: Desk, square: Square) -> tuple[int, int]:
    """A post that is out, and the target of it that somebody asks to take down."""
    number = desk.approved()
    publish(desk, square, desk.now + HOUR)
    target = desk.targets(number)[0].id or 0
    with database.writing(desk.engine) as session:
        takedown.ask(session, target, desk.officer, desk.now + HOUR)
    return number, target


def test_it_is_deleted_there_and_kept_here(desk: Desk) -> None:
    square = Square()
    number, _ = published(desk, square)
    assert take_down(desk, square, desk.now + HOUR) == [TargetState.REMOVED]
    assert take_down(desk, square, desk.now + 2 * HOUR) == []
    one, other = desk.targets(number)
    assert (square.removed, one.state, other.state) == ([one.remote_id], "removed", "published")
    assert (one.text, desk.post(number).state) == ("Coffee with officers at nine.", "published")
    with database.reading(desk.engine) as session:
        acts = [entry.action for entry in session.exec(select(AuditEntry)) if entry.action.startswith("target.")]
    assert acts == ["target.published", "target.published", "target.take_down", "target.removed"]


def test_a_lost_reply_is_tried_again_until_it_is_gone(desk: Desk) -> None:
    square = Square()
    number, _ = published(desk, square)
    square.after = raising(OutcomeUnknown("the reply was lost"))
    assert take_down(desk, square, desk.now + HOUR) == [TargetState.PUBLISHED]
    square.after = lambda: None
    assert take_down(desk, square, desk.now + HOUR + timedelta(seconds=5)) == []
    assert take_down(desk, square, desk.now + HOUR + timedelta(minutes=1)) == [TargetState.REMOVED]
    assert desk.targets(number)[0].state == "removed"


def test_signed_out_it_waits_for_the_account(desk: Desk) -> None:
    square = Square()
    number, _ = published(desk, square)
    square.before = raising(SignInExpired("who are you?"))
    take_down(desk, square, desk.now + HOUR)
    square.before = lambda: None
    assert take_down(desk, square, desk.now + 2 * HOUR) == []
    with database.writing(desk.engine) as session:
        account = session.get_one(Account, desk.targets(number)[0].account_id)
        assert account.state == "signed_out"
        account.state = "connected"
        session.add(account)
    assert take_down(desk, square, desk.now + 2 * HOUR) == [TargetState.REMOVED]


def test_what_the_network_refuses_says_so_and_is_not_asked_for_ever(desk: Desk) -> None:
    square = Square()
    number, _ = published(desk, square)
    square.before = raising(Rejected("not yours"))
    take_down(desk, square, desk.now + HOUR)
    target = desk.targets(number)[0]
    assert (target.state, target.last_error) == ("published", "could not be taken down: not yours")
    assert take_down(desk, square, desk.now + 9 * HOUR) == []


def test_only_what_is_out_can_be_taken_down(desk: Desk) -> None:
    target = desk.targets(desk.approved())[0].id or 0
    with pytest.raises(WrongState), database.writing(desk.engine) as session:
        takedown.ask(session, target, desk.officer, desk.now)
