from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.tables import Person
from networks import accounts
from posts import drafts
from posts.tables import Post, Target


@dataclass(frozen=True)
class Desk:
    """A department with an officer, two who approve, and two accounts on the practice board."""

    engine: sa.Engine
    keys: Keys
    now: datetime
    officer: int
    approver: int
    second: int
    accounts: tuple[int, int]

    def writing(self, message: str = "Coffee with officers at nine.") -> int:
        """A draft for both accounts."""
        with database.writing(self.engine) as session:
            return drafts.create(session, self.officer, message, self.accounts, self.now).id or 0

    def handed_in(self, message: str = "Coffee with officers at nine.", after: timedelta = timedelta(hours=1)) -> int:
        """A post that waits for approval, due some time after now (UTC)."""
        number = self.writing(message)
        with database.writing(self.engine) as session:
            wall = (self.now + after).replace(tzinfo=None)
            drafts.schedule(session, number, self.officer, wall, "UTC", self.now)
            drafts.submit(session, number, self.officer, self.now)
        return number

    def approved(self, message: str = "Coffee with officers at nine.", after: timedelta = timedelta(hours=1)) -> int:
        number = self.handed_in(message, after)
        with database.writing(self.engine) as session:
            content = drafts.read(session, number).content_hash
            drafts.approve(session, number, self.approver, content, self.now)
        return number

    def post(self, number: int) -> Post:
        with database.reading(self.engine) as session:
            return drafts.read(session, number)

    def targets(self, number: int) -> list[Target]:
        with database.reading(self.engine) as session:
            return list(session.exec(select(Target).where(Target.post_id == number).order_by(Target.account_id)))  # type: ignore[arg-type]


@pytest.fixture
def desk(engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person]) -> Desk:
    return set_up(engine, keys, now, person)


def set_up(engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person]) -> Desk:
    def account(session: Session, name: str) -> int:
        return accounts.add(session, network="practice", name=name, handle="", secret=None, keys=keys, now=now).id or 0

    with database.writing(engine) as session:
        return Desk(
            engine,
            keys,
            now,
            officer=person(session, "Ana Ortega", Role.OFFICER).id or 0,
            approver=person(session, "Lucas Moreau", Role.APPROVER).id or 0,
            second=person(session, "Mina Roth", Role.APPROVER, Role.OFFICER).id or 0,
            accounts=(account(session, "Riverton PD"), account(session, "Riverton PD en español")),
        )
