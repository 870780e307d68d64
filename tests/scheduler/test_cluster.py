"""The cluster's queue, clocks and workers, on a real PostgreSQL."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import select

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners import sources
from listeners.tables import Mention, Source
from networks import practice
from posts.tables import Question, QuestionAnswer
from scheduler import doctor, marks
from scheduler.engine import cluster, queue, rota, ticking
from scheduler.jobs import scoring
from sentiment.tables import Rescoring, RescoringPart
from tests.scheduler.test_run import until
from tests.sentiment.reader import WordReader
from tests.test_cli import run


@pytest.fixture
def store(postgres_engine: sa.Engine) -> sa.Engine:
    queue.prepare(postgres_engine)
    return postgres_engine


@pytest.fixture
def settings(settings: Settings, postgres_engine: sa.Engine) -> Settings:
    url = SecretStr(postgres_engine.url.render_as_string(hide_password=False))
    return settings.model_copy(update={"database_url": url})


def waiting(engine: sa.Engine) -> dict[str, int]:
    with database.reading(engine) as session:
        return {one.queue: one.waiting for one in queue.standing(session)}


def put(engine: sa.Engine, name: str, *, once: str | None = None, **told: int) -> bool:
    with database.writing(engine) as session:
        return queue.defer(session, name, "publish", 0, once=once, told=told)


def begun(engine: sa.Engine, silent: timedelta) -> int:
    """What waits is under way with a worker that gave its last sign of life so long ago; how many jobs."""
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL search_path TO jobs")
        heard = sa.text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - :silent) RETURNING id")
        worker = connection.execute(heard, {"silent": silent}).scalar_one()
        taken = sa.text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker WHERE status = 'todo'")
        return connection.execute(taken, {"worker": worker}).rowcount


def test_a_job_is_put_with_the_transaction_that_causes_it_or_not_at_all(store: sa.Engine, now: datetime) -> None:
    with pytest.raises(RuntimeError), database.writing(store) as session:
        marks.take(session, "publish", timedelta(seconds=1), now)
        queue.defer(session, "publish", "publish", 100, once="publish")
        raise RuntimeError("the transaction does not end")
    with database.reading(store) as session:
        assert (queue.standing(session), marks.due(session, "publish", now)) == ([], True)


def test_a_job_that_waits_already_is_not_put_again_and_the_transaction_goes_on(store: sa.Engine) -> None:
    put_by_two = []
    with database.writing(store) as one, database.writing(store) as other:  # neither sees the other's row
        put_by_two.append(queue.defer(one, "tick", "publish", 0, once="tick"))
        one.commit()
        put_by_two.append(queue.defer(other, "tick", "publish", 0, once="tick"))
        marks.take(other, "after", timedelta(seconds=1), datetime(2026, 11, 24, tzinfo=UTC))
    with database.reading(store) as session:
        kept = marks.due(session, "after", datetime(2026, 11, 24, tzinfo=UTC))
    assert (put_by_two, waiting(store), kept) == ([True, False], {"publish": 1}, False)


def test_two_clocks_put_each_tick_once(store: sa.Engine, settings: Settings) -> None:
    threads = [Thread(target=ticking.tick, args=(store,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = dict.fromkeys(("analyse", "deliver", "listen", "publish"), 0)
    for one in (*rota.WAITS, *rota.READS):
        everything[one.queue] += 1
    assert waiting(store) == everything


def test_scoring_is_put_in_parts_only_while_mentions_wait(store: sa.Engine, source: Source) -> None:
    ticking.tick(store)
    assert "score" not in waiting(store)
    with database.writing(store) as session:
        session.add(_mention(source))
    with store.begin() as connection:
        connection.exec_driver_sql("DELETE FROM job_mark WHERE name = 'score'")
    ticking.tick(store)
    assert waiting(store)["score"] == ticking.PARTS


def test_answers_to_a_question_are_read_though_no_mention_waits_and_what_is_read_anew_waits_behind_mentions(
    store: sa.Engine, source: Source, person: Callable[..., Person], now: datetime
) -> None:
    with database.writing(store) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        session.add(Question(code="a", text="Is it safe?", closes_on=now.date(), asked_by=ada, asked_at=now))
        session.flush()
        for number in range(9):
            session.add(QuestionAnswer(question_id=1, said_at=now, words=f"speeding {number}", expires_at=now))
        session.add(Rescoring(model="words-1", begun_at=now, mentions=1))
        session.flush()
        session.add(RescoringPart(rescoring_id=1, part=3, below=7, done=0))
    ticking.tick(store)
    assert waiting(store)["score"] == ticking.PARTS + 1
    with database.reading(store) as session:
        names = session.connection().exec_driver_sql(
            "SELECT priority, task_name FROM jobs.procrastinate_jobs WHERE queue_name = 'score' ORDER BY id"
        )
        assert list(names)[-2:] == [(0, "score"), (rota.LEAST, "rescore")]
    assert sum(scoring.score_all(store, WordReader(), Settings(), now, part=part, parts=4) for part in range(4)) == 9
    with database.writing(store) as session:
        session.add(_mention(source))
    with store.begin() as connection:
        connection.exec_driver_sql("DELETE FROM job_mark")
        connection.exec_driver_sql("TRUNCATE jobs.procrastinate_jobs CASCADE")
    ticking.tick(store)
    assert waiting(store)["score"] == ticking.PARTS


def test_a_job_whose_worker_died_is_put_back_and_one_that_kills_workers_is_set_aside(store: sa.Engine) -> None:
    put(store, "poll", source_id=1)
    for tried in range(queue.TRIES):
        assert begun(store, timedelta(minutes=1)) == 1
        with database.writing(store) as session:
            assert queue.rescue(session) == (tried < queue.TRIES - 1)
    with database.reading(store) as session:
        assert [(one.waiting, one.failed) for one in queue.standing(session)] == [(0, 1)]


def test_a_stalled_tick_is_not_put_back_where_the_next_one_waits(store: sa.Engine) -> None:
    put(store, "publish", once="publish")
    begun(store, timedelta(minutes=1))
    put(store, "publish", once="publish")
    with database.writing(store) as session:
        assert queue.rescue(session) == 0
    with database.reading(store) as session:
        assert [(one.waiting, one.doing, one.failed) for one in queue.standing(session)] == [(1, 0, 0)]


def test_a_job_under_way_with_a_living_worker_is_left_alone(store: sa.Engine) -> None:
    put(store, "poll", source_id=1)
    begun(store, timedelta(seconds=5))
    with database.writing(store) as session:
        assert queue.rescue(session) == 0


def test_a_worker_polls_sources_that_are_due_and_stops_when_told(
    store: sa.Engine, source: Source, settings: Settings, keys: Keys, now: datetime
) -> None:
    del source
    with database.writing(store) as session:
        practice.post_as_resident(session, "Nan", "When is coffee?", now)
    told = Event()
    worker = Thread(target=cluster.work, args=(store, settings, keys, ["listen"], 2, told))
    worker.start()
    try:
        ticking.tick(store)
        assert until(lambda: _texts(store) == ["When is coffee?"], 20)
    finally:
        told.set()
        worker.join(15)
    assert not worker.is_alive()


def test_a_job_that_fails_is_kept_to_be_looked_at_and_the_next_one_runs(store: sa.Engine, settings: Settings) -> None:
    done: list[int] = []

    def task(number: int) -> None:
        if number == 1:
            raise RuntimeError("on purpose")
        done.append(number)

    put(store, "task", number=1)
    put(store, "task", number=2)
    cluster.serve(settings, {"task": task}, {"publish": 1}, lambda: bool(done))
    with database.reading(store) as session:
        assert (done, [(one.failed, one.doing) for one in queue.standing(session)]) == ([2], [(1, 0)])


def test_what_is_more_urgent_begins_first(store: sa.Engine, settings: Settings) -> None:
    order: list[int] = []
    with database.writing(store) as session:
        for priority in (0, 100, 40):
            queue.defer(session, "task", "score", priority, once=None, told={"number": priority})
    cluster.serve(settings, {"task": lambda number: order.append(number)}, {"score": 1}, lambda: len(order) == 3)
    assert order == [100, 40, 0]


def test_the_queue_is_brought_up_to_date_by_procrastinates_own_migrations(store: sa.Engine) -> None:
    with store.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA jobs CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA jobs")
        connection.exec_driver_sql("COMMENT ON SCHEMA jobs IS 'procrastinate -1'")
    queue.prepare(store)
    queue.prepare(store)
    assert put(store, "poll", source_id=1)
    assert waiting(store) == {"publish": 1}


def test_doorbells_are_kept_by_one_process_and_taken_over_after_its_lease(engine: sa.Engine, now: datetime) -> None:
    lease = timedelta(seconds=20)

    def hold(held: datetime | None, at: datetime) -> datetime | None:
        with database.writing(engine) as session:
            return marks.hold(session, "doorbells", held, lease, at)

    first = hold(None, now)
    other = hold(None, now + timedelta(seconds=5))
    first = hold(first, now + timedelta(seconds=5))
    after = hold(None, now + timedelta(seconds=26))
    back = hold(first, now + timedelta(seconds=27))
    assert (first, other, after, back) == (now + timedelta(seconds=25), None, now + timedelta(seconds=46), None)


def test_a_machine_whose_clock_is_off_does_not_work(store: sa.Engine) -> None:
    cluster.check_clock(store)
    with clock.at(clock.now() + timedelta(minutes=2)), pytest.raises(cluster.ClockOff, match="120 s off"):
        cluster.check_clock(store)


def test_the_doctor_says_that_jobs_wait_for_a_worker(store: sa.Engine, settings: Settings, keys: Keys) -> None:
    put(store, "poll", source_id=1)

    def told(after: timedelta) -> tuple[bool, str]:
        parts = doctor.look(store, settings, keys, clock.now() + after)
        return next((part.fine, part.words) for part in parts if part.name == "queue")

    assert told(timedelta()) == (True, "1 jobs wait, 0 queues are worked on")
    assert told(timedelta(minutes=5)) == (False, "jobs wait and no worker takes them: start liaison worker")


def test_clocks_and_workers_say_that_they_need_postgresql() -> None:
    for command in ("clock", "worker"):
        said = run(command)
        assert (said.exit_code, "need PostgreSQL" in said.stderr) == (1, True)


def test_a_queue_that_is_not_there_is_a_bad_argument() -> None:
    said = run("worker", "--queues", "publish,coffee")
    assert (said.exit_code, "no such queue: coffee" in said.stderr) == (2, True)


@pytest.fixture
def source(store: sa.Engine, now: datetime) -> Source:
    with database.writing(store) as session:
        return sources.add(session, network="practice", name="Practice board", settings={}, every_seconds=60, now=now)


def _mention(source: Source) -> Mention:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Mention(
        key=b"k",
        network="practice",
        source_id=source.id or 0,
        author=b"a",
        text="Hello",
        posted_at=at,
        received_at=at,
        expires_at=at + timedelta(days=30),
    )


def _texts(engine: sa.Engine) -> list[str | None]:
    with database.reading(engine) as session:
        return list(session.exec(select(Mention.text)))
