"""Is this much? A cell's authors (a concern, or a concern at a place) against a negative-binomial baseline. Pure.

surges.py brings the numbers here from the store; alerts.py decides what becomes of what stands out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

WINDOWS_HOURS = (24, 72)
FADING = (1.0, 0.5, 0.25)  # what an author of the last, the last but one... 24 hours counts: half-life one day (EWMA)
BASELINE_DAYS = 56
LEAST_BASELINE_DAYS = 14
GUARD_DAYS = 2  # between the longest window and the baseline, so that a slow start is not taken for usual
LEAST_AUTHORS = 4
FALSE_ALARM = 0.01  # chance that any cell at all passes the threshold in a quiet window
LEAST_DISPERSION = 1.6  # variance over mean of a day's authors, as measured on streams of public posts
_MOST_DISPERSION = 6.0
_SEEN_OFTEN = 5.0  # authors in the whole baseline from which a cell tells about dispersion
WEEKDAY_PRIOR = 2.0  # days of the mean weekday that each weekday starts with


@dataclass(frozen=True)
class Baseline:
    """What is usual. `totals`: each cell's authors over `days`, winsorised, weekday-neutral. `weekday`: seven factors
    round 1, Monday first, the same for all cells. `dispersion`: variance over mean of a day's authors. `unconcerned`:
    authors of a usual day who raise no concern, by whom it is told how much is heard."""

    totals: NDArray[np.float64]
    days: int
    weekday: NDArray[np.float64]
    dispersion: float
    unconcerned: float = 0.0

    def exposure(self, start: datetime, end: datetime) -> float:
        """How many usual days lie between two local times: each hour weighs as its weekday does."""
        hours = max(0, round((end - start) / timedelta(hours=1)))
        return float(sum(self.weekday[(start + timedelta(hours=hour)).weekday()] for hour in range(hours)) / 24)

    def stretched(self, exposure: float, unconcerned: int) -> float:
        """The same with how much is heard: where it is twice as much, one day is two of the usual ones. A quiet day
        stays one, since it makes nothing unusual."""
        return exposure * max(1.0, float(coverage(unconcerned, self.unconcerned * exposure)))

    def expected(self, cell: int, exposure: float) -> float:
        """Authors to expect in a cell over `exposure` days: (b + 1/2) / days, above none where none was seen."""
        return float((self.totals[cell] + 0.5) / self.days * exposure)

    def p_value(self, cell: int, authors: int, exposure: float) -> float:
        """The chance of `authors` or more in an ordinary window of that exposure."""
        return tail(authors, self.expected(cell, exposure), self.dispersion * (1 + exposure / self.days))

    def fading_p_value(self, cell: int, authors: Sequence[int], exposures: Sequence[float]) -> float:
        """The chance of so many authors in ordinary days of which the earlier ones count less (FADING). Both arguments
        are a number a day, the last 24 hours first."""
        if len(authors) == 1:
            return self.p_value(cell, authors[0], exposures[0])
        weights, exposed = np.array(FADING[: len(exposures)]), np.array(exposures)
        error = float(weights @ exposed) ** 2 / (self.days * float(weights**2 @ exposed))  # of the baseline itself
        means = [self.expected(cell, exposure) for exposure in exposures]
        return fading_tail(authors, means, self.dispersion * (1 + error))


def coverage(authors: ArrayLike, usual: ArrayLike) -> NDArray[np.float64]:
    """How many times as much is heard as `usual` (above 0), by authors who raise no concern: as far as chance does not
    make it so, which is taken for one standard error (variance 1.6 x mean). A surge adds to them what a model misses of
    it, so that this is asked only where a source came."""
    seen, mean = np.asarray(authors, dtype=float), np.asarray(usual, dtype=float)
    more, less = seen - np.sqrt(LEAST_DISPERSION * seen), seen + np.sqrt(LEAST_DISPERSION * mean)
    return np.where(more > mean, more / mean, np.where(less < mean, less / mean, 1.0))


def tail(count: int, mean: float, variance_ratio: float) -> float:
    """P(X >= count) for X negative binomial with this mean and variance = ratio x mean (ratio above 1).

    With r = mean / (ratio - 1) and p = 1 / ratio it is the regularised incomplete beta function I_{1-p}(count, r)."""
    if count <= 0:
        return 1.0
    return float(betainc(count, mean / (variance_ratio - 1), 1 - 1 / variance_ratio))


def fading_tail(counts: Sequence[int], means: Sequence[float], variance_ratio: float) -> float:
    """P(sum of w X >= sum of w x) for independent negative binomials X with these means and w of FADING: an
    exponentially weighted average of counts (Roberts 1959) without a normal approximation. The distributions are
    convolved on the grid of the smallest weight; below about 1e-15 the answer is 1e-15."""
    steps = [round(weight / min(FADING)) for weight in FADING[: len(counts)]]
    total = sum(step * count for step, count in zip(steps, counts, strict=True))
    below = np.ones(1)
    for step, mean in zip(steps, means, strict=True):
        grid = np.zeros(total + 1)
        or_more = betainc(np.arange(1, total // step + 2), mean / (variance_ratio - 1), 1 - 1 / variance_ratio)
        grid[::step] = -np.diff(or_more, prepend=1.0)
        below = np.convolve(below, grid)[: total + 1]
    return max(1e-15, 1.0 - float(below[:total].sum()))


def fit(
    daily: NDArray[np.float64], weekdays: NDArray[np.int_], unconcerned: NDArray[np.float64] | None = None
) -> Baseline:
    """The baseline of cells x days distinct authors; `weekdays` are the days' weekdays, Monday 0. `unconcerned`: each
    day's authors who raised no concern, where a source came within these days: a day on which more was heard should
    have more in every cell, one on which the desk heard little should have little.

    Weekday factors are pooled over cells, since one cell sees too few; counts past the mean + 3 sd are pulled in
    (winsorised) before, so that an old outbreak does not become usual. Dispersion is Pearson's chi-square over its
    degrees of freedom, pooled over the cells that are seen often enough, and never below 1.6."""
    cells, days = daily.shape
    weekday = np.ones(7)
    dispersion = LEAST_DISPERSION
    level = daily.mean(axis=1, keepdims=True)
    calm = daily
    quiet = unconcerned if unconcerned is not None else np.zeros(days)
    a_day = (float(quiet.sum()) + 0.5) / days
    heard = coverage(quiet, a_day * weekday_factors(quiet, weekdays)[weekdays])
    for _ in range(3):
        usual = level * weekday[weekdays] * heard
        calm = np.minimum(daily, np.maximum(1.0, usual + 3 * np.sqrt(dispersion * usual)))
        weekday = weekday_factors((calm / heard).sum(axis=0), weekdays)
        level = (calm / weekday[weekdays]).sum(axis=1, keepdims=True) / heard.sum()
        dispersion = _dispersion(calm, level * weekday[weekdays] * heard)
    totals = level[:, 0] * days if cells else np.zeros(0)
    return Baseline(totals=totals, days=days, weekday=weekday, dispersion=dispersion, unconcerned=a_day)


def threshold(cells: int, windows: int = len(WINDOWS_HOURS)) -> float:
    """The p-value to pass when that many cells are looked at (Bonferroni)."""
    return FALSE_ALARM / max(1, cells * windows)


def weekday_factors(totals: NDArray[np.float64], weekdays: NDArray[np.int_]) -> NDArray[np.float64]:
    """Seven factors round 1, Monday first, by each day's total; drawn towards each other (WEEKDAY_PRIOR)."""
    mean = float(totals.mean()) if totals.size else 0.0
    if mean == 0:
        return np.ones(7)
    sums = np.bincount(weekdays, weights=totals, minlength=7)
    seen = np.bincount(weekdays, minlength=7)
    factors = (sums + WEEKDAY_PRIOR * mean) / ((seen + WEEKDAY_PRIOR) * mean)
    return np.asarray(factors / factors[weekdays].mean())


def _dispersion(calm: NDArray[np.float64], usual: NDArray[np.float64]) -> float:
    often = usual.sum(axis=1) >= _SEEN_OFTEN
    if not often.any():
        return LEAST_DISPERSION
    chi_square = float((((calm - usual) ** 2) / np.maximum(usual, 1e-9))[often].sum())
    freedom = int(often.sum()) * (calm.shape[1] - 1)
    return float(np.clip(chi_square / freedom, LEAST_DISPERSION, _MOST_DISPERSION))
