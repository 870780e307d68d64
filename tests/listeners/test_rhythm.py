"""A source's usual rhythm: silent only when a person who knows it would wonder."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from config import database
from listeners import health, rhythm
from listeners.rhythm import HOUR, Rate
from listeners.tables import Source, SourceHour
from tests.listeners import said

TOWN = ZoneInfo("America/New_York")
AT = datetime(2026, 10, 20, tzinfo=UTC)
DAY = timedelta(days=1)


def busy(moment: datetime) -> int:
    """Posts of an hour: nothing from ten in the evening to six in the morning, then forty an hour, sharply."""
    return 40 if 6 <= moment.astimezone(TOWN).hour < 22 else 0


def steady(moment: datetime) -> int:
    return 15


def lived(first: datetime, until: datetime, posts: Callable[[datetime], int]) -> dict[datetime, int]:
    """Hours as a source leaves them that brought so many posts: an hour without any has no row."""
    hours = (first + step * HOUR for step in range(int((until - first) / HOUR)))
    return {hour: posts(hour) for hour in hours if posts(hour)}


def silent_since(hours: dict[datetime, int], now: datetime) -> datetime | None:
    return rhythm._silent(hours, now)


def test_a_silence_is_told_once_so_much_should_have_come_that_it_is_no_chance() -> None:
    last = AT + 10 * DAY
    hours = lived(AT, last, steady)
    told = [silent_since(hours, last + step * HOUR) for step in range(4)]
    assert told == [None, None, last, last]


def test_a_source_that_is_quiet_every_night_is_not_silent_at_night() -> None:
    hours = lived(AT, AT + 10 * DAY + 4 * HOUR, busy)
    evening = max(hours) + HOUR
    through = [silent_since(hours, evening + step * HOUR) for step in range(9)]
    assert through == [None] * 9
    assert silent_since(hours, evening + 11 * HOUR) == evening


def test_one_post_ends_a_silence() -> None:
    hours = lived(AT, AT + 10 * DAY, steady)
    later = AT + 10 * DAY + 6 * HOUR
    assert silent_since(hours, later) is not None
    assert silent_since({**hours, later - HOUR: 1}, later) is None


def test_a_source_that_is_new_is_never_silent() -> None:
    for days, told in ((1, False), (6, False), (8, True)):
        hours = lived(AT, AT + days * DAY, steady)
        assert (silent_since(hours, AT + days * DAY + 12 * HOUR) is not None) == told


def test_a_source_that_brings_little_is_never_silent_for_a_day() -> None:
    hours = lived(AT, AT + 20 * DAY, lambda hour: 1 if hour.hour == 15 else 0)
    assert silent_since(hours, AT + 21 * DAY) is None


def test_a_morning_after_the_clocks_changed_is_no_silence() -> None:
    """1 November 2026, 2:00: the town's clocks go back; 14 March 2027: forward. Its six o'clock is another hour of
    UTC from then on."""
    for change in (datetime(2026, 11, 1, tzinfo=TOWN), datetime(2027, 3, 14, tzinfo=TOWN)):
        first = change.astimezone(UTC).replace(hour=0) - 20 * DAY
        all_hours = lived(first, first + 23 * DAY, busy)
        for hour in range(19 * 24, 23 * 24):
            now = first + hour * HOUR
            hours = {at: posts for at, posts in all_hours.items() if at < now}
            assert silent_since(hours, now + timedelta(minutes=1)) is None, now.astimezone(TOWN)


def test_a_silence_of_weeks_stays_told(engine: sa.Engine, now: datetime) -> None:
    number = said.a_source(engine, now)
    last = now.replace(minute=0) - HOUR
    with database.writing(engine) as session:
        session.add_all(SourceHour(source_id=number, hour=last - step * HOUR, read=15) for step in range(20 * 24))
    for days in (1, 22, 40, 61, 200):
        later = now + days * DAY
        with database.writing(engine) as session:
            rhythm.forget(session, later)
            assert rhythm.heard(session, later)[1] == {number: last + HOUR}, days


def test_hours_are_forgotten_after_sixty_days_but_for_the_first(engine: sa.Engine, now: datetime) -> None:
    number = said.a_source(engine, now)
    with database.writing(engine) as session:
        for days in (0, 59, 61, 62, 63, 100):
            rhythm.note(session, number, 1, 1, now - days * DAY)
        assert [rhythm.forget(session, now) for _ in range(2)] == [3, 0]
        left = session.exec(select(SourceHour.hour).order_by(col(SourceHour.hour))).all()
    assert left == [now.replace(minute=0) - days * DAY for days in (100, 59, 0)]


def test_a_source_that_brought_nothing_for_sixty_days_is_heard_anew(engine: sa.Engine, now: datetime) -> None:
    number = said.a_source(engine, now)
    back = now + 70 * DAY
    with database.writing(engine) as session:
        for days in (100, 40, 0):
            rhythm.note(session, number, 1, 1, now - days * DAY)
        rhythm.forget(session, now)
        rhythm.note(session, number, 1, 1, back)
        rhythm.forget(session, back)
        assert rhythm.heard_since(session, back - DAY, back + DAY) == back.replace(minute=0)


def test_what_came_within_an_hour_adds_up_and_the_rate_is_of_a_day(engine: sa.Engine, now: datetime) -> None:
    number = said.a_source(engine, now)
    other = said.a_source(engine, now, "archive", 0)
    with database.writing(engine) as session:
        for minutes, read, new in ((0, 5, 2), (9, 3, 0), (60, 1, 1), (23 * 60, 10, 4), (24 * 60 + 20, 100, 100)):
            rhythm.note(session, number, read, new, now - timedelta(minutes=minutes))
        rhythm.note(session, other, 0, 0, now)
        assert rhythm.heard(session, now)[0] == {number: Rate(19, 7)}
        hour = session.get_one(SourceHour, (number, now.replace(minute=0)))
    assert (hour.read, hour.new) == (8, 2)


def test_each_source_has_a_rhythm_of_its_own(engine: sa.Engine, now: datetime) -> None:
    last = now.replace(minute=0) - 5 * HOUR
    loud, quiet = said.a_source(engine, now), said.a_source(engine, now, "archive", 0)
    with database.writing(engine) as session:
        for number, posts, until in ((loud, steady, last), (quiet, steady, last + 5 * HOUR)):
            _keep(session, number, lived(last - 10 * DAY, until, posts))
        assert rhythm.heard(session, now)[1] == {loud: last}


def test_a_silent_source_says_so_though_it_answers(engine: sa.Engine, now: datetime) -> None:
    number = said.a_source(engine, now)
    with database.writing(engine) as session:
        _keep(session, number, lived(now.replace(minute=0) - 10 * DAY, now.replace(minute=0) - 5 * HOUR, steady))
        source = session.get_one(Source, number)
        source.last_ok_at = now
        (known,) = health.overview(session, now)
    assert (known.health.state, known.health.words) == (
        "silent", "it answers, but nothing came for 5 h, against its usual rhythm",
    )  # fmt: skip


@given(st.lists(st.integers(0, 200), min_size=24, max_size=24), st.integers(8, 20), st.integers(0, 23))
def test_a_source_that_keeps_its_rhythm_is_never_silent(day: list[int], days: int, hour: int) -> None:
    now = AT + days * DAY + hour * HOUR + timedelta(minutes=59)
    hours = lived(AT, AT + days * DAY + hour * HOUR, lambda moment: day[moment.hour])
    if hours:
        assert silent_since(hours, now) is None


@given(st.dictionaries(st.integers(0, 24 * 20), st.integers(1, 300), min_size=1), st.integers(0, 24 * 40))
def test_a_silence_begins_after_the_last_post_and_lasts_two_hours_at_least(read: dict[int, int], later: int) -> None:
    hours = {AT + step * HOUR: posts for step, posts in read.items()}
    now = max(hours) + later * HOUR
    since = silent_since(hours, now)
    if since is not None:
        assert since == max(hours) + HOUR
        assert now - since >= rhythm.SHORTEST * HOUR
        assert max(hours) - min(hours) >= 7 * DAY


def _keep(session: Session, number: int, hours: dict[datetime, int]) -> None:
    session.add_all(SourceHour(source_id=number, hour=hour, read=posts) for hour, posts in hours.items())
    session.flush()


def test_all_that_brings_much_is_heard_since_the_youngest_of_them(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        assert rhythm.heard_since(session, AT, AT + 7 * DAY) is None
        session.add_all(Source(id=number, network="x", name=f"source {number}") for number in (1, 2, 3, 4))
        session.flush()
        for number, begun, new in ((1, -30 * DAY, 60), (2, -5 * DAY, 20), (3, DAY, 1), (4, 8 * DAY, 99)):
            for day in range(20):
                rhythm.note(session, number, new, new, AT + begun + day * 2 * DAY)
        assert rhythm.heard_since(session, AT, AT + 7 * DAY) == AT - 5 * DAY
        assert rhythm.heard_since(session, AT + 8 * DAY, AT + 15 * DAY) == AT + 8 * DAY
