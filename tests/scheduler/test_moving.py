"""From SQLite to PostgreSQL: all of it or nothing."""

import json
from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from config import audit, chain, database, key_mark, secrets
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners import archive_import, places
from listeners.tables import Mention, Place
from scheduler import moving
from scheduler.jobs import scoring
from tests.sentiment.reader import WordReader
from tests.test_cli import run


@pytest.fixture
def old(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, person: Callable[..., Person]
) -> sa.Engine:
    """A desk at work: people, places that lie in places, mentions read by a model, copies of one another, an audit."""
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER)
        late = places.add(session, "Elm Street", ["Elm"])
        session.add(Place(name="Old Town", kind="neighbourhood"))
        session.flush()
        late.within_id = session.exec(select(Place.id).where(Place.name == "Old Town")).one()  # a later row
        audit.record(session, now, ada.id, "place.add", "place:1", {"name": "Old Town, “a”"})
        session.flush()
        chain.seal(session, keys)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    export = settings.data_dir / "export.jsonl"
    said = "The police were very quick on Elm Street tonight, thank you all so much"
    posts = [{"text": f"{said} {'!' * n}", "posted_at": "2026-11-20T10:00:00Z", "id": n} for n in range(30)]
    export.write_text("\n".join(map(json.dumps, posts)))
    archive_import.import_file(sqlite_engine, export, settings=settings, keys=keys, now=now, source_name="Sample")
    scoring.score_all(sqlite_engine, WordReader(), settings, now)
    return sqlite_engine


def everything(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table.name: sorted(tuple(map(repr, row)) for row in connection.execute(sa.select(table)))
            for table in SQLModel.metadata.sorted_tables
        }


def test_every_row_arrives_as_it_was_and_the_desk_goes_on(
    old: sa.Engine, postgres_engine: sa.Engine, keys: Keys, person: Callable[..., Person]
) -> None:
    steps: list[int] = []
    moved = moving.move(old, postgres_engine, steps.append)
    assert everything(postgres_engine) == everything(old)
    assert {one.table: one.rows for one in moved if one.rows}["mention"] == 30
    assert sum(steps) == sum(one.rows for one in moved) == moving.rows_of(old)
    with database.reading(postgres_engine) as session:
        verdict = chain.verify(session, keys)
    assert (verdict.sealed, verdict.wrong) == (1, [])
    with database.writing(postgres_engine) as session:  # numbers go on after the old ones
        assert person(session, "Ben", Role.OFFICER).id == 2
    with postgres_engine.connect() as connection:
        assert connection.execute(sa.text("SELECT nextval('mention_id_seq')")).scalar() == 31
    with database.reading(postgres_engine) as session:
        assert session.exec(select(Mention.id).where(col(Mention.copy_of).is_not(None))).first() is not None
    with pytest.raises(sa.exc.IntegrityError), database.writing(postgres_engine) as session:  # and hold as before
        session.connection().execute(sa.insert(Place), {"name": "Nowhere", "other_names": [], "within_id": 999})


def test_broken_off_halfway_nothing_is_there_and_it_can_begin_again(old: sa.Engine, postgres_engine: sa.Engine) -> None:
    def break_off(_number: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moving.move(old, postgres_engine, break_off)
    assert not any(everything(postgres_engine).values())
    moving.move(old, postgres_engine)
    assert everything(postgres_engine) == everything(old)


def test_a_database_that_holds_something_is_refused(
    old: sa.Engine, postgres_engine: sa.Engine, person: Callable[..., Person]
) -> None:
    with database.writing(postgres_engine) as session:
        person(session, "Eve", Role.OFFICER)
    with pytest.raises(moving.NotMoved, match="not empty"):
        moving.move(old, postgres_engine)


def test_the_command_counts_and_says_what_to_set(
    old: sa.Engine, postgres_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIAISON_DATABASE_URL", old.url.render_as_string())
    monkeypatch.setenv("LIAISON_SECRET_KEY", "not a secret: tests only")
    with database.writing(postgres_engine) as session:  # somebody looked there before
        key_mark.give_up(session, secrets.derive("whatever was there"))
    said = run("database", "move", "--to", postgres_engine.url.render_as_string(hide_password=False))
    assert (said.exit_code, "30\tmention" in said.stdout, "LIAISON_DATABASE_URL" in said.stderr) == (0, True, True)
    again = run("database", "move", "--to", postgres_engine.url.render_as_string(hide_password=False))
    assert (again.exit_code, "not empty" in again.stderr) == (1, True)
    backwards = run("database", "move", "--to", old.url.render_as_string())
    assert (backwards.exit_code, "from SQLite to PostgreSQL" in backwards.stderr) == (1, True)
