"""The mark that a store keeps of its secret key, and by which another is refused: with that nothing sealed would open,
and whoever was heard before would be hashed anew and count twice. The mark tells nothing of the key."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, select

from config import chain, database, secrets
from config.secrets import Keys, NoKey, SecretKeyError
from config.settings import Settings
from config.tables import KeyMark

ROW = 1
_AT_ONCE = 500
# What is sealed beside the mark, by table: a desk of before marks is known by it. Names, for most are tables of floors
# above; a test holds the list to that of scheduler.resealing.
SEALED: tuple[tuple[str, str], ...] = (
    ("account", "sealed_secret"),
    ("account", "sealed_session"),
    ("second_factor", "sealed_secret"),
    ("second_factor", "sealed_pending"),
    ("alert_channel", "address"),
    ("alert_channel", "secret"),
    ("pending_sign_in", "sealed_kept"),
    ("partner", "reach"),
    ("partner", "digest_consent"),
    ("target", "reply_to"),
    ("mention", "sealed_reference"),
    ("outbox_message", "message"),
)
_LOST = "if it is lost for good, liaison key lost says what that means and goes on with another"
_WAYS = f"put its key file back or set LIAISON_SECRET_KEY; {_LOST}"


def keys(engine: sa.Engine, settings: Settings) -> Keys:
    """The keys of the desk whose store this is. A new desk gets its key and its mark now, one of before marks had them
    its mark. Raises SecretKeyError where the key is missing, or another."""
    with database.reading(engine) as session:
        begun = is_begun(session)
        marked = _row(session) is not None
    try:
        found = secrets.load(settings, begin=not begun)
    except NoKey as error:
        raise SecretKeyError(f"{error}; {_LOST}") from error
    refuse(engine, settings, found)
    if not marked:
        with database.writing(engine) as session:
            session.exec(database.upsert(session, KeyMark).values(**_mark(found)).on_conflict_do_nothing())
        refuse(engine, settings, found)  # another machine may have been the first, with another key
    return found


def is_begun(session: Session) -> bool:
    """Whether a desk worked on this store with a key: then none is made for it."""
    return (
        _row(session) is not None or chain.is_of(session, None) is not None or next(_sealed(session), None) is not None
    )


def refuse(engine: sa.Engine, settings: Settings, keys: Keys) -> None:
    """Raises SecretKeyError where these are not the store's."""
    with database.reading(engine) as session:
        why = wrong(session, settings, keys)
    if why is not None:
        raise SecretKeyError(why)


def wrong(session: Session, settings: Settings, keys: Keys) -> str | None:
    """What is wrong with these keys, and what to do; none: they are the store's."""
    row = _row(session)
    hashes = row.hashes == _hash(keys) if row is not None else _made(session, keys)
    if hashes and (row is None or _opens(keys, row.sealed)):
        return None
    where = "LIAISON_SECRET_KEY" if settings.secret_key is not None else f"{secrets.path(settings)}"
    said = f"the secret key in {where} is not the one of the desk that is here"
    if settings.secret_key is not None and settings.secret_key_before is not None and not hashes:
        return f"{said}: set LIAISON_SECRET_KEY_HASHES to the first one, with which its hashes were made"
    if hashes:
        return f"{said}, only its hashes are: set LIAISON_SECRET_KEY_BEFORE to the one until now, or {_WAYS}"
    return f"{said}: {_WAYS}"


def refuse_given_up(session: Session, keys: Keys) -> None:
    """Raises SecretKeyError where hashes are made with other keys by now: this process was started before. Until the
    transaction ends, no others are made the store's."""
    row = session.exec(select(KeyMark).where(KeyMark.id == ROW).with_for_update(read=True)).one_or_none()
    if row is not None and row.hashes != _hash(keys):
        raise SecretKeyError("this process has a secret key that is not the desk's any more: restart liaison")


def give_up(session: Session, keys: Keys) -> None:
    """From now on these keys are the store's. What the ones before sealed stays closed."""
    mark = _mark(keys)
    put = database.upsert(session, KeyMark).values(**mark)
    session.exec(put.on_conflict_do_update(index_elements=["id"], set_=mark))


def _row(session: Session) -> KeyMark | None:
    return session.get(KeyMark, ROW)


def _made(session: Session, keys: Keys) -> bool:
    """Whether a desk that has no mark worked with these keys, or with none yet: by the newest seal of its log, or as
    they open anything that is sealed in it (not all: it may have lost a key before)."""
    of_log = chain.is_of(session, keys)
    if of_log is not None:
        return of_log
    nothing = True
    for sealed in _sealed(session):
        if _opens(keys, sealed):
            return True
        nothing = False
    return nothing


def _sealed(session: Session) -> Iterator[bytes]:
    """All that is sealed in the store beside the mark."""
    for name, column in SEALED:
        value = sa.column(column, sa.LargeBinary())
        query = sa.select(value).select_from(sa.table(name)).where(value.is_not(None))
        if name == "outbox_message":
            query = query.where(sa.column("sealed", sa.Boolean()), value != b"")  # most mails are not sealed
        for sealed in session.connection().execute(query).yield_per(_AT_ONCE).scalars():
            yield bytes(sealed)


def _mark(keys: Keys) -> dict[str, Any]:
    return {"id": ROW, "hashes": _hash(keys), "sealed": keys.seal("key mark")}


def _hash(keys: Keys) -> bytes:
    return keys.hash("key mark", "is this the key")


def _opens(keys: Keys, sealed: bytes) -> bool:
    try:
        keys.open(sealed)
    except SecretKeyError:
        return False
    return True
