"""When each periodic job is due next, in the database: a restart repeats none and skips none."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, update

from config.database import upsert
from scheduler.tables import JobMark


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
