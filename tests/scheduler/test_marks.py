from datetime import datetime, timedelta

import sqlalchemy as sa

from config import database
from scheduler import marks

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
