"""People told in time that a sign-in will end."""

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import select

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import OutboxMessage, Person
from networks import accounts
from scheduler.jobs import sign_ins


def test_a_sign_in_that_ends_is_told_at_fourteen_seven_and_one_days_once_each(
    engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person], settings: Settings
) -> None:
    with database.writing(engine) as session:
        person(session, "Sam Admin", Role.ADMINISTRATOR)
        person(session, "Ana Ortega", Role.OFFICER)
        account = accounts.add(
            session, network="practice", name="Riverton\nPD", handle="riverton", secret=None, keys=keys, now=now
        )
        account.ends_at = now + timedelta(days=20)
        session.add(account)
    told: dict[int, int] = {}
    for day in range(22):
        with database.writing(engine) as session:
            count = sum(sign_ins.tell(session, settings, now + timedelta(days=day, hours=hour)) for hour in (0, 9))
        if count:
            told[20 - day] = count
    assert told == {14: 1, 7: 1, 1: 1}
    with database.reading(engine) as session:
        subjects = [mail.subject for mail in session.exec(select(OutboxMessage).order_by(OutboxMessage.id))]  # type: ignore[arg-type]
    assert subjects == [
        "The sign-in of Riverton PD on Practice board ends in 14 days",
        "The sign-in of Riverton PD on Practice board ends in 7 days",
        "The sign-in of Riverton PD on Practice board ends tomorrow",
    ]


def test_a_sign_in_without_an_end_is_told_to_nobody(
    engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person], settings: Settings
) -> None:
    with database.writing(engine) as session:
        person(session, "Sam Admin", Role.ADMINISTRATOR)
        accounts.add(session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=now)
        assert sign_ins.tell(session, settings, now) == 0
