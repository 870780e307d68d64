"""A cell's authors against what is usual for it."""

from datetime import datetime

import numpy as np
import pytest
from scipy.stats import nbinom

from sentiment import cells

MONDAY = datetime(2026, 11, 23)  # noqa: DTZ001 - local wall times, as Baseline.exposure takes them


def _weekdays(days: int) -> np.ndarray[tuple[int], np.dtype[np.int_]]:
    return np.arange(days) % 7


def _draw(
    rng: np.random.Generator, mean: float, size: tuple[int, ...], ratio: float = 1.6
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return rng.negative_binomial(mean / (ratio - 1), 1 / ratio, size=size).astype(float)


@pytest.mark.parametrize(("count", "mean", "ratio"), [(1, 0.3, 1.6), (9, 3.0, 1.7), (30, 12.0, 2.5)])
def test_the_tail_is_the_negative_binomial_s(count: int, mean: float, ratio: float) -> None:
    expected = nbinom.sf(count - 1, mean / (ratio - 1), 1 / ratio)
    assert cells.tail(count, mean, ratio) == pytest.approx(float(expected))


@pytest.mark.parametrize(
    ("authors", "usual", "times"),
    [(100, 20, 4.37), (2, 1.0, 1.0), (25, 20, 1.0), (15, 20, 1.0), (0, 20, 0.283), (0, 0.01, 1.0)],
)
def test_how_much_is_heard_is_told_as_far_as_chance_does_not_make_it_so(
    authors: int, usual: float, times: float
) -> None:
    assert float(cells.coverage(authors, usual)) == pytest.approx(times, rel=0.01)


_SHARES = np.array([0.2, 0.15, 0.12, 0.1, 0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.03, 0.02, 0.02, 0.01, 0.01, 0.01])


def _alarms(rng: np.random.Generator, a_day: float, times: float, since: int, burst: int = 0) -> bool:
    """Whether a day alarms in a town of 16 concerns, with as many more authors on one of them; since so many days
    (0: today) so many times as much is heard, of which a third of all authors raise no concern. As surges.find has
    it: of what has come for 14 days only these are usual, and nothing tells how much is heard."""
    heard = np.where(np.arange(56) < 56 - since, 1.0, times)
    daily = rng.negative_binomial(a_day * _SHARES[:, None] * heard / 0.6, 1 / 1.6).astype(float)
    unconcerned = rng.negative_binomial(a_day / 2 * heard / 0.6, 1 / 1.6).astype(float)
    settled = times == 1.0 or since >= cells.LEAST_BASELINE_DAYS
    days = np.arange(56 - since if settled and since else 0, 56)
    baseline = cells.fit(daily[:, days], days % 7, None if settled else unconcerned[days])
    today = rng.negative_binomial(a_day * _SHARES * times / 0.6, 1 / 1.6)
    today[9] += burst
    talking = int(rng.negative_binomial(a_day / 2 * times / 0.6, 1 / 1.6))
    exposure = 1.0 if settled else baseline.stretched(1.0, talking)
    looked_at = [9] if burst else range(16)
    return min(baseline.p_value(cell, int(today[cell]), exposure) for cell in looked_at) < cells.threshold(60)


@pytest.mark.parametrize("a_day", [5, 20, 300, 1000])
@pytest.mark.parametrize("since", [0, 2, 14, 30])
def test_a_source_that_is_added_makes_nothing_unusual_in_a_town_of_any_size(a_day: float, since: int) -> None:
    rng = np.random.default_rng(7)
    assert sum(_alarms(rng, a_day, 8.0, since) for _ in range(60)) <= 5


@pytest.mark.parametrize(
    ("a_day", "times", "since", "burst"), [(20, 1.0, 0, 14), (20, 8.0, 14, 40), (100, 8.0, 14, 60), (20, 8.0, 7, 60)]
)
def test_what_stands_out_beside_it_is_found(a_day: float, times: float, since: int, burst: int) -> None:
    rng = np.random.default_rng(8)
    assert sum(_alarms(rng, a_day, times, since, burst) for _ in range(60)) >= 57


def test_none_at_all_is_never_unusual() -> None:
    assert cells.tail(0, 0.1, 1.6) == 1.0


def test_the_mean_of_a_calm_cell_is_found_again() -> None:
    daily = _draw(np.random.default_rng(1), 4.0, (30, 56))
    baseline = cells.fit(daily, _weekdays(56))
    found = [baseline.expected(cell, 1.0) for cell in range(30)]
    assert np.mean(found) == pytest.approx(4.0, rel=0.06)
    assert baseline.dispersion == pytest.approx(1.6, abs=0.15)


def test_an_old_outbreak_does_not_become_usual() -> None:
    calm = np.full((1, 56), 2.0)
    outbreak = calm.copy()
    outbreak[0, 20:23] = 60
    before, after = (cells.fit(daily, _weekdays(56)).expected(0, 1.0) for daily in (calm, outbreak))
    assert after < before * 1.5
    assert outbreak.mean() > before * 2.5


def test_weekdays_weigh_as_all_cells_together_show() -> None:
    weekend = np.where(_weekdays(56) >= 5, 2.0, 6.0)
    baseline = cells.fit(np.tile(weekend, (20, 1)), _weekdays(56))
    assert baseline.weekday[0] / baseline.weekday[6] == pytest.approx(3.0, rel=0.35)
    assert baseline.exposure(MONDAY.replace(hour=0), MONDAY.replace(day=24, hour=0)) == pytest.approx(
        float(baseline.weekday[0])
    )


def test_a_cell_never_seen_before_still_expects_a_little() -> None:
    baseline = cells.fit(np.zeros((1, 20)), _weekdays(20))
    assert baseline.expected(0, 1.0) == pytest.approx(0.5 / 20)
    assert baseline.p_value(0, 1, 1.0) < 0.1


def test_the_same_number_says_less_after_a_short_history() -> None:
    short = cells.fit(np.full((1, 14), 2.0), _weekdays(14))
    long = cells.fit(np.full((1, 56), 2.0), _weekdays(56))
    assert short.p_value(0, 12, 3.0) > long.p_value(0, 12, 3.0)


def test_in_quiet_times_fewer_than_one_day_in_fifty_has_any_cell_over_the_threshold() -> None:
    """60 cells of all sizes, 400 days, both windows as wide as a day here: independent looks, the worst case."""
    rng = np.random.default_rng(5)
    means = rng.gamma(0.7, 1.5, size=60) + 0.02
    passing = cells.threshold(60)
    alarms = 0
    for _ in range(400):
        daily = np.stack([_draw(rng, mean, (28,)) for mean in means])
        baseline = cells.fit(daily, _weekdays(28))
        today = [int(_draw(rng, mean, (1,))[0]) for mean in means]
        alarms += any(
            count >= cells.LEAST_AUTHORS and baseline.p_value(cell, count, 1.0) < passing
            for cell, count in enumerate(today)
        )
    assert alarms <= 8


def test_fourteen_authors_where_half_a_one_is_usual_stand_out() -> None:
    rng = np.random.default_rng(9)
    daily = np.stack([_draw(rng, 0.5, (20,)) for _ in range(100)])
    baseline = cells.fit(daily, _weekdays(20))
    assert max(baseline.p_value(cell, 14, 1.0) for cell in range(100)) < cells.threshold(100)


@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 0, 0), (0, 0, 3), (3, 2, 1), (6, 0, 2)])
def test_days_that_count_less_and_less_have_the_chance_of_their_weighted_sum(counts: tuple[int, int, int]) -> None:
    """Against all triples of days, one by one."""
    means, ratio = (0.4, 1.1, 0.8), 1.7
    chances = [nbinom.pmf(np.arange(60), mean / (ratio - 1), 1 / ratio) for mean in means]
    days = np.indices((60, 60, 60))
    sums = np.tensordot(cells.FADING, days, axes=1)
    likely = chances[0][:, None, None] * chances[1][None, :, None] * chances[2][None, None, :]
    reached = sums >= np.dot(cells.FADING, counts) - 1e-9
    assert cells.fading_tail(counts, means, ratio) == pytest.approx(float(likely[reached].sum()), rel=1e-6)


def test_the_same_authors_stand_out_more_the_later_they_spoke() -> None:
    baseline = cells.fit(np.full((1, 56), 1.0), _weekdays(56))
    newest_first = [baseline.fading_p_value(0, days, (1.0, 1.0, 1.0)) for days in ((6, 1, 1), (1, 6, 1), (1, 1, 6))]
    assert newest_first == sorted(newest_first)
    assert baseline.fading_p_value(0, (6,), (1.0,)) == baseline.p_value(0, 6, 1.0)
