"""A ring makes a source due at once; a line that breaks is opened again, and one not wanted any more is closed."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest
import sqlalchemy as sa

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from listeners import doorbells, polling, sources
from listeners.doorbells import Doorbells
from listeners.tables import Source
from networks import practice, registry
from networks.network import Connection, SignInExpired
from networks.tables import Account


@dataclass
class Bell:
    """A doorbell of ours: keeps what it was given, and stays on the line until it is told to stop or to break."""

    rings: list[Callable[[], None]] = field(default_factory=list)
    stops: list[threading.Event] = field(default_factory=list)
    breaks: Exception | None = None

    def __call__(
        self,
        connection: Connection,
        ring: Callable[[], None],
        told_gone: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        self.rings.append(ring)
        self.stops.append(stop)
        if self.breaks is not None:
            raise self.breaks
        stop.wait(20)


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Bell:
    made = Bell()
    changed = replace(practice.NETWORK, doorbell=made)
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType({**registry.NETWORKS, "practice": changed}))
    return made


@pytest.fixture
def source(sqlite_engine: sa.Engine, now: datetime) -> int:
    """A source of a connected account, which is due in an hour."""
    with database.writing(sqlite_engine) as session:
        account = Account(network="practice", name="Riverton PD", created_at=now)
        session.add(account)
        session.flush()
        later = clock.now() + timedelta(hours=1)
        made = sources.add(
            session, network="practice", name="Board", settings={}, every_seconds=60, now=later, account_id=account.id
        )
        return made.id or 0


@pytest.fixture
def lines(sqlite_engine: sa.Engine, settings: Settings, keys: Keys) -> Doorbells:
    return Doorbells(sqlite_engine, settings, keys)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def due_at(engine: sa.Engine, number: int) -> datetime:
    with database.reading(engine) as session:
        found = session.get_one(Source, number).next_poll_at
    assert found is not None
    return found


def test_a_ring_makes_the_source_due_at_once(
    sqlite_engine: sa.Engine, lines: Doorbells, bell: Bell, source: int
) -> None:
    assert (lines.keep(), lines.keep()) == (1, 1)
    until(lambda: len(bell.rings) == 1)
    bell.rings[0]()
    assert due_at(sqlite_engine, source) <= clock.now()
    lines.stop()
    assert bell.stops[0].is_set()


def test_a_flood_makes_it_due_once_and_not_sooner_than_a_while_after_the_last_look(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, lines: Doorbells, bell: Bell, source: int
) -> None:
    lines.keep()
    until(lambda: len(bell.rings) == 1)
    for _ in range(3):
        bell.rings[0]()
    first = due_at(sqlite_engine, source)
    assert first <= clock.now()
    with database.writing(sqlite_engine) as session:
        looked = clock.now()
        assert polling.claim(session, looked) == [source]
    bell.rings[0]()  # while it is looked at: what rang may be too new for that look
    assert due_at(sqlite_engine, source) == looked + doorbells.APART
    polling.poll(sqlite_engine, source, settings, keys, looked)
    bell.rings[0]()
    assert due_at(sqlite_engine, source) == looked + doorbells.APART
    lines.stop()


def test_a_source_that_is_switched_off_is_hung_up_and_its_last_ring_does_nothing(
    sqlite_engine: sa.Engine, lines: Doorbells, bell: Bell, source: int
) -> None:
    lines.keep()
    until(lambda: len(bell.rings) == 1)
    with database.writing(sqlite_engine) as session:
        sources.switch(session, source, False, clock.now())
    before = due_at(sqlite_engine, source)
    assert lines.keep() == 0
    bell.rings[0]()
    assert (bell.stops[0].is_set(), due_at(sqlite_engine, source)) == (True, before)


def test_a_line_that_breaks_is_opened_again_after_a_while(
    lines: Doorbells, bell: Bell, source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.breaks = KeyError("surprise")
    lines.keep()
    until(lambda: lines.keep() == 0)
    assert len(bell.rings) == 1
    monkeypatch.setattr(doorbells, "AGAIN_AFTER", 0.0)
    bell.breaks = None
    assert lines.keep() == 1
    lines.stop()


def test_a_sign_in_that_ended_signs_the_account_out(
    sqlite_engine: sa.Engine, lines: Doorbells, bell: Bell, source: int
) -> None:
    bell.breaks = SignInExpired("who are you?")
    lines.keep()

    def state() -> str:
        with database.reading(sqlite_engine) as session:
            return session.get_one(Account, 1).state

    until(lambda: state() == "signed_out")
    until(lambda: lines.keep() == 0)
