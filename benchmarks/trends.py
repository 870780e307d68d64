"""What the trend statistics find on simulated towns with known truth: coverage, power, brigades, low-count cells.

Each part beside a baseline of the same run. Seeds are fixed; `python -m benchmarks.trends` runs all, or those named."""

import json
import sys
from collections.abc import Callable

import numpy as np

from sentiment import cells, trust

Figures = dict[str, float | str]


def coverage(seed: int = 1, towns: int = 4000) -> Figures:
    """How many 90% intervals hold the true share, at 10 to 300 authors; baseline: Wald's interval."""
    rng = np.random.default_rng(seed)
    held = wald = 0
    for _ in range(towns):
        true, authors = rng.beta(2, 5), int(rng.integers(10, 300))
        votes = rng.random(authors) < true
        found = trust.share(votes)
        if found is None:
            continue
        held += found.low <= true <= found.high
        half = 1.645 * np.sqrt(votes.mean() * (1 - votes.mean()) / authors)
        wald += abs(votes.mean() - true) <= half
    return {"held_percent": round(100 * held / towns, 1), "baseline_percent": round(100 * wald / towns, 1)}


def brigade(seed: int = 2, towns: int = 300) -> Figures:
    """Points by which five accounts with twenty hostile posts each move the share among 200 authors at a true .25;
    baseline: one vote a post."""
    rng = np.random.default_rng(seed)
    moved, raw = [], []
    for _ in range(towns):
        votes = np.clip(rng.beta(0.5, 1.5, 200), 0, 1)
        posts = 1 + rng.poisson(0.5, 200)
        hostile = np.full(5, 0.95)
        before, after = trust.share(votes), trust.share(np.concatenate([votes, hostile]))
        if before is not None and after is not None:
            moved.append(after.value - before.value)
        plain = (votes * posts).sum() / posts.sum()
        raw.append(((votes * posts).sum() + 20 * hostile.sum()) / (posts.sum() + 100) - plain)
    return {"points": round(100 * float(np.mean(moved)), 2), "baseline_points": round(100 * float(np.mean(raw)), 1)}


def power(seed: int = 3, towns: int = 1500) -> Figures:
    """Share of rises by 10 points, at 30 authors a day, found within 14 days, and topic-days from one false alarm to
    the next; baseline: EARS C2 on the daily share."""
    rng = np.random.default_rng(seed)
    found, delays, c2 = 0, [], 0
    for _ in range(towns):
        usual = rng.uniform(0.15, 0.35)
        known = rng.binomial(30, usual, 42).sum() / (30 * 42)  # the usual level is estimated, not known
        after = rng.binomial(30, usual + 0.10, 14)
        over = np.flatnonzero(trust.cusum(after, np.full(14, 30), float(known)) > trust.CUSUM_LIMIT)
        found += over.size > 0
        delays += [int(over[0]) + 1] if over.size else []
        before = rng.binomial(30, usual, 7) / 30
        c2 += bool((after / 30 > before.mean() + 3 * max(before.std(ddof=1), 0.01)).any())
    alarms = days = 0
    for _ in range(towns):
        usual = rng.uniform(0.15, 0.35)
        known = rng.binomial(30, usual, 42).sum() / (30 * 42)
        quiet = rng.binomial(30, usual, 90)
        alarms += int((trust.cusum(quiet, np.full(90, 30), float(known)) > trust.CUSUM_LIMIT).sum())
        days += 90
    return {
        "found_within_14_days": round(found / towns, 3),
        "median_days": float(np.median(delays)),
        "topic_days_a_false_alarm": round(days / max(1, alarms)),
        "baseline_found": round(c2 / towns, 3),
    }


def low_cells(seed: int = 4, runs: int = 60, series: int = 40) -> Figures:
    """Low-count cells (means .1 to 3 authors a day, a weekly rhythm, variance 1.5 times the mean), after Noufaily et
    al. 2013: an outbreak of 2 to 10 standard deviations of a day, spread over some days by a lognormal. Shares of
    outbreaks found in their 7 days, and false positives a series-day, at the p-value with .6% of them; baseline: C2."""
    rng = np.random.default_rng(seed)
    outbreaks: list[float] = []
    quiet: list[float] = []
    c2_out: list[float] = []
    c2_quiet: list[float] = []
    days, last = 56 + cells.GUARD_DAYS + 3, 7
    weekly = np.array([1.1, 1.1, 1.0, 1.0, 1.15, 0.85, 0.8])
    for _ in range(runs):
        level = np.exp(rng.uniform(np.log(0.1), np.log(3.0), series))
        mean = level[:, None] * weekly[np.arange(days + last) % 7]
        counts = rng.negative_binomial(mean / 0.5, 1 / 1.5).astype(float)
        hit = rng.random(series) < 0.5
        for struck in np.flatnonzero(hit).tolist():
            size = rng.poisson(rng.uniform(2, 10) * np.sqrt(1.5 * level[struck]))
            spread = np.minimum(rng.lognormal(0.3, 0.5, size).astype(int), last - 1)
            np.add.at(counts[struck], days + spread, 1)
        weakest = np.ones(series)
        strongest = np.full(series, -9.0)
        for day in range(days, days + last):
            start = day - 2 - cells.GUARD_DAYS - 56
            stop = day - 2 - cells.GUARD_DAYS
            fitted = cells.fit(counts[:, start:stop], np.arange(start, stop) % 7)
            for index in range(series):
                p = 1.0
                for hours in cells.WINDOWS_HOURS:
                    back = [day - at for at in range(hours // 24)]
                    exposures = [float(fitted.weekday[at % 7]) for at in back]
                    number = fitted.fading_p_value(index, counts[index, back].astype(int).tolist(), exposures)
                    p = min(p, len(cells.WINDOWS_HOURS) * number)
                before = counts[index, day - 9 : day - 2]
                z = (counts[index, day] - before.mean()) / max(before.std(ddof=1), 0.2)
                if hit[index]:
                    weakest[index], strongest[index] = min(weakest[index], p), max(strongest[index], z)
                else:
                    quiet.append(p)
                    c2_quiet.append(z)
        outbreaks += weakest[hit].tolist()
        c2_out += strongest[hit].tolist()
    limit, c2_limit = float(np.quantile(quiet, 0.006)), float(np.quantile(c2_quiet, 0.994))
    return {
        "found": round(float(np.mean(np.array(outbreaks) <= limit)), 3),
        "p_value": round(limit, 5),
        "false_a_series_day": round(float(np.mean(np.array(quiet) <= limit)), 4),
        "baseline_found": round(float(np.mean(np.array(c2_out) > c2_limit)), 3),
    }


ALL: dict[str, Callable[[], Figures]] = {
    "coverage": coverage,
    "brigade": brigade,
    "power": power,
    "low_cells": low_cells,
}


def main(names: list[str]) -> None:
    for name in names or ALL:
        print(json.dumps({"benchmark": f"trends {name}", **ALL[name]()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
