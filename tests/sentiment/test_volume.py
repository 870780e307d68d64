"""Volume alarms: early, seldom, and blind to what comes later."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment import volume

START = datetime(2026, 10, 5, tzinfo=UTC)


def _series(days: int = 20, minutes: int = 30, seed: int = 3) -> tuple[list[datetime], list[float]]:
    """Posts that come and go with the day."""
    rng = np.random.default_rng(seed)
    times = [START + timedelta(minutes=minutes * number) for number in range(days * 1440 // minutes)]
    return times, [float(rng.poisson(6 + 5 * np.sin((at.hour - 8) / 24 * 2 * np.pi))) for at in times]


def test_ordinary_days_raise_nothing() -> None:
    assert volume.alarms(*_series()) == []


def test_four_times_as_many_are_told_of_within_two_hours_and_once_a_day() -> None:
    times, values = _series()
    began = 15 * 48 + 30
    values[began : began + 20] = [value * 4 + 10 for value in values[began : began + 20]]
    found = volume.alarms(times, values)
    assert len(found) == 1
    assert times[began] <= times[found[0]] <= times[began] + timedelta(hours=2)


def test_a_busy_night_is_told_of_though_the_evening_has_as_many() -> None:
    times, values = _series()
    night = 16 * 48 + 4  # two o'clock
    values[night : night + 4] = [15.0] * 4
    assert [night <= index < night + 6 for index in volume.alarms(times, values)] == [True]


def test_a_second_alarm_comes_a_day_after_the_first_at_the_earliest() -> None:
    times, values = _series()
    values[15 * 48 :] = [value * 6 + 20 for value in values[15 * 48 :]]
    at = [times[index] for index in volume.alarms(times, values)]
    assert len(at) > 1
    assert all(later - earlier >= volume.REFRACTORY for earlier, later in pairwise(at))


def test_less_than_two_days_of_history_raise_nothing() -> None:
    times, values = _series(days=1)
    values[-3:] = [500.0] * 3
    assert volume.alarms(times, values) == []


@pytest.mark.parametrize("minutes", [5, 30, 60])
def test_the_step_is_read_from_the_times(minutes: int) -> None:
    assert volume.step(_series(days=2, minutes=minutes)[0]) == timedelta(minutes=minutes)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=100, max_size=240),
    st.integers(60, 99),
    st.lists(st.integers(0, 500), max_size=60),
)
def test_what_comes_later_never_changes_an_earlier_score(before: list[int], cut: int, after: list[int]) -> None:
    every = timedelta(hours=1)
    np.testing.assert_allclose(
        volume.scores(before[:cut], every), volume.scores([*before[:cut], *after], every)[:cut], rtol=1e-6
    )
