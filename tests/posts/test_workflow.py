# ruff: noqa: DTZ001 - wall times have no zone of their own
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posts import workflow
from posts.workflow import DONE, MOVES, OPEN, TARGET_MOVES, Move, PostState, TargetState, WrongState

CHANGING = st.text(max_size=20)


def test_only_an_approval_leads_to_approved_and_only_from_review() -> None:
    ways = {(state, move) for (state, move), after in MOVES.items() if after is PostState.APPROVED}
    assert {move for _, move in ways} == {Move.APPROVE, Move.UNSCHEDULE}
    assert {state for state, move in ways if move is Move.APPROVE} == {PostState.IN_REVIEW}
    assert {state for state, move in ways if move is Move.UNSCHEDULE} == {PostState.APPROVED, PostState.SCHEDULED}


def test_a_post_is_scheduled_only_once_it_is_approved() -> None:
    ways = {(state, move) for (state, move), after in MOVES.items() if after is PostState.SCHEDULED}
    assert ways == {(PostState.APPROVED, Move.SCHEDULE), (PostState.SCHEDULED, Move.SCHEDULE)}


def test_nothing_moves_a_post_that_is_done() -> None:
    assert {state for state, _ in MOVES} == OPEN
    for state, move in product(set(PostState) - OPEN, Move):
        with pytest.raises(WrongState):
            workflow.after(state, move)


def test_an_unknown_target_is_never_sent_without_being_looked_up_or_decided() -> None:
    assert TargetState.PUBLISHING not in TARGET_MOVES[TargetState.UNKNOWN]
    assert TARGET_MOVES[TargetState.PUBLISHED] == frozenset()
    assert all(after <= {TargetState.PUBLISHED} for state, after in TARGET_MOVES.items() if state in DONE)


@given(st.lists(st.sampled_from(TargetState), max_size=4))
def test_a_post_is_done_exactly_when_each_target_is(states: list[TargetState]) -> None:
    found = workflow.outcome(states)
    assert (found is PostState.SCHEDULED) == (not states or any(state not in DONE for state in states))
    assert (found is PostState.PUBLISHED) == (bool(states) and set(states) == {TargetState.PUBLISHED})


@given(
    st.dictionaries(st.integers(1, 5), CHANGING, max_size=3),
    st.dictionaries(st.integers(1, 5), CHANGING, max_size=3),
    st.sampled_from(["en", "es"]),
    st.sampled_from(["en", "es"]),
)
def test_two_contents_have_one_hash_only_if_they_are_the_same(
    one: dict[int, str], other: dict[int, str], language: str, second: str
) -> None:
    same = workflow.content_hash(one, language, None) == workflow.content_hash(other, second, None)
    assert same == (one == other and language == second)


@pytest.mark.parametrize(
    ("wall", "zone", "utc"),
    [
        (datetime(2026, 11, 24, 9), "America/New_York", datetime(2026, 11, 24, 14, tzinfo=UTC)),
        (datetime(2026, 7, 24, 9), "America/New_York", datetime(2026, 7, 24, 13, tzinfo=UTC)),
        # 02:30 does not exist: as long after midnight as if it did
        (datetime(2027, 3, 14, 2, 30), "America/New_York", datetime(2027, 3, 14, 7, 30, tzinfo=UTC)),
        # 01:30 comes twice: the first
        (datetime(2026, 11, 1, 1, 30), "America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        (datetime(2026, 11, 24, 9), "Asia/Kolkata", datetime(2026, 11, 24, 3, 30, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_wall_time_is_one_instant(wall: datetime, zone: str, utc: datetime) -> None:
    assert workflow.instant(wall, zone) == utc


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.sampled_from(["America/New_York", "Europe/London"]))
def test_a_wall_time_comes_back_but_for_hours_that_do_not_exist(wall: datetime, zone: str) -> None:
    back = workflow.instant(wall, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert back in (wall, wall + timedelta(hours=1))
