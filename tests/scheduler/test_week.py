"""A week's queue on a private clock: three zones, clocks that change, a hold, an account that is signed out. What went
out when is asserted one by one."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

import pytest
import sqlalchemy as sa

from config import clock, database, holds
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts
from networks.network import Outgoing, Receipt
from networks.tables import Account
from posts import drafts, publishing, series
from posts.claims import Claim
from posts.pools import Pools
from posts.tables import Series
from scheduler.jobs import publishing as job
from scheduler.jobs import series as series_job

Sent = list[tuple[str, str]]  # account, UTC
HALF_HOUR = timedelta(minutes=30)
wall = datetime.fromisoformat


def at(moment: str) -> datetime:
    return clock.utc(datetime.fromisoformat(f"{moment}+00:00"))


class Street:
    """Pools that make each call at once, on the private clock, to a network that notes when it was called."""

    in_hand = 0

    def __init__(self, engine: sa.Engine, names: dict[int, str]) -> None:
        self.engine, self.names, self.now = engine, names, at("2000-01-01T00:00")
        self.sent: Sent = []
        self._account = ""

    def submit(self, made: Claim) -> None:
        self._account = self.names[made.account_id]
        publishing.run(self.engine, made, self, lambda: self.now)

    def publish(self, outgoing: Outgoing) -> Receipt:
        self.sent.append((self._account, f"{self.now:%m-%d %H:%M}"))
        return Receipt(outgoing.key, None, self.now)

    def find(self, outgoing: Outgoing) -> Receipt | None:
        return None

    def remove(self, remote_id: str) -> None:
        raise AssertionError("nothing is taken down")


def week(
    engine: sa.Engine,
    keys: Keys,
    settings: Settings,
    person: Callable[..., Person],
    start: str,
    plan: dict[str, tuple[str, str, str]],  # account -> zone, its two hours
    events: dict[str, str],
) -> Sent:
    """What went out in the eight days from `start` (local dates), looked at every half hour."""
    begin = at(f"{start}T00:00") - timedelta(days=1)
    with database.writing(engine) as session:
        officer = person(session, "Ana", Role.OFFICER).id or 0
        approver = person(session, "Luc", Role.APPROVER).id or 0
        numbers: dict[str, int] = {}
        for name, (zone, *hours) in plan.items():
            made = accounts.add(session, network="practice", name=name, handle="", secret=None, keys=keys, now=begin)
            numbers[name] = made.id or 0
            for hour in hours:
                post = drafts.create(session, officer, f"{name} at {hour}", [made.id or 0], begin)
                first = wall(f"{start}T{hour}")
                series.begin(session, post.id or 0, "FREQ=DAILY;COUNT=8", first, zone, officer, begin)
                drafts.submit(session, post.id or 0, officer, begin)
                drafts.approve(session, post.id or 0, approver, post.content_hash, begin)
    street = Street(engine, {number: name for name, number in numbers.items()})
    moment = begin
    while moment < at(f"{start}T00:00") + timedelta(days=9):
        street.now = moment
        what = events.get(f"{moment:%m-%d %H:%M}", "")
        with database.writing(engine) as session:
            if what == "hold":
                holds.place(session, officer, "something happened", moment)
            elif what == "lift":
                holds.lift(session, approver, moment)
            elif what.startswith("out "):
                accounts.mark_signed_out(session, numbers[what[4:]], "token revoked", moment)
            elif what.startswith("in "):
                account = session.get_one(Account, numbers[what[3:]])
                account.state = "connected"
                session.add(account)
        if moment.hour == 0 and moment.minute == 0:
            series_job.extend(engine, settings, moment)
        job.tick(engine, settings, keys, cast(Pools, street), moment)
        moment += HALF_HOUR
    with database.reading(engine) as session:
        assert len(series.running(session)) == 2 * len(plan)
        assert session.get(Series, 1) is not None
    return street.sent


AUTUMN = {
    "New York": ("America/New_York", "01:30", "09:00"),
    "London": ("Europe/London", "01:30", "09:00"),
    "Sydney": ("Australia/Sydney", "02:30", "09:00"),
}


@pytest.mark.long
@pytest.mark.usefixtures("settings")
def test_the_week_in_which_the_clocks_go_back_in_london_and_new_york(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, person: Callable[..., Person]
) -> None:
    events = {
        "10-28 08:30": "hold",
        "10-28 10:30": "lift",  # what was due at nine goes out now
        "10-30 00:00": "out Sydney",
        "10-31 12:00": "in Sydney",  # what was due meanwhile is too late
    }
    sent = week(sqlite_engine, keys, settings, person, "2026-10-25", AUTUMN, events)
    london = [
        ("London", "10-25 00:30"),  # half past one comes twice; the first, in summer time
        ("London", "10-25 09:00"),
        *[("London", f"10-{day} {hour}") for day in (26, 27) for hour in ("01:30", "09:00")],
        ("London", "10-28 01:30"),
        ("London", "10-28 10:30"),  # kept its place while the hold was on
        *[("London", f"10-{day} {hour}") for day in (29, 30, 31) for hour in ("01:30", "09:00")],
        ("London", "11-01 01:30"),
        ("London", "11-01 09:00"),
    ]
    new_york = [
        *[("New York", f"10-{day} {hour}") for day in range(25, 32) for hour in ("05:30", "13:00")],
        ("New York", "11-01 05:30"),  # the first of two, still in summer time
        ("New York", "11-01 14:00"),  # nine o'clock, now in winter time
    ]
    sydney = [
        *[("Sydney", f"10-{day} {hour}") for day in range(24, 30) for hour in ("15:30", "22:00")],
        ("Sydney", "10-31 15:30"),
        ("Sydney", "10-31 22:00"),
    ]
    assert [one for one in sent if one[0] == "London"] == london
    assert [one for one in sent if one[0] == "New York"] == new_york
    assert [one for one in sent if one[0] == "Sydney"] == sydney
    assert len(sent) == len(london) + len(new_york) + len(sydney)


SPRING = {
    "New York": ("America/New_York", "02:30", "09:00"),
    "London": ("Europe/London", "01:30", "09:00"),
    "Sydney": ("Australia/Sydney", "02:30", "09:00"),
}


@pytest.mark.long
def test_the_week_in_which_the_clocks_go_forward_in_london_and_back_in_sydney(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, person: Callable[..., Person]
) -> None:
    events = {"03-31 08:30": "hold", "03-31 14:00": "lift"}  # longer than two hours: what was due is missed
    sent = week(sqlite_engine, keys, settings, person, "2027-03-28", SPRING, events)
    assert [one for _, one in sent if _ == "London"] == [
        "03-28 01:30",  # half past one does not exist: as long after midnight, half past two of summer time
        "03-28 08:00",
        *[f"03-{day} {hour}" for day in (29, 30) for hour in ("00:30", "08:00")],
        "03-31 00:30",
        "03-31 08:00",
        "04-01 00:30",
        "04-01 08:00",
        "04-02 00:30",
        "04-02 08:00",
        "04-03 00:30",
        "04-03 08:00",
        "04-04 00:30",
        "04-04 08:00",
    ]
    assert [one for _, one in sent if _ == "New York"] == [
        "03-28 06:30",
        "03-28 13:00",
        *[f"03-{day} {hour}" for day in (29, 30) for hour in ("06:30", "13:00")],
        "03-31 06:30",
        "03-31 14:00",  # due at one, an hour before the hold was lifted
        *[f"04-0{day} {hour}" for day in (1, 2, 3, 4) for hour in ("06:30", "13:00")],
    ]
    assert [one for _, one in sent if _ == "Sydney"] == [
        *[f"03-{day} {hour}" for day in range(27, 31) for hour in ("15:30", "22:00")],
        "03-31 15:30",
        "03-31 22:00",
        *[f"04-0{day} {hour}" for day in (1, 2) for hour in ("15:30", "22:00")],
        "04-03 15:30",  # half past two comes twice; the first
        "04-03 23:00",
    ]


def test_in_the_week_in_which_they_go_forward_in_new_york_an_hour_that_is_not_there_comes_an_hour_later(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, person: Callable[..., Person]
) -> None:
    plan = {"New York": SPRING["New York"]}
    sent = week(sqlite_engine, keys, settings, person, "2027-03-14", plan, {})
    assert sent[:4] == [
        ("New York", "03-14 07:30"),
        ("New York", "03-14 13:00"),
        ("New York", "03-15 06:30"),
        ("New York", "03-15 13:00"),
    ]
    assert len(sent) == 16
