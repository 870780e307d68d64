"""All in one process: APScheduler as a metronome, pools that do the work, one niced process for heavy work.

A tick only claims what the database says is due; a restart therefore loses nothing."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from config import clock
from config.secrets import Keys
from config.settings import Settings
from listeners.doorbells import Doorbells
from listeners.streams import LOOK, Streams
from posts.pools import Pools
from scheduler import marks
from scheduler.engine import heavy, rota
from scheduler.jobs import edits

log = structlog.get_logger(__name__)
OFTEN = timedelta(minutes=1)  # what comes more seldom has its time in the store: a restart does not begin it anew
PUBLISH, LISTEN = "publish", "listen"
LISTENING = 4  # ticks that may listen at once, each to sources of its own: those that are slow hold up no others
THREADS = 16  # more than there are ticks beside publishing
DRAIN_SECONDS = 4.5  # with the web's five, within ten


@contextmanager
def running(engine: sa.Engine, settings: Settings, keys: Keys) -> Iterator[None]:
    """Everything that happens by itself, until the block ends; then work in hand is finished or left to its lease."""
    pools = Pools(engine, settings, keys)
    hands = rota.Hands(engine, settings, keys, pools)
    doorbells = Doorbells(engine, settings, keys)
    streams = Streams(engine, settings, keys, partial(edits.apply, engine, settings, keys))
    reading = heavy.start(settings)
    ticks: list[tuple[str, float, Callable[[], object]]] = [
        *((one.name, min(one.every, OFTEN).total_seconds(), partial(_regular, one, hands)) for one in rota.WAITS),
        ("doorbells", 5, doorbells.keep),
        ("streams", LOOK, streams.keep),
        ("heavy", 5, reading.keep),
    ]
    metronome = _metronome(ticks)
    metronome.start()
    try:
        yield
    finally:
        deadline = time.monotonic() + DRAIN_SECONDS
        reading.tell()
        metronome.shutdown(wait=False)
        doorbells.stop()
        streams.stop(max(0.0, deadline - time.monotonic()))
        pools.drain(max(0.0, deadline - time.monotonic()))
        reading.end(max(0.1, deadline - time.monotonic()))


def _metronome(ticks: Iterable[tuple[str, float, Callable[[], object]]]) -> BackgroundScheduler:
    """Calls each tick every so many seconds. Most wait on networks: there is a thread for each, and publishing has its
    own whatever becomes of the others."""
    metronome = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(THREADS), PUBLISH: ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for name, seconds, tick in ticks:
        executor = PUBLISH if name == PUBLISH else "default"
        most = LISTENING if name == LISTEN else 1
        metronome.add_job(
            _guarded(name, tick), "interval", seconds=seconds, id=name, executor=executor, max_instances=most
        )
    return metronome


def _regular(one: rota.Regular, hands: rota.Hands) -> None:
    now = clock.now()
    if one.every <= OFTEN:
        one.job(hands, now)
    elif marks.mine(hands.engine, one.name, one.every, now):
        one.job(hands, now)
        marks.done(hands.engine, one.name, one.every, now)


def _guarded(name: str, tick: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            tick()
        except Exception as error:
            log.error("tick_failed", tick=name, error=str(error), kind=type(error).__name__)

    return run
