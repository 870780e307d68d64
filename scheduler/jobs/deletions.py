"""Deletions upstream: what its author took away is gone here too, and what it had added to counts with it.

Only what a network's witness says for sure; one that cannot be asked changes nothing, and holds up no other source.
What it finds edited says here what it says there."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, select

from config import audit, database
from config.secrets import Keys, SecretKeyError
from config.settings import Settings
from config.tables import AuditEntry
from listeners import mentions, polling, rechecks
from listeners.rechecks import Recheck
from listeners.tables import Source
from networks import registry
from networks.network import NetworkError
from networks.tables import Account
from scheduler.jobs import edits
from sentiment import counts

log = structlog.get_logger(__name__)
AT_ONCE = 100  # mentions in one go
UNFOLLOWED = "mention.unreadable_reference"


def follow(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> int:
    """Asks for the mentions that are due; how many were gone, and are gone now."""
    with database.reading(engine) as session:
        due = rechecks.due(session, now, AT_ONCE)
    by_source: dict[int, dict[Recheck, str]] = defaultdict(dict)
    unreadable = []
    for one in due:
        try:
            by_source[one.source_id][one] = str(json.loads(keys.open(one.sealed_reference))[0])
        except (SecretKeyError, ValueError, LookupError, TypeError):
            unreadable.append(one)
    if unreadable:
        _tell(engine, unreadable, now)
    gone = 0
    for number, ids in by_source.items():
        try:
            gone += _follow(engine, settings, keys, now, number, ids)
        except Exception as error:  # a module's own mistake, an account's lost key: other sources are followed
            log.error("deletions_not_followed", source=number, kind=type(error).__name__, error=str(error))
            with database.writing(engine) as session:
                rechecks.put_off(session, ids, now)
    return gone


def _follow(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, source_id: int, ids: Mapping[Recheck, str]
) -> int:
    with database.reading(engine) as session:
        source = session.get_one(Source, source_id)
        account = session.get(Account, source.account_id) if source.account_id is not None else None
    make = registry.network(source.network).witness
    if make is None:  # as of an archive that names networks: asked for first at every look, they took all others' turn
        with database.writing(engine) as session:
            rechecks.never(session, ids)
        return 0
    try:
        told = make(polling.connection(engine, source, account, keys, settings)).ask(list(ids.values()))
    except NetworkError as error:
        log.warning("deletions_not_asked", source=source_id, kind=type(error).__name__, error=str(error))
        with database.writing(engine) as session:
            rechecks.put_off(session, ids, now)
        if account is not None:
            polling.note_sign_in(engine, account, error, now)
        return 0
    gone = [one.id for one, remote_id in ids.items() if remote_id in told.gone]
    unasked = [one for one, remote_id in ids.items() if remote_id in told.unasked]
    with database.writing(engine) as session:
        if gone:
            mentions.take_turn(session)  # before any row is locked, as a scorer does
        rechecks.still_there(session, [one for one in ids if one.id not in gone and one not in unasked], now)
        rechecks.put_off(session, unasked, now)
        if gone:
            counts.subtract(session, gone)
            mentions.remove(session, gone)
            audit.record(session, now, None, "mention.deleted_upstream", f"source:{source_id}", {"ids": gone})
    if told.edited:
        edits.apply(engine, settings, keys, source.network, told.edited)
    return len(gone)


def _tell(engine: sa.Engine, unreadable: Sequence[Recheck], now: datetime) -> None:
    """Of these nobody can tell whether they were deleted: another key sealed where they are. They are tried again, in
    case the key comes back, but seldom: there may be many, and they must not take the others' turn."""
    ids = [one.id for one in unreadable]
    log.error("references_unreadable", mentions=ids, effect="deletions of these posts are not followed")
    with database.writing(engine) as session:
        rechecks.put_off(session, unreadable, now, rechecks.LATER)
        audit.record(session, now, None, UNFOLLOWED, "mentions", {"ids": ids})


def unfollowed(session: Session, now: datetime) -> int:
    """Of how many mentions it cannot be told whether they were deleted, as found since each was last tried."""
    since = col(AuditEntry.at) > now - rechecks.LATER
    found = session.exec(select(AuditEntry.detail).where(since, AuditEntry.action == UNFOLLOWED))
    return len({number for detail in found for number in detail["ids"]})
