"""Processes for a test to kill while they work. Each is forked from one that has imported what they need: a process
started anew spends seconds on that before it comes to its work."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

_forking = get_context("forkserver")
_forking.set_forkserver_preload(
    [
        "benchmarks.mail_crash",
        "tests.config.test_backup_kills",
        "tests.listeners.flowing",
        "tests.listeners.test_import_crash",
        "tests.scheduler.test_publishing_crash",
        "tests.scheduler.test_resealing",
        "tests.scheduler.test_run",
        "tests.sentiment.reader",
    ]
)


@contextmanager
def at_work(work: Callable[..., None], *given: object) -> Iterator[tuple[BaseProcess, Connection]]:
    """A process that does `work(say, *given)` in this one's environment, and what it says, until the block ends: then
    it is killed (SIGKILL)."""
    hear, say = _forking.Pipe(duplex=False)
    process = _forking.Process(target=_do, args=(work, dict(os.environ), say, *given), daemon=True)
    process.start()
    say.close()
    try:
        yield process, hear
    finally:
        process.kill()
        process.join()
        hear.close()


def _do(work: Callable[..., None], environment: Mapping[str, str], say: Connection, *given: object) -> None:
    os.environ.clear()
    os.environ.update(environment)  # what this is forked from is older than the test
    work(say, *given)


def heard(hear: Connection, times: int = 1) -> None:
    """Waits until the process has said something so often, or has ended."""
    for _ in range(times):
        try:
            hear.recv_bytes()
        except EOFError:
            return
