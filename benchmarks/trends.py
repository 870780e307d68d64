"""What the trend statistics find on simulated towns with known truth (coverage, power, brigades, low-count cells, and
alerts in hindsight), and how long they take: the hourly tick, a replayed month, a concern's page over millions.

Each part beside a baseline of the same run. Seeds are fixed; `python -m benchmarks.trends` runs all, or those named.
Seconds are of the processor, so that other work on the machine does not count."""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scored, scored_years
from benchmarks.scored import NOW, Posts
from config import clock, database, secrets
from config.settings import Department, Settings
from listeners import intake, sources
from networks.archive import Taken
from networks.network import RemoteMention
from scheduler import backtest
from scheduler.jobs import scoring, sums
from sentiment import alerts, brigades, cells, counts, figures, hindsight, trust
from sentiment.model import Reading
from sentiment.recent import KEPT, Memory
from sentiment.taxonomy import CONCERNS
from sentiment.tuning import LEVELS, Tuning
from tests.sentiment import street

Figures = dict[str, float | str]
HOUR = timedelta(hours=1)


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
    the next: at the limit in use, and at the first limit with 180 or more; baseline: EARS C2 on the daily share."""
    rng = np.random.default_rng(seed)
    rises, quiets, c2 = [], [], 0
    for _ in range(towns):
        usual = rng.uniform(0.15, 0.35)
        known = rng.binomial(30, usual, 42).sum() / (30 * 42)  # the usual level is estimated, not known
        after = rng.binomial(30, usual + 0.10, 14)
        rises.append((after, float(known)))
        before = rng.binomial(30, usual, 7) / 30
        c2 += bool((after / 30 > before.mean() + 3 * max(before.std(ddof=1), 0.01)).any())
    for _ in range(towns):
        usual = rng.uniform(0.15, 0.35)
        known = rng.binomial(30, usual, 42).sum() / (30 * 42)
        quiets.append((rng.binomial(30, usual, 90), float(known)))

    def over(days: Sequence[tuple[Any, float]], limit: float) -> list[Any]:
        return [
            np.flatnonzero(trust.cusum(votes, np.full(votes.size, 30), known, limit=limit) > limit)
            for votes, known in days
        ]

    def between(limit: float) -> float:
        return float(90 * towns / max(1, sum(one.size for one in over(quiets, limit))))

    delays = [int(one[0]) + 1 for one in over(rises, trust.CUSUM_LIMIT) if one.size]
    seldom = next(limit for limit in np.arange(3.5, 6.0, 0.05).tolist() if between(limit) >= 180)
    return {
        "found_within_14_days": round(len(delays) / towns, 3),
        "median_days": float(np.median(delays)),
        "topic_days_a_false_alarm": round(between(trust.CUSUM_LIMIT)),
        "found_at_one_in_180": round(sum(one.size > 0 for one in over(rises, seldom)) / towns, 3),
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


def tick(history: int = 100_000, looks: int = 6) -> Figures:
    """The hourly look with so many posts in the weeks that are held, and the most memory of the process that looks;
    baseline: the first look of a process, which reads all of them."""
    with tempfile.TemporaryDirectory() as folder:
        url = _in_its_own(_tick_store, Path(folder), history, looks)
        found: Figures = _in_its_own(_ticks, url, looks)
    return found


def _tick_store(folder: Path, history: int, looks: int) -> str:
    ahead = looks * HOUR
    rate = history / (KEPT / timedelta(days=1))
    days = (KEPT + ahead) / timedelta(days=1)
    return scored.stored(folder, scored.posts(round(rate * days), days, NOW + ahead))


def _ticks(url: str, looks: int) -> Figures:
    engine, memory = database.connect(url), Memory()
    before, took = _megabytes(), []
    for look in range(looks + 1):
        now, begun = NOW + look * HOUR, time.process_time()
        with clock.at(now):
            with database.reading(engine) as session:
                found = alerts.find(session, now, street.ZONE, memory)
            with database.writing(engine) as session:
                alerts.put(session, found, now, street.ZONE)
        took.append(time.process_time() - begun)
    return {
        "posts_held": len(memory.ids),
        "seconds": round(float(np.median(took[1:])), 2),
        "longest": round(max(took[1:]), 2),
        "baseline_seconds": round(took[0], 2),
        "mb": round(_megabytes()),
        "mb_before": round(before),
    }


def replay(number: int = 15_000, days: int = 33) -> Figures:
    """`liaison backtest` over so many posts whose readings are there already: taken in, counted, and looked at every
    hour; baseline: the same posts taken in and counted without a look."""
    made = scored.posts(number, days, NOW)
    own = Settings(department=Department(name="Riverton Police Department"))
    lines = [
        Taken(at + 1, "x", RemoteMention(str(at), text, made.at[at], author_id=str(made.author[at])), at)
        for at, text in enumerate(made.text)
    ]
    reader = _Known(made)
    begun = time.process_time()
    engine = backtest.in_memory()
    with database.writing(engine) as session:
        source = sources.add(session, network="archive", name="posts", settings={}, every_seconds=0, now=NOW)
        session.flush()
        posts = [(line.network, line.mention) for line in lines]
        rows = intake.prepare(posts, source, intake.EVERYTHING, secrets.for_tests(), own, NOW)
        intake.store(session, rows)
    scoring.score_all(engine, reader, own, NOW)
    engine.dispose()
    alone = time.process_time() - begun
    begun = time.process_time()
    raised = sum(1 for _ in backtest.alerted(lines, settings=own, reader=reader))
    return {
        "seconds": round(time.process_time() - begun, 1),
        "baseline_seconds": round(alone, 1),
        "alerts": raised,
    }


class _Known:
    """Gives the readings that were made with the posts."""

    name = "made"

    def __init__(self, made: Posts) -> None:
        self._made, self._of = made, {text: number for number, text in enumerate(made.text)}

    def read(self, texts: Sequence[str]) -> list[Reading | None]:
        return [self._reading(self._of[text]) if text in self._of else None for text in texts]

    def _reading(self, number: int) -> Reading:
        concerns = dict(zip(CONCERNS, self._made.concerns[number].tolist(), strict=True))
        mistrust = float(self._made.mistrust[number])
        return Reading(
            sentiment={"negative": mistrust, "neutral": 1 - mistrust, "positive": 0.0},
            trust={"mistrust": mistrust, "neither": 1 - mistrust, "trust": 0.0},
            concerns=concerns,
            mistrust=mistrust >= 0.5,
            never_tracked=False,
            raised=tuple(key for key, value in concerns.items() if value >= scored.RAISED),
            embedding=self._made.vectors[number].astype(np.float32),
        )


def page(mentions: int = 5_000_000, times: int = 20, folder: str = "") -> Figures:
    """The numbers of a concern's page over so many mentions in SQLite, the job that keeps the sums having run, as every
    two minutes; baseline: the same added up from author-days. `folder`: the store is kept there."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(folder or made)
        there = (place / "liaison.db").exists()
        engine = database.connect(f"sqlite:///{place}/liaison.db" if there else scored_years.stored(place, mentions))

        def ask() -> float:
            begun = time.process_time()
            with database.reading(engine) as session:
                figures.concern(session, NOW, street.ZONE, "traffic_safety")
                brigades.about(session, "traffic_safety", NOW - timedelta(days=7), NOW)
            return 1000 * (time.process_time() - begun)

        added_up = ask()
        sums.keep(engine, Settings(department=Department(time_zone=str(street.ZONE))), NOW)
        first = ask()
        took = [ask() for _ in range(times)]
        engine.dispose()
    return {
        "milliseconds": round(float(np.median(took)), 1),
        "longest": round(max(took), 1),
        "first": round(first, 1),
        "baseline_milliseconds": round(added_up, 1),
    }


def in_hindsight(days: int = 10, a_day: int = 120, seed: int = 6) -> Figures:
    """What each sensitivity alerts over some days of a town with bursts of 4 to 16 people who write of one new thing at
    one place, by the code behind "in hindsight": bursts told of, and other alerts; baseline: C2 on each concern's
    daily posts."""
    chance = np.random.default_rng(seed)
    before = hindsight.BEFORE.days + 10
    start = NOW - timedelta(days=days)
    sizes = np.resize([4, 6, 8, 12, 16], days - 1).tolist()
    concerns = [int(chance.integers(len(CONCERNS))) for _ in sizes]
    bursts = [
        scored.burst(size, start + timedelta(hours=24 * number + 6), 8.0, concern, number)
        for number, (size, concern) in enumerate(zip(sizes, concerns, strict=True))
    ]
    made = scored.together(scored.posts(a_day * (days + before), days + before, NOW), *bursts)
    found: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        engine = database.connect(scored.stored(Path(folder), made))
        for level in LEVELS:
            raised = [
                one for new in hindsight.replay(engine, level, Tuning(), counts.hour_of(start), NOW, street.ZONE)
                for one in new
            ]  # fmt: skip
            told = [any(_tells(one.at, burst) for one in raised) for burst in bursts]
            others = sum(not any(_tells(one.at, burst) for burst in bursts) for one in raised)
            found |= {f"{level}_found": f"{sum(told)} of {len(told)}", f"{level}_others_a_day": round(others / days, 2)}
        engine.dispose()
    struck = {(concern, number) for number, concern in enumerate(concerns)}
    alarms = _c2(made, start, days)
    return found | {
        "baseline_found": f"{len(struck & alarms)} of {len(struck)}",
        "baseline_others_a_day": round(len(alarms - struck) / days, 2),
    }


def _c2(made: Posts, start: datetime, days: int) -> set[tuple[int, int]]:
    """Concerns and days since `start` whose posts stand three standard deviations above the seven days before the last
    two (EARS C2)."""
    back = 9
    daily = np.zeros((len(CONCERNS), back + days))
    for number, at in enumerate(made.at):
        day = (at - start) // timedelta(days=1) + back
        if 0 <= day < daily.shape[1]:
            daily[:, day] += made.concerns[number] >= scored.RAISED
    found = set()
    for day in range(days):
        before = daily[:, day : day + 7]
        limit = before.mean(axis=1) + 3 * np.maximum(before.std(axis=1, ddof=1), 0.5)
        found |= {(int(concern), day) for concern in np.flatnonzero(daily[:, day + back] > limit)}
    return found


def _tells(at: datetime, burst: Posts) -> bool:
    return burst.at[0] <= at <= burst.at[-1] + timedelta(hours=12)


def _in_its_own(part: Callable[..., Any], *arguments: object) -> Any:
    """In a process of its own, whose memory is that of the part alone."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(part, *arguments).result()


def _megabytes() -> float:
    """The most that this process took so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


ALL: dict[str, Callable[[], Figures]] = {
    "coverage": coverage,
    "brigade": brigade,
    "power": power,
    "low_cells": low_cells,
    "in_hindsight": in_hindsight,
    "tick": tick,
    "replay": replay,
    "page": page,
}


def main(names: list[str]) -> None:
    for name in names or ALL:
        print(json.dumps({"benchmark": f"trends {name}", **ALL[name]()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
