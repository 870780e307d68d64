"""Before and after something that we did, day by day: an interrupted time series. Pure; says nothing of why."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from sentiment.trust import LEVEL

LEAST_DAYS = 14  # on each side, with LEAST_AUTHORS or more
LEAST_AUTHORS = 5
LAGS = 3  # days that may resemble each other


@dataclass(frozen=True)
class Step:
    """By how much a share lies above (or below) where its own trend would have led, with its 90% interval; .05 is five
    points."""

    points: float
    low: float
    high: float


def step(shares: ArrayLike, authors: ArrayLike, begun: int, ended: int) -> Step | None:
    """The step of a share day by day, in y = a + b t + c [t > ended], each day weighted by its authors (segmented
    regression: Wagner et al. 2002; Bernal, Cummins & Gasparrini 2017). The days `begun` to `ended`, both included, are
    neither before nor after; they, and days of few authors, pass in t all the same. Neighbouring days may resemble each
    other: the wider of the ordinary and the Newey-West (1987) standard error, its lags days of the calendar. None with
    too few days on a side."""
    y, n = np.asarray(shares, dtype=float), np.asarray(authors, dtype=float)
    days = np.arange(y.size, dtype=float)
    before, after = days < begun, days > ended
    used = (n >= LEAST_AUTHORS) & (before | after)
    if min(np.count_nonzero(used & after), np.count_nonzero(used & before)) < LEAST_DAYS:
        return None
    x = np.column_stack([np.ones(y.size), days - begun, after])
    w = np.where(used, n, 0.0)
    inverse = np.linalg.inv(x.T @ (w[:, None] * x))
    fitted = inverse @ (x.T @ (w * y))
    left = y - x @ fitted
    number = np.count_nonzero(used)
    freedom = number - x.shape[1]
    plain = float((w * left**2).sum()) / freedom * inverse[2, 2]
    scores = x * (w * left)[:, None]
    middle = scores.T @ scores
    for lag in range(1, LAGS + 1):
        product = scores[lag:].T @ scores[:-lag]
        middle += (1 - lag / (LAGS + 1)) * (product + product.T)
    robust = (inverse @ middle @ inverse)[2, 2] * number / freedom
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * float(np.sqrt(max(plain, robust)))
    return Step(float(fitted[2]), float(fitted[2]) - half, float(fitted[2]) + half)
