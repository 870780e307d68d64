"""The stored mentions: what waits to be scored, marking, hiding, deleting, letting go. Only this room writes them."""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, delete, func, select, update

from config import database
from config.database import upsert
from listeners import contexts, copies, language, places
from listeners.masking import storable
from listeners.tables import Mention, MentionNumber

_TURN = 7_041_993  # database.take_turn
_NONE = sa.false()
Held = Callable[[Session], sa.ColumnElement[bool]]  # what is true of mentions that must be kept
AUTHOR_BYTES = 16  # of nobody: as random as it is long
_WAITING = sa.select(
    col(Mention.id),
    col(Mention.text),
    col(Mention.language),
    col(Mention.posted_at),
    col(Mention.author),
    col(Mention.network),
    col(Mention.place_id),
    col(Mention.place_sure),
    col(Mention.repost),
    col(Mention.automatic),
    col(Mention.edited_at),
).where(col(Mention.scored_at).is_(None))
_MARK = (
    sa.update(Mention)
    .where(col(Mention.id) == sa.bindparam("number"))
    .values({name: sa.bindparam(name) for name in ("scored_at", "language", "place_id", "place_sure")})
)


@dataclass(frozen=True)
class Pending:
    """A mention that waits for the model, with the language and place that its text tells, and what it copies."""

    id: int
    text: str | None
    language: str
    posted_at: datetime
    author: bytes
    network: str
    place_id: int | None
    place_sure: float | None = None
    aside: bool = False  # a repost or a program's post
    edited_at: datetime | None = None
    stands: copies.Place = field(default_factory=copies.Place)


def begins_thread(mention: Mention) -> bool:
    """Whether it answers nothing and stands below nothing, as far as its network told."""
    return mention.thread == mention.key


def numbered(session: Session, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of new mentions, on SQLite with numbers that none had before, in the transaction that inserts them.
    PostgreSQL's sequence gives such by itself."""
    if not rows or session.get_bind().dialect.name != "sqlite":
        return list(rows)
    newest = sa.select(sa.func.max(col(Mention.id))).scalar_subquery()
    before = sa.select(col(MentionNumber.last)).scalar_subquery()
    last: int = max(number or 0 for number in session.connection().execute(sa.select(newest, before)).one())
    insert = upsert(session, MentionNumber).values(id=1, last=last + len(rows))
    session.exec(insert.on_conflict_do_update(index_elements=["id"], set_={"last": insert.excluded.last}))
    return [{"id": number, **row} for number, row in enumerate(rows, last + 1)]


def any_pending(session: Session) -> bool:
    """Whether a mention waits for the model."""
    return session.exec(select(Mention.id).where(col(Mention.scored_at).is_(None)).limit(1)).first() is not None


def pending(session: Session, limit: int, part: int = 0, parts: int = 1) -> list[Pending]:
    """The oldest mentions without a score, of one part of all (by their number). Language, place and copies are found
    here, out of intake's way."""
    waiting = _WAITING if parts == 1 else _WAITING.where(col(Mention.id) % parts == part)
    rows = session.connection().execute(waiting.order_by(col(Mention.id)).limit(limit)).all()
    if not rows:
        return []
    gazetteer = places.gazetteer(session)
    return placed(session, [_pending(row, gazetteer) for row in rows])


def placed(session: Session, found: Sequence[Pending]) -> list[Pending]:
    """The same mentions, with what each is a copy of."""
    said = [copies.Post(one.id, one.text, one.posted_at, aside=one.aside) for one in found if one.text]
    stands = copies.found(session, said)
    return [replace(one, stands=stands.get(one.id, copies.Place())) for one in found]


def in_turn(session: Session, found: Sequence[Pending]) -> list[Pending]:
    """Where several processes score at once: one writes at a time, and a copy of what another wrote meanwhile is found.
    SQLite has one writer anyway, and one process that scores."""
    if not found or session.get_bind().dialect.name == "sqlite":
        return list(found)
    take_turn(session)
    return placed(session, found)


def take_turn(session: Session) -> None:
    """Until the transaction ends, no other writes what was read in mentions, nor their counts."""
    database.take_turn(session, _TURN)


def _pending(row: sa.Row[*tuple[Any, ...]], gazetteer: places.Gazetteer) -> Pending:
    text = row.text or ""
    named = gazetteer.find(text)
    return Pending(
        id=row.id,
        text=row.text,
        language=row.language if row.language != "und" else language.detect(text),
        posted_at=row.posted_at,
        author=row.author,
        network=row.network,
        place_id=named.place_id if named else row.place_id,
        place_sure=round(named.sure, 2) if named else row.place_sure,
        aside=row.repost or row.automatic,
        edited_at=row.edited_at,
    )


def mark_scored(session: Session, found: Sequence[Pending], now: datetime) -> None:
    """Marks mentions as read by the model, and keeps what was found in them: language, place, copies."""
    if found:
        session.connection().execute(
            _MARK,
            [
                {
                    "number": one.id,
                    "scored_at": now,
                    "language": one.language,
                    "place_id": one.place_id,
                    "place_sure": one.place_sure,
                }
                for one in found
            ],
        )
        copies.keep(session, {one.id: one.stands for one in found}, {one.id: one.posted_at for one in found})


def listed() -> tuple[sa.ColumnElement[bool], ...]:
    """What lists show: no copies, reposts or programs, which only count, and nothing that is left out whole."""
    return (
        col(Mention.shown).is_(True),
        col(Mention.scored_at).is_not(None),
        col(Mention.copy_of).is_(None),
        col(Mention.repost).is_(False),
        col(Mention.automatic).is_(False),
    )


def reword(session: Session, words: Mapping[int, str], now: datetime) -> None:
    """New words for mentions whose authors changed them; they wait for the model again, and what the old words said of
    a place goes."""
    if words:
        copies.pass_on(session, list(words))
        anew = {"edited_at": now, "scored_at": None, "copy_of": None, "place_id": None, "place_sure": None}
        rows = [{"id": number, "text": storable(text), **anew} for number, text in words.items()]
        session.execute(update(Mention), rows)
        contexts.reword(session, words)


def nothing_held(_session: Session) -> sa.ColumnElement[bool]:
    """Held: no mention must be kept."""
    return _NONE


def those_held(session: Session, ids: Sequence[int], held: Held) -> frozenset[int]:
    """Which of these must be kept (a legal hold)."""
    if not ids:
        return frozenset()
    found = session.exec(select(Mention.id).where(col(Mention.id).in_(ids), held(session)))
    return frozenset(number for number in found if number is not None)


def hide(session: Session, ids: Sequence[int], held: Collection[int] = ()) -> None:
    """Leaves mentions out of the desk for good: a never-tracked concern. Their words and addresses go at once, and
    what was kept of them with an action. Those that are `held` keep words and address, for the records only and for
    deletions by their authors."""
    if not ids:
        return
    copies.pass_on(session, ids)
    contexts.drop(session, ids)
    session.exec(update(Mention).where(col(Mention.id).in_(ids)).values(shown=False))
    _unword(session, [number for number in ids if number not in held])


def let_go_left_out(session: Session, now: datetime, limit: int, held: sa.ColumnElement[bool] = _NONE) -> int:
    """Takes the words and addresses of up to `limit` that were left out while they were held, and are not any more;
    how many. Their keys stay until their time is over, as of all that is left out."""
    left_out = (col(Mention.shown).is_(False), col(Mention.text).is_not(None), col(Mention.expires_at) > now)
    found = session.exec(select(Mention.id).where(*left_out, ~held).order_by(col(Mention.posted_at)).limit(limit))
    ids = [number for number in found if number is not None]
    _unword(session, ids)
    return len(ids)


def _unword(session: Session, ids: Sequence[int]) -> None:
    gone = update(Mention).where(col(Mention.id).in_(ids))
    session.exec(gone.values(text=None, sealed_reference=None, check_at=None))


def remove(session: Session, ids: Sequence[int]) -> None:
    """Removes mentions, and by cascade their scores and what is tied to them of an action's context. Counts are the
    caller's affair (sentiment.counts)."""
    copies.pass_on(session, ids)
    session.exec(delete(Mention).where(col(Mention.id).in_(ids)))


def erase(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Removes mentions as `remove` does, and leaves of each its key alone until its time is over: sources look back,
    and would bring it again."""
    kept = session.exec(
        select(Mention.key, Mention.network, Mention.source_id, Mention.expires_at).where(col(Mention.id).in_(ids))
    ).all()
    remove(session, ids)
    blank = [
        {
            "key": key, "network": network, "source_id": source_id, "author": secrets.token_bytes(AUTHOR_BYTES),
            "shown": False, "posted_at": now, "received_at": now, "scored_at": now, "expires_at": expires_at,
        }
        for key, network, source_id, expires_at in kept
    ]  # fmt: skip
    session.add_all(Mention(**row) for row in numbered(session, blank))
    session.flush()


def expire(session: Session, now: datetime, limit: int, held: sa.ColumnElement[bool] = _NONE) -> int:
    """Removes up to `limit` mentions whose time is over, but those that are `held`; how many. Counts stay as they
    are."""
    over = select(Mention.id).where(Mention.expires_at <= now, ~held).order_by(col(Mention.expires_at)).limit(limit)
    ids = [number for number in session.exec(over) if number is not None]
    if ids:
        contexts.untie(session, ids)
        remove(session, ids)
    return len(ids)


def end(session: Session, source_id: int, now: datetime) -> None:
    """Ends the time of what a source heard."""
    session.exec(
        update(Mention).where(col(Mention.source_id) == source_id, col(Mention.expires_at) > now).values(expires_at=now)
    )


def set_aside(session: Session, now: datetime) -> int:
    """Takes mentions whose time is over and that are kept all the same (a legal hold) out of the desk: they stand in
    the records only. Deletions by their authors are still followed. How many there are."""
    over = col(Mention.expires_at) <= now
    ids = [number for number in session.exec(select(Mention.id).where(over, col(Mention.shown))) if number is not None]
    if ids:
        copies.pass_on(session, ids)
        session.exec(update(Mention).where(col(Mention.id).in_(ids)).values(shown=False))
    return session.exec(select(func.count()).select_from(Mention).where(over)).one()
