"""Figures: F1, macro-averaged recall, Brier score, each with its 95% interval by drawing posts again."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

BOOTSTRAPS, SEED = 2000, 1
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


def interval(count: int, measure: Callable[[Rows], float]) -> list[float]:
    """The measure of all rows, and the 2.5% and 97.5% points of it over rows drawn with replacement."""
    random = np.random.default_rng(SEED)
    again = [measure(random.integers(0, count, count)) for _ in range(BOOTSTRAPS)]
    return [round(value, 4) for value in (measure(np.arange(count)), *np.quantile(again, [0.025, 0.975]).tolist())]


def f1(truth: Bools, said: Bools) -> list[float]:
    """Micro over all cells where there are columns."""
    return interval(len(truth), lambda rows: _f1(truth[rows], said[rows]))


def _f1(truth: Bools, said: Bools) -> float:
    return 2 * float((truth & said).sum()) / max(float(truth.sum() + said.sum()), 1e-9)


def recall(truth: Rows, said: Rows, classes: int = 3) -> list[float]:
    """Macro-averaged (SemEval-2017 task 4)."""

    def measure(rows: Rows) -> float:
        right = truth[rows] == said[rows]
        each = [right[truth[rows] == one].mean() for one in range(classes) if (truth[rows] == one).any()]
        return float(np.mean(each))

    return interval(len(truth), measure)


def brier_gain(truth: Bools, probability: Array) -> list[float]:
    """1 - Brier score over that of always saying the base rate; 0.4 is 40% better."""
    base = float(truth.mean())

    def measure(rows: Rows) -> float:
        ours = ((probability[rows] - truth[rows]) ** 2).mean()
        return float(1 - ours / ((base - truth[rows]) ** 2).mean())

    return interval(len(truth), measure)


def best_threshold(probability: Array, weights: Array | None = None) -> float:
    """The threshold of the best F1 that calibrated probabilities promise (twice the sum of the flagged over their
    number and the sum of all), in the middle of those that are within half a point of it. It lies at half of that F1
    (Lipton, Elkan & Naryanaswamy 2014). Labels choose nothing: those of a few hundred posts jump from step to step."""
    grid = np.arange(0.05, 0.95, 0.01)
    counted = np.ones(len(probability)) if weights is None else weights
    scores = np.array([_promised(probability, at, counted) for at in grid])
    return float(np.median(grid[scores >= scores.max() - 0.005]))


def _promised(probability: Array, at: float, weights: Array) -> float:
    counted = weights.reshape(-1, *[1] * (probability.ndim - 1))
    likely, flagged = counted * probability, probability >= at
    return 2 * float(likely[flagged].sum()) / max(float((counted * flagged).sum() + likely.sum()), 1e-9)


def upper_bound(hits: int, count: int) -> float:
    """The exact (Clopper-Pearson) upper end of the 95% interval of a share."""
    from scipy.stats import beta

    return 1.0 if hits == count else float(beta.ppf(0.975, hits + 1, count - hits))
