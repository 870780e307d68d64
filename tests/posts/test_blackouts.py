"""Days of silence."""

from datetime import date, datetime, timedelta

import pytest

from config import database
from posts import blackouts, claims, drafts, lapsing
from posts.workflow import WrongState
from tests.posts.conftest import Desk

HOUR = timedelta(hours=1)
LATE = timedelta(hours=2)
wall = datetime.fromisoformat


def silence(desk: Desk, first: date, last: date) -> int:
    with database.writing(desk.engine) as session:
        return blackouts.place(session, first, last, "a funeral", desk.officer, desk.now).id or 0


def test_nothing_is_given_a_time_on_a_day_of_silence_but_safety(desk: Desk) -> None:
    day = (desk.now + HOUR).date()
    silence(desk, day, day)
    number = desk.writing()
    at = (desk.now + HOUR).replace(tzinfo=None)
    with database.writing(desk.engine) as session:
        with pytest.raises(WrongState, match="a funeral"):
            drafts.schedule(session, number, desk.officer, at, "UTC", desk.now)
        post = drafts.read(session, number)
        post.category = "safety"
        session.add(post)
        session.flush()
        assert drafts.schedule(session, number, desk.officer, at, "UTC", desk.now).due_at == desk.now + HOUR


def test_what_was_due_on_a_day_that_became_silent_does_not_go_out_and_its_author_is_told(desk: Desk) -> None:
    number = desk.approved()
    day = (desk.now + HOUR).date()
    silence(desk, day, day)
    due = desk.now + HOUR
    with database.reading(desk.engine) as session:
        assert [post.id for post in blackouts.stopped(session, desk.now)] == [number]
    assert claims.claim(desk.engine, desk.keys, due) == []
    with database.writing(desk.engine) as session:
        assert lapsing.anything_lapsed(session, due, LATE)
        (lapsed,) = lapsing.lapse(session, due, LATE)
    assert (lapsed.post_id, lapsed.reason) == (number, "nothing goes out that day: a funeral")
    assert desk.post(number).state == "missed"


def test_a_silence_that_is_lifted_in_time_stops_nothing(desk: Desk) -> None:
    desk.approved()
    day = (desk.now + HOUR).date()
    number = silence(desk, day, day)
    with database.writing(desk.engine) as session:
        blackouts.lift(session, number, desk.officer, desk.now)
        blackouts.lift(session, number, desk.officer, desk.now)
    assert len(claims.claim(desk.engine, desk.keys, desk.now + HOUR)) == 2


def test_the_day_is_one_of_the_posts_own_wall_time(desk: Desk) -> None:
    number = desk.writing()
    day = date(2026, 7, 4)
    silence(desk, day, day)
    with database.writing(desk.engine) as session:
        with pytest.raises(WrongState):
            drafts.schedule(session, number, desk.officer, wall("2026-07-04T23:30"), "America/Los_Angeles", desk.now)
        moved = drafts.schedule(session, number, desk.officer, wall("2026-07-05T00:30"), "Asia/Tokyo", desk.now)
    assert moved.due_at is not None and moved.due_at.date() == date(2026, 7, 4)  # in UTC: it is the wall that counts


def test_days_the_wrong_way_round_and_silence_without_a_reason_are_refused(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        with pytest.raises(WrongState):
            blackouts.place(session, date(2026, 2, 2), date(2026, 2, 1), "x", desk.officer, desk.now)
        with pytest.raises(WrongState):
            blackouts.place(session, date(2026, 2, 2), date(2026, 2, 2), " ", desk.officer, desk.now)


def test_each_kind_may_be_as_late_as_its_rules_say(desk: Desk) -> None:
    from posts import categories
    from posts.categories import Step

    number = desk.approved()
    with database.writing(desk.engine) as session:
        categories.change(
            session, "general", steps=(Step(),), late=timedelta(minutes=10), over_blackout=False,
            person_id=desk.second, now=desk.now,
        )  # fmt: skip
        assert not lapsing.anything_lapsed(session, desk.now + HOUR + timedelta(minutes=9), LATE)
        (lapsed,) = lapsing.lapse(session, desk.now + HOUR + timedelta(minutes=10), LATE)
    assert lapsed.post_id == number
