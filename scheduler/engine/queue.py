"""The queue of a cluster: Procrastinate's tables in PostgreSQL, in a schema of their own beside ours.

A job is put into the queue in the transaction that causes it: both are there, or neither. What a job is told is numbers
only: words stay in our own tables."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources

import sqlalchemy as sa
from procrastinate import PsycopgConnector, SyncPsycopgConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from sqlmodel import Session

from config.settings import Settings

SCHEMA = "jobs"
STALLED = timedelta(seconds=20)  # without a sign of life from a job's worker; it gives one every five
TRIES = 5  # of a job whose workers died at it
FORGOTTEN = timedelta(days=7)  # failed jobs are kept so long, to be looked at
_PREPARING = 7_041_994  # any fixed number: the name of PostgreSQL's advisory lock
# One question: the queue's functions are found, and who puts the same job waits for our transaction's end.
_TURN = sa.text(
    "SELECT CASE WHEN current_setting('search_path') NOT LIKE :there "
    "THEN set_config('search_path', current_setting('search_path') || :ours, true) END, "
    "CASE WHEN :once IS NOT NULL THEN pg_advisory_xact_lock(hashtextextended(:once, 12)) END"
).bindparams(sa.bindparam("once", type_=sa.Text))
_ENQUEUE = JobManager(SyncPsycopgConnector())  # used with a connection of ours only: it opens none


class NotPostgreSQL(Exception):
    """A cluster needs PostgreSQL."""


@dataclass(frozen=True)
class Queued:
    """How one queue stands. `oldest`: since when the first of those that wait could have begun."""

    queue: str
    waiting: int
    doing: int
    failed: int
    oldest: datetime | None


def refuse_sqlite(settings: Settings) -> None:
    """Raises NotPostgreSQL with what to do."""
    if sa.make_url(settings.database).get_backend_name() != "postgresql":
        raise NotPostgreSQL(
            "clocks and workers need PostgreSQL: set LIAISON_DATABASE_URL=postgresql://… (liaison database move brings "
            "what is here over), or use liaison run, which does everything in one process"
        )


def prepare(engine: sa.Engine) -> None:
    """Makes the queue's tables, or brings them up to the installed Procrastinate; any number may call it at once."""
    installed = importlib.metadata.version("procrastinate")
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _PREPARING})
        made = connection.execute(
            sa.text("SELECT obj_description(oid) FROM pg_namespace WHERE nspname = :name"), {"name": SCHEMA}
        ).first()
        there = str(made[0]).rpartition(" ")[2] if made is not None else ""
        if there == installed:
            return
        if made is None:
            connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        connection.exec_driver_sql(f"SET LOCAL search_path TO {SCHEMA}")
        for script in [_script("schema.sql")] if made is None else _newer(there):
            connection.exec_driver_sql(script.replace("%", "%%"))
        connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS 'procrastinate {installed}'")


def _newer(version: str) -> list[str]:
    """Procrastinate's own migrations after a version, in order; their names begin with the version that brought them,
    as 03.04.00_01_pre_…"""
    since = tuple(int(part) for part in version.split("."))
    folder = resources.files("procrastinate.sql") / "migrations"
    names = sorted(path.name for path in folder.iterdir() if path.name.endswith(".sql"))
    return [
        _script(f"migrations/{name}")
        for name in names
        if tuple(int(part) for part in name.partition("_")[0].split(".")) > since
    ]


def _script(name: str) -> str:
    return (resources.files("procrastinate.sql") / name).read_text(encoding="utf-8")


def connector(url: str) -> PsycopgConnector:
    """A worker's own way to the queue; it takes its connections itself, and again after the server was away."""
    address = sa.make_url(url).set(drivername="postgresql")
    options = " ".join([*_listed(address.query.get("options")), f"-csearch_path={SCHEMA}"])
    conninfo = address.difference_update_query(["options"]).render_as_string(hide_password=False)
    return PsycopgConnector(conninfo=conninfo, kwargs={"options": options}, min_size=1, max_size=20, timeout=10)


def _listed(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


def defer(
    session: Session,
    name: str,
    queue: str,
    priority: int,
    *,
    once: str | None,
    alone: str | None = None,
    told: Mapping[str, int] | None = None,
) -> bool:
    """Puts a job into the queue as part of the session's transaction; whether it was put. `once`: not while another of
    that name waits there. `alone`: begins only when no other of that name is under way."""
    connection = session.connection()
    connection.execute(_TURN, {"ours": f", {SCHEMA}", "there": f"%, {SCHEMA}", "once": once})
    if once is not None and _waits(session, once):
        return False
    job = Job(
        id=None,
        task_name=name,
        queue=queue,
        priority=priority,
        lock=alone,
        queueing_lock=once,
        task_kwargs=dict(told or {}),
    )
    _ENQUEUE.defer_job(job, connection.connection.dbapi_connection)
    return True


def _waits(session: Session, once: str) -> bool:
    asked = sa.text(
        f"SELECT 1 FROM {SCHEMA}.procrastinate_jobs"  # a constant  # nosec B608
        " WHERE queueing_lock = :once AND status = 'todo'"
    )
    return session.connection().execute(asked, {"once": once}).first() is not None


def rescue(session: Session) -> int:
    """Jobs whose worker died are put back, those that keep killing it set aside as failed, and failed ones of long ago
    forgotten; how many were put back."""
    connection = session.connection()
    connection.exec_driver_sql(f"SET LOCAL search_path TO {SCHEMA}")
    stalled = connection.execute(
        sa.text(
            "SELECT job.id, job.queueing_lock, job.attempts FROM procrastinate_jobs job "
            "LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id "
            "WHERE job.status = 'doing' AND (worker.id IS NULL OR worker.last_heartbeat < now() - :patience) "
            "ORDER BY job.queueing_lock, job.id FOR UPDATE OF job SKIP LOCKED"
        ),
        {"patience": STALLED},
    ).all()
    back = 0
    for number, once, attempts in stalled:
        connection.execute(_TURN, {"ours": "", "there": "%", "once": once})
        if attempts + 1 >= TRIES:
            connection.execute(sa.text("SELECT procrastinate_finish_job_v1(:id, 'failed', false)"), {"id": number})
        elif once is not None and _waits(session, once):  # the next of its kind is there already
            connection.execute(sa.text("SELECT procrastinate_finish_job_v1(:id, 'failed', true)"), {"id": number})
        else:
            connection.execute(
                sa.text("SELECT procrastinate_retry_job_v2(:id, now(), NULL, NULL, NULL)"), {"id": number}
            )
            back += 1
    connection.execute(
        sa.text(
            "DELETE FROM procrastinate_jobs job WHERE status = 'failed' AND NOT EXISTS "
            "(SELECT 1 FROM procrastinate_events WHERE job_id = job.id AND at > now() - :kept)"
        ),
        {"kept": FORGOTTEN},
    )
    return back


def standing(session: Session) -> list[Queued]:
    """How each queue stands that has jobs; nothing where there is no queue."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return []
    if (
        connection.execute(sa.text("SELECT to_regclass(:name)"), {"name": f"{SCHEMA}.procrastinate_jobs"}).scalar()
        is None
    ):
        return []
    rows = connection.exec_driver_sql(
        f"""
        SELECT job.queue_name, count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),
               count(*) FILTER (WHERE status = 'failed'),
               min(greatest(put.at, job.scheduled_at)) FILTER (WHERE status = 'todo')
        FROM {SCHEMA}.procrastinate_jobs job
        LEFT JOIN LATERAL (SELECT max(at) AS at FROM {SCHEMA}.procrastinate_events
                           WHERE job_id = job.id AND type IN ('deferred', 'deferred_for_retry')) put ON true
        GROUP BY job.queue_name ORDER BY job.queue_name
        """  # a constant  # nosec B608
    )
    return [Queued(*row) for row in rows]


def workers(session: Session) -> int:
    """How many queues are being worked on: each worker process counts once for each."""
    asked = f"SELECT count(*) FROM {SCHEMA}.procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds'"  # nosec B608
    return int(session.connection().exec_driver_sql(asked).scalar_one())
