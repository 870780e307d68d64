"""The page that lifts a hold: what it shows of what became too late meanwhile, and what it says of what waits."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from config import clock, database, holds
from config.permissions import Role
from config.secrets import Keys
from config.tables import Person
from networks.network import Outgoing, Receipt, Unavailable
from posts import categories, claims, lapsing
from posts.categories import Step
from tests.posts.conftest import Desk, set_up
from tests.posts.square import Square
from tests.posts.test_publishing import HOUR, LATE, publish
from tests.web.browsing import Browser, send


@pytest.fixture
def desk(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime, person: Callable[..., Person]) -> Desk:
    return set_up(sqlite_engine, keys, at_eight, person)


@pytest.fixture
def luc(browser_of: Callable[..., Browser], desk: Desk) -> Browser:
    return browser_of("Lucas Moreau", Role.APPROVER)


class Slow(Square):
    """Says a thread's first part, and cannot be reached for anything else."""

    def publish(self, outgoing: Outgoing) -> Receipt:
        if outgoing.text != "First word.":
            raise Unavailable("503")
        return super().publish(outgoing)


def hold(desk: Desk, at: datetime) -> None:
    with database.writing(desk.engine) as session:
        holds.place(session, desk.officer, "Crash on Route 9", at)


def test_what_was_due_before_the_hold_and_not_out_yet_is_shown_once_it_is_too_late(desk: Desk, luc: Browser) -> None:
    again, half = desk.approved("Coffee at nine."), desk.approved("First word.\n---\nWhat we know.")
    before = desk.approved("Out of time before.", timedelta(minutes=1))
    with database.writing(desk.engine) as session:
        lapsing.lapse(session, desk.now + HOUR - timedelta(minutes=1), timedelta(minutes=30))
    publish(desk, Slow(), desk.now + HOUR)
    hold(desk, desk.now + HOUR + timedelta(seconds=20))
    later = desk.now + 4 * HOUR
    with database.writing(desk.engine) as session:
        lapsing.lapse(session, later, LATE)
    with clock.at(later):
        page = luc.get("/hold").text
        assert desk.post(before).state == "missed"
        assert [f'href="/posts/{number}"' in page for number in (again, half, before)] == [True, True, False]
        assert [f'name="post_{number}"' in page for number in (again, half)] == [True, False]
        assert "does not follow: say it in a new post" in page
        moved = {f"post_{again}": "move", f"day_{again}": "2026-11-25", f"hour_{again}": "11:00"}
        assert send(luc, "/hold/lift", page="/hold", **moved).status_code == 303
    assert (desk.post(again).state, desk.post(half).state) == ("draft", "partly_published")


def test_a_post_that_was_dropped_and_was_missed_meanwhile_keeps_the_hold_from_nothing(desk: Desk, luc: Browser) -> None:
    half = desk.approved("First word.\n---\nWhat we know.")
    publish(desk, Slow(), desk.now + HOUR)
    hold(desk, desk.now + HOUR)
    with database.writing(desk.engine) as session:
        lapsing.lapse(session, desk.now + 4 * HOUR, LATE)
    with clock.at(desk.now + 4 * HOUR):
        assert send(luc, "/hold/lift", page="/hold", **{f"post_{half}": "drop"}).status_code == 303
    assert desk.post(half).state == "partly_published"


def test_a_post_whose_kind_may_be_late_is_said_to_go_out_at_once_and_does(desk: Desk, luc: Browser) -> None:
    with database.writing(desk.engine) as session:
        categories.change(
            session, "general", steps=[Step()], late=timedelta(days=1), over_blackout=False,
            person_id=desk.officer, now=desk.now,
        )  # fmt: skip
    number = desk.approved()
    hold(desk, desk.now)
    later = desk.now + 6 * HOUR
    with database.writing(desk.engine) as session:
        assert lapsing.lapse(session, later, LATE) == []
    with clock.at(later):
        page = luc.get("/hold").text
        assert ("Kept, it goes out at once." in page, "Too late to go out by itself" in page) == (True, False)
        send(luc, "/hold/lift", page="/hold", **{f"post_{number}": "keep"})
    assert len(claims.claim(desk.engine, desk.keys, later)) == 2


def test_a_post_whose_kind_may_not_be_late_is_said_to_be_too_late(desk: Desk, luc: Browser) -> None:
    with database.writing(desk.engine) as session:
        categories.change(
            session, "general", steps=[Step()], late=timedelta(minutes=10), over_blackout=False,
            person_id=desk.officer, now=desk.now,
        )  # fmt: skip
    desk.approved()
    hold(desk, desk.now)
    with clock.at(desk.now + HOUR + timedelta(minutes=20)):
        assert "Too late to go out by itself" in luc.get("/hold").text
