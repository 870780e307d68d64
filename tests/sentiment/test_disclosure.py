"""Counts by place: nobody is found in one, nor in the difference of two."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from config import database
from listeners import places
from sentiment import disclosure, sums
from sentiment.tables import ALL, Alert, AuthorDay, HeldBack
from sentiment.trust import Span, Sums
from tests.sentiment import street
from tests.sentiment.street import Said

NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)
WEEK = Span(date(2026, 11, 17), date(2026, 11, 23))
FEW = disclosure.LEAST - 1


@given(st.integers(0, 10_000))
def test_a_count_by_place_is_never_more_than_there_are_and_never_under_five(number: int) -> None:
    shown = disclosure.in_fives(number)
    assert shown <= number < shown + disclosure.LEAST
    assert shown == 0 or shown >= disclosure.LEAST


@given(st.integers(0, 500), st.integers(0, FEW))
def test_of_two_counts_nobody_can_tell_that_the_difference_is_one_to_four_people(smaller: int, more: int) -> None:
    shown = disclosure.in_fives(smaller), disclosure.in_fives(smaller + more)
    possible = {
        larger - less
        for less in range(shown[0], shown[0] + disclosure.LEAST)
        for larger in range(shown[1], shown[1] + disclosure.LEAST)
        if larger >= less
    }
    assert not possible <= set(range(1, disclosure.LEAST))


@given(st.integers(1, FEW), st.integers(1, 60))
def test_alerts_at_a_place_tell_the_same_of_all_counts_under_five(authors: int, posts: int) -> None:
    def alert(**more: Any) -> Alert:
        return Alert(
            kind="cell", concern="traffic_safety", title="", raised_at=NOON, since=NOON, updated_at=NOON,
            window_hours=24, posts=posts, expected=1.26, p_value=0.00123, **more,
        )  # fmt: skip

    told = disclosure.seen(alert(authors=authors, place_id=1))
    assert (told.authors, told.posts, told.expected, told.p_value) == (0, posts // 5 * 5, 1.0, 0.001)
    elsewhere = disclosure.seen(alert(authors=authors))
    assert (elsewhere.authors, elsewhere.posts, elsewhere.p_value) == (authors, posts, 0.00123)
    held = HeldBack(at=NOON, kind="cell", concern="", place_id=1, title="", authors=9, expected=0.4, p_value=1, why="")
    assert disclosure.seen(held).authors == 5


@how(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.lists(st.tuples(st.integers(0, 14), st.integers(1, 4), st.integers(0, 6)), max_size=60),
    one=st.sets(st.integers(1, 4), min_size=1),
    other=st.sets(st.integers(1, 4), min_size=1),
)
def test_two_views_by_place_never_differ_by_a_place_of_fewer_than_five(
    sqlite_engine: sa.Engine, people: list[tuple[int, int, int]], one: set[int], other: set[int]
) -> None:
    with database.writing(sqlite_engine) as session:
        known = [one.id or 0 for one in places.all_places(session)]
        numbers = known or [street.place(session, f"Place {n}") for n in range(4)]
        session.exec(sa.delete(AuthorDay))
        said = [
            Said(NOON + timedelta(days=day - 3), f"author {who}", place_id=numbers[where - 1], mistrust=0.1 * where)
            for who, where, day in people
        ]
        street.score(session, street.hear(session, said), said)
        few = {place for place in range(1, 5) if len({who for who, where, _ in people if where == place}) <= FEW}

        def view(chosen: set[int]) -> Sums:
            return sums.read(session, {ALL: [WEEK]}, [numbers[n - 1] for n in chosen])[ALL][WEEK]

        if one - few == other - few:
            assert view(one) == view(other)
        assert view(one | few) == view(one)
