"""Times in which a source could not be heard: from when to when, why, and what was caught up of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from listeners.tables import Mention, Source, SourceGap

ROUNDS = 3  # of its usual time between two looks, that a source may be late before that counts as a gap
SHORTEST = timedelta(minutes=5)
STREAMED = timedelta(seconds=90)  # longer than a stream may say nothing
COUNTED = timedelta(days=2)  # how long after a gap its mentions may still come


def heard(session: Session, source: Source, now: datetime, lost: tuple[datetime, datetime] | None = None) -> None:
    """Notes that a source answered, before `last_ok_at` is set anew: the time since then was a gap if it was too long.
    `lost`: what the network could not give any more."""
    if lost is not None:
        reason = "the network may not have had all of it any more"
        _add(session, source, *lost, reason, lost=True)
    elif source.last_ok_at is not None and now - source.last_ok_at > longest(source):
        failed = source.last_error if source.failures else None
        _add(session, source, source.last_ok_at, now, failed or "Liaison was not listening", lost=False)


def longest(source: Source) -> timedelta:
    """How long a source may be without an answer before that is a gap."""
    return STREAMED if source.streamed else max(SHORTEST, timedelta(seconds=ROUNDS * source.every_seconds))


def count(session: Session, now: datetime) -> None:
    """Counts again what came from within each gap of the last two days after it ended."""
    for gap in session.exec(select(SourceGap).where(col(SourceGap.ended_at) > now - COUNTED)):
        query = select(func.count()).where(
            col(Mention.source_id) == gap.source_id,
            col(Mention.posted_at) >= gap.began_at,
            col(Mention.posted_at) < gap.ended_at,
            col(Mention.received_at) >= gap.ended_at,
        )
        gap.caught_up = max(gap.caught_up, session.exec(query).one())  # some may have been deleted since
        session.add(gap)


def latest(session: Session, since: datetime) -> Sequence[SourceGap]:
    """Gaps that ended since then, the newest first."""
    newest = select(SourceGap).where(col(SourceGap.ended_at) > since).order_by(col(SourceGap.ended_at).desc())
    return session.exec(newest).all()


def _add(session: Session, source: Source, began: datetime, ended: datetime, reason: str, *, lost: bool) -> None:
    session.add(SourceGap(source_id=source.id or 0, began_at=began, ended_at=ended, reason=reason, lost=lost))
