"""What supervisors, load balancers and Prometheus ask."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from config import database
from config.permissions import Role
from listeners import sources
from scheduler import metrics
from scheduler.engine import queue, ticking
from tests.web.browsing import Browser


def figures(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("liaison_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_desk_is_ready_when_its_schema_is_this_versions(stranger: Browser, sqlite_engine: sa.Engine) -> None:
    assert (stranger.get("/readyz").status_code, stranger.get("/healthz").status_code) == (200, 200)
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert (stranger.get("/readyz").status_code, stranger.get("/healthz").status_code) == (503, 200)


def test_prometheus_is_told_figures_and_no_words(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, now: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        sources.add(session, network="practice", name="Secret name", settings={}, every_seconds=60, now=now)
    answered = browser_of("Ida", Role.ANALYST).get("/metrics")
    told = figures(answered.text)
    assert answered.headers["content-type"].startswith("text/plain; version=")
    assert (told["mentions_unread",], told["posts", "published"]) == (0, 0)
    assert sum(told["sources", state] for state in ("ok", "behind", "failing", "silent", "off")) == 1
    assert "Secret" not in answered.text


def test_of_a_cluster_prometheus_is_told_how_the_queues_stand(postgres_engine: sa.Engine) -> None:
    queue.prepare(postgres_engine)
    with postgres_engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE jobs.procrastinate_jobs, jobs.procrastinate_workers CASCADE")
    ticking.tick(postgres_engine)
    with database.reading(postgres_engine) as session:
        told = figures(metrics.written(session, datetime.now(UTC) + timedelta(seconds=60)).decode())
    assert (told["queue_jobs", "publish", "waiting"], told["queue_jobs", "publish", "doing"]) == (1, 0)
    assert 55 < told["queue_oldest_seconds", "publish"] < 70
    assert 55 < told["job_late_seconds", "publish"] < 70
    assert told["queue_workers",] == 0


def test_every_answer_has_a_number_and_keeps_a_plain_one_that_a_proxy_gave(stranger: Browser) -> None:
    made = stranger.get("/sign-in").headers["x-request-id"]
    assert (len(made), made != stranger.get("/sign-in").headers["x-request-id"]) == (32, True)
    assert stranger.get("/nowhere", headers={"X-Request-ID": "proxy-7"}).headers["x-request-id"] == "proxy-7"
    assert stranger.get("/nowhere", headers={"X-Request-ID": 'a"b c'}).headers["x-request-id"] != 'a"b c'


def test_the_status_page_says_what_is_short_and_what_to_do(browser_of: Callable[..., Browser]) -> None:
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    page = sam.get("/status").text
    assert "Start liaison run" in page
    assert "LIAISON_SMTP_URL" in page
    told = sam.get("/api/v1/status").json()
    assert {"nothing_runs", "no_mail", "backup"} <= set(told["troubles"])
    assert told["schema_revision"] == told["newest_schema_revision"]
