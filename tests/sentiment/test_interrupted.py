"""A step against a share's own trend is found with its interval, and a trend alone is none."""

import numpy as np
import pytest

from sentiment import interrupted

DAYS = np.arange(57)
AUTHORS = np.full(57, 20.0)


def test_a_step_on_a_slope_is_found_and_the_slope_itself_is_none() -> None:
    noise = np.random.default_rng(3).normal(0, 0.02, 57)
    slope = 0.2 + 0.002 * DAYS + noise
    stepped = interrupted.step(slope - 0.1 * (DAYS > 28), AUTHORS, 28, 28)
    alone = interrupted.step(slope, AUTHORS, 28, 28)
    assert stepped is not None
    assert alone is not None
    assert stepped.low < -0.1 < stepped.high < 0
    assert alone.low < 0 < alone.high


def test_too_few_days_with_five_authors_on_a_side_say_nothing() -> None:
    assert interrupted.step(np.full(40, 0.3), np.full(40, 20), 28, 28) is None
    quiet = np.where(DAYS >= 41, 20, 4)
    assert interrupted.step(np.full(57, 0.3), quiet, 28, 28) is None


@pytest.mark.parametrize("took", [1, 7, 14])
def test_the_days_that_it_took_pass_in_the_trend(took: int) -> None:
    days = np.arange(56 + took)
    authors = np.where(days % 9 == 4, 2, 20)  # so do days of few authors
    found = interrupted.step(0.2 + 0.005 * days, authors, 28, 27 + took)
    assert found is not None
    assert found.points == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("took", [1, 14])
def test_the_interval_holds_the_true_step_about_nine_times_in_ten(took: int) -> None:
    rng = np.random.default_rng(4)
    days = np.arange(56 + took)
    held = 0
    for _ in range(300):
        true = rng.uniform(0.15, 0.25) + 0.002 * days + 0.1 * (days >= 28 + took)
        found = interrupted.step(rng.binomial(15, true) / 15, np.full(days.size, 15), 28, 27 + took)
        assert found is not None
        held += found.low <= 0.1 <= found.high
    assert 0.85 < held / 300 < 0.96
