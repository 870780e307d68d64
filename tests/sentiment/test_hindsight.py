"""What each sensitivity would have alerted: the live code on a copy, with the desk's own alerts untouched."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from config import database
from config.permissions import Role
from config.settings import Settings
from config.tables import Person
from listeners import rhythm
from scheduler.jobs import hindsight as job
from sentiment import hindsight, tuning
from sentiment.hindsight import Answer
from sentiment.tables import ALL, Alert
from tests.sentiment import street
from tests.sentiment.street import Said

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)


@pytest.fixture
def officer(sqlite_engine: sa.Engine, person: Callable[..., Person]) -> int:
    with database.writing(sqlite_engine) as session:
        return person(session, "Ada", Role.OFFICER).id or 0


def _month(session: Session, days: int) -> None:
    """One post on traffic a day; half a day ago eleven more within hours, at Elm Street."""
    elm = street.place(session, "Elm Street")
    ordinary = [
        Said(NOW - timedelta(days=back, hours=2), f"resident {back % 9}", f"ordinary {back}", ("traffic_safety",))
        for back in range(days, 0, -1)
    ]
    burst = [
        Said(
            NOW - timedelta(hours=12, minutes=9 * number),
            f"parent {number}",
            f"Cars race by number {number}",
            ("traffic_safety",),
            elm,
        )
        for number in range(11)
    ]
    street.say(session, sorted([*ordinary, *burst], key=lambda post: post.at))


def _work(engine: sa.Engine, settings: Settings) -> Answer:
    while job.go_on(engine, settings, NOW):
        pass
    with database.reading(engine) as session:
        answer, under_way = hindsight.read(session)
    assert answer is not None
    assert under_way is None
    return answer


def test_each_sensitivity_is_tried_on_a_copy_and_the_desk_keeps_its_own(
    sqlite_engine: sa.Engine, settings: Settings, officer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hindsight, "LEAST", DAY)
    with database.writing(sqlite_engine) as session:
        _month(session, 20)
        tuning.set_sensitivity(session, ALL, "fewer", officer, NOW)
        hindsight.ask(session, officer, NOW)
        hindsight.ask(session, officer, NOW)  # once is enough
    answer = _work(sqlite_engine, settings)
    assert answer.raised is not None
    assert list(answer.raised) == ["fewer", "balanced", "more"]
    for found in answer.raised.values():
        (one,) = found
        assert (one.title, one.place) == ("Traffic and road safety near Elm Street: far more than usual", "Elm Street")
        assert timedelta(hours=12) <= NOW - one.at < timedelta(hours=14)
    assert answer.last == NOW.astimezone(street.ZONE).date()
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Alert)).all() == []
        assert tuning.read(session, NOW).department == "fewer"


def test_a_large_source_that_came_raised_nothing_in_hindsight_either(
    sqlite_engine: sa.Engine, settings: Settings, officer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hindsight, "LEAST", DAY)
    raising = ("traffic_safety",), ("drugs",), ()
    with database.writing(sqlite_engine) as session:
        before = [
            Said(NOW - timedelta(days=back, minutes=number), f"resident {number}", f"ordinary {back} {number}", raised)
            for back in range(20, 0, -1)
            for number, raised in enumerate(raising)
        ]
        now = [
            Said(NOW - timedelta(minutes=720 + number), f"new {number}", f"It is said {number}", raising[number % 3])
            for number in range(90, 0, -1)
        ]
        street.say(session, [*before, *now])
        rhythm.note(session, 1, 90, 90, NOW - timedelta(hours=14))
        hindsight.ask(session, officer, NOW)
    answer = _work(sqlite_engine, settings)
    assert answer.raised == {"fewer": (), "balanced": (), "more": ()}


def test_too_short_a_history_is_said_with_the_day_from_which_it_is_long_enough(
    sqlite_engine: sa.Engine, settings: Settings, officer: int
) -> None:
    with database.writing(sqlite_engine) as session:
        _month(session, 12)
        hindsight.ask(session, officer, NOW)
    answer = _work(sqlite_engine, settings)
    assert answer.raised is None
    assert answer.first == (NOW - timedelta(days=12)).date() + timedelta(days=19 + 7)


def test_of_a_process_that_died_another_takes_over_after_its_turn(
    sqlite_engine: sa.Engine, settings: Settings, officer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hindsight, "LEAST", DAY)
    monkeypatch.setattr(job, "FOR", 0.0)  # an hour of the month at a time
    with database.writing(sqlite_engine) as session:
        _month(session, 20)
        hindsight.ask(session, officer, NOW)
    assert job.go_on(sqlite_engine, settings, NOW)
    job._under_way.clear()
    job._turns.clear()  # its memory is gone with it
    assert job.go_on(sqlite_engine, settings, NOW + timedelta(minutes=1))
    assert sqlite_engine not in job._under_way
    assert job.go_on(sqlite_engine, settings, NOW + job.TURN)
    assert sqlite_engine in job._under_way


def test_how_much_is_worked_out_is_noted_turn_by_turn(
    sqlite_engine: sa.Engine, settings: Settings, officer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hindsight, "LEAST", DAY)
    monkeypatch.setattr(job, "FOR", 0.0)  # an hour of the month at a time
    with database.writing(sqlite_engine) as session:
        _month(session, 20)
        hindsight.ask(session, officer, NOW)
    done: list[float] = []
    for _ in range(3):
        job.go_on(sqlite_engine, settings, NOW)
        with database.reading(sqlite_engine) as session:
            done.append(hindsight.read(session)[1] or 0.0)
    assert 0 < done[0] < done[1] < done[2] < 1
