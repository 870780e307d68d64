"""The clock of a cluster: puts what is due into the queue, each tick once, however many clocks there are.

A tick's mark and its jobs are one transaction, and the time is the store's: clocks need not agree. Jobs whose worker
died are put back here too, so that this needs no worker."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlmodel import Session, select

from config import database
from config.clock import utc
from listeners import mentions
from posts import questions
from scheduler import marks
from scheduler.engine import queue, rota
from scheduler.tables import JobMark
from sentiment import rescoring

log = structlog.get_logger(__name__)
PAUSE = 0.25  # seconds between two looks
PARTS = 8  # of what waits to be scored, each read by one worker at a time
SCORING = timedelta(seconds=2)
RESCORING = timedelta(seconds=5)
RESCUE = timedelta(seconds=5)


def run(engine: sa.Engine, stopped: Callable[[float], bool]) -> None:
    """Ticks until `stopped` (which waits so many seconds) says so. A store that is away is waited for."""
    while not stopped(PAUSE):
        try:
            tick(engine)
        except sa.exc.DatabaseError as error:
            log.error("clock_without_store", error=str(error.orig), effect="tried again")
            time.sleep(1)


def tick(engine: sa.Engine) -> int:
    """One look: how many jobs were put into the queue."""
    with database.reading(engine) as session:
        now = utc(session.connection().execute(sa.text("SELECT clock_timestamp()")).scalar_one())
        due = {mark.name: mark.due_at for mark in session.exec(select(JobMark))}
    put = 0
    for one in (*rota.WAITS, *rota.READS):
        if due.get(one.name, now) <= now:
            put += _once(engine, one.name, one.every, now, lambda session, one=one: _put(session, one))  # type: ignore[misc]
    if due.get("score", now) <= now:
        put += _once(engine, "score", SCORING, now, _put_scoring)
    if due.get("rescore", now) <= now:
        put += _once(engine, "rescore", RESCORING, now, _put_rescoring)
    if due.get("rescue", now) <= now:
        _once(engine, "rescue", RESCUE, now, _rescue)
    return put


def _once(engine: sa.Engine, name: str, every: timedelta, now: datetime, put: Callable[[Session], int]) -> int:
    with database.writing(engine) as session:
        return put(session) if marks.take(session, name, every, now) else 0


def _put(session: Session, one: rota.Regular) -> int:
    alone = one.name if one.queue == "analyse" else None  # they have no claims of their own to keep two apart
    return queue.defer(session, one.name, one.queue, rota.PRIORITY[one.queue], once=one.name, alone=alone)


def _put_scoring(session: Session) -> int:
    if not mentions.any_pending(session) and not questions.unread(session, 1):
        return 0
    names = [f"score:{part}" for part in range(PARTS)]
    return sum(
        queue.defer(
            session,
            "score",
            "score",
            rota.PRIORITY["score"],
            once=name,
            alone=name,
            told={"part": part, "parts": PARTS},
        )
        for part, name in enumerate(names)
    )


def _put_rescoring(session: Session) -> int:
    if mentions.any_pending(session):
        return 0
    put = 0
    for part in rescoring.open_parts(session):
        name = f"rescore:{part}"
        put += queue.defer(session, "rescore", "score", rota.LEAST, once=name, alone=name, told={"part": part})
    return put


def _rescue(session: Session) -> int:
    back = queue.rescue(session)
    if back:
        log.warning("jobs_rescued", count=back, why="their workers gave no sign of life")
    return back
