"""Ordinary weeks lie within their numbers nine times in ten, in busy towns too."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr

from sentiment import ordinary

TOWNS = 250
WEEKDAYS = np.arange(42 + 3 + 7) % 7
AHEAD = WEEKDAYS[-7:]


def posts(rng: np.random.Generator, mean: float, ratio: float, alike: float) -> NDArray[np.float64]:
    """Posts a day over six weeks, the guard and a week: variance = `ratio` x mean, fewer at weekends; `alike`: by how
    much a day's rate resembles that of the day before (autocorrelation)."""
    level = rng.normal(size=WEEKDAYS.size)
    for day in range(1, level.size):
        level[day] = alike * level[day - 1] + np.sqrt(1 - alike**2) * level[day]
    usual = mean * np.array([1.1, 1.1, 1.1, 1.05, 1.05, 0.85, 0.75])[WEEKDAYS]
    return rng.poisson(gammaincinv(usual / (ratio - 1), ndtr(level)) * (ratio - 1)).astype(float)


@pytest.mark.parametrize(
    ("mean", "ratio", "alike", "least"),
    [(400, 16, 0, 0.85), (400, 16, 0.4, 0.8), (400, 3, 0.4, 0.85), (20, 2, 0, 0.85)],
)
def test_nine_ordinary_weeks_in_ten_lie_within(mean: float, ratio: float, alike: float, least: float) -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(TOWNS):
        daily = posts(rng, mean, ratio, alike)
        found = ordinary.posts(daily[:42], WEEKDAYS[:42], AHEAD)
        held += found.low <= float(daily[-7:].sum()) <= found.high
    assert least < held / TOWNS < 0.98


def test_one_old_outbreak_does_not_become_usual() -> None:
    daily = posts(np.random.default_rng(7), 400, 4, 0)[:42]
    calm = ordinary.posts(daily, WEEKDAYS[:42], AHEAD)
    daily[20] = 5000
    after = ordinary.posts(daily, WEEKDAYS[:42], AHEAD)
    assert after.usual == pytest.approx(calm.usual, rel=0.03)
    assert after.high - after.low < 1.5 * (calm.high - calm.low)


def test_each_weekday_is_expected_as_it_is() -> None:
    daily = np.where(WEEKDAYS[:42] == 6, 10, 100)
    sundays = ordinary.posts(daily, WEEKDAYS[:42], [6]).usual
    mondays = ordinary.posts(daily, WEEKDAYS[:42], [0]).usual
    assert (sundays < 40, mondays > 90) == (True, True)


@pytest.mark.parametrize("daily", [[0] * 14, [0] * 13 + [1], [3] * 14])
def test_few_posts_have_numbers_too(daily: list[int]) -> None:
    found = ordinary.posts(daily, WEEKDAYS[:14], AHEAD)
    assert found.low <= found.usual <= found.high
