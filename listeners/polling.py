"""Looks at the sources that are due: claims each for a while, asks its network outside any transaction, admits.

A source that fails is asked again later and later, and its error stands on its row; it never stops the others. One
whose account is signed out waits until that is connected again."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, Timer

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from config import database
from config.secrets import Keys
from config.settings import Settings
from listeners import gaps, intake, rhythm, rules, sources, watch
from listeners.masking import storable
from listeners.tables import Source
from networks import accounts, registry
from networks.network import (
    Connection,
    Listener,
    NetworkError,
    Page,
    RateLimited,
    Rejected,
    RemoteMention,
    RenewalFailed,
    SignInExpired,
    Unavailable,
)
from networks.tables import Account

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=3)  # longer than any one page may take
LONGEST_WAIT = timedelta(hours=6)
PAGES = 20  # of one source in one go; the rest at the next look
ONE_GO = 60.0  # seconds after which one source is asked for no more pages: those that are due may wait for it
AT_ONCE = 5  # sources in one go
ASKED = 10.0  # seconds that a stream is tried for


def poll_due(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> int:
    """Polls the sources that are due at `now`; how many mentions were new."""
    with database.reading(engine) as session:
        if session.exec(_due(now, 1)).first() is None:
            return 0
    with database.writing(engine) as session:
        claimed = claim(session, now)
    if not claimed:
        return 0
    with ThreadPoolExecutor(len(claimed)) as pool:  # a slow server delays nobody else
        return sum(pool.map(lambda number: poll(engine, number, settings, keys, now), claimed))


def claim(session: Session, now: datetime, limit: int = AT_ONCE) -> list[int]:
    """Takes sources that are due at `now` for LEASE; their numbers. Each is to be polled by who took it."""
    claimed = []
    for source in session.exec(_due(now, limit).with_for_update(skip_locked=True, of=Source)):
        source.lease_until, source.last_polled_at = now + LEASE, now
        session.add(source)
        claimed.append(source.id or 0)
    return claimed


def _due(now: datetime, limit: int) -> SelectOfScalar[Source]:
    return (
        select(Source)
        .outerjoin(Account, col(Account.id) == col(Source.account_id))
        .where(
            or_(col(Account.id).is_(None), col(Account.state) == "connected"),
            col(Source.enabled),
            col(Source.streamed).is_(False),
            col(Source.next_poll_at) <= now,
            _free(now),
        )
        .order_by(col(Source.next_poll_at), col(Source.id))
        .limit(limit)
    )


def _free(now: datetime) -> sa.ColumnElement[bool]:
    return or_(col(Source.lease_until).is_(None), col(Source.lease_until) <= now)


def poll(engine: sa.Engine, source_id: int, settings: Settings, keys: Keys, now: datetime) -> int:
    """Asks one source, page after page, each stored with its cursor; how many mentions were new."""
    with database.reading(engine) as session:
        source = session.get_one(Source, source_id)
        watched = rules.matcher(session)
        account = session.get(Account, source.account_id) if source.account_id is not None else None
    new, refused = 0, dict[str, None]()  # each once, in their order
    begun = time.monotonic()
    try:
        listener = _listener(engine, source, account, keys, settings)
        for _ in range(PAGES):
            page = listener.mentions(source.cursor)
            found = [(source.network, mention) for mention in page.mentions]
            refused |= dict.fromkeys(storable(words)[:300] for words in page.refused)

            def note(session: Session, admitted: intake.Admitted, page: Page = page) -> None:
                rhythm.note(session, source_id, admitted.read + page.again, admitted.new, now)
                held = session.get_one(Source, source_id)
                held.cursor = page.cursor
                held.lease_until = now + timedelta(seconds=time.monotonic() - begun) + LEASE
                if page.lost is not None:
                    gaps.heard(session, held, now, page.lost)

            new += intake.admit(engine, source, found, watched, keys, settings, now, note).new
            source.cursor = page.cursor
            if not page.more or time.monotonic() - begun > ONE_GO:
                break
    except NetworkError as error:
        if account is not None:
            note_sign_in(engine, account, error, now)
        _failed(engine, source_id, str(error), error.retry_at if isinstance(error, RateLimited) else None, now)
        return new
    except Exception as error:  # a module's own mistake must not stop the other sources, nor go unseen
        log.error("source_failed", source=source_id, kind=type(error).__name__, error=str(error))
        _failed(engine, source_id, f"an error inside Liaison ({type(error).__name__}); see the log", None, now)
        return new
    if refused:
        log.info("not_all_read", source=source_id, refused=list(refused)[:5])
    with database.writing(engine) as session:
        held = session.get_one(Source, source_id)
        gaps.heard(session, held, now)
        held.failures, held.last_ok_at, held.lease_until = 0, now, None
        held.last_error = "; ".join(refused)[:500] or None  # without a failure: what else it could not read
        rung = held.next_poll_at is not None and held.next_poll_at > now  # while it was looked at
        held.next_poll_at = held.next_poll_at if rung else now + timedelta(seconds=held.every_seconds)
        session.add(held)
        if account is not None:
            known = session.get_one(Account, account.id)
            accounts.mark_ok(known, now)
            session.add(known)
    return new


def ask(engine: sa.Engine, source_id: int, settings: Settings, keys: Keys) -> Page:
    """What a source would bring now, from its cursor on; nothing is stored, the cursor stays. Raises NetworkError."""
    with database.reading(engine) as session:
        source = session.get_one(Source, source_id)
        account = session.get(Account, source.account_id) if source.account_id is not None else None
    if source.next_poll_at is None:
        raise Rejected("it comes in by hand: there is nobody to ask")
    if not source.streamed:
        return _listener(engine, source, account, keys, settings).mentions(source.cursor)
    listen = registry.network(source.network).stream
    if listen is None:
        raise Rejected(f"{source.network} cannot be listened to as it happens")
    stop, found, events = Event(), list[RemoteMention](), 0
    over = Timer(ASKED, stop.set)  # not by the bursts alone: of a server that says nothing none comes
    over.daemon = True
    over.start()
    try:
        talk = connection(engine, source, account, keys, settings)
        for burst in listen(talk, None, lambda text, language: True, stop):
            found, events = [*found, *burst.mentions], events + burst.read
            if found:
                stop.set()
    finally:
        over.cancel()
    if not events:
        raise Unavailable(f"it said nothing for {ASKED:.0f} seconds")
    return Page(found, None)


def connection(
    engine: sa.Engine, source: Source, account: Account | None, keys: Keys, settings: Settings
) -> Connection:
    """What a source's network module needs to talk: by its account, or without one. Raises Rejected."""
    if account is not None:
        made = accounts.connection(engine, account, keys, settings, source.settings)
    else:
        made = Connection(engine=engine, settings=source.settings, allow_private=settings.fetch_private_addresses)
    kind = sources.kind_of(registry.network(source.network), source.settings)
    if kind is None or not kind.by_rules:
        return made
    with database.reading(engine) as session:
        try:
            return replace(made, searches=rules.searches(session, kind.by_rules))
        except watch.WatchRuleError as error:
            raise Rejected(f"the watch rules cannot be searched for: {error}") from error


def note_sign_in(engine: sa.Engine, account: Account, error: NetworkError, now: datetime) -> None:
    """Signs the account out if that is what the error says, at once or after an hour of failed renewals."""
    if not isinstance(error, SignInExpired | RenewalFailed):
        return
    with database.writing(engine) as session:
        if isinstance(error, SignInExpired):
            accounts.mark_signed_out(session, account.id or 0, str(error), now)
        else:
            accounts.note_failed_renewal(session, account.id or 0, str(error), now)


def _listener(engine: sa.Engine, source: Source, account: Account | None, keys: Keys, settings: Settings) -> Listener:
    network = registry.network(source.network)
    if network.listener is None:
        raise Rejected(f"{network.label} cannot be listened to yet")
    sources.refuse_one(source.network, source.settings)
    return network.listener(connection(engine, source, account, keys, settings))


def _failed(engine: sa.Engine, source_id: int, words: str, retry_at: datetime | None, now: datetime) -> None:
    with database.writing(engine) as session:
        held = session.get_one(Source, source_id)
        held.failures += 1
        held.last_error, held.lease_until = storable(words)[:500], None
        wait = min(LONGEST_WAIT, timedelta(seconds=held.every_seconds * 2 ** min(held.failures - 1, 10)))
        soonest = now + timedelta(seconds=held.every_seconds)  # a clock that is behind names a time that is over
        spread = now + wait * random.uniform(0.8, 1.2)  # noqa: S311  spread, not secrecy  # nosec B311
        held.next_poll_at = spread if retry_at is None else max(retry_at, soonest)
        session.add(held)
