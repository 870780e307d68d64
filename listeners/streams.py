"""Reads networks that stream as they happen, one thread a source: what a watch rule matches is stored with the cursor
that covers it, in one transaction; where a burst changes posts too, the cursor follows when they are changed. One
process reads a source at a time: it holds the source's lease.

Without any watch rule nothing is kept: a whole network must not come in."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Event, Thread

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, or_, select, update

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from listeners import gaps, intake, language, polling, rechecks, rhythm, rules
from listeners.masking import storable
from listeners.tables import Source
from listeners.watch import Matcher
from networks import registry
from networks.network import Burst, NetworkError, RemoteMention, Stream
from networks.tables import Account

log = structlog.get_logger(__name__)
LOOK = 2.0  # seconds between two looks which streams are to be read
LEASE = timedelta(seconds=22)
"""After it another process takes over, at its next look and by a clock that may be 5 s off: within 30 s of a death."""
SAVE_AFTER = 3.0  # seconds between two savings of the cursor when nothing matched
RULES_AFTER = 3.0  # seconds between two looks whether the rules changed
STORE_AWAY = 1.0  # seconds between two tries while the store does not answer
LONGEST_WAIT = 60.0  # seconds between two tries
Edited = Callable[[str, Sequence[RemoteMention]], object]
"""What becomes of posts that their authors changed (network, the posts as they are now); some may not be ours."""


@dataclass
class _Reader:
    """Who reads a source here. `held`: until when, as its row says: another value there is another reader's."""

    held: datetime
    stop: Event = field(default_factory=Event)
    thread: Thread | None = None


class _TakenOver(Exception):
    """Another process reads the source: this one was away for longer than its lease."""


class Streams:
    """The open streams of an installation; `keep` opens and closes them as sources change."""

    def __init__(self, engine: sa.Engine, settings: Settings, keys: Keys, edited: Edited) -> None:
        self._engine, self._settings, self._keys, self._edited = engine, settings, keys, edited
        self._readers: dict[int, _Reader] = {}

    def keep(self) -> int:
        """One look: how many streams are being read here."""
        with database.reading(self._engine) as session:
            rows = session.exec(select(Source.id).where(col(Source.streamed), col(Source.enabled)))
            wanted = {number for number in rows if number is not None}
        for number in set(self._readers) - wanted:
            self._readers.pop(number).stop.set()
        for number in wanted:
            reader = self._readers.get(number)
            if reader is None or reader.thread is None or not reader.thread.is_alive():
                self._readers.pop(number, None)
                held = self._lease(number)
                if held is None:
                    continue  # another process reads it
                reader = self._readers[number] = _Reader(held)
                reader.thread = Thread(target=self._run, args=(number, reader), name=f"stream-{number}", daemon=True)
                reader.thread.start()
        return len(self._readers)

    def stop(self, seconds: float = 3.0) -> None:
        """Ends all reading; what was not stored is read again from the cursor."""
        for reader in self._readers.values():
            reader.stop.set()
        until = time.monotonic() + seconds
        for reader in self._readers.values():
            if reader.thread is not None:
                reader.thread.join(max(0.0, until - time.monotonic()))
        self._readers.clear()

    def _lease(self, number: int) -> datetime | None:
        now = clock.now()
        free = or_(col(Source.lease_until).is_(None), col(Source.lease_until) <= now)
        with database.writing(self._engine) as session:
            taken = session.exec(update(Source).where(col(Source.id) == number, free).values(lease_until=now + LEASE))
        return now + LEASE if taken.rowcount == 1 else None

    def _run(self, number: int, reader: _Reader) -> None:
        failures = 0
        while not reader.stop.is_set():
            try:
                try:
                    for _ in self._bursts(number, reader):
                        failures = 0
                except NetworkError as error:
                    failures += 1
                    self._failed(number, reader, str(error))
                except _TakenOver:
                    raise
                except Exception as error:  # a mistake of ours must not end the listening for good
                    failures += 1
                    log.error("stream_failed", source=number, kind=type(error).__name__, error=str(error))
                    words = f"an error inside Liaison ({type(error).__name__}); see the log"
                    self._failed(number, reader, words)
                if not reader.stop.is_set():
                    wait = min(LONGEST_WAIT, 2.0 ** min(failures, 6)) * random.uniform(0.5, 1.0)  # noqa: S311  # nosec B311
                    self._wait(number, reader, wait)
            except _TakenOver:
                log.info("stream_taken_over", source=number)
                return
            except sa.exc.DatabaseError as error:  # the store is away: what was not saved is read again from the cursor
                log.error("stream_not_saved", source=number, kind=type(error).__name__, error=str(error))
                reader.stop.wait(STORE_AWAY)
        self._keep(number, reader, None)

    def _bursts(self, number: int, reader: _Reader) -> Iterator[Burst]:
        with database.reading(self._engine) as session:
            source = session.get_one(Source, number)
            account = session.get(Account, source.account_id) if source.account_id is not None else None
        listen: Stream | None = registry.network(source.network).stream
        if listen is None:
            raise NetworkError(f"{source.network} cannot be listened to as it happens")
        connection = polling.connection(self._engine, source, account, self._keys, self._settings)
        watched = _Watched(self._engine)
        waiting: Burst | None = None
        saved = time.monotonic()
        for burst in listen(connection, source.cursor, watched.wants, reader.stop):
            waiting = burst if waiting is None else _joined(waiting, burst)
            kept = self._ours(source.network, waiting)
            pressing = waiting.mentions or kept or waiting.lost or waiting.edited
            if pressing or time.monotonic() - saved >= SAVE_AFTER:
                self._store(source, reader, waiting, kept, watched.matcher)
                waiting, saved = None, time.monotonic()
            yield burst

    def _ours(self, network: str, burst: Burst) -> list[int]:
        """Ids of mentions that this burst says are gone."""
        if not burst.deleted and not burst.left:
            return []
        with database.reading(self._engine) as session:
            return rechecks.known(session, network, burst.deleted, burst.left, self._keys)

    def _store(self, source: Source, reader: _Reader, burst: Burst, gone: Sequence[int], matcher: Matcher) -> None:
        now, number = clock.now(), source.id or 0
        found = [(source.network, mention) for mention in burst.mentions] if matcher else []

        def admit(also: Callable[[Session, intake.Admitted], object]) -> intake.Admitted:
            return intake.admit(self._engine, source, found, matcher, self._keys, self._settings, now, also)

        def note(session: Session, admitted: intake.Admitted) -> None:
            held = _held(session, number, reader)
            rhythm.note(session, number, burst.read, admitted.new, now)
            rechecks.at_once(session, gone, now)
            gaps.heard(session, held, now, burst.lost)
            held.cursor, held.position_at, held.lease_until = burst.cursor, burst.position, now + LEASE
            held.last_polled_at, held.last_ok_at, held.failures, held.last_error = now, now, 0, None
            session.add(held)

        if burst.edited:  # before the cursor that covers them, and after the posts: a death repeats them, skips none
            admitted = admit(lambda session, _: _held(session, number, reader))
            self._edited(source.network, burst.edited)
            with database.writing(self._engine) as session:
                note(session, admitted)
        else:
            admit(note)
        reader.held = now + LEASE

    def _failed(self, number: int, reader: _Reader, words: str) -> None:
        until = clock.now() + LEASE
        with database.writing(self._engine) as session:
            held = _held(session, number, reader)
            held.failures += 1
            held.last_error, held.lease_until = storable(words)[:500], until
            session.add(held)
        reader.held = until

    def _wait(self, number: int, reader: _Reader, seconds: float) -> None:
        """Waits before the next try, and goes on holding the source."""
        until = time.monotonic() + seconds
        while not reader.stop.wait(min(10.0, max(0.0, until - time.monotonic()))) and time.monotonic() < until:
            self._keep(number, reader, clock.now() + LEASE)

    def _keep(self, number: int, reader: _Reader, until: datetime | None) -> None:
        """Holds the source on until then; none: lets it go. Raises _TakenOver, unless it was to be let go."""
        mine = col(Source.lease_until) == reader.held
        with database.writing(self._engine) as session:
            kept = session.exec(update(Source).where(col(Source.id) == number, mine).values(lease_until=until))
        if until is not None:
            if kept.rowcount == 0:
                raise _TakenOver
            reader.held = until


def _held(session: Session, number: int, reader: _Reader) -> Source:
    """The source's row, locked and still ours. Raises _TakenOver."""
    found = session.exec(select(Source).where(col(Source.id) == number).with_for_update()).one()
    if found.lease_until != reader.held:
        raise _TakenOver
    return found


class _Watched:
    """The watch rules as they stand, looked at anew every few seconds."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine, self._looked = engine, float("-inf")
        self.matcher = intake.EVERYTHING

    def wants(self, text: str, told: str | None) -> bool:
        if time.monotonic() - self._looked >= RULES_AFTER:
            self._looked = time.monotonic()
            with database.reading(self._engine) as session:
                self.matcher = rules.matcher(session)
        return bool(self.matcher.matching(text, lambda: told or language.detect(text)))


def _joined(first: Burst, second: Burst) -> Burst:
    return replace(
        second,
        mentions=[*first.mentions, *second.mentions],
        edited=[*first.edited, *second.edited],
        deleted=[*first.deleted, *second.deleted],
        left=[*first.left, *second.left],
        read=first.read + second.read,
        refused=first.refused + second.refused,
        lost=first.lost or second.lost,
    )
