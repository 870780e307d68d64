"""One store, SQLite or PostgreSQL: engines, read and write sessions, the two dialects' inserts, migrations.

Writers on SQLite begin IMMEDIATE, so that a busy file is met at the start and waited for, never halfway."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock, RLock
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

from config import owners
from config.clock import utc

MIGRATIONS = Path(__file__).parent / "migrations"
_turns: WeakKeyDictionary[sa.Pool, AbstractContextManager[object]] = WeakKeyDictionary()  # an open SQLite file's
_turns_made = Lock()
_WRITTEN = (
    "this is no address of a database, such as sqlite:////srv/liaison.db or postgresql://liaison:password@host/liaison"
)
ELSEWHERE = (
    "go to the folder of the desk and give its settings (LIAISON_DATABASE_URL, LIAISON_DATA_DIR, liaison.toml); where "
    "it runs as a service, commands are run as docs/for-administrators/operating.md says"
)
_DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
_MIGRATION_LOCK = 7_041_992  # any fixed number: the name of PostgreSQL's advisory lock


class NewerSchema(Exception):
    """A newer version of Liaison has upgraded this store; the message says what to do."""


class NoDesk(Exception):
    """No desk was ever begun in this store; the message says which one, and where else to look."""


class AddressError(ValueError):
    """No address of a database that Liaison works with; the message shows how one is written, and no password."""


def empty_list() -> list[Any]:
    """What a column of a list is when nothing is said. Not `list` itself: at each row pydantic asks what a factory
    takes, and of a built-in that takes 0.2 ms, two thirds of a new mention."""
    return []


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An instant: aware when it goes in (else NaiveTimeError), aware and in UTC when it comes out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else utc(value)

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        """On SQLite straight to SQLAlchemy's own text form: a mention has seven times, and its way costs 8 us each."""
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)
        return _sqlite_text

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        """On SQLite straight from that text, for the same reason."""
        return super().result_processor(dialect, coltype) if dialect.name != "sqlite" else _from_sqlite_text

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _sqlite_text(value: datetime | None) -> str | None:
    return None if value is None else utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")


def _from_sqlite_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def parsed(url: str) -> sa.URL:
    """The address in parts. Raises AddressError."""
    try:
        address = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise AddressError(_WRITTEN) from error
    if address.drivername not in _DRIVERS:
        raise AddressError(_WRITTEN)
    return address


def connect(url: str) -> sa.Engine:
    """An engine for `url`. SQLite: WAL, foreign keys, a 10 s wait for a lock, synchronous=FULL (an approval or a
    publishing attempt that was committed survives a power cut). Makes file and folder when it is first opened.
    PostgreSQL: each question is planned for what it asks. Asked six times it would have one plan for every place and
    word, rare or not: a list by place, network and trust then took ten times as long. What either refuses it tells
    without the values, which would else stand in the log: words of mentions, e-mail addresses, answers. Raises
    AddressError."""
    address = parsed(url)
    if address.get_backend_name() == "postgresql" and address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite":
        each_for_itself = {"prepare_threshold": None}
        server = sa.create_engine(
            address,
            connect_args=each_for_itself,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=10,
            hide_parameters=True,
        )
        sa.event.listen(server, "handle_error", _without_row)
        return server
    engine = sa.create_engine(
        address, connect_args={"timeout": 10, "check_same_thread": False}, pool_size=20, hide_parameters=True
    )

    @sa.event.listens_for(engine, "do_connect")
    def _made_first(*_given: object) -> None:
        if address.database and not address.database.startswith((":memory:", "file:")):
            _make(Path(address.database))

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make(store: Path) -> None:
    """An empty file for its owner alone, as the secret key and backups are; what SQLite keeps beside it follows it."""
    if not store.exists():
        owners.folder(store.parent)
        store.touch(mode=0o600)
        owners.give(store, like=store.parent)


def _without_row(context: sa.engine.ExceptionContext) -> None:
    """PostgreSQL quotes the row that it refused in its message's DETAIL, in the server's language: only the first part,
    which names the constraint, goes on."""
    cause, told = context.original_exception, context.sqlalchemy_exception
    first = getattr(getattr(cause, "diag", None), "message_primary", None)
    if first is None:
        return
    whole = str(cause)
    cause.args = (first,)
    if told is not None:
        told.args = tuple(str(part).replace(whole, first) for part in told.args)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[Session]:
    """A session that only reads; nothing is committed."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: sa.Engine) -> Iterator[Session]:
    """A session that writes; commits when the block ends well, rolls back when it raises.

    SQLite has one writer: threads take turns here, for its own wait for a lock sleeps longer than a write takes."""
    with _turn(engine), Session(engine.execution_options(writes=True), expire_on_commit=False) as session:
        yield session
        session.commit()


def _turn(engine: sa.Engine) -> AbstractContextManager[object]:
    if engine.dialect.name != "sqlite":
        return nullcontext()
    with _turns_made:
        return _turns.setdefault(engine.pool, RLock())


def upsert(session: Session, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
    """INSERT of the session's own dialect, which has on_conflict_do_nothing and on_conflict_do_update."""
    target: sa.Table = table.__table__  # type: ignore[attr-defined]
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(target)
    return postgresql.insert(target)


def one_by_one(holds: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """A condition that is asked of one row after the other, newest first, until enough are found. PostgreSQL, which
    expects 1 in 200 to meet an equality without statistics and makes a join of EXISTS, would go through all there is;
    of this it expects every second to hold."""
    return sa.case((holds, sa.true()), else_=sa.false())


def migrate(engine: sa.Engine) -> None:
    """Brings the schema up to date; several processes may call it at once, one does the work. Raises NewerSchema, with
    nothing changed, where a newer version did so before."""
    there = revision(engine)
    if there == newest_revision():
        return
    _refuse_newer(there)
    settings = _settings()
    if engine.dialect.name == "sqlite":
        lock = Path(f"{engine.url.database}.migrating")
        _make(lock)
        with (
            FileLock(lock),
            engine.execution_options(writes=True).connect() as connection,
        ):
            _upgrade_sqlite(connection, settings)
        return
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


def take_turn(session: Session, lock: int) -> None:
    """Until the transaction ends, no other has this turn: PostgreSQL's advisory lock of that number (any, fixed).
    SQLite has one writer anyway."""
    if session.get_bind().dialect.name != "sqlite":
        session.connection().execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


def revision(engine: sa.Engine) -> str:
    """The schema's revision in this store; empty before the first migration."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def refuse_none(url: str) -> None:
    """Makes nothing. Raises NoDesk where no desk was begun."""
    address = parsed(url)
    engine = connect(url)
    try:
        if not is_missing(engine) and revision(engine):
            return
    finally:
        engine.dispose()
    where = address.database if address.get_backend_name() == "sqlite" else address.render_as_string(hide_password=True)
    raise NoDesk(f"there is no desk in {where}: {ELSEWHERE}")


def is_missing(engine: sa.Engine) -> bool:
    """Whether it is of a SQLite file that is not there, or that holds nothing."""
    if engine.dialect.name != "sqlite" or (engine.url.database or ":memory:").startswith((":memory:", "file:")):
        return False
    store = Path(engine.url.database or "")
    return not store.exists() or store.stat().st_size == 0


def is_known(revision: str) -> bool:
    """Whether this version of Liaison can bring a store of that revision up to date."""
    try:
        return not revision or _scripts().get_revision(revision) is not None
    except CommandError:
        return False


def _refuse_newer(there: str) -> None:
    if not is_known(there):
        raise NewerSchema(
            f"a newer version of Liaison has upgraded this store (to {there}; this version knows {newest_revision()}): "
            "install that version here too, or restore a backup made before"
        )


def newest_revision() -> str:
    """The revision that this version of Liaison works with."""
    return _scripts().get_current_head() or ""


@cache
def _scripts() -> ScriptDirectory:
    """What migrations there are: read once, since every command and each /readyz asks."""
    return ScriptDirectory.from_config(_settings())


def _settings() -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    return made


def _upgrade_sqlite(connection: sa.Connection, settings: Config) -> None:
    """SQLite changes a table by writing it anew; meanwhile its foreign keys must not look, and are checked after."""
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys=OFF")  # has no effect inside a transaction, so before it begins
    try:
        with connection.begin():
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if broken is not None:
                raise sa.exc.IntegrityError(
                    f"the migration would break a reference: {tuple(broken)}", None, Exception()
                )
    finally:
        raw.execute("PRAGMA foreign_keys=ON")
