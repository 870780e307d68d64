"""Sums that are kept are what adding up anew gives, whatever was counted or taken back in between."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, delete, func, select

from config import database
from config.settings import Settings
from scheduler.jobs import sums as job
from sentiment import counts, editions, figures, sums
from sentiment.counts import Counted
from sentiment.editions import Edition
from sentiment.tables import ALL, AuthorDay, DayChange, KeptSum
from sentiment.trust import Span, Sums
from tests.sentiment import street
from tests.sentiment.street import ZONE, Said

FIRST = date(2026, 11, 1)
SPANS = [
    Span(FIRST, FIRST + timedelta(days=6)),
    Span(FIRST + timedelta(days=3), FIRST + timedelta(days=3)),
    Span(FIRST, FIRST + timedelta(days=19), by_week=True),
]
WANTED = {ALL: SPANS, "streets": SPANS[:2]}


@st.composite
def posts(draw: st.DrawFn) -> Counted:
    day = FIRST + timedelta(days=draw(st.integers(-2, 21)))
    return Counted(
        author=bytes([draw(st.integers(0, 4))]) * 16,
        day=day,
        hour=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        place_id=draw(st.integers(0, 2)),
        network=draw(st.sampled_from(["x", "bluesky"])),
        language="en",
        concerns=draw(st.sampled_from([(), ("streets",)])),
        mistrust=draw(st.sampled_from([0.0, 0.25, 1.0])),
        trust=0.5,
        negative=0.0,
        positive=0.0,
    )


def _by_hand(said: Sequence[Counted], concern: str, span: Span) -> Sums:
    """One vote an author a window, added up without numpy and without the store."""
    weeks: dict[bytes, int] = defaultdict(int)
    found = Sums()
    for first, last in span.windows():
        here: dict[bytes, list[Counted]] = defaultdict(list)
        for one in said:
            if first <= one.day <= last and concern in (ALL, *one.concerns):
                here[one.author].append(one)
        for author, its in here.items():
            weeks[author] += 1
            found = found._replace(
                posts=found.posts + len(its),
                mistrust=found.mistrust + sum(one.mistrust for one in its) / len(its),
                trust=found.trust + 0.5,
            )
    number = list(weeks.values())
    return found._replace(authors=len(number), weights=float(sum(number)), squares=float(sum(n * n for n in number)))


def _close(found: Sums, expected: Sums) -> bool:
    return all(getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-9) for name in Sums._fields)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.lists(posts(), min_size=1, max_size=4), st.booleans(), st.booleans()), max_size=6))
def test_kept_or_not_the_sums_are_those_of_the_posts(
    sqlite_engine: sa.Engine, steps: list[tuple[list[Counted], bool, bool]]
) -> None:
    said: list[Counted] = []
    with database.writing(sqlite_engine) as session:
        for table in (AuthorDay, DayChange, KeptSum):
            session.exec(delete(table))
        for several, kept_before, back in steps:
            if kept_before:
                sums.keep(session, sums.out_of_date(session, WANTED), FIRST)
            counts.add(session, several)
            said += several
            if back:
                counts.take_back(session, several[:1])
                said.remove(several[0])
            found = sums.read(session, WANTED)
            for concern, spans in WANTED.items():
                assert all(_close(found[concern][span], _by_hand(said, concern, span)) for span in spans)


def test_a_day_that_changed_makes_only_the_sums_over_it_out_of_date(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        _say(session, FIRST, FIRST + timedelta(days=3))
        sums.keep(session, sums.out_of_date(session, WANTED), FIRST)
        assert sums.out_of_date(session, WANTED) == []
        _say(session, FIRST + timedelta(days=10))
        left = sums.out_of_date(session, WANTED)
    assert [(row["concern"], row["first"], row["last"]) for row in left] == [(ALL, SPANS[2].first, SPANS[2].last)]


def test_the_days_figures_are_read_without_adding_up_once_the_job_has_run(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 24, 13, tzinfo=UTC)
    with database.writing(engine) as session:
        for back in range(80):
            at = now - timedelta(days=back)
            street.say(session, [Said(at, f"{back} {n}", concerns=("fairness",)) for n in (1, 2)])
    desk = Settings.model_validate({"department": {"time_zone": ZONE.key}})
    with database.reading(engine) as session:
        month = editions.windows(Edition.MONTHLY, now.astimezone(ZONE).date(), history := counts.first_day(session))
        before = [figures.town(session, now, ZONE), figures.town(session, now, ZONE, month, history=history)]
    assert job.keep(engine, desk, now) > 0
    assert job.keep(engine, desk, now) == 0
    for adding_up in ("_author_days", "_counted"):
        monkeypatch.setattr(sums, adding_up, None)  # fails now
    with database.reading(engine) as session:
        after = [figures.town(session, now, ZONE), figures.town(session, now, ZONE, month, history=history)]
    assert after == before


def test_sums_of_long_ago_are_let_go(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        _say(session, FIRST)
        sums.keep(session, sums.out_of_date(session, WANTED), FIRST)
        sums.keep(session, [], FIRST + timedelta(days=sums.DAYS_KEPT + 30))
        assert session.exec(select(func.count()).select_from(KeptSum)).one() == 0


def test_kept_or_not_the_places_are_those_of_the_posts(engine: sa.Engine) -> None:
    week = SPANS[0]

    def at(place_id: int, author: str) -> Counted:
        return Counted(
            author=author.encode() * 16, day=FIRST, hour=datetime(2026, 11, 1, 12, tzinfo=UTC), place_id=place_id,
            network="x", language="en", concerns=("streets",), mistrust=0.5, trust=0.5, negative=0.0, positive=0.0,
        )  # fmt: skip

    with database.writing(engine) as session:
        for said, found in (
            ([at(1, "a"), at(1, "a"), at(2, "b"), at(0, "c")], {1: 1, 2: 1}),
            ([at(2, "d")], {1: 1, 2: 2}),  # the day changed: what was kept is out of date
        ):
            counts.add(session, said)
            assert sums.read_places(session, ["streets"], week) == {"streets": found}
            assert sums.read_places(session, ["streets"], week, [1]) == {"streets": {1: 1}}
            sums.keep_places(session, sums.places_out_of_date(session, ["streets"], week), FIRST)
            assert sums.places_out_of_date(session, ["streets"], week) == []
            assert sums.read_places(session, ["streets"], week) == {"streets": found}


def _say(session: Session, *days: date) -> None:
    for day in days:
        street.say(session, [Said(datetime(day.year, day.month, day.day, 17, tzinfo=UTC), "somebody")])
