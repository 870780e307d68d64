"""The desk's state for programs, as the Status page has it."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from config import clock, database
from config.permissions import Action
from scheduler import status
from scheduler.status import Status, Trouble
from web.desk import TheDesk
from web.guard import needs

router = APIRouter()


class ProcessOut(BaseModel):
    """`kind`: run, web, clock or worker. `alive`: it gave a sign within the last 50 seconds."""

    kind: str
    host: str
    queues: list[str]
    began_at: datetime
    seen_at: datetime
    alive: bool
    off_seconds: float


class QueueOut(BaseModel):
    queue: str
    waiting: int
    doing: int
    failed: int
    oldest: datetime | None


class SourceStateOut(BaseModel):
    """`state`: ok, behind, failing, silent or off."""

    id: int
    name: str
    state: str
    words: str


class RescoringOut(BaseModel):
    """Mentions that an older model read, read anew. `outcome`: empty while under way, done, stopped or replaced."""

    model: str
    begun_at: datetime
    ended_at: datetime | None
    outcome: str
    done: int
    of: int


class StatusOut(BaseModel):
    """What runs, what waits and what is short. `troubles`: what a person should do something about. Sizes in bytes."""

    at: datetime
    troubles: list[Trouble]
    processes: list[ProcessOut]
    queues: list[QueueOut]
    unworked: list[str]
    sources: list[SourceStateOut]
    unread: int
    unread_oldest: datetime | None
    post_overdue: datetime | None
    mail_waiting: int
    mail_oldest: datetime | None
    mail_failed: int
    backup_at: datetime | None
    disk_free: int
    disk_size: int
    database: str
    database_size: int
    schema_revision: str
    newest_schema_revision: str
    model: str
    rescoring: RescoringOut | None
    off_seconds: float


@router.get("/status", dependencies=[needs(Action.READ_STATUS)])
def state(found: TheDesk) -> StatusOut:
    """The desk's state now."""
    with database.reading(found.engine) as session:
        return _out(status.look(session, found.settings, clock.now()))


def _out(found: Status) -> StatusOut:
    return StatusOut(
        at=found.at,
        troubles=list(found.troubles),
        processes=[ProcessOut.model_validate(one, from_attributes=True) for one in found.processes],
        queues=[QueueOut.model_validate(one, from_attributes=True) for one in found.queues],
        unworked=list(found.unworked),
        sources=[
            SourceStateOut(id=one.source.id or 0, name=one.source.name, state=one.health.state, words=one.health.words)
            for one in found.sources
        ],
        unread=found.unread,
        unread_oldest=found.unread_oldest,
        post_overdue=found.post_overdue,
        mail_waiting=found.mail_waiting,
        mail_oldest=found.mail_oldest,
        mail_failed=found.mail_failed,
        backup_at=found.backup_at,
        disk_free=found.disk_free,
        disk_size=found.disk_size,
        database=found.database,
        database_size=found.database_size,
        schema_revision=found.schema,
        newest_schema_revision=found.newest_schema,
        model=found.model,
        rescoring=RescoringOut.model_validate(found.rescoring, from_attributes=True) if found.rescoring else None,
        off_seconds=found.off_seconds,
    )
