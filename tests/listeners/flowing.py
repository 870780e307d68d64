"""A whole network that flows at a given rate from a Jetstream of ours, and a reader of it that is killed (SIGKILL)
again and again: what the store holds in the end against what was sent."""

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import overload

import sqlalchemy as sa
from sqlmodel import func, select

from config import clock, database, secrets
from config.settings import Settings
from listeners import rules, sources, streams
from listeners.tables import Mention, Source
from tests import killing
from tests.networks.jetstream_server import V2, Network, Told, like, post, running

FEW = 4000  # events in one look at what flowed
OF_POSTS, OF_MATCHING = 7, 300  # one event in so many is a post, is about us


def read(say: Connection, url: str, folder: Path, lease: float) -> None:
    """The real reader, in a process of its own; `lease`: seconds that it holds a source without a word."""
    streams.LEASE = timedelta(seconds=lease)
    settings = Settings(data_dir=folder, fetch_private_addresses=True)
    made = streams.Streams(database.connect(url), settings, secrets.for_tests(), lambda network, posts: None)
    say.send_bytes(b"ready")
    while True:
        made.keep()
        time.sleep(0.2)


class Flow(Sequence[Told]):
    """Events that come about as time goes on, each made when it is looked at: `rate` a second, `total` in all."""

    def __init__(self, rate: int, total: int) -> None:
        self.rate, self.total, self.began = rate, total, time.monotonic()
        self._at = datetime.now(UTC)

    def __len__(self) -> int:
        return min(self.total, int((time.monotonic() - self.began) * self.rate))

    @overload
    def __getitem__(self, place: int) -> Told: ...
    @overload
    def __getitem__(self, place: slice) -> list[Told]: ...
    def __getitem__(self, place: int | slice) -> Told | list[Told]:
        if isinstance(place, int):
            return self._made(place)
        start, stop, _ = place.indices(len(self))
        return [self._made(number) for number in range(start, min(stop, start + FEW))]

    def __iter__(self) -> Iterator[Told]:
        return (self._made(number) for number in range(len(self)))

    def _made(self, number: int) -> Told:
        at = self._at + timedelta(seconds=number / self.rate)
        if number % OF_MATCHING == 0:
            return post(number, f"orrery {number} on the road", at, did=f"did:plc:{number % 97}")
        return post(number, "anything else", at) if number % OF_POSTS == 0 else like(number, at)

    @property
    def matching(self) -> int:
        """How many of all are about us."""
        return (self.total + OF_MATCHING - 1) // OF_MATCHING


@dataclass(frozen=True)
class Outcome:
    """`sent` and `stored`: posts about us, each counted once; `doubled`: rows too many; `cursor`: the place of the last
    event that the store covers, from 1."""

    sent: int
    stored: int
    doubled: int
    cursor: int
    kills: int
    seconds: float


def killed(url: str, folder: Path, *, rate: int, seconds: float, kills: int, lease: float, seed: int = 1) -> Outcome:
    """Lets a network flow for so long while its reader is killed so often, then waits until the reader has caught up.
    Raises TimeoutError when it does not."""
    engine = database.connect(url)
    database.migrate(engine)
    flow = Flow(rate, int(rate * seconds))
    network = Network()
    network.events = flow  # type: ignore[assignment]  # a list that is never written to
    with running(network) as server:
        number = watched(engine, server)
        chance, done, began = random.Random(seed), 0, time.monotonic()
        moments = sorted(chance.uniform(0, seconds) for _ in range(kills))
        for moment in (*moments, None):
            with killing.at_work(read, url, folder, lease) as (_reader, hear):
                killing.heard(hear)
                if moment is None:
                    caught_up(engine, number, flow.total, seconds + 60 + lease)
                else:
                    time.sleep(max(0.0, moment - (time.monotonic() - began)) + chance.uniform(0, 0.3))
                    done += 1
        taken = time.monotonic() - began
    with database.reading(engine) as session:
        rows, different = session.exec(select(func.count(), func.count(func.distinct(Mention.text)))).one()
        covered = place(session.get_one(Source, number))
    engine.dispose()
    return Outcome(flow.matching, different, rows - different, covered, done, taken)


def watched(engine: sa.Engine, server: str) -> int:
    """The number of a source that reads all of that network from its first event on, and keeps what is about us."""
    with database.writing(engine) as session:
        rules.add(session, "orrery", "orrery road")
        chosen = {"kind": "everything", "servers": server + V2}
        made = sources.add(session, network="bluesky", name="All", settings=chosen, every_seconds=10, now=clock.now())
        first = {"server": server + V2, "number": 1, "time_us": int(time.time() * 1e6)}
        made.cursor = json.dumps(first)
        session.flush()
        return made.id or 0


def place(source: Source) -> int:
    """The number of the last event that the store covers, from 1."""
    return int(json.loads(source.cursor or "{}").get("number", 0))


def caught_up(engine: sa.Engine, number: int, total: int, patience: float) -> None:
    """Waits until the store covers that many events. Raises TimeoutError."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with database.reading(engine) as session:
            if place(session.get_one(Source, number)) >= total:
                return
        time.sleep(0.2)
    raise TimeoutError("the reader never caught up with the network")
