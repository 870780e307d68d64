"""Pending mentions read by the model, and what they add to the counts, in one transaction a batch.

Killed at any point, a batch is scored wholly or not at all, so nothing is counted twice and nothing is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from config import database
from listeners import mentions
from listeners.tables import Mention
from sentiment import alerts, counts
from sentiment.counts import Counted
from sentiment.model import Reading
from sentiment.tables import Correction, MentionConcern, Score


class Reader(Protocol):
    """The model, or in a test a small honest reader."""

    @property
    def name(self) -> str: ...

    def read(self, texts: Sequence[str]) -> Sequence[Reading | None]:
        """A reading for each text; none where there is nothing to read."""
        ...


@dataclass(frozen=True)
class _Read:
    mention: mentions.Pending
    reading: Reading


def score_pending(
    engine: sa.Engine,
    reader: Reader,
    now: datetime,
    *,
    zone: ZoneInfo,
    limit: int = 512,
    part: int = 0,
    parts: int = 1,
) -> int:
    """Scores up to `limit` pending mentions, of one part of all; how many it dealt with, 0 when none waits. `zone` is
    the department's.

    Of a mention that raises a never-tracked concern nothing is kept or counted, and one without words is only marked.
    A mention that another scorer or a deletion took meanwhile is left alone, and so is one whose words changed."""
    with database.reading(engine) as session:
        waiting = mentions.pending(session, limit, part, parts)
    if not waiting:
        return 0
    readings = reader.read([mention.text or "" for mention in waiting])
    read = [_Read(mention, reading) for mention, reading in zip(waiting, readings, strict=True) if reading is not None]
    with database.writing(engine) as session:
        waiting = mentions.in_turn(session, waiting)
        still = _still_pending(session, waiting)
        _store(session, [one for one in read if one.mention.id in still], reader.name, now, zone)
        mentions.mark_scored(session, [mention for mention in waiting if mention.id in still], now)
    return len(waiting)


def forget(session: Session, ids: Sequence[int]) -> None:
    """Removes what was read in mentions whose words changed, and what officers said of the old words. Counts are the
    caller's affair."""
    for table in (Score, MentionConcern, Correction):
        session.connection().execute(sa.delete(table).where(col(table.mention_id).in_(ids)))


def trust_label(reading: Reading) -> str:
    """mistrust at the shipped threshold, else the likelier of the other two."""
    if reading.mistrust:
        return "mistrust"
    return "trust" if reading.trust["trust"] > reading.trust["neither"] else "neither"


def columns(reading: Reading, model: str) -> dict[str, Any]:
    """What a reading says, as columns of Score."""
    return {
        "model": model,
        **{name: float(reading.sentiment[name]) for name in ("negative", "neutral", "positive")},
        **{name: float(reading.trust[name]) for name in ("mistrust", "neither", "trust")},
        "concerns": {concern: round(float(p), 4) for concern, p in reading.concerns.items()},
        "mistrust_flag": reading.mistrust,
        "sentiment_label": max(reading.sentiment, key=lambda name: reading.sentiment[name]),
        "trust_label": trust_label(reading),
        "embedding": reading.embedding.astype(np.float16).tobytes(),
    }


def _still_pending(session: Session, found: Sequence[mentions.Pending]) -> set[int]:
    """Which of them wait with the words that were read."""
    read = {one.id: one.edited_at for one in found}
    waiting = (
        sa.select(col(Mention.id), col(Mention.edited_at))
        .where(col(Mention.id).in_(list(read)), col(Mention.scored_at).is_(None))
        .order_by(col(Mention.id))
        .with_for_update()
    )
    rows = session.connection().execute(waiting)
    return {number for number, edited_at in rows if number is not None and edited_at == read[number]}


def _store(session: Session, read: Sequence[_Read], model: str, now: datetime, zone: ZoneInfo) -> None:
    left_out = [one.mention.id for one in read if one.reading.never_tracked]
    if left_out:  # what was reworded may be in alerts
        alerts.withdraw(session, left_out, now)
        mentions.hide(session, left_out)
    kept = [one for one in read if not one.reading.never_tracked]
    if not kept:
        return
    connection = session.connection()
    connection.execute(sa.insert(Score), [_score(one, model, zone) for one in kept])
    raised = [
        {"mention_id": one.mention.id, "concern": concern, "posted_at": one.mention.posted_at}
        for one in kept
        for concern in dict.fromkeys(one.reading.raised)
    ]
    if raised:
        connection.execute(sa.insert(MentionConcern), raised)
    counts.add(session, [_counted(one, zone) for one in kept], counts.kept_from(now, zone))


def _score(one: _Read, model: str, zone: ZoneInfo) -> dict[str, Any]:
    day = one.mention.posted_at.astimezone(zone).date()
    return {"mention_id": one.mention.id, "day": day} | columns(one.reading, model)


def _counted(one: _Read, zone: ZoneInfo) -> Counted:
    mention, reading = one.mention, one.reading
    return Counted(
        author=mention.author,
        day=mention.posted_at.astimezone(zone).date(),
        hour=counts.hour_of(mention.posted_at),
        place_id=mention.place_id or 0,
        network=mention.network,
        language=mention.language,
        concerns=tuple(dict.fromkeys(reading.raised)),
        mistrust=float(reading.trust["mistrust"]),
        trust=float(reading.trust["trust"]),
        negative=float(reading.sentiment["negative"]),
        positive=float(reading.sentiment["positive"]),
    )
