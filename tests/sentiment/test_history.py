"""A month is held against the same days whenever in the next month it is looked at."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from config import database
from config.settings import Settings
from scheduler.jobs import sums as job
from sentiment import counts, digest_words, figures, history
from sentiment.editions import Edition
from sentiment.figures import ConcernRow, Overview
from tests.sentiment import street
from tests.sentiment.street import ZONE, Said

DESK = Settings.model_validate({"department": {"time_zone": ZONE.key}})
FIRST = datetime(2026, 11, 1, 13, tzinfo=UTC)
BEGUN = date(2026, 8, 20)


def october(engine: sa.Engine, now: datetime) -> tuple[Overview, list[ConcernRow]]:
    with database.reading(engine) as session:
        kept_from = counts.first_day(session)
        spans = history.windows(session, Edition.MONTHLY, now.astimezone(ZONE).date(), kept_from)
        return figures.town(session, now, ZONE, spans, history=kept_from)


def days(engine: sa.Engine, begun: date, job_runs: bool) -> Iterator[datetime]:
    """Each day of November, with posts since `begun`, as the scheduler leaves the store."""
    with database.writing(engine) as session:
        since = (FIRST.date() - begun).days
        street.say(
            session,
            [
                Said(FIRST - timedelta(days=back), f"{back} {n}", concerns=("traffic_safety",), mistrust=n / 3)
                for back in range(1, since + 1)
                for n in range(3)
            ],
        )
    for day in range(30):
        now = FIRST + timedelta(days=day)
        with database.writing(engine) as session:
            street.say(session, [Said(now - timedelta(days=1), f"later {day}")] if day else [])
            counts.forget_author_days(session, counts.kept_from(now, ZONE), 10_000)
        if job_runs:
            job.keep(engine, DESK, now)
        yield now


@pytest.mark.parametrize(("begun", "baseline"), [(BEGUN, 26), (date(2026, 9, 10), 18), (date(2026, 9, 20), 0)])
def test_a_month_has_the_same_figures_all_the_next_month(sqlite_engine: sa.Engine, begun: date, baseline: int) -> None:
    seen = [october(sqlite_engine, now) for now in days(sqlite_engine, begun, job_runs=True) if now.day in (1, 14, 30)]
    assert (seen[0][0].baseline_days, [row.concern for row in seen[0][1]]) == (baseline, ["traffic_safety"])
    if not baseline:  # then its line is of the days that are left
        seen = [(replace(overview, series=()), rows) for overview, rows in seen]
    assert seen[1:] == [seen[0], seen[0]]


def test_where_no_sums_were_kept_it_is_said_that_days_are_missing(sqlite_engine: sa.Engine) -> None:
    *_, last = days(sqlite_engine, BEGUN, job_runs=False)
    overview = october(sqlite_engine, last)[0]
    assert overview.mistrust.usual is None
    assert digest_words.against(overview, [], "en") == (
        "Usual levels need 14 days of posts before the month; fewer are kept."
    )
