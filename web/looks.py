"""Whoever sees people's words, on whatever page: a row in the audit log for each look."""

from collections.abc import Iterable

import sqlalchemy as sa

from config import audit, clock, database
from web.guard import Visitor


def note(engine: sa.Engine, who: Visitor, mention_ids: Iterable[int | None]) -> None:
    """Says who saw which mentions; nothing where a page shows none. In a transaction of its own, after the reading."""
    seen = sorted({number for number in mention_ids if number is not None})
    if seen:
        with database.writing(engine) as session:
            audit.record(session, clock.now(), who.id, "mention.list", "mentions", {"ids": seen}, who.address)
