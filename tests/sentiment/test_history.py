"""A month is held against the same days whenever in the next month it is looked at."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import database
from config.permissions import Role
from config.settings import Settings
from config.tables import MailPreference, Person
from listeners import rhythm
from listeners.tables import Source
from scheduler.jobs import mornings
from scheduler.jobs import sums as job
from sentiment import counts, digest_words, figures, history
from sentiment.editions import Edition
from sentiment.figures import ConcernRow, Overview
from tests.sentiment import street
from tests.sentiment.street import ZONE, Said

DESK = Settings.model_validate({"department": {"time_zone": ZONE.key}})
FIRST = datetime(2026, 11, 1, 13, tzinfo=UTC)
BEGUN = date(2026, 8, 20)
TOO_FEW_DAYS = "Usual levels need 14 days of posts before the month; fewer are kept."


def october(engine: sa.Engine, now: datetime) -> tuple[Overview, list[ConcernRow]]:
    with database.reading(engine) as session:
        kept_from = counts.first_day(session)
        spans = history.windows(session, Edition.MONTHLY, now.astimezone(ZONE).date(), kept_from)
        return figures.town(session, now, ZONE, spans, history=kept_from)


def days(engine: sa.Engine, begun: date, job_runs: bool, heard_from: date | None = None) -> Iterator[datetime]:
    """Each day of November, with posts since `begun` and their source heard from that day on (none: an import), as the
    scheduler leaves the store."""
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
        source = session.exec(select(Source.id)).one() or 0
        heard = (FIRST.date() - heard_from).days if heard_from is not None else 0
        for back in range(1, heard + 1):
            rhythm.note(session, source, 3, 3, FIRST - timedelta(days=back))
    for day in range(30):
        now = FIRST + timedelta(days=day)
        with database.writing(engine) as session:
            street.say(session, [Said(now - timedelta(days=1), f"later {day}")] if day else [])
            counts.forget_author_days(session, counts.kept_from(now, ZONE), 10_000)
            if heard_from is not None:
                rhythm.note(session, source, 1, 1, now)
                rhythm.forget(session, now)
        if job_runs:
            job.keep(engine, DESK, now)
        yield now


@pytest.mark.parametrize(
    ("begun", "heard_from", "baseline", "volume"),
    [
        (BEGUN, None, 26, True),
        (BEGUN, BEGUN, 26, True),
        (BEGUN, date(2026, 9, 10), 26, True),
        (BEGUN, date(2026, 9, 20), 26, False),
        (date(2026, 9, 10), date(2026, 9, 10), 18, True),
        (date(2026, 9, 20), date(2026, 9, 20), 0, False),
    ],
)
def test_a_month_has_the_same_figures_all_the_next_month(
    sqlite_engine: sa.Engine, begun: date, heard_from: date | None, baseline: int, volume: bool
) -> None:
    november = days(sqlite_engine, begun, job_runs=True, heard_from=heard_from)
    seen = [october(sqlite_engine, now) for now in november if now.day in (1, 14, 30)]
    assert (seen[0][0].baseline_days, [row.concern for row in seen[0][1]]) == (baseline, ["traffic_safety"])
    assert (seen[0][0].volume.usual is not None) == volume
    if not baseline:  # then its line is of the days that are left
        seen = [(replace(overview, series=()), rows) for overview, rows in seen]
    assert seen[1:] == [seen[0], seen[0]]


def test_where_no_sums_were_kept_it_is_said_that_days_are_missing(sqlite_engine: sa.Engine) -> None:
    *_, last = days(sqlite_engine, BEGUN, job_runs=False)
    overview = october(sqlite_engine, last)[0]
    assert overview.mistrust.usual is None
    assert digest_words.against(overview, [], "en") == TOO_FEW_DAYS


def test_of_chosen_places_a_month_has_the_usual_days_that_are_left(
    sqlite_engine: sa.Engine, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        ana, elm = person(session, "Ana", Role.ANALYST), street.place(session, "Elm Street")
    preference = MailPreference(person_id=ana.id or 0, places=[elm])
    seen = {}
    for now in days(sqlite_engine, BEGUN, job_runs=True):
        if now.day in (1, 5, 20, 30):
            with database.reading(sqlite_engine) as session:
                town = mornings.Town(DESK, now)
                made = town.morning(session, ana, preference, Edition.MONTHLY, "key", brief=True, theirs=False)
            seen[now.day] = made.overview
    assert {day: overview.baseline_days for day, overview in seen.items()} == {1: 26, 5: 22, 20: 0, 30: 0}
    assert [seen[day].volume.usual for day in (20, 30)] == [None, None]
    assert {digest_words.against(seen[day], [], "en") for day in (20, 30)} == {TOO_FEW_DAYS}
