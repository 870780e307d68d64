"""When each periodic job is due next, in the database: a restart repeats none that was done. One that failed, or whose
process was killed at it, is due again after AGAIN at the latest, however seldom it comes."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, or_, update

from config import database
from config.database import upsert
from scheduler.tables import JobMark

AGAIN = timedelta(minutes=15)  # longer than a job takes that comes seldom: meanwhile nobody else has it


def take(session: Session, name: str, every: timedelta, now: datetime) -> bool:
    """Whether the job is due now; if so it is the caller's, and due again after `every`. Ask `due` before: it only
    reads."""
    session.exec(upsert(session, JobMark).values(name=name, due_at=now).on_conflict_do_nothing(index_elements=["name"]))
    taken = session.exec(
        update(JobMark).where(col(JobMark.name) == name, col(JobMark.due_at) <= now).values(due_at=now + every)
    )
    return taken.rowcount == 1


def due(session: Session, name: str, now: datetime) -> bool:
    """Whether the job may be due; somebody else may take it first."""
    mark = session.get(JobMark, name)
    return mark is None or mark.due_at <= now


def mine(engine: sa.Engine, name: str, every: timedelta, now: datetime) -> bool:
    """`take` in a transaction of its own, where the job may be due; for AGAIN at most, until it is `done`."""
    with database.reading(engine) as session:
        if not due(session, name, now):
            return False
    with database.writing(engine) as session:
        return take(session, name, min(every, AGAIN), now)


def done(engine: sa.Engine, name: str, every: timedelta, now: datetime) -> None:
    """What was `mine` at `now` is done: due again after `every`."""
    if every > AGAIN:
        _set_due(engine, name, now + every)


def failed(engine: sa.Engine, name: str, every: timedelta, now: datetime) -> None:
    """What was taken for all of `every` failed: due again after AGAIN."""
    if every > AGAIN:
        _set_due(engine, name, now + AGAIN)


def _set_due(engine: sa.Engine, name: str, at: datetime) -> None:
    with database.writing(engine) as session:
        session.exec(update(JobMark).where(col(JobMark.name) == name).values(due_at=at))


def hold(session: Session, name: str, held: datetime | None, lease: timedelta, now: datetime) -> datetime | None:
    """Takes or keeps a turn that one process has at a time, until the answered instant; none: another has it.
    `held`: what this process was answered the last time."""
    session.exec(upsert(session, JobMark).values(name=name, due_at=now).on_conflict_do_nothing(index_elements=["name"]))
    free = or_(col(JobMark.lease_until).is_(None), col(JobMark.lease_until) <= now, col(JobMark.lease_until) == held)
    until = now + lease
    taken = session.exec(update(JobMark).where(col(JobMark.name) == name, free).values(lease_until=until))
    return until if taken.rowcount == 1 else None
