"""The trust statistics: one author one vote, shares with 90% intervals, what may be shown, and change. Pure functions.

figures.py brings the numbers here from the store; docs/statistics.md says the same in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from math import hypot
from typing import Literal, NamedTuple

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


class Prior(NamedTuple):
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
    """The days of a figure against the usual level. `points` and its 90% interval are differences of shares (0.11 is
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
    return _posterior(float((w * v).sum() / w.sum()), n, int(v.size), prior)


def _posterior(mean: float, n: float, authors: int, prior: Prior) -> Share:
    start = min(max(prior.mean, 0.001), 0.999)
    a = prior.weight * start + n * mean
    b = prior.weight * (1 - start) + n * (1 - mean)
    tail = (1 - LEVEL) / 2
    low, high = betaincinv(a, b, [tail, 1 - tail])
    return Share(value=a / (a + b), low=float(low), high=float(high), n_eff=n, authors=authors)


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


class Span(
    NamedTuple
):  # as are Prior and Sums: a page looks a thousand of them up, and tuples are hashed ten times faster
    """Days, both ends included. `by_week`: an author has one vote in each of its weeks, counted back from the last
    day (the oldest may be short), instead of one in all."""

    first: date
    last: date
    by_week: bool = False

    def windows(self) -> list[tuple[date, date]]:
        if not self.by_week:
            return [(self.first, self.last)]
        found, end = [], self.last
        while end >= self.first:
            found.append((max(self.first, end - timedelta(days=WEEK - 1)), end))
            end -= timedelta(days=WEEK)
        return found


@lru_cache(maxsize=512)
def week_to(day: date) -> Span:
    """The 7 days up to and with this one."""
    return Span(day - timedelta(days=WEEK - 1), day)


class Sums(NamedTuple):
    """All that shares and their intervals need of a span. An author's vote in a window is the mean of that author's
    probabilities; `weights` adds up each author's windows, `squares` their squares, the three signals the votes."""

    authors: int = 0
    weights: float = 0.0
    squares: float = 0.0
    posts: int = 0
    mistrust: float = 0.0
    trust: float = 0.0
    negative: float = 0.0


Measure = Literal["mistrust", "trust", "negative"]
MEASURES: tuple[Measure, ...] = ("mistrust", "trust", "negative")


@dataclass(frozen=True)
class AuthorDays:
    """Rows of author-days in the order of their days: `days` as ordinals, `authors` as numbers from 0, `posts`, and
    each measure's sum over those posts. An author may have several rows on a day (places, networks)."""

    days: NDArray[np.int64]
    authors: NDArray[np.int64]
    posts: NDArray[np.float64]
    sums: Mapping[Measure, NDArray[np.float64]]


def add_up(rows: AuthorDays, span: Span) -> Sums:
    """The sums of a span."""
    number = int(rows.authors.max()) + 1 if rows.authors.size else 0
    weeks, posts = np.zeros(number), 0.0
    votes = dict.fromkeys(MEASURES, 0.0)
    for first, last in span.windows():
        here = slice(*np.searchsorted(rows.days, [first.toordinal(), last.toordinal() + 1]))
        authors = rows.authors[here]
        posted = np.bincount(authors, rows.posts[here], number)
        there = posted > 0
        weeks += there
        posts += posted.sum()
        for name in MEASURES:
            votes[name] += float((np.bincount(authors, rows.sums[name][here], number)[there] / posted[there]).sum())
    return Sums(int((weeks > 0).sum()), float(weeks.sum()), float((weeks * weeks).sum()), round(posts), **votes)


@lru_cache(maxsize=8192)  # a day's pages show the same figures again and again, a trend is 42 of them
def share_of(sums: Sums, measure: Measure, prior: Prior = JEFFREYS) -> Share | None:
    """The share behind these sums; none without votes. By week (the usual level, a month) it is the mean over weeks of
    one author one vote, made as the last 7 days' share is. An author of several weeks has that many votes, which are
    not independent: they count as one vote of that weight (n_eff as in `effective`)."""
    if sums.weights <= 0:
        return None
    mean = getattr(sums, measure) / sums.weights
    return _posterior(mean, sums.weights**2 / sums.squares, sums.authors, prior)


@dataclass(frozen=True)
class DayShare:
    """The share over the 7 days that end with `day`; none without posts."""

    day: date
    share: Share | None


RISE = 0.08  # a share that the CUSUM is tuned to find
CUSUM_LIMIT = 3.8  # log-likelihood ratio: about one false alarm in 180 topic-days at 30 authors a day
CUSUM_AUTHORS = 5  # a day: fewer, and the day only lets it rest


@dataclass(frozen=True)
class Moved:
    """A share that has risen or fallen against its usual level, and lasts: since about when, and how large the
    log-likelihood ratio is."""

    direction: Literal["up", "down"]
    around: date
    ratio: float


def cusum(
    votes: ArrayLike, authors: ArrayLike, usual: float, rise: float = RISE, limit: float = CUSUM_LIMIT
) -> NDArray[np.float64]:
    """A rise by `rise` (below zero: a fall, by half at the most) over the usual share, added up day by day: the
    binomial log-likelihood ratio, never below zero (Page 1954; Steiner et al. 2000). `votes`: each day's sum of one
    vote an author, `authors`: their number; oldest first. Past `limit` the share has moved; what is added up then
    starts anew."""
    p0 = min(max(usual, 0.01), 0.9)
    p1 = min(max(p0 + rise, p0 / 2), 0.99)
    total, found = 0.0, []
    for said, number in zip(np.asarray(votes, dtype=float), np.asarray(authors, dtype=float), strict=True):
        if number >= CUSUM_AUTHORS:
            total += float(said * np.log(p1 / p0) + (number - said) * np.log((1 - p1) / (1 - p0)))
        total = max(0.0, total)
        found.append(total)
        if total > limit:
            total = 0.0
    return np.array(found)


def moved(days: Sequence[date], votes: ArrayLike, authors: ArrayLike, usual: float) -> Moved | None:
    """Whether the CUSUM of a rise or of a fall stands past CUSUM_LIMIT after these days (arguments as there; nothing
    starts anew). It began about where the sum last left zero (Page's estimate)."""
    directions: tuple[tuple[Literal["up", "down"], float], ...] = (("up", RISE), ("down", -RISE))
    for direction, rise in directions:
        run = cusum(votes, authors, usual, rise, limit=np.inf)
        if run.size and run[-1] > CUSUM_LIMIT:
            at_rest = np.flatnonzero(run == 0)
            return Moved(direction, days[int(at_rest[-1]) + 1 if at_rest.size else 0], float(run[-1]))
    return None
