"""All in one process: APScheduler as a metronome, pools that do the work, one niced process for heavy work.

A tick only claims what the database says is due; a restart therefore loses nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from listeners import polling
from listeners.doorbells import Doorbells
from listeners.streams import Streams
from posts.pools import Pools
from scheduler import delivery, marks, webhooks
from scheduler.engine import heavy
from scheduler.jobs import deletions, edits, publishing, sign_ins

log = structlog.get_logger(__name__)
DRAIN_SECONDS = 4.5  # with the web's five, within ten


@contextmanager
def running(engine: sa.Engine, settings: Settings, keys: Keys) -> Iterator[None]:
    """Everything that happens by itself, until the block ends; then work in hand is finished or left to its lease."""
    pools = Pools(engine, settings, keys)
    doorbells = Doorbells(engine, settings, keys)
    streams = Streams(engine, settings, keys, partial(edits.apply, engine, settings, keys))
    worker = heavy.start(settings)
    metronome = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(5)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )

    def keep_heavy_alive() -> None:
        nonlocal worker
        if not worker[0].is_alive() and not worker[1].is_set():
            log.error("heavy_process_gone", exit_code=worker[0].exitcode, effect="started again")
            worker = heavy.start(settings)

    def daily_sign_ins() -> None:
        now = clock.now()
        with database.reading(engine) as session:
            if not marks.due(session, "sign_ins", now):
                return
        with database.writing(engine) as session:
            mine = marks.take(session, "sign_ins", timedelta(days=1), now)
        if mine:
            sign_ins.look(engine, settings, keys, now)

    ticks: list[tuple[str, float, Callable[[], object]]] = [
        ("publish", 1, lambda: publishing.tick(engine, settings, keys, pools, clock.now())),
        ("listen", 2, lambda: polling.poll_due(engine, settings, keys, clock.now())),
        ("deletions", 15, lambda: deletions.follow(engine, settings, keys, clock.now())),
        ("doorbells", 5, doorbells.keep),
        ("streams", 2, streams.keep),
        ("deliver", 2, lambda: delivery.deliver_all(engine, settings)),
        ("webhooks", 2, lambda: webhooks.deliver_due(engine, settings, keys, clock.now())),
        ("sign_ins", 60, daily_sign_ins),
        ("heavy", 5, keep_heavy_alive),
    ]
    for name, seconds, tick in ticks:
        metronome.add_job(_guarded(name, tick), "interval", seconds=seconds, id=name)
    metronome.start()
    try:
        yield
    finally:
        deadline = time.monotonic() + DRAIN_SECONDS
        worker[1].set()
        metronome.shutdown(wait=False)
        doorbells.stop()
        streams.stop(max(0.0, deadline - time.monotonic()))
        pools.drain(max(0.0, deadline - time.monotonic()))
        worker[0].join(max(0.1, deadline - time.monotonic()))
        if worker[0].is_alive():
            worker[0].terminate()  # what it had not committed is done again at the next start


def _guarded(name: str, tick: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            tick()
        except Exception as error:
            log.error("tick_failed", tick=name, error=str(error), kind=type(error).__name__)

    return run
