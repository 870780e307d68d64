"""Clocks and workers as processes on one PostgreSQL, as administrators start them, and killed as no administrator
would."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LIAISON = [sys.executable, str(Path(__file__).parents[2] / "cli.py")]


@dataclass
class Cluster:
    """Its processes by name; what each said is in `folder`."""

    url: str
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *arguments: str, url: str | None = None) -> None:
        """`url`: another way to the same database than the others'."""
        environment = {
            **os.environ,
            "LIAISON_DATABASE_URL": url or self.url,
            "LIAISON_DATA_DIR": str(self.folder / "data"),
            "LIAISON_CONFIG": os.devnull,
        }
        with (self.folder / f"{name}.log").open("ab") as said:
            self.running[name] = subprocess.Popen(
                [*LIAISON, *arguments],
                env=environment,
                cwd=Path(__file__).parents[2],
                stderr=said,
                stdout=said,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """At once, with its process beside it: as when the machine goes dark."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def freeze(self, name: str) -> None:
        """As a host that hangs: it keeps its connections, its leases and what it has begun, and does nothing."""
        os.killpg(self.running[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """It goes on where it stood, as if no time had passed."""
        os.killpg(self.running[name].pid, signal.SIGCONT)

    def stop(self, name: str, seconds: float = 30) -> int:
        """Told to end; its exit status."""
        process = self.running.pop(name)
        process.terminate()
        return process.wait(seconds)

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")


@contextmanager
def running(url: str, folder: Path) -> Iterator[Cluster]:
    made = Cluster(url, folder)
    try:
        yield made
    finally:
        for name in list(made.running):
            made.kill(name)
