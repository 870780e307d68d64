"""Intake: a page of public posts becomes mentions, in one transaction with the cursor that covers them.

Names stop here: authors become keyed hashes, addresses are sealed, handles masked. A repeat adds nothing."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from config import database
from config.database import upsert
from config.secrets import Keys
from config.settings import Settings
from listeners import language, mentions, rechecks, watch
from listeners.masking import masked, storable
from listeners.tables import Mention, Source
from networks import accounts, registry
from networks.network import RemoteMention

NEW_ACCOUNT = timedelta(days=30)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # nothing was posted before: a date of the year 1 is a mistake
EVERYTHING = watch.Matcher([])  # without any rule


@dataclass(frozen=True)
class Admitted:
    """What became of posts. `unmatched`: no rule wanted them, or they are our own."""

    read: int = 0
    new: int = 0
    duplicate: int = 0
    unmatched: int = 0


def admit(
    engine: sa.Engine,
    source: Source,
    found: Sequence[tuple[str, RemoteMention]],
    rules: watch.Matcher,
    keys: Keys,
    settings: Settings,
    now: datetime,
    also: Callable[[Session, Admitted], object],
) -> Admitted:
    """Stores those posts (network, post) that match, and whatever `also` writes, in one transaction: the cursor that
    covers them, at least. What `also` raises leaves nothing stored."""
    with database.reading(engine) as session:
        own, own_ids = accounts.handles(session), accounts.own_ids(session)
    rows = prepare(found, source, rules, keys, settings, now, own, own_ids)
    with database.writing(engine) as session:
        new = store(session, rows)
        admitted = Admitted(len(found), new, len(rows) - new, len(found) - len(rows))
        also(session, admitted)
    return admitted


def prepare(
    found: Sequence[tuple[str, RemoteMention]],
    source: Source,
    rules: watch.Matcher,
    keys: Keys,
    settings: Settings,
    now: datetime,
    own: Sequence[str] = (),
    own_ids: Collection[tuple[str, str]] = (),
) -> list[dict[str, Any]]:
    """Rows for those posts (network, post) that match a rule or name our account, or for all without any rule. Writes
    nothing. `own`: handles of our accounts, shown unmasked beside the settings'; `own_ids`: (network, author id) of
    our accounts, whose posts are what we say, not what is said of us.

    Done before the transaction opens: matching and sealing take longer than the insert."""
    ours = [*settings.department.handles, *own]
    retention = {name: _retention(name, settings) for name in {name for name, _ in found}}
    rows = []
    for network, mention in found:
        if (network, mention.author_id) in own_ids:
            continue
        matched = rules.matching(mention.text, partial(_language, mention))
        if rules and not matched and not mention.addressed:
            continue
        text = storable(mention.text)
        rows.append(
            {
                "key": keys.hash("mention", f"{network}\n{mention.remote_id}"),
                "network": network,
                "source_id": source.id,
                "sealed_reference": keys.seal(json.dumps([mention.remote_id, mention.url])),
                "author": whose(network, mention.author_id, mention.remote_id, keys),
                "author_age": _age(mention),
                "text": masked(text, ours),
                "language": storable(mention.language or "und")[:12],
                "place_id": None,
                "place_sure": None,
                "rules": matched,
                "thread": keys.hash("mention", f"{network}\n{mention.root_id or mention.remote_id}"),
                "repost": mention.repost or text.startswith("RT @"),
                "copy_of": None,
                "automatic": mention.automatic,
                "edited_at": None,
                "posted_at": mention.posted_at if EARLIEST <= mention.posted_at <= now else now,
                "received_at": now,
                "expires_at": now + retention[network],
                "check_at": rechecks.next_check(now, now, network) if _can_tell(source, network) else None,
                "addressed": mention.addressed,
                "scored_at": None,
                "shown": True,
                "state": "new",
                "assigned_to": None,
                "snoozed_until": None,
            }
        )
    return rows


def whose(network: str, author_id: str | None, remote_id: str, keys: Keys) -> bytes:
    """What the author of a post is kept as; without an id each post has an author of its own."""
    return keys.hash("author", f"{network}\n{author_id or 'post ' + remote_id}")


def store(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Inserts rows that are not there yet; how many were new. One that is there learns that it names our account, where
    another source did not know."""
    if not rows:
        return 0
    insert = upsert(session, Mention).on_conflict_do_nothing(index_elements=["key"])
    options = {"preserve_rowcount": True}  # else PostgreSQL's driver does not say how many were new
    new = session.connection().execute(insert, mentions.numbered(session, rows), execution_options=options).rowcount
    addressed = [row["key"] for row in rows if row["addressed"]]
    if addressed and new < len(rows):
        known = col(Mention.key).in_(addressed) & col(Mention.addressed).is_(False)
        session.exec(sa.update(Mention).where(known).values(addressed=True))
    return new


def _language(mention: RemoteMention) -> str:
    return mention.language or language.detect(mention.text)


def _can_tell(source: Source, network: str) -> bool:
    """Whether its network can be asked if it is still there; not for what an archive has of another network."""
    known = registry.NETWORKS.get(network) if network == source.network else None
    return known is not None and known.witness is not None


def _retention(network: str, settings: Settings) -> timedelta:
    allowed = registry.NETWORKS[network].policy.text_days if network in registry.NETWORKS else None
    return timedelta(days=min(settings.retention_days, allowed or settings.retention_days))


def _age(mention: RemoteMention) -> str:
    if mention.author_created_at is None:
        return ""
    return "new" if mention.posted_at - mention.author_created_at < NEW_ACCOUNT else "older"
