"""What the desk says of itself, and what it takes for trouble."""

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import audit, database
from config.settings import Settings
from scheduler import signs, status
from scheduler.engine import queue, ticking
from scheduler.engine.queue import Queued
from scheduler.status import Process, Status, Trouble
from scheduler.tables import SignOfLife


def at_rest(now: datetime) -> Status:
    return Status(
        at=now, processes=[], queues=[], unworked=[], sources=[], unread=0, unread_oldest=None, post_overdue=None,
        mail_waiting=0, mail_oldest=None, mail_failed=0, mail_is_set=True, backup_at=now, disk_free=50 * 10**9,
        disk_size=10**11, database="postgresql", database_size=10**7, schema="1", newest_schema="1", model="m",
        rescoring=None, off_seconds=0.0,
    )  # fmt: skip


def there(now: datetime, kind: str, *queues: str, alive: bool = True, off: float = 0.0) -> Process:
    return Process(kind, "desk-1", queues, now, now, alive, off)


def test_one_process_that_does_everything_is_no_trouble_and_none_at_all_is(now: datetime) -> None:
    assert at_rest(now).troubles == (Trouble.NOTHING_RUNS,)
    assert replace(at_rest(now), processes=[there(now, "run")]).troubles == ()
    assert replace(at_rest(now), processes=[there(now, "run", alive=False)]).troubles == (Trouble.NOTHING_RUNS,)


def test_a_cluster_wants_a_clock_and_a_worker_for_every_queue(now: datetime) -> None:
    part = replace(at_rest(now), processes=[there(now, "worker", "publish")], unworked=["score"])
    assert part.troubles == (Trouble.NO_CLOCK, Trouble.NO_WORKER)
    assert replace(part, processes=[there(now, "clock"), there(now, "worker", "publish")], unworked=[]).troubles == ()


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"unread": 3, "unread_oldest": timedelta(hours=1)}, Trouble.UNREAD),
        ({"post_overdue": timedelta(minutes=6)}, Trouble.POSTS_LATE),
        ({"mail_oldest": timedelta(hours=2)}, Trouble.MAIL_LATE),
        ({"mail_failed": 1}, Trouble.MAIL_LATE),
        ({"mail_is_set": False}, Trouble.NO_MAIL),
        ({"backup_at": None}, Trouble.BACKUP),
        ({"backup_at": timedelta(days=4)}, Trouble.BACKUP),
        ({"disk_free": 10**8}, Trouble.DISK),
        ({"newest_schema": "2"}, Trouble.SCHEMA),
        ({"off_seconds": -7.0}, Trouble.CLOCK),
        ({"unfollowed": 1}, Trouble.DELETIONS),
    ],
)
def test_each_thing_that_is_short_is_a_trouble(now: datetime, change: dict[str, object], trouble: Trouble) -> None:
    values = {name: now - value if isinstance(value, timedelta) else value for name, value in change.items()}
    found = replace(at_rest(now), processes=[there(now, "run")], **values)  # type: ignore[arg-type]
    assert found.troubles == (trouble,)


def test_jobs_that_wait_long_and_jobs_that_failed_are_troubles_of_a_cluster(now: datetime) -> None:
    cluster = replace(at_rest(now), processes=[there(now, "clock"), there(now, "worker", "score")])
    late = Queued("score", 9, 1, 0, now - timedelta(minutes=3))
    assert replace(cluster, queues=[late]).troubles == (Trouble.QUEUE,)
    failed = Queued("score", 0, 0, 1, None)
    assert replace(cluster, queues=[failed]).troubles == (Trouble.FAILED_JOBS,)


def test_a_machine_whose_clock_is_off_is_named(now: datetime) -> None:
    found = replace(at_rest(now), processes=[there(now, "run", off=8.0)])
    assert (found.troubles, found.off) == ((Trouble.CLOCK,), {"desk-1": 8.0})


def test_the_state_is_read_from_the_store(engine: sa.Engine, settings: Settings, now: datetime) -> None:
    if engine.dialect.name == "postgresql":
        queue.prepare(engine)
        ticking.tick(engine)
    with database.writing(engine) as session:
        audit.record(session, now - timedelta(hours=3), None, "backup.make", "store")
        old = SignOfLife(key="old", kind="web", host="b", began_at=now, seen_at=now - timedelta(days=2))
        signs.give_one(session, old)
        here = SignOfLife(key="here", kind="worker", host="a", queues=["publish"], began_at=now, seen_at=now)
        signs.give_one(session, here)
    with database.reading(engine) as session:
        found = status.look(session, settings, now)
    if engine.dialect.name == "sqlite":  # there the store's clock is the given one
        assert [(one.kind, one.host, one.alive) for one in found.processes] == [("worker", "a", True)]
        assert found.unworked == ["deliver", "listen", "analyse", "score"]
    assert (found.backup_at, found.schema) == (now - timedelta(hours=3), database.newest_revision())
    assert (found.unread, found.unread_oldest, found.model) == (0, None, "")
    assert found.database_size > 100_000
    assert found.disk_free == pytest.approx(shutil.disk_usage("/").free, rel=0.5)


def test_a_process_gives_signs_of_life_while_it_is_there_and_takes_them_away(sqlite_engine: sa.Engine) -> None:
    def those() -> list[str]:
        with database.reading(sqlite_engine) as session:
            return [f"{one.kind} {','.join(one.queues)}" for one in session.exec(select(SignOfLife))]

    with signs.given(sqlite_engine, "worker", ["score"]):
        tries, pause = 200, Event()
        while not those() and tries:
            pause.wait(0.02)
            tries -= 1
        assert those() == ["worker score"]
    assert those() == []


def test_a_process_whose_store_was_upgraded_by_another_version_is_told_to_end(sqlite_engine: sa.Engine) -> None:
    with sqlite_engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9000'")
    told = Event()
    with signs.given(sqlite_engine, "worker", ["score"], told.set):
        assert told.wait(10)
