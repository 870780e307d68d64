"""Sources: where mentions come from. How each is doing is listeners.health."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

import regex
from sqlmodel import Session, select

from config.phrases import Phrase
from listeners.tables import Source
from networks import registry
from networks.network import Network, Rejected, SourceKind
from networks.tables import Account

_PHRASE = regex.compile(r'"[^"]*"')
# What networks' searches take for the posts of one person or those that speak to one, and the addresses of such feeds.
_SEARCH_OF_ONE = regex.compile(
    r"(?<!\w)(?:from|to|author|user|did|mentions|retweets_of|conversation_id|list|bio|bio_name)\s*:", regex.IGNORECASE
)
_FEED_OF_ONE = regex.compile(r"/(?:@|(?:users?|u|profile|people)/)", regex.IGNORECASE)


def add(
    session: Session,
    *,
    network: str,
    name: str,
    settings: dict[str, str],
    every_seconds: int,
    now: datetime,
    account_id: int | None = None,
) -> Source:
    """Adds a source; one that is listened to is due at once. Raises UnknownNetwork, Rejected (a name that is taken,
    a network that cannot be listened to, an account that is not there or is another network's, the posts of one
    person)."""
    found = registry.network(network)
    if by_name(session, name.strip()) is not None:
        raise Rejected(Phrase.about(Phrase("There is a source called “%(name)s” already.", name=name.strip()), "name"))
    if every_seconds and found.listener is None:
        raise Rejected(f"{found.label} cannot be listened to yet; import an archive instead")
    if account_id is not None:
        _check_account(session, found, account_id)
    _check_kind(found, settings, account_id)
    kind = kind_of(found, settings)
    if network == "feed" and not settings.get("url", "").startswith(("http://", "https://")):
        raise Rejected(Phrase.about(Phrase("A feed needs its address; it begins with https://."), "url"))
    refuse_one(network, settings)
    source = Source(
        network=network,
        name=name.strip(),
        settings=settings,
        every_seconds=every_seconds,
        account_id=account_id,
        streamed=kind is not None and kind.streamed,
        next_poll_at=now if every_seconds else None,
    )
    session.add(source)
    session.flush()
    return source


def _check_kind(network: Network, settings: dict[str, str], account_id: int | None) -> None:
    """That a way to listen is one of the network's, and has what it needs. The first is meant where none is named."""
    kind = kind_of(network, settings)
    if kind is None:
        if "kind" in settings:
            raise Rejected(f"{network.label} cannot be listened to by {settings['kind']!r}")
        return
    if kind.account == "needed" and account_id is None:
        raise Rejected(f"this needs an account on {network.label}")
    for wanted in kind.fields:
        if wanted.required and not settings.get(wanted.name, "").strip():
            words = Phrase("%(field)s is missing.", field=Phrase(wanted.label))
            raise Rejected(Phrase.about(words, wanted.name))


def _check_account(session: Session, network: Network, account_id: int) -> None:
    """That an account is here and on the network: with another's keys a first look would find its sign-in ended."""
    account = session.get(Account, account_id)
    if account is None or account.state == "removed":
        raise Rejected(f"there is no account {account_id}")
    if account.network != network.name:
        held = registry.network(account.network)
        raise Rejected(f"account {account_id} is on {held.label}, not on {network.label}")


def refuse_one(network: str, settings: Mapping[str, str]) -> None:
    """Raises Rejected for a source that would bring the posts of one person: a list by author under another name."""
    searched = _SEARCH_OF_ONE.search(_PHRASE.sub("", settings.get("query", "")))
    address = urlsplit(settings.get("url", "")).path if network == "feed" else ""
    if searched or _FEED_OF_ONE.search(address):
        words = Phrase(
            "%(asked)s asks for the posts of one person; Liaison listens to what is said to and about a department",
            asked=searched.group() if searched else address,
        )
        raise Rejected(Phrase.about(words, "query" if searched else "url"))


def subject(source: Source) -> str:
    """What it asks its network for, as somebody gave it; of an address no more than its page, since what follows may be
    a key."""
    given = [value for name, value in source.settings.items() if name not in ("kind", "servers") and value.strip()]
    return ", ".join(value.partition("?")[0] if "://" in value else value for value in given)


def kind_of(network: Network, settings: Mapping[str, str]) -> SourceKind | None:
    """The way to listen that a source's settings name; the network's first where they name none."""
    named = settings.get("kind")
    return next((one for one in network.kinds if named in (None, one.name)), None)


def look_now(session: Session, source_id: int, now: datetime) -> Source | None:
    """Makes a source due at once, however long it was put off; none when there is no such source, it is switched off or
    comes by hand."""
    source = session.get(Source, source_id)
    if source is None or not source.enabled or source.next_poll_at is None:
        return None
    source.next_poll_at = now
    session.add(source)
    return source


def switch(session: Session, source_id: int, on: bool, now: datetime) -> Source | None:
    """Switches a source on, due at once, or off; its cursor stays, so nothing is lost. None when there is none."""
    source = session.get(Source, source_id)
    if source is None or source.next_poll_at is None:
        return None
    source.enabled = on
    if on:
        source.next_poll_at, source.failures, source.last_error = now, 0, None
    session.add(source)
    return source


def by_name(session: Session, name: str) -> Source | None:
    return session.exec(select(Source).where(Source.name == name)).one_or_none()
