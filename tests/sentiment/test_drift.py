"""The stability of what the model says."""

from datetime import datetime

import numpy as np
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from config import database
from sentiment import drift

shares = st.lists(st.floats(0, 1), min_size=1, max_size=200).map(np.array)


@given(shares, shares)
def test_the_index_is_never_negative_and_the_same_both_ways(one: np.ndarray, other: np.ndarray) -> None:
    assert drift.stability(one, other) >= 0
    if len(one) == len(other):
        assert abs(drift.stability(one, other) - drift.stability(other, one)) < 1e-9


@given(shares)
def test_nothing_changes_against_itself(one: np.ndarray) -> None:
    assert drift.stability(one, one) == 0


def test_a_clear_change_is_told_and_chance_is_not() -> None:
    random = np.random.default_rng(1)
    calm, same, grim = random.beta(2, 6, 3000), random.beta(2, 6, 1000), random.beta(4, 4, 1000)
    assert drift.stability(calm, same) < drift.WATCH
    assert drift.stability(calm, grim) > drift.LOOK


def test_with_few_posts_nothing_is_said(engine: sa.Engine, now: datetime) -> None:
    with database.reading(engine) as session:
        assert drift.drifts(session, now) == []
