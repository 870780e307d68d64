"""Stays on the line with networks that stream, one thread a source: what rings is only the bell.

A ring makes the source due at once, and its poll reads on from its cursor; a line that breaks loses nothing."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Thread

import sqlalchemy as sa
import structlog
from sqlmodel import col, or_, select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from listeners import polling, rechecks, sources
from listeners.tables import Source
from networks import registry
from networks.network import NetworkError
from networks.tables import Account

log = structlog.get_logger(__name__)
APART = timedelta(seconds=5)  # between two looks, however often it rings
AGAIN_AFTER = 30.0  # seconds before a line that broke is opened again


@dataclass
class _Line:
    """One open line. `stop` ends it; `over_at`: when it ended by itself (monotonic seconds)."""

    stop: Event = field(default_factory=Event)
    over_at: float | None = None


class Doorbells:
    """The open lines of an installation; `keep` opens and closes them as sources and accounts change."""

    def __init__(self, engine: sa.Engine, settings: Settings, keys: Keys) -> None:
        self._engine, self._settings, self._keys = engine, settings, keys
        self._lines: dict[int, _Line] = {}

    def keep(self) -> int:
        """One look: how many lines are open."""
        wanted = self._wanted()
        for number in set(self._lines) - wanted.keys():
            self._lines.pop(number).stop.set()
        for number, (source, account) in wanted.items():
            line = self._lines.get(number)
            if line is not None and (line.over_at is None or time.monotonic() - line.over_at < AGAIN_AFTER):
                continue
            self._lines[number] = self._open(source, account)
        return sum(line.over_at is None for line in self._lines.values())

    def stop(self) -> None:
        """Hangs up everywhere; the threads are daemons and are not waited for."""
        for line in self._lines.values():
            line.stop.set()
        self._lines.clear()

    def _wanted(self) -> dict[int, tuple[Source, Account | None]]:
        query = (
            select(Source, Account)
            .outerjoin(Account, col(Account.id) == col(Source.account_id))
            .where(
                col(Source.enabled),
                col(Source.next_poll_at).is_not(None),
                col(Source.streamed).is_(False),
                or_(col(Account.id).is_(None), col(Account.state) == "connected"),
            )
        )
        with database.reading(self._engine) as session:
            found = session.exec(query).all()
        return {
            source.id or 0: (source, account)
            for source, account in found
            if source.network in registry.NETWORKS and registry.network(source.network).doorbell is not None
        }

    def _open(self, source: Source, account: Account | None) -> _Line:
        line = _Line()
        name = f"doorbell-{source.id}"
        Thread(target=self._listen, args=(line, source, account), name=name, daemon=True).start()
        return line

    def _listen(self, line: _Line, source: Source, account: Account | None) -> None:
        number = source.id or 0

        def ring() -> None:
            if not line.stop.is_set() and (due := self._due(number)) is not None:
                with database.writing(self._engine) as session:
                    sources.look_now(session, number, due)

        def told_gone(remote_id: str) -> None:
            with database.writing(self._engine) as session:
                rechecks.told_gone(session, source.network, remote_id, self._keys, clock.now())

        try:
            doorbell = registry.network(source.network).doorbell
            if doorbell is not None:
                connection = polling.connection(self._engine, source, account, self._keys, self._settings)
                doorbell(connection, ring, told_gone, line.stop)
        except NetworkError as error:
            log.info("doorbell_silent", source=number, error=str(error))
            if account is not None:
                polling.note_sign_in(self._engine, account, error, clock.now())
        except Exception as error:  # polling goes on without it
            log.error("doorbell_failed", source=number, kind=type(error).__name__, error=str(error))
        line.over_at = time.monotonic()

    def _due(self, number: int) -> datetime | None:
        """When a ring makes the source due; none where it is by then anyhow: a flood rings at every post of it."""
        now = clock.now()
        with database.reading(self._engine) as session:
            held = session.get(Source, number)
        if held is None or held.next_poll_at is None:
            return None
        last = held.last_polled_at
        due = now if last is None else max(now, last + APART)
        looked_at_now = held.lease_until is not None and last is not None and held.next_poll_at <= last
        return None if held.next_poll_at <= due and not looked_at_now else due
