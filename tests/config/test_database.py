from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel, select

from config import database
from config.clock import NaiveTimeError
from config.tables import OneTimeCode
from posts.tables import Attempt, Target
from scheduler.tables import JobMark


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


def test_a_store_of_the_first_release_keeps_its_rows_and_their_references(tmp_path: Path) -> None:
    engine = database.connect(f"sqlite:///{tmp_path / 'old.db'}")
    first = Config()
    first.set_main_option("script_location", str(database.MIGRATIONS))
    with engine.execution_options(writes=True).begin() as connection:
        first.attributes["connection"] = connection
        command.upgrade(first, "0001")
        for statement in _OLD_ROWS:
            connection.exec_driver_sql(statement)
    database.migrate(engine)
    with database.reading(engine) as session:
        target, attempt = session.exec(select(Target)).one(), session.exec(select(Attempt)).one()
        assert (target.text, target.part, target.options, attempt.target_id) == ("Old words", 0, {}, target.id)
        assert session.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []
    engine.dispose()


_AT = "'2026-11-01 12:00:00'"
_OLD_ROWS = (
    "INSERT INTO person (id, name, email, time_zone, language, active, created_at, digest_hour)"
    f" VALUES (1, 'Ana', 'ana@riverton.example', 'UTC', 'en', 1, {_AT}, 8)",
    "INSERT INTO account (id, network, name, handle, state, state_reason, created_at)"
    f" VALUES (1, 'practice', 'Riverton PD', '', 'connected', '', {_AT})",
    "INSERT INTO post (id, title, category, state, author_id, message, language, content_hash, revision, created_at,"
    f" updated_at) VALUES (1, 'Old', 'general', 'scheduled', 1, 'Old words', 'en', 'h', 1, {_AT}, {_AT})",
    "INSERT INTO target (id, post_id, account_id, state, due_at, next_try_at, key, content_hash, text, attempts)"
    f" VALUES (1, 1, 1, 'unknown', {_AT}, {_AT}, 'k', 'h', 'Old words', 1)",
    f"INSERT INTO attempt (id, target_id, number, kind, started_at, detail) VALUES (1, 1, 1, 'publish', {_AT}, '')",
)


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
