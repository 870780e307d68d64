"""The stored mentions: what waits to be scored, marking, hiding, deleting, letting go. Only this room writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, select, update

from listeners import language, places
from listeners.masking import storable
from listeners.tables import Mention


@dataclass(frozen=True)
class Pending:
    """A mention that waits for the model, with the language and the place that its text tells."""

    id: int
    text: str | None
    language: str
    posted_at: datetime
    author: bytes
    network: str
    place_id: int | None
    place_sure: float | None = None


def pending(session: Session, limit: int) -> list[Pending]:
    """The oldest mentions without a score. Language and place are found here, out of intake's way."""
    gazetteer = places.gazetteer(session)
    rows = session.exec(
        select(Mention).where(col(Mention.scored_at).is_(None)).order_by(col(Mention.id)).limit(limit)
    ).all()
    return [_pending(row, gazetteer) for row in rows]


def _pending(row: Mention, gazetteer: places.Gazetteer) -> Pending:
    text = row.text or ""
    named = gazetteer.find(text)
    return Pending(
        id=row.id or 0,
        text=row.text,
        language=row.language if row.language != "und" else language.detect(text),
        posted_at=row.posted_at,
        author=row.author,
        network=row.network,
        place_id=named.place_id if named else row.place_id,
        place_sure=round(named.sure, 2) if named else row.place_sure,
    )


def mark_scored(session: Session, found: Sequence[Pending], now: datetime) -> None:
    """Marks mentions as read by the model, and keeps the language and place that were found."""
    if found:
        session.execute(  # by the session: a connection would not look at the ids, and mark every row
            update(Mention),
            [
                {
                    "id": one.id,
                    "scored_at": now,
                    "language": one.language,
                    "place_id": one.place_id,
                    "place_sure": one.place_sure,
                }
                for one in found
            ],
        )


def reword(session: Session, words: Mapping[int, str], now: datetime) -> None:
    """New words for mentions whose authors changed them; they wait for the model again."""
    if words:
        rows = [
            {"id": number, "text": storable(text), "edited_at": now, "scored_at": None}
            for number, text in words.items()
        ]
        session.execute(update(Mention), rows)


def hide(session: Session, ids: Sequence[int]) -> None:
    """Leaves mentions out of the desk for good: a never-tracked concern. Their words and addresses go at once."""
    session.exec(
        update(Mention)
        .where(col(Mention.id).in_(ids))
        .values(shown=False, text=None, sealed_reference=None, check_at=None)
    )


def remove(session: Session, ids: Sequence[int]) -> None:
    """Removes mentions, and by cascade their scores. Counts are the caller's affair (sentiment.counts)."""
    session.exec(delete(Mention).where(col(Mention.id).in_(ids)))


def expire(session: Session, now: datetime, limit: int) -> int:
    """Removes up to `limit` mentions whose time is over; how many. Counts stay as they are."""
    ids = session.exec(select(Mention.id).where(Mention.expires_at <= now).limit(limit)).all()
    if ids:
        remove(session, [number for number in ids if number is not None])
    return len(ids)
