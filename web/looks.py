"""Whoever sees people's words, on whatever page: a row in the audit log for each look."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from config import audit, clock, database
from listeners.tables import ActionContext
from web.guard import Visitor


def note(engine: sa.Engine, who: Visitor, mention_ids: Iterable[int | None]) -> None:
    """Says who saw which mentions; nothing where a page shows none. In a transaction of its own, after the reading."""
    seen = sorted({number for number in mention_ids if number is not None})
    if seen:
        with database.writing(engine) as session:
            audit.record(session, clock.now(), who.id, "mention.list", "mentions", {"ids": seen}, who.address)


def note_kept(engine: sa.Engine, who: Visitor, action_id: int, kept: Sequence[ActionContext]) -> None:
    """Says who saw the words that stay with an action: how many, and of which mentions where those are still here."""
    if kept:
        seen = sorted({one.mention_id for one in kept if one.mention_id is not None})
        with database.writing(engine) as session:
            detail = {"ids": seen, "words": len(kept)}
            audit.record(session, clock.now(), who.id, "mention.list", f"action:{action_id}", detail, who.address)
