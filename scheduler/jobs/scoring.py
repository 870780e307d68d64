"""Reads what is waiting with the model, batch after batch: mentions, then what was answered to questions."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from config import database
from config.settings import Settings
from posts import questions
from posts.questions import Read
from sentiment import scoring
from sentiment.model import Reading

AT_ONCE = 256  # answers


def score_all(
    engine: sa.Engine,
    reader: scoring.Reader,
    settings: Settings,
    now: datetime | Callable[[], datetime],
    progress: Callable[[int], None] = lambda number: None,
    stop: Callable[[], bool] = lambda: False,
    part: int = 0,
    parts: int = 1,
) -> int:
    """Scores every pending mention, or one part of all; how many. `stop` is asked between batches. `now`: a clock where
    this may last, so that whoever looks for what was scored since finds each batch."""
    total = 0
    while not stop():
        at = now() if callable(now) else now
        scored = scoring.score_pending(engine, reader, at, zone=settings.department.zone, part=part, parts=parts)
        if scored == 0:
            break
        progress(scored)
        total += scored
    if not stop():
        total += read_answers(engine, reader, part, parts)
    return total


def read_answers(engine: sa.Engine, reader: scoring.Reader, part: int = 0, parts: int = 1) -> int:
    """Reads what the public answered to questions with the model that scores mentions, or one part of it; how many."""
    with database.reading(engine) as session:
        waiting = [(one.id or 0, one.words or "") for one in questions.unread(session, AT_ONCE, part, parts)]
    if not waiting:
        return 0
    found = reader.read([words for _, words in waiting])
    read = [(number, _read(one)) for (number, _), one in zip(waiting, found, strict=True)]
    with database.writing(engine) as session:
        questions.note(session, read)
    return len(read)


def _read(found: Reading | None) -> Read:
    if found is None:
        return Read(None, "neither")
    concern = max(found.raised, key=lambda key: found.concerns[key], default=None)
    return Read(concern, scoring.trust_label(found), found.never_tracked)
