"""Looks at the sources that are due: claims each for a while, asks its network outside any transaction, admits.

A source that fails is asked again later and later, and its error stands on its row; it never stops the others."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlmodel import col, or_, select, update

from config import database
from config.secrets import Keys
from config.settings import Settings
from listeners import intake, rules
from listeners.tables import Source
from networks import registry
from networks.network import Connection, Listener, NetworkError, RateLimited, Rejected

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=3)  # longer than any one page may take
LONGEST_WAIT = timedelta(hours=6)
PAGES = 20  # of one source in one go; the rest at the next look
AT_ONCE = 5  # sources in one go


def poll_due(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> int:
    """Polls the sources that are due at `now`; how many mentions were new."""
    claimed = _claim(engine, now)
    if not claimed:
        return 0
    with ThreadPoolExecutor(len(claimed)) as pool:  # a slow server delays nobody else
        return sum(pool.map(lambda number: poll(engine, number, settings, keys, now), claimed))


def _claim(engine: sa.Engine, now: datetime) -> list[int]:
    with database.reading(engine) as session:
        due = session.exec(
            select(Source.id)
            .where(
                col(Source.enabled),
                col(Source.next_poll_at) <= now,
                or_(col(Source.lease_until).is_(None), col(Source.lease_until) <= now),
            )
            .order_by(col(Source.next_poll_at))
            .limit(AT_ONCE)
        ).all()
    claimed = []
    for number in due:
        with database.writing(engine) as session:
            mine = session.exec(
                update(Source)
                .where(
                    col(Source.id) == number,
                    col(Source.next_poll_at) <= now,
                    or_(col(Source.lease_until).is_(None), col(Source.lease_until) <= now),
                )
                .values(lease_until=now + LEASE, last_polled_at=now)
            )
        if mine.rowcount == 1 and number is not None:
            claimed.append(number)
    return claimed


def poll(engine: sa.Engine, source_id: int, settings: Settings, keys: Keys, now: datetime) -> int:
    """Asks one source, page after page, each stored with its cursor; how many mentions were new."""
    with database.reading(engine) as session:
        source = session.get_one(Source, source_id)
        watched = rules.enabled(session)
    new = 0
    try:
        listener = _listener(engine, source, settings)
        for _ in range(PAGES):
            page = listener.mentions(source.cursor)
            rows = intake.prepare(
                [(source.network, mention) for mention in page.mentions], source, watched, keys, settings, now
            )
            with database.writing(engine) as session:
                new += intake.store(session, rows)
                held = session.get_one(Source, source_id)
                held.cursor = page.cursor
                session.add(held)
            source.cursor = page.cursor
            if not page.more:
                break
    except NetworkError as error:
        _failed(engine, source_id, str(error), error.retry_at if isinstance(error, RateLimited) else None, now)
        return new
    except Exception as error:  # a module's own mistake must not stop the other sources, nor go unseen
        log.error("source_failed", source=source_id, kind=type(error).__name__, error=str(error))
        _failed(engine, source_id, f"an error inside Liaison ({type(error).__name__}); see the log", None, now)
        return new
    with database.writing(engine) as session:
        held = session.get_one(Source, source_id)
        held.failures, held.last_error, held.last_ok_at, held.lease_until = 0, None, now, None
        held.next_poll_at = now + timedelta(seconds=held.every_seconds)
        session.add(held)
    return new


def _listener(engine: sa.Engine, source: Source, settings: Settings) -> Listener:
    network = registry.network(source.network)
    if network.listener is None:
        raise Rejected(f"{network.label} cannot be listened to yet")
    return network.listener(
        Connection(
            engine=engine,
            settings=source.settings,
            account_id=source.account_id,
            allow_private=settings.fetch_private_addresses,
        )
    )


def _failed(engine: sa.Engine, source_id: int, words: str, retry_at: datetime | None, now: datetime) -> None:
    with database.writing(engine) as session:
        held = session.get_one(Source, source_id)
        held.failures += 1
        held.last_error, held.lease_until = words[:500], None
        wait = min(LONGEST_WAIT, timedelta(seconds=held.every_seconds * 2 ** min(held.failures - 1, 10)))
        held.next_poll_at = retry_at or now + wait * random.uniform(0.8, 1.2)  # noqa: S311 - spread, not secrecy
        session.add(held)
