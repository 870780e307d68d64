"""The niced process beside this one, for work that takes CPU: started again should it die, told to stop, ended in time.

It is told by a pipe that closes, not by an event: to set one waits for ever once a process was killed while it slept on
it. A pipe also closes when this process dies."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Lock

import structlog

from config import logs
from config.settings import Settings

log = structlog.get_logger(__name__)
NICENESS = 10
_spawn = multiprocessing.get_context("spawn")  # never fork: threads and sockets of the parent stay there


@dataclass(frozen=True)
class Stop:
    """Whether the process beside is to stop, as it asks itself: it was told, or its parent is gone."""

    _hear: Connection

    def is_set(self) -> bool:
        return self._hear.poll()

    def wait(self, seconds: float) -> bool:
        """Sleeps so long, or until it is to stop; whether it is."""
        return self._hear.poll(seconds)


class Beside:
    """The process, from when this is made. It does `work(*given, stop)`, a function that a module names."""

    def __init__(self, name: str, work: Callable[..., None], *given: object) -> None:
        self._name, self._work, self._given = name, work, given
        self._turn, self._told = Lock(), False
        self._process, self._say = self._start()

    def keep(self) -> None:
        """Starts it again if it is gone and was not told to stop."""
        with self._turn:
            if self._told or self._process.is_alive():
                return
            log.error(f"{self._name}_process_gone", exit_code=self._process.exitcode, effect="started again")
            self._say.close()
            self._process, self._say = self._start()

    def tell(self) -> None:
        """Tells it to stop after the step it is in."""
        with self._turn:
            self._told = True
            self._say.close()

    def end(self, seconds: float) -> None:
        """Ends it: by itself within these seconds, or killed. What it had not committed is done again."""
        self.tell()
        self._process.join(seconds)
        if self._process.is_alive():
            self._process.kill()  # it leaves SIGTERM to its parent
            self._process.join()

    def _start(self) -> tuple[SpawnProcess, Connection]:
        hear, say = _spawn.Pipe(duplex=False)
        given = (*self._given, Stop(hear))
        process = _spawn.Process(target=self._work, args=given, name=f"liaison-{self._name}", daemon=True)
        process.start()
        hear.close()
        return process, say


def begin(settings: Settings) -> None:
    """What the process does before its work: signals go to the whole group, and its parent tells it to stop."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    logs.set_up(settings.log_level)
