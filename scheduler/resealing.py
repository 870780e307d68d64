"""Everything sealed with the key before, sealed anew with the present one: batch after batch, each in a transaction of
its own. Broken off at any point, the next run goes on with what is left; meanwhile both keys open."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from config import database
from config.secrets import Keys, SecretKeyError
from config.tables import KeyMark, OutboxMessage, SecondFactor
from listeners.tables import Mention
from networks.tables import Account, PendingSignIn
from posts.tables import Partner, Target
from scheduler.tables import AlertChannel

BATCH = 200
# Every column that holds something sealed; of the outbox only the mails that say so. A test holds this list complete.
SEALED: tuple[tuple[type[SQLModel], str], ...] = (
    (Account, "sealed_secret"),
    (Account, "sealed_session"),
    (PendingSignIn, "sealed_kept"),
    (Mention, "sealed_reference"),
    (Target, "reply_to"),
    (Partner, "reach"),
    (Partner, "digest_consent"),
    (AlertChannel, "address"),
    (AlertChannel, "secret"),
    (SecondFactor, "sealed_secret"),
    (SecondFactor, "sealed_pending"),
    (OutboxMessage, "message"),
    (KeyMark, "sealed"),
)


@dataclass(frozen=True)
class Left:
    """What the present key does not open: `old` the one before does, `lost` neither."""

    old: int = 0
    lost: int = 0


def left(session: Session, keys: Keys) -> Left:
    """How much is not sealed with the present key."""
    found = Left()
    for model, name in SEALED:
        for batch in _batches(session, model, name):
            for _, sealed in batch:
                found = _counted(found, keys, sealed)
    return found


def reseal(engine: sa.Engine, keys: Keys, progress: Callable[[int], None] = lambda number: None) -> Left:
    """Seals everything anew that the key before sealed; what stays behind: 0 old, and what was lost before."""
    lost = 0
    for model, name in SEALED:
        with database.reading(engine) as session:
            for batch in _batches(session, model, name):
                lost += _reseal(engine, keys, model, name, batch)
                progress(len(batch))
                session.rollback()  # each batch sees what is there now, and holds nothing open meanwhile
    with database.reading(engine) as session:
        return replace(left(session, keys), lost=lost)


def _reseal(engine: sa.Engine, keys: Keys, model: type[SQLModel], name: str, batch: list[tuple[Any, bytes]]) -> int:
    """One batch; how many of it no key opens. A row that was changed meanwhile is left to whoever changed it."""
    table, column, primary = _parts(model, name)
    lost, changed = 0, []
    for number, sealed in batch:
        if keys.is_present(sealed):
            continue
        try:
            changed.append((number, sealed, keys.seal(keys.open(sealed))))
        except SecretKeyError:
            lost += 1
    if changed:
        with database.writing(engine) as session:
            for number, before, after in changed:
                session.connection().execute(
                    sa.update(table).where(primary == number, column == before).values({name: after})
                )
    return lost


def _batches(session: Session, model: type[SQLModel], name: str) -> Iterator[list[tuple[Any, bytes]]]:
    """The primary keys and the sealed bytes, by primary key."""
    table, column, primary = _parts(model, name)
    query = sa.select(primary, column).where(column.is_not(None)).order_by(primary).limit(BATCH)
    if model is OutboxMessage:
        query = query.where(table.c.sealed, column != b"")
    last = None
    while True:
        rows = session.connection().execute(query if last is None else query.where(primary > last)).all()
        if not rows:
            return
        yield [(number, bytes(sealed)) for number, sealed in rows]
        last = rows[-1][0]


def _parts(model: type[SQLModel], name: str) -> tuple[sa.Table, sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    (primary,) = table.primary_key.columns
    return table, table.c[name], primary


def _counted(found: Left, keys: Keys, sealed: bytes) -> Left:
    if keys.is_present(sealed):
        return found
    try:
        keys.open(sealed)
    except SecretKeyError:
        return replace(found, lost=found.lost + 1)
    return replace(found, old=found.old + 1)
