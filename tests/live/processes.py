"""Servers as processes of a test run: started on a leash (leash.py), their output kept in a file, ended by pid.
What is started, and how one asks it, is left to the modules of each server.
"""

import random
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LEASH = Path(__file__).with_name("leash.py")


class DidNotStart(Exception):
    """A server ended, or said nothing for too long; the message ends with its last lines."""


@dataclass(frozen=True)
class Running:
    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def said(self, start: str, seconds: float = 120) -> str:
        """The first line of output that begins with `start`, waited for. Raises DidNotStart."""
        for _ in self._waiting(f"a line that begins with {start!r}", seconds):
            for line in self.log.read_text(errors="replace").splitlines(keepends=True):
                if line.startswith(start) and line.endswith("\n"):
                    return line.strip()
        raise AssertionError("unreachable")

    def listens(self, port: int, seconds: float = 60) -> None:
        """Returns once something answers at the port. Raises DidNotStart."""
        for _ in self._waiting(f"port {port}", seconds):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                continue

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _waiting(self, what: str, seconds: float) -> "Waiting":
        return Waiting(self, what, time.monotonic() + seconds)


@dataclass(frozen=True)
class Waiting:
    """Goes round until its time is over or the process has ended, then raises DidNotStart."""

    running: Running
    what: str
    until: float

    def __iter__(self) -> "Waiting":
        return self

    def __next__(self) -> None:
        ended = self.running.process.poll()
        if ended is not None:
            raise DidNotStart(f"{self.running.name} ended with {ended}:\n{self.running.tail()}")
        if time.monotonic() > self.until:
            raise DidNotStart(f"{self.running.name}: waited too long for {self.what}:\n{self.running.tail()}")
        time.sleep(0.05)


def start(
    name: str,
    command: Sequence[str | Path],
    log_folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Running:
    log = log_folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(_LEASH), *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,  # Ctrl-C reaches pytest, whose fixtures then end it in order
        )
    return Running(name, process, log)


def free_port() -> int:
    """A port of loopback that nobody listens at. Below the range from which the kernel takes ports for connections, and
    drawn at random, so that neither a connection nor another run takes it before it is used.
    """
    draw = random.SystemRandom()
    while True:
        port = draw.randrange(20000, 30000)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
