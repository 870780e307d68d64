"""Reads anew what an older model read, while nothing that is new waits: the least urgent of all jobs."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from config import database
from listeners import mentions
from scheduler.jobs import expiry
from sentiment import rescoring, scoring

FOR = 10.0  # seconds at a time; then everything else has its turn


def go_on(
    engine: sa.Engine,
    reader: scoring.Reader,
    now: datetime,
    stop: Callable[[], bool] = lambda: False,
    parts: Sequence[int] | None = None,
    *,
    zone: ZoneInfo,
) -> int:
    """Batches of these parts in turn (default: of all that are not through); how many mentions. `zone` is the
    department's."""
    until, total = time.monotonic() + FOR, 0
    with database.reading(engine) as session:
        left = rescoring.open_parts(session)
    left = [part for part in left if parts is None or part in parts]
    while left and not stop() and time.monotonic() < until and not _awaited(engine):
        part = left.pop(0)
        read = rescoring.step(engine, reader, now, part, zone=zone, held=expiry.held_mentions)
        total += read
        left += [part] * (read > 0)
    return total


def _awaited(engine: sa.Engine) -> bool:
    with database.reading(engine) as session:
        return mentions.any_pending(session)
