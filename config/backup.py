"""A backup of an installation in one file, taken while it runs, and its way back: the store as it stood at one moment,
and what lies beside it in the data folder. Never the secret key nor liaison.toml: with them a stolen backup would open.

The file is a tar archive: manifest.json (what it is, SHA-256 of each part), the store, files/."""

import hashlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess  # PostgreSQL's own programs are called, with a list and no shell  # nosec B404
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

import sqlalchemy as sa

from config import clock, database, output, owners
from config.secrets import KEY_FILE, Keys, SecretKeyError

FORMAT = 2
_READABLE = (1, 2)  # the first did not say which keys open what is in it
STORE = {"sqlite": "liaison.db", "postgresql": "liaison.dump"}
BACKING_UP, RESTORING = ".liaison-backup-", ".liaison-restore-"  # folders of what is under way
LEFT_FOR = timedelta(days=1)
PAGES = 2000  # of SQLite's that are copied before writers get a turn
_MANIFEST = "manifest.json"
_AWAY = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE 'DROP TABLE IF EXISTS public.' || name || ' CASCADE';
    END LOOP;
END $$;
DROP SCHEMA IF EXISTS jobs CASCADE;
"""
_ENDINGS = ("", "-wal", "-shm", "-journal", ".migrating")  # of what SQLite and we keep of one store


class BackupFailed(Exception):
    """Nothing was written, or nothing was restored; the message says why and what to do."""


@dataclass(frozen=True)
class Manifest:
    """`kind`: sqlite or postgresql; `revision`: of the schema; `key`: tells whether a key is the one of its hashes;
    `sealed`: opens with the keys that open what is in it, which a rotation parts from the hashes'."""

    kind: str
    revision: str
    made_at: str  # ISO 8601, UTC
    key: str
    files: dict[str, str]  # name in the archive -> SHA-256
    sealed: list[str] = field(default_factory=list)  # none in a backup of an earlier version
    format: int = FORMAT


def make(engine: sa.Engine, data: Path, keys: Keys, out: Path, now: datetime) -> Manifest:
    """Writes the backup to `out`, beside first and then renamed, readable by its owner only; a link stays and leads to
    it. Raises BackupFailed."""
    if output.stands(out):
        raise BackupFailed(f"{out} is no file, and a backup is written beside one and then renamed: name a file")
    out = output.place(out)
    _sweep(out.parent, BACKING_UP, now)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=BACKING_UP) as name:
        kind = engine.dialect.name
        store = Path(name) / STORE[kind]
        copy = _copy_sqlite if kind == "sqlite" else _dump_postgresql
        copy(engine, store)
        parts = {store.name: store}
        for path in _beside(data, out, _files_of(engine.url)):
            part = f"files/{path.relative_to(data).as_posix()}"
            if _copied(path, Path(name) / part):
                parts[part] = Path(name) / part
        manifest = Manifest(
            kind=kind,
            revision=database.revision(engine),
            made_at=now.isoformat(),
            key=_key_mark(keys),
            files={part: _sha256(path) for part, path in parts.items()},
            sealed=[sealed.decode() for sealed in keys.seals("backup")],
        )
        said = Path(name) / _MANIFEST
        said.write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
        whole = Path(name) / "whole"
        whole.touch(mode=0o600)
        with tarfile.open(whole, "w") as archive:
            archive.add(said, said.name)
            for part, path in parts.items():
                archive.add(path, part, recursive=False)
        whole.replace(out)
    return manifest


def restore(url: str, data: Path, keys: Keys, source: Path, *, replace: bool = False) -> Manifest:
    """Puts a backup into the store at `url` and the folder `data`, once all of it was checked; the caller migrates.
    `replace`: what is there goes. Raises BackupFailed, with what is there untouched."""
    kind = sa.make_url(url).get_backend_name()
    owners.folder(data)
    _sweep(data, RESTORING, clock.now())
    with tempfile.TemporaryDirectory(dir=data, prefix=RESTORING) as name:
        folder = Path(name)
        manifest = _unpack(source, folder)
        if manifest.kind != kind:
            raise BackupFailed(f"this backup is of {manifest.kind}, and the store here is {kind}")
        if not database.is_known(manifest.revision):
            raise BackupFailed(
                f"this backup is of a newer version of Liaison (schema {manifest.revision}; this version knows "
                f"{database.newest_revision()}): install that version here, and try again"
            )
        if manifest.key != _key_mark(keys) or not _opens(keys, manifest):
            raise BackupFailed(
                "this backup was sealed with another secret key: put the key file that the installation had then into "
                "the data folder, or set the LIAISON_SECRET_KEY of then, and try again"
            )
        if not replace and not _is_empty(url):
            raise BackupFailed("there is a desk here already; --replace puts the backup in its place")
        put = _put_sqlite if kind == "sqlite" else _load_postgresql
        put(url, folder / STORE[kind])
        stores = _files_of(sa.make_url(url))
        for part in manifest.files:
            to = data / part.removeprefix("files/")
            if part.startswith("files/") and to.resolve() not in stores:  # one of before may have the store raw, too
                owners.folder(to.parent)
                (folder / part).replace(to)
                owners.give(to, like=data)
    return manifest


def _unpack(source: Path, folder: Path) -> Manifest:
    try:
        with tarfile.open(source, "r:") as archive:
            archive.extractall(folder, filter="data")
        told = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if told.get("format") not in _READABLE:
            raise BackupFailed(f"{source} is a backup of another version of Liaison (format {told.get('format')})")
        manifest = Manifest(**told)
        inside = all(not PurePosixPath(part).is_absolute() and ".." not in part for part in manifest.files)
        if not inside or STORE.get(manifest.kind) not in manifest.files:
            raise BackupFailed(f"{source} is no backup of Liaison")
        altered = [part for part, digest in manifest.files.items() if _sha256(folder / part) != digest]
    except (tarfile.TarError, ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise BackupFailed(f"{source} cannot be read as a backup ({error})") from error
    if altered:
        raise BackupFailed(f"{source} is damaged: {', '.join(altered)} is not what was written")
    return manifest


def _is_empty(url: str) -> bool:
    engine = database.connect(url)
    try:
        if not sa.inspect(engine).has_table("person"):
            return True
        with engine.connect() as connection:
            people: int = connection.execute(sa.text("SELECT count(*) FROM person")).scalar_one()
            return people == 0
    except sa.exc.DatabaseError as error:
        raise BackupFailed(f"the store here cannot be read ({error.orig}); move it away and try again") from error
    finally:
        engine.dispose()


def _copy_sqlite(engine: sa.Engine, out: Path) -> None:
    """SQLite's online backup: what it gives is of one moment, and writers are not kept waiting."""
    with closing(sqlite3.connect(engine.url.database or "")) as source, closing(sqlite3.connect(out)) as copy:
        source.backup(copy, pages=PAGES)


def _put_sqlite(url: str, store: Path) -> None:
    place = Path(sa.make_url(url).database or "")
    owners.folder(place.parent)
    beside = _being_put(place)
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    shutil.copyfile(store, beside)
    owners.give(beside, like=place if place.exists() else place.parent)
    if place.exists():  # first all of it into one file: killed in between, it is still whole
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(place)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        beside.chmod(stat.S_IMODE(place.stat().st_mode))
    for ending in ("-wal", "-shm"):  # of the store that goes: they would be read into the new one
        place.with_name(place.name + ending).unlink(missing_ok=True)
    beside.replace(place)


def _being_put(place: Path) -> Path:
    """Where a store is written before it takes its place."""
    return place.with_name(f".{place.name}.restoring")


def _dump_postgresql(engine: sa.Engine, out: Path) -> None:
    _run(["pg_dump", "--format=custom", "--no-owner", "--file", str(out)], engine.url)


def _load_postgresql(url: str, store: Path) -> None:
    """First written out as SQL, all of it: then one transaction takes away what is there, also what only a newer
    version has, and puts the other in its place."""
    away, words = store.with_name("away.sql"), store.with_name("store.sql")
    away.write_text(_AWAY, encoding="utf-8")
    where = sa.make_url(url)
    _run(["pg_restore", "--clean", "--if-exists", "--no-owner", "--file", str(words), str(store)], where)
    together = ["--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1"]
    _run(["psql", *together, "--file", str(away), "--file", str(words)], where)


def _sweep(folder: Path, prefix: str, now: datetime) -> None:
    """Takes away what a killed backup or restore left here more than a day ago: it holds a whole store. Nothing else
    that a person keeps beside it begins like that."""
    for left in folder.glob(f"{prefix}*"):
        if now.timestamp() - left.stat().st_mtime > LEFT_FOR.total_seconds():
            shutil.rmtree(left, ignore_errors=True)


def _run(command: list[str], url: sa.URL) -> None:
    """PostgreSQL's own programs; where to and the password go by the environment, which no other user can read."""
    where = {"PGHOST": url.host or url.query.get("host", ""), "PGPORT": str(url.port or ""), "PGUSER": url.username}
    given = {**where, "PGDATABASE": url.database, "PGPASSWORD": url.password}
    told = {name: str(value) for name, value in given.items() if value}
    try:
        subprocess.run(command, env={**os.environ, **told}, check=True, capture_output=True, text=True)  # noqa: S603  # nosec B603
    except FileNotFoundError as error:
        raise BackupFailed(f"{command[0]} is not there: install PostgreSQL's programs (postgresql-client)") from error
    except subprocess.CalledProcessError as error:
        ended = f"it ended with status {error.returncode}"  # killed, it says nothing
        said = error.stderr.strip().splitlines() or [ended]
        raise BackupFailed(f"{command[0]} failed: {said[-1]}") from error


def _beside(data: Path, out: Path, stores: set[Path]) -> Iterator[Path]:
    """What is packed beside the store, of a link what it leads to. Backups that are kept in there are not: each would
    hold all those before."""
    left_out = {(data / name).resolve() for name in (KEY_FILE, *(f"liaison.db{ending}" for ending in _ENDINGS))}
    left_out |= {out.resolve(), *stores}
    for path in sorted(data.rglob("*")):
        ours = path.relative_to(data)
        if not path.is_file() or ours.parts[0].startswith("."):
            continue
        under_way = any(part.startswith((BACKING_UP, RESTORING)) for part in ours.parts)
        if not under_way and path.resolve() not in left_out and not _is_backup(path):
            yield path


def _files_of(url: sa.URL) -> set[Path]:
    """The files that SQLite and we keep of this store; none of another database."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return set()
    place = Path(url.database).resolve()
    return {place.with_name(place.name + ending) for ending in _ENDINGS} | {_being_put(place)}


def _copied(path: Path, to: Path) -> bool:
    """Copies a file, so that its checksum is of what is packed: it may be written on meanwhile. False where it went."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copy2(path, to)
    except FileNotFoundError:
        return False
    return True


def _is_backup(path: Path) -> bool:
    """Whether a file is an archive that begins as ours do."""
    with suppress(tarfile.TarError, OSError), tarfile.open(path, "r:") as archive:
        first = archive.next()
        return first is not None and first.name == _MANIFEST
    return False


def _key_mark(keys: Keys) -> str:
    return keys.hash("backup", "is this the key").hex()


def _opens(keys: Keys, manifest: Manifest) -> bool:
    try:
        return all(keys.open(sealed.encode()) for sealed in manifest.sealed)
    except SecretKeyError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as found:
        return hashlib.file_digest(found, "sha256").hexdigest()
