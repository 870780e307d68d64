from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel, select

from config import database
from config.clock import NaiveTimeError
from config.tables import OneTimeCode
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
