import json
import os
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel, func, select

from config import database
from config.clock import NaiveTimeError
from config.secrets import Keys
from config.settings import Settings
from config.tables import OneTimeCode, Person
from listeners import archive_import
from listeners.tables import Mention, MentionNumber
from posts.tables import Attempt, Target
from scheduler.tables import JobMark
from sentiment.tables import HourCount


def test_the_migrations_make_exactly_the_tables_of_the_rooms(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": False, "target_metadata": SQLModel.metadata}
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_twice_changes_nothing(engine: sa.Engine) -> None:
    before = sa.inspect(engine).get_table_names()
    database.migrate(engine)
    assert sa.inspect(engine).get_table_names() == before


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A store that nothing was made in yet."""
    if request.param == "sqlite":
        engine = database.connect(f"sqlite:///{tmp_path / 'old.db'}")
        yield engine
        engine.dispose()
        return
    address = sa.make_url(request.getfixturevalue("postgres_url"))
    name = f"{address.database}_bare"
    admin = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine = database.connect(address.set(database=name).render_as_string(hide_password=False))
        yield engine
        engine.dispose()
        connection.exec_driver_sql(f"DROP DATABASE {name}")
    admin.dispose()


def test_a_store_of_the_first_release_keeps_its_rows_and_their_references(bare: sa.Engine) -> None:
    first = Config()
    first.set_main_option("script_location", str(database.MIGRATIONS))
    bytes_here = "BLOB" if bare.dialect.name == "sqlite" else "BYTEA"
    with bare.execution_options(writes=True).begin() as connection:
        first.attributes["connection"] = connection
        command.upgrade(first, "0001")
        for statement in _OLD_ROWS:
            connection.exec_driver_sql(statement.replace("BYTES", bytes_here))
    database.migrate(bare)
    with database.reading(bare) as session:
        target, attempt = session.exec(select(Target)).one(), session.exec(select(Attempt)).one()
        assert (target.text, target.part, target.options, attempt.target_id) == ("Old words", 0, {}, target.id)
        mention, hour = session.exec(select(Mention)).one(), session.exec(select(HourCount)).one()
        assert (mention.text, mention.shown, mention.scored_at, hour.posts) == ("Old saying", True, None, 7)
        assert session.exec(select(MentionNumber.last)).one() == 7  # of a mention that is gone, which the post answers
        if bare.dialect.name == "sqlite":
            assert session.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []


_AT = "'2026-11-01 12:00:00'"
_OLD_ROWS = (
    "INSERT INTO person (id, name, email, time_zone, language, active, created_at, digest_hour)"
    f" VALUES (1, 'Ana', 'ana@riverton.example', 'UTC', 'en', TRUE, {_AT}, 8)",
    "INSERT INTO account (id, network, name, handle, state, state_reason, created_at)"
    f" VALUES (1, 'practice', 'Riverton PD', '', 'connected', '', {_AT})",
    "INSERT INTO post (id, title, category, state, author_id, message, language, content_hash, revision, created_at,"
    " updated_at, reply_to_mention_id)"
    f" VALUES (1, 'Old', 'general', 'scheduled', 1, 'Old words', 'en', 'h', 1, {_AT}, {_AT}, 7)",
    "INSERT INTO target (id, post_id, account_id, state, due_at, next_try_at, key, content_hash, text, attempts)"
    f" VALUES (1, 1, 1, 'unknown', {_AT}, {_AT}, 'k', 'h', 'Old words', 1)",
    "INSERT INTO source (id, network, name, settings, enabled, every_seconds, failures)"
    " VALUES (1, 'practice', 'Board', '{}', TRUE, 60, 0)",
    "INSERT INTO mention (id, key, network, source_id, author, author_age, text, language, rules, posted_at,"
    " received_at, expires_at, shown, state) VALUES (1, CAST('k' AS BYTES), 'practice', 1, CAST('a' AS BYTES), '',"
    f" 'Old saying', 'en', '[]', {_AT}, {_AT}, {_AT}, TRUE, 'new')",
    "INSERT INTO hour_count (hour, concern, place_id, network, language, posts, mistrust, trust, negative, positive)"
    f" VALUES ({_AT}, '', 0, 'practice', 'en', 7, 1.5, 1, 2, 3)",
    f"INSERT INTO attempt (id, target_id, number, kind, started_at, detail) VALUES (1, 1, 1, 'publish', {_AT}, '')",
)


def test_a_store_that_a_newer_version_upgraded_is_refused_and_left_as_it_is(sqlite_engine: sa.Engine) -> None:
    with sqlite_engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9000'")
    with pytest.raises(database.NewerSchema, match="newer version"):
        database.migrate(sqlite_engine)
    assert database.revision(sqlite_engine) == "9000"


def test_a_new_store_is_its_owners_alone_and_made_when_it_is_first_opened(tmp_path: Path) -> None:
    path = tmp_path / "data" / "liaison.db"
    engine = database.connect(f"sqlite:///{path}")
    assert not path.parent.exists()
    with database.writing(engine) as session:
        session.connection().exec_driver_sql("CREATE TABLE word (id integer)")
        beside = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    assert beside == {"liaison.db": 0o600, "liaison.db-wal": 0o600, "liaison.db-shm": 0o600}
    engine.dispose()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_what_root_begins_or_upgrades_is_the_services(tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4712)
    engine = database.connect(f"sqlite:///{tmp_path}/data/liaison.db")
    database.migrate(engine)
    made = {one.name: (one.stat().st_uid, one.stat().st_gid) for one in tmp_path.rglob("*")}
    engine.dispose()
    assert {"data", "liaison.db", "liaison.db-wal", "liaison.db-shm"} <= set(made)
    assert set(made.values()) == {(4711, 4712)}, made


def test_a_full_disk_stops_an_import_and_once_there_is_room_it_ends_with_every_line_once(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    export = tmp_path / "export.jsonl"
    lines = ({"id": n, "text": f"{n} speeding " * 200, "posted_at": now.isoformat()} for n in range(2000))
    export.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    room = [400]  # pages

    def hold_short(connection: Any, *_rest: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {room[0]}")

    sa.event.listen(sqlite_engine, "checkout", hold_short)
    with pytest.raises(sa.exc.OperationalError, match="full"):
        archive_import.import_file(sqlite_engine, export, settings=settings, keys=keys, now=now)
    with database.reading(sqlite_engine) as session:
        kept = session.exec(select(func.count()).select_from(Mention)).one()
    room[0] = 1_000_000
    told = archive_import.import_file(sqlite_engine, export, settings=settings, keys=keys, now=now)
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(func.count()).select_from(Mention)).one() == 2000
    assert (kept < 2000, told.new) == (True, 2000)


def test_an_instant_comes_back_aware_and_in_utc(engine: sa.Engine) -> None:
    due = datetime.fromisoformat("2026-11-24T08:10:00-05:00")
    with database.writing(engine) as session:
        session.add(JobMark(name="digest", due_at=due))
    with database.reading(engine) as session:
        mark = session.exec(select(JobMark)).one()
    assert (mark.due_at, mark.due_at.tzinfo) == (datetime(2026, 11, 24, 13, 10, tzinfo=UTC), UTC)


def test_a_time_without_a_zone_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.StatementError) as refused, database.writing(engine) as session:
        session.add(JobMark(name="digest", due_at=datetime(2026, 11, 24, 8, 10)))  # noqa: DTZ001
    assert isinstance(refused.value.orig, NaiveTimeError)


def test_a_write_that_raises_leaves_nothing(engine: sa.Engine) -> None:
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    with pytest.raises(RuntimeError), database.writing(engine) as session:
        session.add(OneTimeCode(code_hash=b"x", purpose="first_run", expires_at=moment))
        session.flush()
        raise RuntimeError("something else went wrong")
    with database.reading(engine) as session:
        assert session.exec(select(OneTimeCode)).all() == []


REFUSED: dict[str, dict[str, object]] = {
    "there already": {"name": "Eve", "email": "ada@riverton.example"},
    "lacks a part": {"name": "words of hers", "email": None},
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_store_refuses_is_told_without_what_was_to_be_kept(
    engine: sa.Engine, person: Callable[..., Person], kind: str
) -> None:
    """It stands in the log: words, hashes and addresses may not."""
    with database.writing(engine) as session:
        person(session, "Ada")
    usual: dict[str, object] = {
        "language": "en",
        "time_zone": "UTC",
        "active": True,
        "created_at": datetime(2026, 11, 24, tzinfo=UTC),
    }
    with pytest.raises(sa.exc.IntegrityError) as refused, database.writing(engine) as session:
        session.execute(sa.insert(Person), usual | REFUSED[kind])
    told = "".join(traceback.format_exception(refused.value))
    assert [words for words in ("words of hers", "ada@riverton.example") if words in told] == []


def test_what_the_store_refuses_names_the_rule(sqlite_engine: sa.Engine, postgres_engine: sa.Engine) -> None:
    """What the command line prints of it."""
    code = OneTimeCode(code_hash=b"x", purpose="sign_in", person_id=4711, expires_at=datetime(2026, 11, 24, tzinfo=UTC))
    causes = []
    for engine in (sqlite_engine, postgres_engine):
        with pytest.raises(sa.exc.IntegrityError) as refused, database.writing(engine) as session:
            session.add(OneTimeCode.model_validate(code))
        causes.append(str(refused.value.orig))
    assert causes[0] == "FOREIGN KEY constraint failed"
    assert causes[1].startswith('insert or update on table "one_time_code" violates foreign key constraint')
    assert "4711" not in causes[1]
