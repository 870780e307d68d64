"""Deletions upstream: what its author took away is gone here too, and what it had added to counts with it.

Only what a network's witness says for sure; one that cannot be asked changes nothing."""

import json
from collections import defaultdict
from datetime import datetime

import sqlalchemy as sa
import structlog

from config import audit, database
from config.secrets import Keys
from config.settings import Settings
from listeners import mentions, polling, rechecks
from listeners.rechecks import Recheck
from listeners.tables import Source
from networks import registry
from networks.network import NetworkError
from networks.tables import Account
from sentiment import counts

log = structlog.get_logger(__name__)
AT_ONCE = 100  # mentions in one go


def follow(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> int:
    """Asks for the mentions that are due; how many were gone, and are gone now."""
    with database.reading(engine) as session:
        due = rechecks.due(session, now, AT_ONCE)
    by_source: dict[int, list[Recheck]] = defaultdict(list)
    for one in due:
        by_source[one.source_id].append(one)
    return sum(_follow(engine, settings, keys, now, number, found) for number, found in by_source.items())


def _follow(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, source_id: int, asked: list[Recheck]
) -> int:
    with database.reading(engine) as session:
        source = session.get_one(Source, source_id)
        account = session.get(Account, source.account_id) if source.account_id is not None else None
    make = registry.network(source.network).witness
    if make is None:
        return 0
    ids = {one: str(json.loads(keys.open(one.sealed_reference))[0]) for one in asked}
    try:
        away = make(polling.connection(engine, source, account, keys, settings)).gone(list(ids.values()))
    except NetworkError as error:
        log.warning("deletions_not_asked", source=source_id, kind=type(error).__name__, error=str(error))
        with database.writing(engine) as session:
            rechecks.put_off(session, asked, now)
        if account is not None:
            polling.note_sign_in(engine, account, error, now)
        return 0
    gone = [one.id for one, remote_id in ids.items() if remote_id in away]
    with database.writing(engine) as session:
        rechecks.still_there(session, [one for one in asked if one.id not in gone], now)
        if gone:
            counts.subtract(session, gone)
            mentions.remove(session, gone)
            audit.record(session, now, None, "mention.deleted_upstream", f"source:{source_id}", {"ids": gone})
    return len(gone)
