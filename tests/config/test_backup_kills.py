"""Backups and restores killed (SIGKILL) in the middle: what was there stays whole, and the next one goes through."""

import os
import shutil
import tarfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from config import backup, clock, database, secrets
from config.permissions import Role
from config.tables import Person
from tests import killing
from tests.config.test_backup import _programs, address, emails  # noqa: F401  (the programs are for every test here)

DAY = 24 * 60 * 60
# where a process is stopped, and how many calls of it go through before
BACKING_UP: dict[str, tuple[Any, str, int]] = {
    "the store is copied": (backup, "_sha256", 0),
    "half is packed": (tarfile.TarFile, "add", 1),
    "all but the last name": (Path, "replace", 0),
}
RESTORING: dict[str, tuple[Any, str, int]] = {
    "unpacked": (backup, "_sha256", 0),
    "the store is next": (backup, "_put_sqlite", 0),
    "the old store's log is gone": (Path, "replace", 0),
    "the store is there, the files are not": (Path, "replace", 1),
    "PostgreSQL's is next": (backup, "_run", 0),
    "PostgreSQL's is written out": (backup, "_run", 1),
}


def _stopped(say: Connection, where: tuple[Any, str, int]) -> None:
    """From its so many calls on, the function says that it is reached and goes no further."""
    owner, name, before = where
    real, calls = getattr(owner, name), [0]

    def stands(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] <= before:
            return real(*given, **named)
        say.send_bytes(b"here")
        time.sleep(60)
        raise RuntimeError("nobody killed it")

    setattr(owner, name, stands)


def back_up(say: Connection, url: str, data: Path, out: Path, step: str) -> None:
    _stopped(say, BACKING_UP[step])
    backup.make(database.connect(url), data, secrets.for_tests(), out, clock.now())


def put_back(say: Connection, url: str, data: Path, source: Path, step: str) -> None:
    _stopped(say, RESTORING[step])
    backup.restore(url, data, secrets.for_tests(), source, replace=True)


@pytest.mark.parametrize("step", BACKING_UP)
def test_a_backup_killed_in_the_middle_leaves_the_one_before_and_the_next_is_whole(
    engine: sa.Engine, tmp_path: Path, person: Callable[..., Person], step: str
) -> None:
    data, out = tmp_path / "here", tmp_path / "backup.tar"
    data.mkdir()
    (data / "letter").write_text("first")
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).email
    backup.make(engine, data, secrets.for_tests(), out, clock.now())
    before = out.read_bytes()
    with database.writing(engine) as session:
        luc = person(session, "Luc", Role.OFFICER).email
    with killing.at_work(back_up, address(engine), data, out, step) as (process, hear):
        killing.heard(hear)
        assert process.is_alive()
    assert out.read_bytes() == before
    (left,) = tmp_path.glob(f"{backup.BACKING_UP}*")
    os.utime(left, (time.time() - 2 * DAY,) * 2)
    backup.make(engine, data, secrets.for_tests(), out, clock.now())
    assert not left.exists()
    url = address(engine) if engine.dialect.name != "sqlite" else f"sqlite:///{tmp_path / 'there' / 'liaison.db'}"
    engine.dispose()
    backup.restore(url, tmp_path / "there", secrets.for_tests(), out, replace=True)
    assert emails(url) == [ada, luc]


@pytest.mark.parametrize("step", [step for step in RESTORING if not step.startswith("PostgreSQL")])
def test_a_restore_killed_in_the_middle_leaves_one_store_or_the_other_and_can_be_done_again(
    sqlite_engine: sa.Engine, tmp_path: Path, person: Callable[..., Person], step: str
) -> None:
    """What is there was killed itself, so that half of it lies in the database's log."""
    data, out = tmp_path / "here", tmp_path / "backup.tar"
    data.mkdir()
    (data / "letter").write_text("first")
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).email
    backup.make(sqlite_engine, data, secrets.for_tests(), out, clock.now())
    with database.writing(sqlite_engine) as session:
        luc = person(session, "Luc", Role.OFFICER).email
    there = tmp_path / "there"
    there.mkdir()
    for ending in ("", "-wal", "-shm"):
        shutil.copy(f"{tmp_path / 'liaison.db'}{ending}", there / f"liaison.db{ending}")
    url = f"sqlite:///{there / 'liaison.db'}"
    with killing.at_work(put_back, url, there, out, step) as (process, hear):
        killing.heard(hear)
        assert process.is_alive()
    assert emails(url) == ([ada] if step.endswith("the files are not") else [ada, luc])
    backup.restore(url, there, secrets.for_tests(), out, replace=True)
    assert emails(url) == [ada]
    assert (there / "letter").read_text() == "first"


@pytest.mark.parametrize(
    "step",
    ["unpacked", "PostgreSQL's is next", "PostgreSQL's is written out", "the store is there, the files are not"],
)
def test_the_same_on_postgresql(
    postgres_engine: sa.Engine, tmp_path: Path, person: Callable[..., Person], step: str
) -> None:
    data, out, url = tmp_path / "here", tmp_path / "backup.tar", address(postgres_engine)
    data.mkdir()
    (data / "letter").write_text("first")
    (data / "other").write_text("second")
    with database.writing(postgres_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).email
    backup.make(postgres_engine, data, secrets.for_tests(), out, clock.now())
    with database.writing(postgres_engine) as session:
        luc = person(session, "Luc", Role.OFFICER).email
    postgres_engine.dispose()
    there = tmp_path / "there"
    with killing.at_work(put_back, url, there, out, step) as (process, hear):
        killing.heard(hear)
        assert process.is_alive()
    assert emails(url) == ([ada] if step.endswith("the files are not") else [ada, luc])
    backup.restore(url, there, secrets.for_tests(), out, replace=True)
    assert emails(url) == [ada]
    assert (there / "other").read_text() == "second"
