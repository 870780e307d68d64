"""People told in time that a sign-in will end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import database, secrets
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import OutboxMessage, Person
from networks import accounts, practice, registry
from networks.network import Connection, SignedIn
from networks.tables import Account
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


def test_an_account_that_cannot_be_read_keeps_no_other_from_its_test_and_nobody_from_being_told(
    engine: sa.Engine,
    keys: Keys,
    now: datetime,
    person: Callable[..., Person],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with database.writing(engine) as session:
        person(session, "Sam Admin", Role.ADMINISTRATOR)
        for name, sealed_by in (("Lost", secrets.derive("a lost key")), ("Riverton PD", keys)):
            account = accounts.add(
                session, network="practice", name=name, handle=name, secret="s", keys=sealed_by, now=now
            )
            account.remote_id, account.ends_at = name, now + timedelta(days=7)
            session.add(account)

    def told(_: Connection) -> SignedIn:
        return SignedIn("r", "riverton", "Riverton PD", ends_at=now + timedelta(days=90))

    asked = replace(practice.NETWORK, test=told)
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType({**registry.NETWORKS, "practice": asked}))
    assert sign_ins.look(engine, settings, keys, now) == 1
    with database.reading(engine) as session:
        assert {one.name: one.handle for one in session.exec(select(Account))} == {
            "Lost": "Lost", "Riverton PD": "riverton"
        }  # fmt: skip
