"""Two clocks and three workers on PostgreSQL, one of each killed: everything comes out as from one process."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import col, func, select

from config import clock, database, secrets
from config.settings import Settings
from config.tables import Person
from listeners import archive_import, places, sources
from listeners.tables import Mention
from networks import accounts, practice
from networks.tables import PracticePost
from scheduler import marks
from scheduler.engine import queue
from scheduler.jobs import alerting, scoring
from scheduler.sample_town import town
from sentiment import alerts, model
from sentiment.tables import HourCount
from tests.live import cluster, department
from tests.scheduler.test_run import until

pytestmark = pytest.mark.live
POSTS, SAID = 12, 30


def _counts(engine: sa.Engine) -> dict[tuple[object, ...], list[float]]:
    with database.reading(engine) as session:
        rows = session.exec(select(HourCount)).all()
    return {
        (row.hour, row.concern, row.network, row.language, row.place_id): [row.posts, row.mistrust, row.trust]
        for row in rows
    }


def _import(engine: sa.Engine, settings: Settings, folder: Path) -> None:
    export = folder / "export.jsonl"
    now = clock.now()
    export.write_text("\n".join(json.dumps(post) for post in islice(town.posts(town.last_morning(now)), 1200)))
    archive_import.import_file(
        engine, export, settings=settings, keys=secrets.load(settings, begin=True), now=now, source_name="Sample"
    )


def test_with_two_clocks_and_three_workers_of_which_some_die_all_is_done_once(
    postgres_engine: sa.Engine, sqlite_engine: sa.Engine, tmp_path: Path, person: Callable[..., Person]
) -> None:
    url = postgres_engine.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=tmp_path / "data", database_url=SecretStr(url), department=town.DEPARTMENT)
    keys = secrets.load(settings, begin=True)
    desk = department.made(postgres_engine, keys, settings, person)
    now = clock.now()
    with database.writing(postgres_engine) as session:
        sources.add(session, network="practice", name="Board", settings={}, every_seconds=5, now=now)
        account = accounts.add(
            session, network="practice", name="Riverton PD", handle="RivertonPD", secret=None, keys=keys, now=now
        )
        marks.take(session, "alerts", timedelta(days=1), now)  # looked for below, at the same moments on both
    for engine in (postgres_engine, sqlite_engine):
        with database.writing(engine) as session:
            for name, other_names in town.PLACES.items():
                places.add(session, name, other_names)
        _import(engine, settings, tmp_path)
    for number in range(POSTS):
        desk.approved(f"Announcement {number}", account.id or 0, after=number)

    with cluster.running(url, tmp_path) as running:
        running.start("clock-1", "clock")
        running.start("clock-2", "clock")
        for number in (1, 2, 3):
            running.start(f"worker-{number}", "worker")
        assert until(lambda: _published(postgres_engine) > 0, 90), running.said("worker-1")
        with database.writing(postgres_engine) as session:
            for number in range(SAID):
                practice.post_as_resident(session, f"Nan {number}", f"Question number {number}?", clock.now())
        running.kill("worker-1")
        running.kill("clock-1")
        assert until(lambda: _published(postgres_engine) == POSTS and not _waiting(postgres_engine), 240)
        # A job of the worker that was killed is under way until its lease ends, though another did all that it was for.
        assert until(lambda: not _doing(postgres_engine), 120)
        assert [running.stop(name) for name in ("worker-2", "worker-3", "clock-2")] == [0, 0, 0]

    with database.reading(postgres_engine) as session:
        sent = Counter(session.exec(select(PracticePost.text).where(col(PracticePost.account_id).is_not(None))))
        heard = session.exec(select(func.count()).where(Mention.network == "practice")).one()
    assert sent == {f"Announcement {number}": 1 for number in range(POSTS)}
    assert heard == SAID
    scoring.score_all(sqlite_engine, model.load(), settings, now)
    for morning in (town.last_morning(now) - timedelta(hours=back) for back in (18, 12, 6)):
        for engine in (postgres_engine, sqlite_engine):
            alerting.look(engine, settings, morning)
    assert _alerts(postgres_engine) == _alerts(sqlite_engine) != set()
    mine = {key: value for key, value in _counts(postgres_engine).items() if key[2] != "practice"}
    theirs = _counts(sqlite_engine)
    assert mine.keys() == theirs.keys()
    for key, counted in mine.items():
        assert counted == pytest.approx(theirs[key], abs=1e-3)  # posts, and sums of probabilities read in other batches


def _alerts(engine: sa.Engine) -> set[tuple[str, str, int]]:
    with database.reading(engine) as session:
        found = alerts.all_alerts(session)
    return {(one.kind, one.concern, one.posts) for one in found}


def _published(engine: sa.Engine) -> int:
    with database.reading(engine) as session:
        return session.exec(select(func.count()).where(col(PracticePost.account_id).is_not(None))).one()


def _doing(engine: sa.Engine) -> int:
    """Jobs under way."""
    with database.reading(engine) as session:
        return sum(one.doing for one in queue.standing(session))


def _waiting(engine: sa.Engine) -> int:
    with database.reading(engine) as session:
        heard = session.exec(select(func.count()).where(Mention.network == "practice")).one()
        return session.exec(select(func.count()).where(col(Mention.scored_at).is_(None))).one() + SAID - heard
