"""The audit log sealed and walked by itself; whoever must know is told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy

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


def fine(engine: sa.Engine, settings: Settings, now: datetime) -> bool:
    parts = doctor.look(engine, settings, secrets.load(settings), now)
    return next(part.fine for part in parts if part.name == "records")


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
    assert fine(engine, settings, now)


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
    assert not fine(sqlite_engine, settings, now)


def test_an_altered_log_is_told_in_the_readers_language(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", Role.ADMINISTRATOR).language = "es"
        person(session, "Eve", Role.AUDITOR)
    entries(sqlite_engine, now, 5)
    records.check(sqlite_engine, settings, now)
    tampered(sqlite_engine, "UPDATE audit_entry SET subject = 'person:9' WHERE id = 2")
    records.check(sqlite_engine, settings, now + timedelta(days=1))
    with database.reading(sqlite_engine) as session:
        rows = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.recipient))).all()
        spanish, english = (message_from_bytes(row.message, policy=policy.default) for row in rows)
    assert (spanish["Subject"], english["Subject"]) == (
        "El registro de auditoría fue alterado",
        "The audit log was altered",
    )
    place = "- lugar 2 de la cadena, entrada 2: la entrada se cambió después de sellarla"
    assert (place in spanish.get_content(), "Nothing was changed" in spanish.get_content()) == (True, False)


def test_a_log_cut_short_is_found_by_the_end_that_the_night_before_noted(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    entries(sqlite_engine, now, 5)
    records.check(sqlite_engine, settings, now)
    tampered(sqlite_engine, "DELETE FROM audit_seal WHERE position > 3")
    with sqlite_engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit_entry WHERE id IN (4, 5)")
    for night in (1, 2, 3):  # the finding of one night is no good end for the next
        verdict = records.check(sqlite_engine, settings, now + timedelta(days=night))
        assert ["cut short" in one.words for one in verdict.wrong] == [True]
    assert not fine(sqlite_engine, settings, now)


def test_the_warning_stays_until_the_log_is_whole_again(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    entries(sqlite_engine, now, 5)
    records.check(sqlite_engine, settings, now)
    tampered(sqlite_engine, "UPDATE audit_entry SET subject = 'person:9' WHERE id = 2")
    found = []
    for night in (1, 2):
        records.check(sqlite_engine, settings, now + timedelta(days=night))
        found.append(fine(sqlite_engine, settings, now))
    with sqlite_engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE audit_entry SET subject = 'person:1' WHERE id = 2")
    records.check(sqlite_engine, settings, now + timedelta(days=3))
    assert [*found, fine(sqlite_engine, settings, now)] == [False, False, True]


def test_a_good_end_is_found_on_both_databases(engine: sa.Engine, settings: Settings, now: datetime) -> None:
    entries(engine, now, 3)
    good = records.check(engine, settings, now)
    with database.writing(engine) as session:  # as a night that found something leaves it
        detail = {"sealed": 3, "head": "ab" * 32, "wrong": 1}
        audit.record(session, now, None, "records.verify", "audit", detail)
    with database.reading(engine) as session:
        assert records.good_end(session) == good.head
