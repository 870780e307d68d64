"""Trouble with a source is told once, and so is its end, with what was missed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import OutboxMessage, Person
from listeners import polling, sources
from listeners.rhythm import HOUR
from listeners.tables import Source, SourceHour
from networks import accounts
from networks.tables import Account
from scheduler.jobs import expiry, source_alarms
from tests.listeners import said
from tests.listeners.test_gaps import MINUTE, Tap, tap

__all__ = ["tap"]  # a fixture


@pytest.fixture
def source(engine: sa.Engine, person: Callable[..., Person], now: datetime) -> int:
    """A source, and two administrators besides others."""
    with database.writing(engine) as session:
        person(session, "Sam Admin", Role.ADMINISTRATOR)
        person(session, "Ida Admin", Role.ADMINISTRATOR, Role.OFFICER)
        person(session, "Ana Ortega", Role.OFFICER)
    return said.a_source(engine, now)


@pytest.fixture
def look(
    engine: sa.Engine, settings: Settings, keys: Keys, source: int, now: datetime
) -> Callable[..., list[EmailMessage]]:
    """`look(minutes)`: polls so many minutes after `now` if asked to, looks, and gives the mails of that look."""

    def at(minutes: float, poll: bool = True) -> list[EmailMessage]:
        moment = now + minutes * MINUTE
        if poll:
            polling.poll(engine, source, settings, keys, moment)
        before = _number(engine)
        sent = source_alarms.look(engine, settings, moment)
        with database.reading(engine) as session:
            rows = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id)).offset(before)).all()
        assert sent == len(rows)
        return [message_from_bytes(row.message, policy=policy.default) for row in rows]

    return at


def _number(engine: sa.Engine) -> int:
    with database.reading(engine) as session:
        return len(session.exec(select(OutboxMessage.id)).all())


def stored(engine: sa.Engine) -> Source:
    with database.reading(engine) as session:
        return session.exec(select(Source)).one()


Look = Callable[..., list[EmailMessage]]


def test_trouble_is_told_once_to_each_administrator_and_its_end_with_what_was_missed(tap: Tap, look: Look) -> None:
    look(0)
    tap.open = False
    told = [len(look(minutes)) for minutes in (5, 14, 16, 20, 60, 600)]
    assert told == [0, 0, 2, 0, 0, 0]
    tap.open = True
    tap.say(datetime(2026, 11, 24, 14, tzinfo=UTC), 312)
    ended = look(601)
    assert [mail["To"] for mail in ended] == ["sam.admin@riverton.example", "ida.admin@riverton.example"]
    assert [mail["Subject"] for mail in ended] == ["The source “The practice” is heard again"] * 2
    assert "24 Nov: nothing from 08:10 to 18:11, 312 caught up" in ended[0].get_content()
    assert [look(minutes) for minutes in (602, 620)] == [[], []]


def test_the_first_mail_says_what_is_wrong_and_what_goes_on(tap: Tap, look: Look) -> None:
    look(0)
    tap.open = False
    mail, _ = look(30)
    assert mail["Subject"] == "The source “The practice” cannot be reached"
    words = " ".join(mail.get_content().split())
    assert "the tap is closed, last good 30 min ago" in words
    assert "You will get one more mail when it is over." in words


def test_an_administrator_reads_of_trouble_and_its_end_in_their_language(
    engine: sa.Engine, tap: Tap, look: Look
) -> None:
    with database.writing(engine) as session:
        session.exec(select(Person).where(Person.name == "Sam Admin")).one().language = "es"
    look(0)
    tap.open = False
    spanish, english = look(30)
    assert (spanish["Subject"], english["Subject"]) == (
        "No se puede alcanzar la fuente «The practice»",
        "The source “The practice” cannot be reached",
    )
    words = " ".join(spanish.get_content().split())
    assert "the tap is closed; la última vez que fue bien: hace 30 min; se intenta otra vez sola." in words
    tap.open = True
    tap.say(datetime(2026, 11, 24, 13, 20, tzinfo=UTC), 312)
    ended, _ = look(31)
    assert ended["Subject"] == "La fuente «The practice» se escucha otra vez"
    assert "24 nov: nada de 08:10 a 08:41, 312 recuperadas" in ended.get_content()
    assert "consultada hace menos de un minuto." in ended.get_content()


def test_what_mends_itself_within_minutes_is_told_to_nobody_and_kept_as_a_gap(
    engine: sa.Engine, tap: Tap, look: Look
) -> None:
    look(0)
    tap.open = False
    look(7)
    tap.open = True
    assert look(14) == []
    with database.reading(engine) as session:
        assert len(session.exec(sa.text("SELECT id FROM source_gap")).all()) == 1  # type: ignore[call-overload]


def test_each_new_trouble_is_told_anew(tap: Tap, look: Look) -> None:
    told = 0
    look(0)
    for hour in (1, 2, 3):
        tap.open = False
        told += len(look(hour * 60))
        tap.open = True
        told += len(look(hour * 60 + 1))
    assert told == 12


def test_trouble_that_turns_into_another_is_still_the_same(tap: Tap, look: Look, engine: sa.Engine) -> None:
    look(0)
    assert len(look(60, poll=False)) == 2
    assert stored(engine).trouble == "behind"
    tap.open = False
    assert look(61) == []


def test_a_signed_out_account_is_not_told_of_a_second_time(
    engine: sa.Engine, tap: Tap, look: Look, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        account = accounts.add(
            session, network="practice", name="Riverton PD", handle="rpd", secret=None, keys=keys, now=now
        )
        session.exec(select(Source)).one().account_id = account.id
    look(0)
    with database.writing(engine) as session:
        accounts.mark_signed_out(session, 1, "who are you?", now)
    assert [look(minutes, poll=False) for minutes in (20, 300)] == [[], []]


def test_a_source_in_trouble_whose_account_is_then_signed_out_is_not_said_to_be_heard(
    engine: sa.Engine, tap: Tap, look: Look, now: datetime
) -> None:
    with database.writing(engine) as session:
        session.add(Account(network="practice", name="Riverton PD", created_at=now))
        session.flush()
        session.exec(select(Source)).one().account_id = 1
    look(0)
    tap.open = False
    assert len(look(30)) == 2
    with database.writing(engine) as session:
        accounts.mark_signed_out(session, 1, "who are you?", now)
    assert look(40, poll=False) == []
    assert stored(engine).trouble == ""


def test_a_source_in_trouble_that_is_switched_off_is_not_said_to_be_heard(
    engine: sa.Engine, source: int, tap: Tap, look: Look, now: datetime
) -> None:
    look(0)
    tap.open = False
    assert len(look(30)) == 2
    with database.writing(engine) as session:
        sources.switch(session, source, False, now)
    assert look(31, poll=False) == []
    tap.open = True
    with database.writing(engine) as session:
        sources.switch(session, source, True, now + 40 * MINUTE)
    assert look(40) == []


def test_silence_against_the_rhythm_is_told_and_its_end(engine: sa.Engine, source: int, tap: Tap, look: Look) -> None:
    last = datetime(2026, 11, 24, 13, tzinfo=UTC)
    with database.writing(engine) as session:
        for step in range(10 * 24):
            session.add(SourceHour(source_id=source, hour=last - step * HOUR, read=30))
    told = {minutes: [mail["Subject"] for mail in look(minutes)] for minutes in (60, 160, 220, 300)}
    silent = "The source “The practice” is silent"
    assert told == {60: [], 160: [], 220: [silent, silent], 300: []} or told[160] == [silent, silent]
    tap.say(last + 5 * HOUR)
    assert [mail["Subject"] for mail in look(360)] == ["The source “The practice” is heard again"] * 2


def test_a_name_with_line_breaks_cannot_add_headers(engine: sa.Engine, tap: Tap, look: Look) -> None:
    with database.writing(engine) as session:
        session.exec(select(Source)).one().name = "Ledger\r\nBcc: all@town.example"
    look(0)
    tap.open = False
    mail, _ = look(30)
    assert mail["Subject"] == "The source “Ledger Bcc: all@town.example” cannot be reached"
    assert mail["Bcc"] is None


def test_without_administrators_it_is_noted_all_the_same(
    engine: sa.Engine, tap: Tap, look: Look, settings: Settings, now: datetime
) -> None:
    with database.writing(engine) as session:
        session.execute(sa.update(Person).values(active=False))
    look(0)
    tap.open = False
    assert look(30) == []
    assert (stored(engine).trouble, stored(engine).trouble_since) == ("failing", now + 30 * MINUTE)


def test_hours_of_sixty_days_ago_are_forgotten_though_nothing_is_wrong(
    engine: sa.Engine, source: int, settings: Settings, now: datetime
) -> None:
    hours = [now - timedelta(days=days) for days in (62, 61, 30, 0)]
    with database.writing(engine) as session:
        session.add_all(SourceHour(source_id=source, hour=hour, read=1) for hour in hours)
    expiry.expire(engine, settings, now)
    with database.reading(engine) as session:
        assert sorted(session.exec(select(SourceHour.hour))) == [hours[0], *hours[2:]]  # the first stays
