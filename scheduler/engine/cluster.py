"""A worker of a cluster: takes jobs from the queues that it is given, any number of workers on any machines.

Queues whose jobs wait on networks are worked in threads of this process, each queue by its own so that none waits
behind another; those that take CPU in a niced process beside it. Where "listen" is among them, streams are read here
too, each by one worker of all. Killed at any point, its jobs are put back (scheduler.engine.ticking) and its leases
end."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
import structlog
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException

from config import clock, database, secrets
from config.secrets import Keys
from config.settings import Settings
from listeners import polling
from listeners.doorbells import Doorbells
from listeners.streams import LOOK, Streams
from posts.pools import Pools
from scheduler import marks, skew
from scheduler.engine import beside, queue, rota
from scheduler.engine.beside import Beside, Stop
from scheduler.jobs import edits, rescoring, scoring

if TYPE_CHECKING:
    from sentiment.model import Model

log = structlog.get_logger(__name__)
DRAIN_SECONDS = 8.0
AT_ONCE = 50  # claims of publishing in hand
SOURCES_AT_ONCE = 200  # claimed in one go: their jobs may wait as long as their leases last
SCORED_FOR = 10.0  # seconds of one scoring job; then what is more urgent has its turn
LOOK_AFTER = 20.0  # seconds between two looks whether the model's heads were refitted
DOORBELLS_HELD = timedelta(seconds=20)
Task = Callable[..., object]  # told numbers by name
Tasks = Mapping[str, Task]


class ClockOff(Exception):
    """This machine's clock is not the store's; the message says by how much."""


def check_clock(engine: sa.Engine) -> None:
    """Raises ClockOff where leases counted here would not mean what they mean elsewhere."""
    with database.reading(engine) as session:
        off = abs(skew.of(session))
    if off > skew.MOST:
        raise ClockOff(f"this machine's clock is {off:.0f} s off the database's: let NTP set it (timedatectl)")


def work(engine: sa.Engine, settings: Settings, keys: Keys, queues: Sequence[str], threads: int, told: Event) -> bool:
    """Works on the queues until told to stop, then ends what is under way; whether all of it ended. What did not is
    taken up by others. `threads`: jobs at once in each queue that waits on networks."""
    check_clock(engine)
    waits = {name: threads for name in rota.WAITING if name in queues}
    reads = [name for name in rota.READING if name in queues]
    with ExitStack() as ending:
        if reads:
            ending.enter_context(_process_beside(settings, reads, told))
        log.info("worker_begins", queues=list(queues), threads=threads)
        if not waits:
            told.wait()
            return True
        pools = Pools(engine, settings, keys)
        hands = rota.Hands(engine, settings, keys, pools, AT_ONCE)
        if "listen" in waits:
            ending.enter_context(_listening(hands, told))
        ended = serve(settings, {**_waiting_tasks(hands)}, waits, told.is_set)
        return pools.drain(DRAIN_SECONDS / 2) and ended


def serve(settings: Settings, tasks: Tasks, queues: Mapping[str, int], stopped: Callable[[], bool]) -> bool:
    """Takes jobs of each queue, so many at once, until stopped; whether all that were under way ended in time. A
    database that is away is waited for."""
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # what it tells of jobs, we tell in one line
    loop = asyncio.new_event_loop()
    threads = ThreadPoolExecutor(sum(queues.values()) + 2, thread_name_prefix="job")
    loop.set_default_executor(threads)
    try:
        return loop.run_until_complete(_serving(settings.database, tasks, queues, stopped))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        loop.close()


async def _serving(url: str, tasks: Tasks, queues: Mapping[str, int], stopped: Callable[[], bool]) -> bool:
    left: set[asyncio.Task[None]] = set()
    while not stopped():
        app = App(connector=queue.connector(url))
        for name, task in tasks.items():
            app.task(name=name, pass_context=True)(partial(_told, name, task))
        try:
            async with app.open_async():
                working = [
                    asyncio.create_task(
                        app.run_worker_async(
                            queues=[name],
                            name=name,
                            concurrency=at_once,
                            delete_jobs="successful",
                            install_signal_handlers=False,
                            shutdown_graceful_timeout=DRAIN_SECONDS / 2,
                            fetch_job_polling_interval=1.0,
                            update_heartbeat_interval=queue.STALLED.total_seconds() / 4,
                            stalled_worker_timeout=queue.STALLED.total_seconds() * 2,
                        )
                    )
                    for name, at_once in queues.items()
                ]
                while not stopped() and not any(one.done() for one in working):
                    await asyncio.sleep(0.1)
                for one in working:
                    one.cancel()
                done, left = await asyncio.wait(working, timeout=DRAIN_SECONDS / 2 + 0.5)
                for one in done:
                    if not one.cancelled() and (error := one.exception()) is not None:
                        raise error
        except Exception as error:
            log.error("queue_lost", kind=type(error).__name__, error=str(error), effect="tried again")
            if not isinstance(error, ConnectorException | psycopg.Error | OSError):
                raise
            await asyncio.sleep(1)
    return not left


def _told(name: str, task: Task, context: JobContext, **told: Any) -> None:
    """One job, its log lines marked with its number. One that fails is kept in the queue's table, to be looked at."""
    with structlog.contextvars.bound_contextvars(job=name, job_id=context.job.id):
        try:
            task(**told)
        except Exception as error:
            log.error("job_failed", error=str(error), kind=type(error).__name__)
            raise


def _waiting_tasks(hands: rota.Hands) -> dict[str, Task]:
    def listen() -> None:
        """Sources that are due are claimed, and a job is put for each, in one transaction."""
        with database.writing(hands.engine) as session:
            for number in polling.claim(session, clock.now(), SOURCES_AT_ONCE):
                name, priority = f"poll:{number}", rota.PRIORITY["listen"]
                queue.defer(session, "poll", "listen", priority, once=name, told={"source_id": number})

    def poll(source_id: int) -> None:
        polling.poll(hands.engine, source_id, hands.settings, hands.keys, clock.now())

    return {**{one.name: partial(_now, one, hands) for one in rota.WAITS}, "listen": listen, "poll": poll}


def _now(one: rota.Regular, hands: rota.Hands) -> None:
    """The job, taken by a clock for all of its time: one that fails comes again soon. Whose worker dies is put back by
    the queue (scheduler.engine.ticking)."""
    now = clock.now()
    try:
        one.job(hands, now)
    except Exception:  # hides nothing: it is raised again
        marks.failed(hands.engine, one.name, one.every, now)
        raise


@contextmanager
def _listening(hands: rota.Hands, told: Event) -> Iterator[None]:
    """Streams and doorbells: kept open in a thread of this process, as far as no other holds them."""
    streams = Streams(
        hands.engine, hands.settings, hands.keys, partial(edits.apply, hands.engine, hands.settings, hands.keys)
    )
    doorbells = Doorbells(hands.engine, hands.settings, hands.keys)

    def keep() -> None:
        held: datetime | None = None
        while not told.is_set():
            try:
                streams.keep()
                with database.writing(hands.engine) as session:
                    held = marks.hold(session, "doorbells", held, DOORBELLS_HELD, clock.now())
                if held is None:
                    doorbells.stop()
                else:
                    doorbells.keep()
            except Exception as error:
                log.error("listening_failed", kind=type(error).__name__, error=str(error), effect="tried again")
            told.wait(LOOK)

    thread = Thread(target=keep, name="listening", daemon=True)
    thread.start()
    try:
        yield
    finally:
        told.set()
        thread.join(1)
        doorbells.stop()
        streams.stop(2)


@contextmanager
def _process_beside(settings: Settings, queues: Sequence[str], told: Event) -> Iterator[None]:
    """The niced process for what takes CPU, started again should it die."""
    reading = Beside("reading", _read, settings, queues)

    def watch() -> None:
        while not told.wait(2):
            reading.keep()

    thread = Thread(target=watch, name="watching", daemon=True)
    thread.start()
    try:
        yield
    finally:
        told.set()
        thread.join()
        reading.end(DRAIN_SECONDS)


def _read(settings: Settings, queues: Sequence[str], stop: Stop) -> None:
    """The process for what takes CPU: one job at a time."""
    beside.begin(settings)
    engine = database.connect(settings.database)
    hands = rota.Hands(engine, settings, secrets.load(settings))
    ended = serve(settings, reading_tasks(hands, stop.is_set), dict.fromkeys(queues, 1), stop.is_set)
    engine.dispose()
    if not ended:
        os._exit(0)


def reading_tasks(hands: rota.Hands, stopped: Callable[[], bool]) -> dict[str, Task]:
    """What takes CPU: scoring, and what is worked out from it."""
    reader = _Reader(hands.settings)

    def score(part: int, parts: int) -> None:
        until = time.monotonic() + SCORED_FOR
        scoring.score_all(
            hands.engine,
            reader.now(),
            hands.settings,
            clock.now,
            stop=lambda: stopped() or time.monotonic() > until,
            part=part,
            parts=parts,
        )

    def rescore(part: int) -> None:
        zone = hands.settings.department.zone
        rescoring.go_on(hands.engine, reader.now(), clock.now(), stopped, [part], zone=zone)

    return {**{one.name: partial(_now, one, hands) for one in rota.READS}, "score": score, "rescore": rescore}


class _Reader:
    """The model, loaded when first needed, with the heads that are in use."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._looked = settings, float("-inf")
        self._model: Model | None = None

    def now(self) -> "Model":
        from sentiment import feedback, model  # loads the tokenizer library: only who scores needs it

        if self._model is None or time.monotonic() - self._looked >= LOOK_AFTER:
            self._looked = time.monotonic()
            self._model = feedback.in_use(self._settings.data_dir / feedback.FOLDER, model.load())
        return self._model
