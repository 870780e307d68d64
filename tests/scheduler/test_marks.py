from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from scheduler import marks
from scheduler.engine import cluster, embedded, heavy, rota

EVERY = timedelta(minutes=5)


def take(engine: sa.Engine, now: datetime) -> bool:
    with database.writing(engine) as session:
        return marks.take(session, "alerts", EVERY, now)


def test_a_job_is_taken_once_until_it_is_due_again(engine: sa.Engine, now: datetime) -> None:
    moments = [now, now + timedelta(seconds=1), now + EVERY - timedelta(seconds=1), now + EVERY]
    assert [take(engine, moment) for moment in moments] == [True, False, False, True]


def test_a_job_missed_for_a_week_is_done_once_not_many_times(engine: sa.Engine, now: datetime) -> None:
    take(engine, now)
    later = now + timedelta(days=7)
    assert [take(engine, later), take(engine, later)] == [True, False]


def a_daily_job(failing: list[bool], ran: list[datetime]) -> rota.Regular:
    """Fails as often as `failing` says."""

    def job(hands: rota.Hands, now: datetime) -> None:
        ran.append(now)
        if failing and failing.pop():
            raise RuntimeError("on purpose")

    return rota.Regular("records_check", "analyse", timedelta(days=1), job)


@pytest.mark.parametrize("run", [heavy._periodic, embedded._regular])
def test_a_job_of_every_day_that_failed_is_due_again_soon_and_one_that_was_done_tomorrow(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, run: Callable[[rota.Regular, rota.Hands], None]
) -> None:
    ran: list[datetime] = []
    one, hands = a_daily_job([True], ran), rota.Hands(engine, settings, keys)
    soon = now + marks.AGAIN
    with clock.at(now), pytest.raises(RuntimeError):
        run(one, hands)
    for moment in (now + timedelta(minutes=1), soon, soon + marks.AGAIN, soon + timedelta(days=1)):
        with clock.at(moment):
            run(one, hands)
    assert ran == [now, soon, soon + timedelta(days=1)]


def test_a_job_whose_process_was_killed_is_due_again_soon_and_nobody_else_s_meanwhile(
    engine: sa.Engine, now: datetime
) -> None:
    day = timedelta(days=1)
    moments = [now, now + timedelta(minutes=1), now + marks.AGAIN]
    assert [marks.mine(engine, "expiry", day, moment) for moment in moments] == [True, False, True]


def test_a_job_of_a_cluster_that_failed_is_due_again_soon(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime
) -> None:
    one, hands = a_daily_job([False, True], []), rota.Hands(engine, settings, keys)
    with database.writing(engine) as session:
        assert marks.take(session, one.name, one.every, now)
    with clock.at(now), pytest.raises(RuntimeError):
        cluster._now(one, hands)
    with database.writing(engine) as session:
        assert not marks.take(session, one.name, one.every, now + timedelta(minutes=1))
        assert marks.take(session, one.name, one.every, now + marks.AGAIN)
    with clock.at(now + marks.AGAIN):
        cluster._now(one, hands)
    with database.reading(engine) as session:
        assert not marks.due(session, one.name, now + timedelta(hours=23))
