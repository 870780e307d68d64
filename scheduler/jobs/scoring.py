"""Reads what is waiting with the model, batch after batch."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from config.settings import Settings
from sentiment import scoring


def score_all(
    engine: sa.Engine,
    reader: scoring.Reader,
    settings: Settings,
    now: datetime,
    progress: Callable[[int], None] = lambda number: None,
    stop: Callable[[], bool] = lambda: False,
    part: int = 0,
    parts: int = 1,
) -> int:
    """Scores every pending mention, or one part of all; how many. `stop` is asked between batches."""
    total = 0
    while not stop():
        scored = scoring.score_pending(engine, reader, now, zone=settings.department.zone, part=part, parts=parts)
        if scored == 0:
            break
        progress(scored)
        total += scored
    return total
