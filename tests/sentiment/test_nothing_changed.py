"""Towns in which nothing changes: figures say so, whoever posts how often. Seeded; what is held is far from chance."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import Session

from config import database
from sentiment import before_after, counts, editions, figures
from sentiment.editions import Edition
from sentiment.figures import Figure
from sentiment.tables import ALL, AuthorDay
from tests.sentiment.street import ZONE

TODAY = date(2026, 11, 1)
NOW = datetime(2026, 11, 1, 13, tzinfo=UTC)
CONCERN = "traffic_safety"
TOWNS = 6


def fill(session: Session, author_days: Iterable[tuple[str, int, Sequence[float]]]) -> None:
    """Author-days: who, how many days ago, and the mistrust of each post."""
    session.connection().execute(
        sa.insert(AuthorDay),
        [
            {"author": author.encode(), "day": TODAY - timedelta(days=back), "concern": concern}
            | {"place_id": 0, "network": "feed", "language": "en", "posts": len(said)}
            | {"mistrust": sum(said), "trust": 0.0, "negative": sum(said), "positive": 0.0}
            for author, back, said in author_days
            for concern in (ALL, CONCERN)
        ],
    )


@contextmanager
def town(engine: sa.Engine, seed: int) -> Iterator[Session]:
    """Sixty days of a hundred people who post three times a week and mistrust in .45 of it, and of about 150 in four
    weeks who post once and mistrust in .20. Gone at the end."""
    rng = np.random.default_rng(seed)
    posts = [(f"regular {number}", 0.45) for number in range(100) for _ in range(rng.poisson(3 * 60 / 7))]
    posts += [(f"once {number}", 0.20) for number in range(rng.poisson(150 * 60 / 28))]
    cells: dict[tuple[str, int], list[float]] = {}
    for author, mistrusts in posts:
        cells.setdefault((author, int(rng.integers(1, 61))), []).append(float(rng.random() < mistrusts))
    with database.reading(engine) as session:
        fill(session, [(author, back, said) for (author, back), said in cells.items()])
        yield session
        session.rollback()


def points(figure: Figure) -> float:
    assert figure.change.points is not None
    return figure.change.points


@pytest.mark.parametrize("days", [8, 28])
def test_the_days_after_are_held_against_four_weeks_as_they_are_made(sqlite_engine: sa.Engine, days: int) -> None:
    found: list[Figure] = []
    acted = TODAY - timedelta(days=days + 1)
    for seed in range(TOWNS):
        with town(sqlite_engine, seed) as session:
            since = before_after.read(session, CONCERN, acted, acted, TODAY)
        assert since is not None
        found.append(since.figure)
    assert abs(float(np.mean([points(figure) for figure in found]))) < 0.02
    assert sum(figure.change.direction == "steady" for figure in found) >= TOWNS - 1


def test_a_month_is_held_against_weeks_as_they_are_made(sqlite_engine: sa.Engine) -> None:
    found: list[Figure] = []
    for seed in range(TOWNS):
        with town(sqlite_engine, seed) as session:
            spans = editions.windows(Edition.MONTHLY, TODAY, counts.first_day(session))
            overview, rows = figures.town(session, NOW, ZONE, spans)
        found += [overview.mistrust, Figure("mistrust", rows[0].mistrust, rows[0].usual, rows[0].change)]
    assert abs(float(np.mean([points(figure) for figure in found]))) < 0.02
    assert sum(figure.change.direction == "steady" for figure in found) >= len(found) - 2


def test_a_straight_line_has_no_step_however_long_the_action_took(sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        for back in range(1, 61):
            rows = [(f"{back} {number}", back, [0.5 - 0.005 * back]) for number in range(10)]
            fill(session, rows)
        since = before_after.read(session, CONCERN, TODAY - timedelta(days=29), TODAY - timedelta(days=16), TODAY)
    assert since is not None
    assert since.step is not None
    assert since.step.points == pytest.approx(0, abs=1e-6)
