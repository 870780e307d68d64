"""The trust statistics: one author one vote, shares with 90% intervals, what may be shown, and change. Pure functions.

figures.py brings the numbers here from the store; docs/statistics.md says the same in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from math import hypot
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

LEVEL = 0.90  # of every interval on a page or in a mail
PRIOR_WEIGHT = 20.0  # authors that a parent's share counts for
FROM_INTERVAL = 10  # effective authors: fewer, nothing is shown
FROM_VALUE = 30  # fewer, the interval only
FROM_COMPARED = 100  # fewer, places are not compared
CHANGE_AUTHORS = 5  # on each side of a comparison, at the least
LAST_DAYS = 7
GUARD_DAYS = 3  # left out, so that a rise cannot hide in its own usual level
BASELINE_DAYS = 42
LEAST_BASELINE_DAYS = 14
WEEK = 7


class Show(StrEnum):
    NOTHING = "nothing"
    INTERVAL = "interval"
    VALUE = "value"


@dataclass(frozen=True)
class Prior:
    """What is believed before looking: a share, and how many authors that belief is worth."""

    mean: float
    weight: float


JEFFREYS = Prior(0.5, 1.0)  # Beta(1/2, 1/2), for the whole town, which has no parent (Jeffreys 1946)


@dataclass(frozen=True)
class Share:
    """A share of authors, 0 to 1, with its 90% interval. `show` says how much of it a page may say."""

    value: float
    low: float
    high: float
    n_eff: float
    authors: int

    @property
    def show(self) -> Show:
        if self.n_eff < FROM_INTERVAL:
            return Show.NOTHING
        return Show.INTERVAL if self.n_eff < FROM_VALUE else Show.VALUE

    @property
    def comparable(self) -> bool:
        """Whether it may stand in a comparison of places."""
        return self.n_eff >= FROM_COMPARED


Direction = Literal["up", "down", "steady", "unknown"]
WhyUnknown = Literal["", "days", "authors"]


@dataclass(frozen=True)
class Change:
    """The last 7 days against the usual level. `points` and its 90% interval are differences of shares (0.11 is
    11 points), none when nothing can be said: `why` is then days (too short a history) or authors (too few)."""

    direction: Direction
    points: float | None = None
    low: float | None = None
    high: float | None = None
    why: WhyUnknown = ""

    @property
    def words(self) -> str:
        """In English, as the pages say it."""
        if self.direction in ("up", "down") and self.points is not None:
            number = max(1, round(abs(self.points) * 100))
            return f"{self.direction.capitalize()} {number} point{'' if number == 1 else 's'}"
        return "No clear change" if self.direction == "steady" else "Cannot say yet"


@dataclass(frozen=True)
class Windows:
    """The days that are compared, both ends included. `baseline` is none while the history is too short."""

    first: date
    last: date
    baseline_first: date | None
    baseline_last: date | None


def windows(today: date, history_from: date | None) -> Windows:
    """The last 7 whole days before `today`, and up to 42 days before a 3-day guard, of those since `history_from`."""
    last = today - timedelta(days=1)
    first = last - timedelta(days=LAST_DAYS - 1)
    baseline_last = first - timedelta(days=GUARD_DAYS + 1)
    baseline_first = baseline_last - timedelta(days=BASELINE_DAYS - 1)
    if history_from is not None:
        baseline_first = max(baseline_first, history_from)
    if history_from is None or (baseline_last - baseline_first).days + 1 < LEAST_BASELINE_DAYS:
        return Windows(first, last, None, None)
    return Windows(first, last, baseline_first, baseline_last)


def effective(weights: ArrayLike) -> float:
    """How many equal votes these weights are worth: (sum w)^2 / sum w^2 (Kish 1965)."""
    w = np.asarray(weights, dtype=float)
    squares = float((w * w).sum())
    return float(w.sum()) ** 2 / squares if squares > 0 else 0.0


def share(votes: ArrayLike, weights: ArrayLike | None = None, prior: Prior = JEFFREYS) -> Share | None:
    """The share behind one vote (0 to 1) an author; none without votes.

    The votes are calibrated probabilities, so their mean estimates the share without a threshold's bias (Bella et al.
    2010). With m their weighted mean and n = (sum w)^2 / sum w^2, the posterior is Beta(W q + n m, W (1-q) + n (1-m))
    for a prior share q worth W authors; the value is its mean, the interval its 5% and 95% quantiles."""
    v = np.asarray(votes, dtype=float)
    if v.size == 0:
        return None
    w = np.ones_like(v) if weights is None else np.asarray(weights, dtype=float)
    n = effective(w)
    if n == 0:
        return None
    mean = float((w * v).sum() / w.sum())
    start = min(max(prior.mean, 0.001), 0.999)
    a = prior.weight * start + n * mean
    b = prior.weight * (1 - start) + n * (1 - mean)
    tail = (1 - LEVEL) / 2
    low, high = betaincinv(a, b, [tail, 1 - tail])
    return Share(value=a / (a + b), low=float(low), high=float(high), n_eff=n, authors=int(v.size))


def toward(parent: Share | None) -> Prior:
    """The prior that shrinks a part towards its whole: town to concern, concern to place."""
    return JEFFREYS if parent is None else Prior(parent.value, PRIOR_WEIGHT)


def change(now: Share | None, usual: Share | None, enough_days: bool = True) -> Change:
    """How `now` differs from `usual`. The interval of the difference is built from the two intervals (MOVER: Newcombe
    1998, method 10; Zou & Donner 2008); a direction is named only when it leaves out zero."""
    if not enough_days:
        return Change("unknown", why="days")
    if now is None or usual is None or min(now.n_eff, usual.n_eff) < CHANGE_AUTHORS:
        return Change("unknown", why="authors")
    points = now.value - usual.value
    low = points - hypot(now.value - now.low, usual.high - usual.value)
    high = points + hypot(now.high - now.value, usual.value - usual.low)
    direction: Direction = "up" if low > 0 else "down" if high < 0 else "steady"
    return Change(direction, points, low, high)


@dataclass(frozen=True)
class Panel:
    """What each author posted on each day: number of posts, and the sum of one probability over them.
    Both arrays are authors x days, days in order from `first`."""

    first: date
    posts: NDArray[np.float64]
    sums: NDArray[np.float64]

    @property
    def days(self) -> int:
        return int(self.posts.shape[1])

    def between(self, first: date, last: date) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Posts and sums of each author from `first` to `last`, both included."""
        start = min(max(0, (first - self.first).days), self.days)
        stop = min(max(start, (last - self.first).days + 1), self.days)
        posts, sums = self._running
        return posts[stop] - posts[start], sums[stop] - sums[start]

    @cached_property
    def _running(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Sums from the first day up to each day, days x authors, since a series asks for many windows."""

        def running(grid: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.vstack([np.zeros((1, grid.shape[0])), np.cumsum(grid.T, axis=0)])

        return running(self.posts), running(self.sums)


def votes(panel: Panel, first: date, last: date) -> NDArray[np.float64]:
    """One vote for each author who posted in these days: the mean of that author's probabilities."""
    posts, sums = panel.between(first, last)
    there = posts > 0
    return np.asarray(sums[there] / posts[there])


def usual(panel: Panel, first: date, last: date, prior: Prior = JEFFREYS) -> Share | None:
    """The usual level: the mean over weeks of one author one vote, so that it is made as the last 7 days' share is.

    Weeks are counted back from `last`; the oldest may be short. An author of several weeks has that many votes, which
    are not independent: they count as one vote of that weight (n_eff as in `effective`)."""
    total = np.zeros(panel.posts.shape[0])
    weeks = np.zeros(panel.posts.shape[0])
    end = last
    while end >= first:
        posts, sums = panel.between(max(first, end - timedelta(days=WEEK - 1)), end)
        there = posts > 0
        total[there] += sums[there] / posts[there]
        weeks[there] += 1
        end -= timedelta(days=WEEK)
    present = weeks > 0
    return share(total[present] / weeks[present], weeks[present], prior)


@dataclass(frozen=True)
class DayShare:
    """The share over the 7 days that end with `day`; none without posts."""

    day: date
    share: Share | None


def rolling(panel: Panel, days: Sequence[date], prior: Prior = JEFFREYS) -> tuple[DayShare, ...]:
    """For each day the share of the 7 days up to it, one author one vote."""
    return tuple(DayShare(day, share(votes(panel, day - timedelta(days=WEEK - 1), day), prior=prior)) for day in days)


RISE = 0.08  # a share that the CUSUM is tuned to find
CUSUM_LIMIT = 3.8  # log-likelihood ratio: about one false alarm in 180 topic-days at 30 authors a day
CUSUM_AUTHORS = 5  # a day: fewer, and the day only lets it rest


def cusum(votes: ArrayLike, authors: ArrayLike, usual: float, rise: float = RISE) -> NDArray[np.float64]:
    """A rise by `rise` over the usual share, added up day by day: the binomial log-likelihood ratio, never below zero
    (Page 1954; Steiner et al. 2000). `votes`: each day's sum of one vote an author, `authors`: their number; oldest
    first. Past CUSUM_LIMIT the share has risen; what is added up then starts anew."""
    p0 = min(max(usual, 0.01), 0.9)
    p1 = min(p0 + rise, 0.99)
    total, found = 0.0, []
    for said, number in zip(np.asarray(votes, dtype=float), np.asarray(authors, dtype=float), strict=True):
        if number >= CUSUM_AUTHORS:
            total += float(said * np.log(p1 / p0) + (number - said) * np.log((1 - p1) / (1 - p0)))
        total = max(0.0, total)
        found.append(total)
        if total > CUSUM_LIMIT:
            total = 0.0
    return np.array(found)
