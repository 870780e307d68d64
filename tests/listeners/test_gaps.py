"""A time without hearing is told once, with what came in later of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from config import database
from config.secrets import Keys
from config.settings import Settings
from listeners import gaps, health, polling, sources
from listeners.tables import Source, SourceGap
from networks import practice, registry
from networks.network import Page, RemoteMention, Unavailable
from tests.listeners import said

TOWN = ZoneInfo("America/New_York")
MINUTE = timedelta(minutes=1)


class Tap:
    """A network that is there or not, with the posts that wait there."""

    def __init__(self) -> None:
        self.open, self.posts = True, list[RemoteMention]()
        self.lost: tuple[datetime, datetime] | None = None

    def mentions(self, cursor: str | None) -> Page:
        if not self.open:
            raise Unavailable("the tap is closed")
        found, self.posts = self.posts, []
        return Page(found, cursor, lost=self.lost)

    def say(self, at: datetime, number: int = 1) -> None:
        self.posts += [RemoteMention(f"{at}-{n}", f"post {n} of {at}", at, "nan") for n in range(number)]


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    made = Tap()
    changed = replace(practice.NETWORK, listener=lambda connection: made)
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType({**registry.NETWORKS, "practice": changed}))
    return made


def all_gaps(engine: sa.Engine, now: datetime) -> list[SourceGap]:
    with database.writing(engine) as session:
        gaps.count(session, now)
    with database.reading(engine) as session:
        return list(session.exec(select(SourceGap).order_by(col(SourceGap.id))))


def test_an_outage_is_a_gap_told_once_with_what_was_caught_up(
    engine: sa.Engine, tap: Tap, keys: Keys, settings: Settings
) -> None:
    began = datetime(2026, 11, 24, 2, 10, tzinfo=TOWN).astimezone(UTC)
    ended = began + 35 * MINUTE
    number = said.a_source(engine, began)
    tap.say(began - 5 * MINUTE)
    polling.poll(engine, number, settings, keys, began)
    tap.open = False
    for minutes in (1, 5, 20):
        polling.poll(engine, number, settings, keys, began + minutes * MINUTE)
    tap.open = True
    tap.say(began + 3 * MINUTE, 300)
    tap.say(ended - MINUTE, 12)
    polling.poll(engine, number, settings, keys, ended)
    tap.say(ended + MINUTE, 4)
    for minutes in (1, 2, 3):
        polling.poll(engine, number, settings, keys, ended + minutes * MINUTE)
    (gap,) = all_gaps(engine, ended + 5 * MINUTE)
    assert (gap.began_at, gap.ended_at, gap.reason, gap.lost) == (began, ended, "the tap is closed", False)
    in_town = health.in_words(gap, lambda moment: moment.astimezone(TOWN))
    assert in_town == "24 Nov: nothing from 02:10 to 02:45, 312 caught up"


def test_what_a_network_could_not_give_is_a_gap_though_it_answered(
    engine: sa.Engine, tap: Tap, keys: Keys, settings: Settings, now: datetime
) -> None:
    number = said.a_source(engine, now)
    tap.lost = (now - 5 * MINUTE, now)
    polling.poll(engine, number, settings, keys, now)
    tap.lost = None
    polling.poll(engine, number, settings, keys, now + MINUTE)
    assert [(gap.began_at, gap.ended_at, gap.lost) for gap in all_gaps(engine, now)] == [(now - 5 * MINUTE, now, True)]


def test_what_comes_late_is_counted_for_two_days_and_deletions_take_nothing_back(
    engine: sa.Engine, tap: Tap, keys: Keys, settings: Settings, now: datetime
) -> None:
    number = said.a_source(engine, now)
    polling.poll(engine, number, settings, keys, now)
    ended = now + timedelta(hours=1)
    polling.poll(engine, number, settings, keys, ended)
    found = []
    for hours in (1, 47, 49):
        tap.say(now + MINUTE * hours)
        polling.poll(engine, number, settings, keys, ended + timedelta(hours=hours))
        found.append(all_gaps(engine, ended + timedelta(hours=hours))[0].caught_up)
    assert found == [1, 2, 2]
    with database.writing(engine) as session:
        session.execute(sa.text("DELETE FROM mention"))
    assert all_gaps(engine, ended + MINUTE)[0].caught_up == 2


def test_a_source_that_is_looked_at_in_its_time_has_no_gap(
    engine: sa.Engine, tap: Tap, keys: Keys, settings: Settings, now: datetime
) -> None:
    number = said.a_source(engine, now, every_seconds=600)
    for minutes in (0, 10, 20, 49, 79):
        polling.poll(engine, number, settings, keys, now + minutes * MINUTE)
    assert all_gaps(engine, now + 80 * MINUTE) == []
    polling.poll(engine, number, settings, keys, now + 110 * MINUTE)
    assert [gap.reason for gap in all_gaps(engine, now + 111 * MINUTE)] == ["Liaison was not listening"]


def test_a_first_look_is_no_gap_however_long_it_took(
    engine: sa.Engine, tap: Tap, keys: Keys, settings: Settings, now: datetime
) -> None:
    number = said.a_source(engine, now)
    tap.open = False
    polling.poll(engine, number, settings, keys, now)
    tap.open = True
    polling.poll(engine, number, settings, keys, now + timedelta(days=2))
    assert all_gaps(engine, now + timedelta(days=2)) == []


def test_while_it_is_switched_off_nothing_is_heard_and_that_is_said(
    engine: sa.Engine, tap: Tap, keys: Keys, settings: Settings, now: datetime
) -> None:
    number = said.a_source(engine, now)
    polling.poll(engine, number, settings, keys, now)
    with database.writing(engine) as session:
        sources.switch(session, number, False, now)
    with database.writing(engine) as session:
        sources.switch(session, number, True, now + timedelta(days=1))
    assert polling.poll_due(engine, settings, keys, now + timedelta(days=1)) == 0
    (gap,) = all_gaps(engine, now + timedelta(days=1))
    assert (gap.began_at, gap.ended_at) == (now, now + timedelta(days=1))


def test_a_stream_may_be_still_for_ninety_seconds(engine: sa.Engine, now: datetime) -> None:
    source = Source(network="bluesky", name="All", streamed=True, every_seconds=10, last_ok_at=now)
    with database.writing(engine) as session:
        session.add(source)
        session.flush()
        gaps.heard(session, source, now + gaps.STREAMED)
        assert gaps.latest(session, now) == []
        gaps.heard(session, source, now + gaps.STREAMED + timedelta(seconds=1))
        assert len(gaps.latest(session, now)) == 1


AT = datetime(2026, 11, 24, 23, 50, tzinfo=TOWN)


@pytest.mark.parametrize(
    ("minutes", "caught", "lost", "words"),
    [
        (5, 0, False, "24 Nov: nothing from 23:50 to 23:55, 0 caught up"),
        (30, 2, False, "24 Nov: nothing from 23:50 to 25 Nov 00:20, 2 caught up"),
        (7 * 24 * 60, 12345, False, "24 Nov: nothing from 23:50 to 01 Dec 23:50, 12,345 caught up"),
        (5, 3, True, "24 Nov: nothing from 23:50 to 23:55, 3 caught up; some may be lost"),
        (5, 0, True, "24 Nov: nothing from 23:50 to 23:55, none of it could be caught up; some may be lost"),
    ],
)
def test_a_gap_in_words(minutes: int, caught: int, lost: bool, words: str) -> None:
    gap = SourceGap(source_id=1, began_at=AT, ended_at=AT + minutes * MINUTE, caught_up=caught, lost=lost)
    assert health.in_words(gap, lambda moment: moment.astimezone(TOWN)) == words


@given(st.integers(0, 10**8), st.integers(0, 10**6))
def test_a_gap_s_words_name_its_own_two_times_in_the_town_s_zone(later: int, seconds: int) -> None:
    began = AT + timedelta(seconds=later)
    gap = SourceGap(source_id=1, began_at=began, ended_at=began + timedelta(seconds=seconds))
    start, end = gap.began_at.astimezone(TOWN), gap.ended_at.astimezone(TOWN)
    words = health.in_words(gap, lambda moment: moment.astimezone(TOWN))
    assert words.startswith(f"{start:%d %b}: nothing from {start:%H:%M} to ")
    assert f"{end:%H:%M}, 0 caught up" in words
    assert (f"{end:%d %b} {end:%H:%M}" in words) == (start.date() != end.date())


@given(st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_span_is_never_longer_than_it_lasted_and_less_than_an_hour_or_day_off(lasting: timedelta) -> None:
    number, unit = health.span(lasting).split()
    one = {"min": MINUTE, "h": timedelta(hours=1), "days": timedelta(days=1)}[unit]
    assert timedelta(0) <= lasting - int(number) * one < one
