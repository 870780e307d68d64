"""Is this much altogether? A series of counts against its own last two weeks: the early warning of EARS C2, twice.

Sums of two hours are compared with all sums of the last 14 days before a guard (C2: Hutwagner et al. 2003), and with
those of the same time of day; the mean of the two scores decides. The first alone takes every evening for news, the
second alone every quiet night with three posts. Square roots make the spread of counts even (Anscombe 1948). After an
alarm a day passes before the next: most of what a second alarm could say the first one said. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike, NDArray

WINDOW = timedelta(hours=2)
BASELINE_DAYS = 14
GUARD = timedelta(hours=2)
REFRACTORY = timedelta(hours=24)
AROUND = timedelta(hours=1)  # either side of the same time on the days before
LEAST_HISTORY = timedelta(days=1)
LIMIT = 3.2  # standard deviations
_LEAST_SPREAD = 0.25  # of a square root of counts: half of what Poisson counts have

Floats = NDArray[np.float64]


def alarms(times: Sequence[datetime], values: ArrayLike, limit: float = LIMIT) -> list[int]:
    """Positions at which an alarm is raised, each judged by what came before it. `values` are counts in equal steps
    that begin at `times` (with or without a zone, but all alike), oldest first."""
    found: list[int] = []
    last: datetime | None = None
    for index in np.flatnonzero(scores(values, step(times)) >= limit).tolist():
        if last is None or times[index] - last >= REFRACTORY:
            found.append(index)
            last = times[index]
    return found


def step(times: Sequence[datetime]) -> timedelta:
    """The usual distance between two times; an hour for fewer than two."""
    if len(times) < 2:
        return timedelta(hours=1)
    return timedelta(seconds=float(np.median(np.diff([time.timestamp() for time in times]))) or 3600.0)


def scores(values: ArrayLike, every: timedelta) -> Floats:
    """For each step, by how many standard deviations the two hours up to it stand above what is usual; minus infinity
    while there is less than a day to compare with."""
    width = max(1, round(WINDOW / every))
    day = max(1, round(timedelta(days=1) / every))
    guard = round(GUARD / every)
    sums = np.sqrt(_running(np.asarray(values, dtype=float), width))
    known = np.ones(sums.size)
    level, spread, history = _before(sums, known, width + guard, BASELINE_DAYS * day)
    plain = (sums - level) / np.maximum(spread, _LEAST_SPREAD)
    usual, days = _same_time(sums, day, round(AROUND / every), width + guard)
    off = np.where(days > 0, sums - usual, 0.0)
    _, _, residuals = _before(off, (days > 0).astype(float), width + guard, BASELINE_DAYS * day)
    size = np.sqrt(_before(off**2, (days > 0).astype(float), width + guard, BASELINE_DAYS * day)[0])
    timed = off / np.maximum(size, _LEAST_SPREAD)
    enough = LEAST_HISTORY / every
    return np.where((history >= enough) & (residuals >= enough) & (days > 0), (plain + timed) / 2, -np.inf)


def _running(values: Floats, width: int) -> Floats:
    """The sum of each value and the `width` - 1 before it."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    here = np.arange(values.size)
    return np.asarray(total[here + 1] - total[np.maximum(0, here - width + 1)])


def _before(values: Floats, known: Floats, gap: int, length: int) -> tuple[Floats, Floats, Floats]:
    """Mean, standard deviation and number of the known values among the `length` that end `gap` steps before each."""
    here = np.arange(values.size)
    stop = np.maximum(0, here - gap + 1)
    start = np.maximum(0, stop - length)

    def between(of: Floats) -> Floats:
        total = np.concatenate([[0.0], np.cumsum(of)])
        return np.asarray(total[stop] - total[start])

    number = between(known)
    mean = between(values * known) / np.maximum(number, 1)
    variance = between(values**2 * known) / np.maximum(number, 1) - mean**2
    return mean, np.sqrt(np.maximum(variance, 0)), number


def _same_time(values: Floats, day: int, around: int, gap: int) -> tuple[Floats, Floats]:
    """The mean of the values round the same time on the days before, and on how many days there were any."""
    here = np.arange(values.size)
    total = np.concatenate([[0.0], np.cumsum(values)])
    added, number, days = np.zeros(values.size), np.zeros(values.size), np.zeros(values.size)
    for back in range(1, BASELINE_DAYS + 1):
        start = here - back * day - around
        stop = np.minimum(here - back * day + around + 1, here - gap + 1)
        there = (start >= 0) & (stop > start)
        start, stop = np.where(there, start, 0), np.where(there, stop, 0)
        added += total[stop] - total[start]
        number += stop - start
        days += there
    return added / np.maximum(number, 1), days
