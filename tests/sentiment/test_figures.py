"""The figures that Today, the concerns page and the digest show."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database
from listeners import rhythm
from listeners.tables import Mention, Source
from sentiment import figures
from sentiment.trust import Show
from tests.sentiment import street
from tests.sentiment.street import ZONE, Said

NOW = datetime(2026, 11, 24, 13, 10, tzinfo=UTC)  # Tuesday 08:10 in Riverton
NOON = datetime(2026, 11, 24, 17, tzinfo=UTC)


def _days(first: int, last: int) -> Iterator[datetime]:
    for back in range(first, last, -1):
        yield NOON - timedelta(days=back)


def _steady(days: int = 30, a_day: int = 20, mistrust: float = 0.2, until: int = 0) -> list[Said]:
    """As many new authors each day, of whom that share mistrusts, from `days` days ago to `until` days ago."""
    return [
        Said(
            at,
            f"author {at:%j} {number}",
            concerns=("responsiveness",),
            mistrust=1.0 if number < mistrust * a_day else 0.0,
            trust=0.1,
            negative=0.4,
        )
        for at in _days(days, until)
        for number in range(a_day)
    ]


def test_the_three_figures_stand_with_authors_period_and_usual_level(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady())
        found = figures.town(session, NOW, ZONE)[0]
    assert (found.first, found.last, found.baseline_days) == (date(2026, 11, 17), date(2026, 11, 23), 20)
    assert found.authors == 140
    assert [(figure.name, figure.change.direction) for figure in found.figures] == [
        ("mistrust", "steady"),
        ("trust", "steady"),
        ("negative", "steady"),
    ]
    values = [(round(f.share.value, 2), round(f.usual.value, 2)) for f in found.figures if f.share and f.usual]
    assert values == [(0.20, 0.20), (0.10, 0.10), (0.40, 0.40)]


def test_a_rise_of_twenty_five_points_is_called_up(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady(until=7) + _steady(days=7, mistrust=0.45))
        found = figures.town(session, NOW, ZONE)[0]
    assert found.mistrust.change.words == "Up 25 points"


def test_mistrust_that_rose_three_days_ago_is_dated(sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        street.say(session, _steady(until=3) + _steady(days=3, mistrust=0.45))
        (row,) = figures.town(session, NOW, ZONE)[1]
        (before,) = figures.town(session, NOW - timedelta(days=3), ZONE)[1]
    assert before.moved is None
    assert row.moved is not None
    assert (row.moved.direction, row.moved.around) == ("up", date(2026, 11, 21))


def test_today_is_not_in_the_figures_until_it_is_over(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady())
        before = figures.town(session, NOW, ZONE)[0]
        street.say(session, [Said(NOW, f"loud {number}", mistrust=1.0) for number in range(200)])
        after = figures.town(session, NOW, ZONE)[0]
    assert after == before


@pytest.mark.parametrize(("history", "words"), [(23, "Cannot say yet"), (24, "No clear change")])
def test_a_short_history_says_so(sqlite_engine: sa.Engine, history: int, words: str) -> None:
    with database.writing(sqlite_engine) as session:
        street.say(session, _steady(days=history))
        found = figures.town(session, NOW, ZONE)[0]
    assert found.mistrust.change.words == words
    assert (found.mistrust.usual is None) is (words == "Cannot say yet")


def test_an_empty_store_has_no_figures_and_no_fault(engine: sa.Engine) -> None:
    with database.reading(engine) as session:
        found, rows = figures.town(session, NOW, ZONE)
    assert [figure.share for figure in found.figures] == [None, None, None]
    assert (found.authors, found.volume.posts, found.series, rows) == (0, 0, (), [])


def test_the_series_has_a_share_for_each_day_with_seven_days_behind_it(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady())
        series = figures.town(session, NOW, ZONE)[0].series
    assert (series[0].day, series[-1].day, len(series)) == (date(2026, 10, 31), date(2026, 11, 23), 24)
    assert {point.share.authors for point in series if point.share} == {140}


def _heard(session: Session, source: int, days: int, new: int = 20) -> None:
    """A source that brings so many mentions each day since so many days ago."""
    for at in _days(days, 0):
        rhythm.note(session, source, new, new, at)


def test_old_items_of_a_feed_make_no_usual_number_of_posts(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady(days=50, a_day=1, until=8))
        street.say(session, _steady(days=7, a_day=40))
        _heard(session, 1, 7)
        found = figures.town(session, NOW, ZONE)[0]
    assert found.baseline_days == 40
    assert (found.volume.posts, found.volume.usual, found.volume.usual_high) == (280, None, None)


def test_a_large_source_makes_posts_usual_by_the_days_on_which_it_was_heard_and_a_small_one_changes_nothing(
    engine: sa.Engine,
) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady(days=50, a_day=20, until=30) + _steady(days=30, a_day=100))
        first = session.exec(select(Source)).one()
        session.add_all(Source(network="x", name=name) for name in ("large", "small"))
        session.flush()
        _heard(session, first.id or 0, 50)
        _heard(session, (first.id or 0) + 2, 5, new=3)
        mixed = figures.town(session, NOW, ZONE)[0].volume
        _heard(session, (first.id or 0) + 1, 30, new=80)
        apart, concern = (
            figures.town(session, NOW, ZONE)[0].volume,
            figures.concern(session, NOW, ZONE, "responsiveness")[1],
        )
    assert mixed.usual is not None
    assert mixed.usual < 500
    assert apart.usual == pytest.approx(700, rel=0.02)
    assert concern is not None
    assert concern.volume == apart


def test_the_volume_lies_within_what_is_usual(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady())
        volume = figures.town(session, NOW, ZONE)[0].volume
    assert volume.posts == 140
    assert volume.usual == pytest.approx(140, rel=0.01)
    assert volume.usual_low is not None
    assert volume.usual_high is not None
    assert 100 < volume.usual_low < 140 < volume.usual_high < 180


def _named(concern: str, authors: int, place_id: int | None, mistrust: float = 0.5) -> list[Said]:
    return [
        Said(NOON - timedelta(days=2), f"{concern} {number}", concerns=(concern,), place_id=place_id, mistrust=mistrust)
        for number in range(authors)
    ]


def test_concerns_are_ordered_by_how_many_raise_them(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady(a_day=2))
        street.say(session, _named("drugs", 30, None, mistrust=0.9) + _named("youth_schools", 12, None))
        rows = figures.town(session, NOW, ZONE)[1]
    assert [(row.concern, row.authors) for row in rows] == [
        ("drugs", 30),
        ("responsiveness", 14),
        ("youth_schools", 12),
    ]


def test_few_authors_show_an_interval_and_no_arrow(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady())
        street.say(session, _named("youth_schools", 12, None, mistrust=1.0))
        row = next(row for row in figures.town(session, NOW, ZONE)[1] if row.concern == "youth_schools")
    assert row.mistrust is not None
    assert row.mistrust.show is Show.INTERVAL
    assert (row.change.direction, row.change.why) == ("unknown", "authors")


def test_a_small_concern_is_drawn_towards_the_town(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady())
        street.say(session, _named("drugs", 10, None, mistrust=1.0))
        row = next(row for row in figures.town(session, NOW, ZONE)[1] if row.concern == "drugs")
    assert row.mistrust is not None
    assert row.mistrust.value == pytest.approx((20 * (38 / 150) + 10) / 30, abs=0.01)


def test_the_line_ends_at_the_figure_above_it(sqlite_engine: sa.Engine) -> None:
    """Whatever the town's usual level is: both are drawn towards the town of the same days."""
    with database.writing(sqlite_engine) as session:
        street.say(session, _steady(until=7) + _steady(days=7, mistrust=0.45))
        street.say(session, _named("drugs", 40, None, mistrust=0.6))
        row = next(row for row in figures.town(session, NOW, ZONE)[1] if row.concern == "drugs")
        alone = figures.concern(session, NOW, ZONE, "drugs")[1]
    assert alone is not None
    assert row.mistrust == alone.mistrust == row.spark[-1].share == alone.spark[-1].share
    assert alone.negative == alone.tones[-1].share


def test_where_a_concern_mostly_is_needs_a_third_of_its_authors(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, mill = street.place(session, "Elm Street"), street.place(session, "Old Mill")
        street.say(session, _steady())
        street.say(session, _named("drugs", 10, elm) + _named("youth_schools", 5, mill))
        street.say(session, [Said(NOON - timedelta(days=3), f"y{n}", concerns=("youth_schools",)) for n in range(15)])
        rows = {row.concern: row.mostly for row in figures.town(session, NOW, ZONE)[1]}
    assert rows == {"responsiveness": None, "youth_schools": None, "drugs": "Elm Street"}


def test_one_concern_alone_has_the_figures_that_it_has_among_all(sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        street.say(session, _steady() + _named("drugs", 20, None))
        rows = {row.concern: row for row in figures.town(session, NOW, ZONE)[1]}
        overview, alone = figures.concern(session, NOW, ZONE, "drugs")
        nobody = figures.concern(session, NOW, ZONE, "privacy_surveillance")[1]
        assert overview == replace(figures.town(session, NOW, ZONE)[0], series=())
    assert alone is not None
    assert replace(alone, tones=(), weeks=(), volume=None, places=()) == rows["drugs"]
    assert [one.day for one in alone.tones] == [one.day for one in alone.weeks] == [one.day for one in alone.spark]
    assert alone.volume is not None
    assert alone.weeks[-1].posts == alone.volume.posts == alone.posts
    assert nobody is None


def test_the_figures_live_on_without_the_mentions(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _steady())
        before = figures.town(session, NOW, ZONE)
        session.execute(sa.delete(Mention).where(col(Mention.id) > 0))
        assert figures.town(session, NOW, ZONE) == before


def _queries(session: Session) -> int:
    seen: list[str] = []
    connection = session.connection()

    def note(_c: object, _cu: object, statement: str, _p: object, _x: object, _m: bool) -> None:
        seen.append(statement)

    sa.event.listen(connection, "before_cursor_execute", note)
    figures.town(session, NOW, ZONE)
    sa.event.remove(connection, "before_cursor_execute", note)
    return len(seen)


def test_the_number_of_queries_does_not_grow_with_the_mentions(sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        street.say(session, _steady(a_day=1))
        few = _queries(session)
        street.say(session, _steady(a_day=20))
        assert _queries(session) == few
