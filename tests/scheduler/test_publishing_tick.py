"""One publishing tick by itself: what it claims, that it ends, and whom it tells of what was not sent."""

from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import database
from config.settings import Settings
from config.tables import OutboxMessage, Person
from posts import claims, publishing
from posts.claims import Claim
from scheduler.jobs import publishing as job
from tests.posts.conftest import Desk, desk

__all__ = ["desk"]


class _NothingBegins:
    """Pools whose calls all come too late to begin: each claim is given back at once."""

    in_hand = 0

    def __init__(self, desk: Desk) -> None:
        self._desk, self.count = desk, 0

    def submit(self, made: Claim) -> None:
        self.count += 1
        assert self.count < 3_000, "the tick does not end"
        publishing.give_back(self._desk.engine, made, "the lease is half over", self._desk.now)


def test_a_tick_ends_though_all_that_it_claims_comes_back_not_begun(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.approved(after=timedelta())
    monkeypatch.setattr(claims, "LEASE", timedelta(milliseconds=200))
    pools = _NothingBegins(desk)
    claimed = job.tick(desk.engine, Settings(), desk.keys, pools, desk.now)  # type: ignore[arg-type]
    assert claimed >= 2
    assert {target.state for target in desk.targets(1)} == {"waiting"}


class _Slow:
    """Pools whose calls do not end meanwhile."""

    def __init__(self) -> None:
        self.taken: list[Claim] = []

    @property
    def in_hand(self) -> int:
        return len(self.taken)

    def submit(self, made: Claim) -> None:
        self.taken.append(made)


def test_a_tick_leaves_to_other_processes_what_it_has_no_room_for(desk: Desk) -> None:
    for number in range(3):  # for two accounts
        desk.approved(f"Announcement {number}", after=timedelta())
    one, other = _Slow(), _Slow()
    claimed = [
        job.tick(desk.engine, Settings(), desk.keys, pools, desk.now, 3)  # type: ignore[arg-type]
        for pools in (one, one, other)
    ]
    assert (claimed, len({made.target_id for made in one.taken + other.taken})) == ([3, 0, 3], 6)


def mails(engine: sa.Engine) -> list[tuple[str, str, str]]:
    """Recipient, subject and words of each mail, the first recipient first."""
    with database.reading(engine) as session:
        rows = session.exec(select(OutboxMessage)).all()
        read = [(row.recipient, message_from_bytes(row.message, policy=policy.default)) for row in rows]
    return sorted((recipient, str(mail["Subject"]), str(mail.get_content())) for recipient, mail in read)


def test_an_author_reads_in_their_language_why_a_post_was_not_sent(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        session.get_one(Person, desk.officer).language = "es"
    desk.handed_in("Nobody looked at this.")
    desk.approved("Nobody sent this.")
    job.tick(desk.engine, Settings(), desk.keys, _Slow(), desk.now + timedelta(hours=3))  # type: ignore[arg-type]
    (_, first, unapproved), (to, second, late) = mails(desk.engine)
    assert (first, second) == ("No se envió: Nobody looked at this.", "No se envió: Nobody sent this.")
    assert unapproved.startswith("«Nobody looked at this.» no se envió: nadie la aprobó a tiempo. Se conserva")
    assert "se hizo demasiado tarde para enviarla (Riverton PD; Riverton PD en español)" in late
    assert to == "ana.ortega@riverton.example"


def test_officers_stand_in_for_an_author_who_left(desk: Desk) -> None:
    desk.handed_in()
    with database.writing(desk.engine) as session:
        session.get_one(Person, desk.officer).active = False
        session.get_one(Person, desk.second).language = "es"
    job.tick(desk.engine, Settings(), desk.keys, _Slow(), desk.now + timedelta(hours=3))  # type: ignore[arg-type]
    told = [(recipient, subject) for recipient, subject, _ in mails(desk.engine)]
    assert told == [("mina.roth@riverton.example", "No se envió: Coffee with officers at nine.")]
