"""How many posts are usual, and between which numbers 90% of ordinary weeks (or months) lie. Pure.

A town's posts vary far more from day to day than one cell's authors (cells.py), and busy days come together: both are
taken from the days themselves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import nbdtrik, ndtri, stdtrit

from sentiment.cells import LEAST_DISPERSION, WEEKDAY_PRIOR, weekday_factors
from sentiment.trust import LEVEL, WEEK

_PULLED_IN = 3  # standard deviations
_ROUNDS = 20  # until pulling in changes nothing any more


@dataclass(frozen=True)
class Ordinary:
    """The number to expect, and between which numbers 90% of such spans lie."""

    usual: float
    low: int
    high: int


def posts(daily: ArrayLike, weekdays: ArrayLike, span: ArrayLike) -> Ordinary:
    """What to expect of `span` (the weekdays of its days, Monday 0) by the posts of the days before, oldest first, on
    these weekdays. A negative binomial: its mean has a factor for each weekday; its variance is that of sums over seven
    days that lie together (Bartlett's weights, as in Newey & West 1987), or of independent days if that is more, with
    the error of the mean, and Student's t for the error of the variance. Days past the mean + 3 sd are pulled in
    (winsorised), so that one old outbreak does not become usual; sd is that of the days, the day itself among them."""
    counts, on, ahead = np.asarray(daily, dtype=float), np.asarray(weekdays), np.asarray(span)
    factors, calm = np.ones(WEEK), counts
    for _ in range(_ROUNDS):
        factors = weekday_factors(calm, on)
        usual = (calm / factors[on]).mean() * factors[on]
        independent, together = _dispersion(calm, usual)
        pulled_in = np.minimum(counts, np.maximum(1.0, usual + _PULLED_IN * np.sqrt(independent * usual)))
        if np.allclose(pulled_in, calm, rtol=0, atol=0.5):
            break
        calm = pulled_in
    expected = float(((calm / factors[on]).sum() + 0.5) / counts.size * factors[ahead].sum())
    tail = (1 - LEVEL) / 2
    few = (stdtrit(_freedom(counts.size), tail) / ndtri(tail)) ** 2
    ratio = float(max(independent, together) * (1 + ahead.size / counts.size) * few)
    # mean m and variance = ratio x m: r = m / (ratio - 1), p = 1 / ratio
    low, high = (nbdtrik(q, expected / (ratio - 1), 1 / ratio) for q in (tail, 1 - tail))
    return Ordinary(expected, int(np.floor(max(low, 0))), int(np.ceil(max(high, 0))))


def _freedom(days: int) -> float:
    """Of that many days beside a level and the weekdays' factors, which are drawn towards each other."""
    seen = days / WEEK
    return float(max(1.0, days - 1 - (WEEK - 1) * seen / (seen + WEEKDAY_PRIOR)))


def _dispersion(calm: NDArray[np.float64], usual: NDArray[np.float64]) -> tuple[float, float]:
    """Variance over mean of a day (Pearson), and of seven days together as a day's share of it; 1.6 at the least."""
    left = (calm - usual) / np.sqrt(np.maximum(usual, 1e-9))
    independent = float(left @ left)
    lags = range(1, min(WEEK, left.size))
    together = independent + 2 * sum((1 - lag / WEEK) * float(left[lag:] @ left[:-lag]) for lag in lags)
    freedom = _freedom(calm.size)
    return max(LEAST_DISPERSION, independent / freedom), max(LEAST_DISPERSION, together / freedom)
