"""The audit log sealed and walked by itself; whoever must know is told."""

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from config import audit, database, secrets
from config.permissions import Role
from config.settings import Settings
from config.tables import OutboxMessage, Person
from scheduler import doctor
from scheduler.jobs import records
from tests.config.test_chain import tampered


def entries(engine: sa.Engine, now: datetime, number: int) -> None:
    with database.writing(engine) as session:
        for one in range(number):
            audit.record(session, now, None, "sign_in", f"person:{one}")


def told(engine: sa.Engine) -> list[str]:
    with database.reading(engine) as session:
        query = select(OutboxMessage.recipient).order_by(col(OutboxMessage.recipient))
        return list(session.exec(query))


def test_the_nightly_walk_of_a_good_log_tells_nobody_and_notes_its_end(
    engine: sa.Engine, settings: Settings, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        person(session, "Ada", Role.ADMINISTRATOR)
    entries(engine, now, 5)
    assert records.seal(engine, settings, now) == 5
    first = records.check(engine, settings, now)
    second = records.check(engine, settings, now + timedelta(days=1))
    assert (first.sealed, first.wrong, second.sealed, second.wrong) == (5, [], 6, [])
    assert told(engine) == []
    keys = secrets.load(settings)
    (part,) = [one for one in doctor.look(engine, settings, keys, now) if one.name == "records"]
    assert part.fine


def test_an_altered_log_is_told_to_administrators_and_auditors_once_a_day(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", Role.ADMINISTRATOR, Role.AUDITOR)
        person(session, "Eve", Role.AUDITOR)
        person(session, "Sam", Role.OFFICER)
    entries(sqlite_engine, now, 5)
    records.check(sqlite_engine, settings, now)
    tampered(sqlite_engine, "UPDATE audit_entry SET subject = 'person:9' WHERE id = 2")
    for _ in range(2):
        verdict = records.check(sqlite_engine, settings, now + timedelta(days=1))
    assert [one.position for one in verdict.wrong] == [2]
    assert told(sqlite_engine) == ["ada@riverton.example", "eve@riverton.example"]
    keys = secrets.load(settings)
    (part,) = [one for one in doctor.look(sqlite_engine, settings, keys, now) if one.name == "records"]
    assert not part.fine


def test_a_log_cut_short_is_found_by_the_end_that_the_night_before_noted(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    entries(sqlite_engine, now, 5)
    records.check(sqlite_engine, settings, now)
    tampered(sqlite_engine, "DELETE FROM audit_seal WHERE position > 3")
    with sqlite_engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit_entry WHERE id IN (4, 5)")
    verdict = records.check(sqlite_engine, settings, now + timedelta(days=1))
    assert ["cut short" in one.words for one in verdict.wrong] == [True]
