# ruff: noqa: DTZ001 - wall times have no zone of their own
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.translations import translate
from posts import workflow
from posts.workflow import DONE, MOVES, OPEN, SENT, TARGET_MOVES, Content, Move, PostState, TargetState, WrongState

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


def test_a_move_that_leads_nowhere_is_refused_in_words_that_spanish_has_too() -> None:
    for state, move in set(product(PostState, Move)) - set(MOVES):
        with pytest.raises(WrongState) as caught:
            workflow.after(state, move)
        said = caught.value.args[0]
        english, spanish = str(said).split(". "), said.told(translate("es").gettext).split(". ")
        assert (len(english), len(spanish)) == (2, 2)
        assert not set(english) & set(spanish)


def test_an_unknown_target_is_never_sent_without_being_looked_up_or_decided() -> None:
    assert TargetState.PUBLISHING not in TARGET_MOVES[TargetState.UNKNOWN]
    assert TARGET_MOVES[TargetState.PUBLISHED] == {TargetState.REMOVED}
    assert TARGET_MOVES[TargetState.REMOVED] == frozenset()
    unsent = DONE - SENT
    assert all(after <= {TargetState.PUBLISHED} for state, after in TARGET_MOVES.items() if state in unsent)


@given(st.lists(st.sampled_from(TargetState), max_size=4))
def test_a_post_is_done_exactly_when_each_target_is(states: list[TargetState]) -> None:
    found = workflow.outcome(states)
    assert (found is PostState.SCHEDULED) == (not states or any(state not in DONE for state in states))
    assert (found is PostState.PUBLISHED) == (bool(states) and set(states) <= SENT)


CONTENT = st.builds(
    Content,
    texts=st.dictionaries(st.integers(1, 4), CHANGING, max_size=3),
    language=st.sampled_from(["en", "es"]),
    reply_to_mention_id=st.sampled_from([None, 1, 2]),
    pictures=st.lists(st.tuples(st.sampled_from("ab"), CHANGING), max_size=2).map(tuple),
    options=st.dictionaries(
        st.integers(1, 4), st.dictionaries(st.sampled_from(["visibility", "content_warning"]), CHANGING, min_size=1)
    ),
    shows=st.dictionaries(st.sampled_from(["question", "answer"]), CHANGING, max_size=2),
    leave=st.sampled_from(["", "late:;silence:0", "late:;silence:1"]),
)


@given(CONTENT, CONTENT)
def test_two_contents_have_one_hash_only_if_they_are_the_same(one: Content, other: Content) -> None:
    assert (workflow.content_hash(one) == workflow.content_hash(other)) == (one == other)


def test_a_plain_post_keeps_the_hash_that_approvals_of_the_first_release_are_bound_to() -> None:
    plain = Content({7: "Coffee at nine."}, "en", None)
    assert workflow.content_hash(plain) == "532f7ed341e8f2772d218cc14c1ad97da42ee541fcbfe5f6dc0234fca82ee4d6"


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
