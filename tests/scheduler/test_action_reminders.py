"""Reminders of actions: each once, in the morning, to who asked and to the unit; a new day begins anew."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database
from config.permissions import Role
from config.settings import Settings
from config.tables import OutboxMessage, Person
from posts import actions
from scheduler.jobs import action_reminders

TODAY = date(2026, 11, 24)


@pytest.fixture
def action(engine: sa.Engine, person: Callable[..., Person], now: datetime) -> int:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER)
        person(session, "Ben", Role.OFFICER)
        made = actions.hand_over(
            session, ada.id or 0, now, concern="traffic_safety", said="Drivers speed.", wanted="A speed sign.",
            unit="Traffic unit", unit_mail="traffic@riverton.example", due_on=TODAY + timedelta(days=5), today=TODAY,
        )  # fmt: skip
        return made.id or 0


def sent(engine: sa.Engine) -> list[tuple[str, str]]:
    with database.reading(engine) as session:
        rows = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id))).all()
        mails = [(row.recipient, message_from_bytes(row.message, policy=policy.default)) for row in rows]
    return [(recipient, str(mail["Subject"])) for recipient, mail in mails]


def test_each_reminder_goes_once_to_who_asked_and_to_the_unit(
    engine: sa.Engine, settings: Settings, action: int, now: datetime
) -> None:
    for hours in range(0, 24 * 14, 6):
        action_reminders.look(engine, settings, now + timedelta(hours=hours))
    subjects = [
        "Due on Sunday 29 November: Traffic unit",
        "Due today: Traffic unit",
        "Late since Sunday 29 November: Traffic unit",
        "Late since Sunday 29 November: Traffic unit",
    ]
    both = ("ada@riverton.example", "traffic@riverton.example")
    assert sent(engine) == [(recipient, subject) for subject in subjects for recipient in both]


def test_a_unit_of_two_lines_is_one_line_in_a_subject_and_silences_nobody(
    engine: sa.Engine, settings: Settings, action: int, now: datetime
) -> None:
    with database.writing(engine) as session:
        other = actions.hand_over(
            session, 1, now, concern="traffic_safety", said="Drivers speed.", wanted="A lamp.", unit="Light\nunit",
            due_on=TODAY + timedelta(days=5), today=TODAY,
        )  # fmt: skip
        assert other.unit == "Light unit"
        other.unit = "Light\nunit"  # as it was kept once
        session.add(other)
    action_reminders.look(engine, settings, now + timedelta(days=3))
    assert [subject for _, subject in sent(engine)] == [
        "Due on Sunday 29 November: Traffic unit",
        "Due on Sunday 29 November: Traffic unit",
        "Due on Sunday 29 November: Light unit",
    ]


def test_one_that_cannot_be_written_silences_nobody_else(
    engine: sa.Engine, settings: Settings, action: int, now: datetime
) -> None:
    with database.writing(engine) as session:
        other = actions.hand_over(
            session, 1, now, concern="traffic_safety", said="Drivers speed.", wanted="A lamp.", unit="Light unit",
            unit_mail="light@riverton.example", due_on=TODAY + timedelta(days=4), today=TODAY,
        )  # fmt: skip
        other.unit_mail = "light@riverton.example\nBcc: all@riverton.example"
        session.add(other)
    action_reminders.look(engine, settings, now + timedelta(days=3))
    assert {subject for _, subject in sent(engine)} == {"Due on Sunday 29 November: Traffic unit"}


def test_nothing_before_the_morning_nor_once_it_is_closed(
    engine: sa.Engine, settings: Settings, action: int, now: datetime
) -> None:
    due = now + timedelta(days=5)
    assert action_reminders.look(engine, settings, due.replace(hour=12)) == 0  # seven o'clock in Riverton
    with database.writing(engine) as session:
        actions.close(session, action, True, "A sign stands there.", 1, now)
    assert action_reminders.look(engine, settings, due) == 0


def test_who_left_is_stood_in_for(engine: sa.Engine, settings: Settings, action: int, now: datetime) -> None:
    with database.writing(engine) as session:
        session.get_one(Person, 1).active = False
    action_reminders.look(engine, settings, now + timedelta(days=5))
    assert [recipient for recipient, _ in sent(engine)] == ["ben@riverton.example", "traffic@riverton.example"]


def test_a_new_day_has_reminders_of_its_own(engine: sa.Engine, settings: Settings, action: int, now: datetime) -> None:
    action_reminders.look(engine, settings, now + timedelta(days=5))
    with database.writing(engine) as session:
        actions.move_day(session, action, TODAY + timedelta(days=12), TODAY, 1, now)
    action_reminders.look(engine, settings, now + timedelta(days=12))
    assert [subject for _, subject in sent(engine)] == ["Due today: Traffic unit"] * 4
