"""A step against a share's own trend is found with its interval, and a trend alone is none."""

import numpy as np

from sentiment import interrupted

DAYS = np.arange(56)
AUTHORS = np.full(56, 20.0)


def test_a_step_on_a_slope_is_found_and_the_slope_itself_is_none() -> None:
    noise = np.random.default_rng(3).normal(0, 0.02, 56)
    slope = 0.2 + 0.002 * DAYS + noise
    stepped = interrupted.step(slope - 0.1 * (DAYS >= 28), AUTHORS, 28)
    alone = interrupted.step(slope, AUTHORS, 28)
    assert stepped is not None
    assert alone is not None
    assert stepped.low < -0.1 < stepped.high < 0
    assert alone.low < 0 < alone.high


def test_too_few_days_with_five_authors_on_a_side_say_nothing() -> None:
    assert interrupted.step(np.full(40, 0.3), np.full(40, 20), 28) is None
    quiet = np.where(DAYS >= 41, 20, 4)
    assert interrupted.step(np.full(56, 0.3), quiet, 28) is None


def test_the_interval_holds_the_true_step_about_nine_times_in_ten() -> None:
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(300):
        true = rng.uniform(0.15, 0.35) + 0.1 * (DAYS >= 28)
        found = interrupted.step(rng.binomial(15, true) / 15, np.full(56, 15), 28)
        assert found is not None
        held += found.low <= 0.1 <= found.high
    assert 0.85 < held / 300 < 0.96
