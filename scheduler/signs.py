"""Signs of life: each process of a desk says every quarter of a minute that it is there, and what it does.

One that stops takes its sign away; one that was killed leaves it, so that people see what is missing. Machines and
processes only: nothing of who works with them."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Literal
from uuid import uuid4

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, select

from config import clock, database
from scheduler import skew
from scheduler.tables import SignOfLife

log = structlog.get_logger(__name__)
EVERY = timedelta(seconds=15)
ALIVE = timedelta(seconds=50)  # since the last sign; longer, and a process counts as gone
TOLD = timedelta(days=1)  # that one which is gone is told of
Kind = Literal["run", "web", "clock", "worker"]


@contextmanager
def given(
    engine: sa.Engine, kind: Kind, queues: Sequence[str] = (), outdated: Callable[[], object] | None = None
) -> Iterator[None]:
    """Meanwhile this process gives signs of life; a store that is away is waited for. `outdated` is called once the
    store's schema is another version's."""
    key, began, done, ours = uuid4().hex, clock.now(), Event(), database.newest_revision()

    def give() -> None:
        while True:
            try:
                with database.reading(engine) as session:
                    off = skew.of(session)
                with database.writing(engine) as session:
                    give_one(session, SignOfLife(
                        key=key, kind=kind, host=socket.gethostname()[:80], queues=list(queues), began_at=began,
                        seen_at=clock.now() + timedelta(seconds=off), off_seconds=off,
                    ))  # fmt: skip
                if outdated is not None and (there := database.revision(engine)) != ours:
                    log.error("schema_is_another_versions", store=there, ours=ours, effect="this process ends")
                    outdated()
            except sa.exc.DatabaseError as error:
                log.warning("no_sign_of_life", error=str(error.orig), effect="tried again")
            if done.wait(EVERY.total_seconds()):
                return

    thread = Thread(target=give, name="signs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(5)
        _take_away(engine, key)


def give_one(session: Session, sign: SignOfLife) -> None:
    """Keeps a sign, and lets go of those of long ago."""
    session.merge(sign)
    session.connection().execute(sa.delete(SignOfLife).where(col(SignOfLife.seen_at) < sign.seen_at - TOLD))


def seen(session: Session) -> Sequence[SignOfLife]:
    """Every process of the last day, by kind, the newest sign first."""
    return session.exec(select(SignOfLife).order_by(col(SignOfLife.kind), col(SignOfLife.seen_at).desc())).all()


def is_alive(sign: SignOfLife, now: datetime) -> bool:
    return now - sign.seen_at <= ALIVE


def _take_away(engine: sa.Engine, key: str) -> None:
    try:
        with database.writing(engine) as session:
            session.connection().execute(sa.delete(SignOfLife).where(col(SignOfLife.key) == key))
    except sa.exc.DatabaseError as error:
        log.warning("sign_of_life_left", error=str(error.orig))
