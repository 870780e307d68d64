"""Whether what the model says of this week's posts is spread as in the weeks before: a change asks for a look, at
the town or at the model."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlmodel import Session, col

from listeners.tables import Mention
from sentiment.tables import Score

WEEK = timedelta(days=7)
EDGES = np.linspace(0, 1, 11)
FEWEST = 100  # posts in a week, under which nothing is said
WATCH, LOOK = 0.1, 0.25  # of the index: small change below, large above (Siddiqi, Credit Risk Scorecards, 2006)
SIGNALS = ("mistrust", "trust", "negative", "positive")


@dataclass(frozen=True)
class Drift:
    """One signal: the population stability index of the last week against the three before, and the mean in both."""

    signal: str
    index: float
    before: float
    now: float
    posts_before: int
    posts_now: int

    @property
    def words(self) -> str:
        """What to make of it."""
        if self.index < WATCH:
            return "steady"
        return "changed a little" if self.index < LOOK else "changed: read a few posts of this week"


def drifts(session: Session, now: datetime) -> list[Drift]:
    """Of each signal; empty where a week has fewer than FEWEST posts. Counts what the desk shows, whatever its age."""
    found = []
    for signal in SIGNALS:
        column = getattr(Score, signal)
        rows = session.execute(
            sa.select(column, col(Mention.posted_at) >= now - WEEK)
            .join(Mention, col(Mention.id) == col(Score.mention_id))
            .where(col(Mention.shown), col(Mention.posted_at) >= now - 4 * WEEK, col(Mention.posted_at) < now)
        ).all()
        values = np.array([value for value, _ in rows], dtype=np.float64)
        fresh = np.array([bool(this_week) for _, this_week in rows], dtype=np.bool_)
        if min(int(fresh.sum()), int((~fresh).sum())) < FEWEST:
            return []
        index = stability(values[~fresh], values[fresh])
        found.append(
            Drift(
                signal, index, float(values[~fresh].mean()), float(values[fresh].mean()),
                int((~fresh).sum()), int(fresh.sum()),
            )
        )  # fmt: skip
    return found


def stability(before: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> float:
    """The population stability index over ten equal bins of [0, 1]: the sum of (q - p) ln(q / p); half a post is added
    to each bin, so that an empty one says little."""
    p = (np.histogram(before, EDGES)[0] + 0.5) / (len(before) + 0.5 * 10)
    q = (np.histogram(now, EDGES)[0] + 0.5) / (len(now) + 0.5 * 10)
    return float(((q - p) * np.log(q / p)).sum())
