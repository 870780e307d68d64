"""What runs, what waits and what is short: the desk's state at one look, for the Status page and the API. Few
questions of the store, none of a network; what `liaison doctor` tries out besides (mail, files of the model) is not."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col

from config import audit, database
from config.settings import Settings
from config.tables import OutboxMessage
from listeners import health
from listeners.health import Known
from listeners.tables import Mention
from posts import reach
from posts.tables import Target
from posts.targets import DUE
from scheduler import doctor, outgoing, signs, skew
from scheduler.engine import queue, rota
from scheduler.engine.queue import Queued
from scheduler.jobs import deletions
from scheduler.tables import SignOfLife
from sentiment import rescoring
from sentiment.rescoring import Progress
from sentiment.tables import Score

UNREAD = timedelta(minutes=30)  # that a mention may wait for the model
OVERDUE = timedelta(minutes=5)  # that a post may be late
OUTBOX = timedelta(hours=1)  # that a mail may be late
FAILED = timedelta(days=7)  # that a mail which was refused is told of
BACKUP = timedelta(days=3)


class Trouble(StrEnum):
    """What a person should do something about."""

    NOTHING_RUNS = "nothing_runs"
    NO_CLOCK = "no_clock"
    NO_WORKER = "no_worker"
    QUEUE = "queue"
    FAILED_JOBS = "failed_jobs"
    SOURCES = "sources"
    UNREAD = "unread"
    POSTS_LATE = "posts_late"
    NO_MAIL = "no_mail"
    MAIL_LATE = "mail_late"
    BACKUP = "backup"
    DISK = "disk"
    SCHEMA = "schema"
    CLOCK = "clock"
    REACH = "reach"
    DELETIONS = "deletions"


@dataclass(frozen=True)
class Process:
    """One process of the desk: what it does, where, and whether it is there now."""

    kind: str  # run | web | clock | worker
    host: str
    queues: Sequence[str]
    began_at: datetime
    seen_at: datetime
    alive: bool
    off_seconds: float


@dataclass(frozen=True)
class Status:
    """The state at `at`. `oldest`: since when the first waits; none: nothing waits. Sizes in bytes."""

    at: datetime
    processes: Sequence[Process]
    queues: Sequence[Queued]
    unworked: Sequence[str]  # queues of a cluster that no worker takes
    sources: Sequence[Known]
    unread: int
    unread_oldest: datetime | None
    post_overdue: datetime | None  # since when the most overdue post should be out
    mail_waiting: int
    mail_oldest: datetime | None  # since when the first could not be sent
    mail_failed: int  # in a week
    mail_is_set: bool
    backup_at: datetime | None
    disk_free: int
    disk_size: int
    database: str  # sqlite | postgresql
    database_size: int
    schema: str
    newest_schema: str
    model: str  # that read last; empty: none did yet
    rescoring: Progress | None  # the last one: mentions of an older model, read anew
    off_seconds: float  # this machine's clock, behind the store's
    reach_unread: Mapping[str, str] = field(default_factory=dict)  # account's name -> why it could not be read
    unfollowed: int = (
        0  # mentions of which nobody can tell whether they were deleted: another key sealed where they are
    )

    @property
    def cluster(self) -> bool:
        """Whether clocks and workers are at work, or were today."""
        return any(one.kind in ("clock", "worker") for one in self.processes)

    @property
    def late(self) -> Sequence[Queued]:
        return [one for one in self.queues if one.oldest is not None and self.at - one.oldest > doctor.LATE]

    @property
    def unwell(self) -> Sequence[Known]:
        return [one for one in self.sources if one.health.state in health.TROUBLE]

    @property
    def off(self) -> Mapping[str, float]:
        """Machines whose clock is too far off, with the seconds."""
        found = {one.host: one.off_seconds for one in self.processes if one.alive and abs(one.off_seconds) > skew.MOST}
        return found | ({"": self.off_seconds} if abs(self.off_seconds) > skew.MOST and not found else {})

    @property
    def troubles(self) -> Sequence[Trouble]:
        return tuple(_troubles(self))


def look(session: Session, settings: Settings, now: datetime) -> Status:
    """The state now."""
    off = skew.of(session)
    at = now + timedelta(seconds=off)
    processes = [_process(sign, at) for sign in signs.seen(session)]
    taken = {name for one in processes if one.alive for name in one.queues}
    cluster = any(one.kind in ("clock", "worker") for one in processes)
    row = session.connection().execute(_asked(session, at)).one()
    disk = shutil.disk_usage(settings.data_dir if settings.data_dir.exists() else ".")
    return Status(
        at=at,
        processes=processes,
        queues=queue.standing(session),
        unworked=[name for name in rota.QUEUES if cluster and name not in taken],
        sources=health.overview(session, at),
        unread=row.unread,
        unread_oldest=row.unread_oldest,
        post_overdue=row.post_overdue,
        mail_waiting=row.mail_waiting,
        mail_oldest=row.mail_oldest,
        mail_failed=row.mail_failed,
        mail_is_set=settings.smtp_url is not None,
        backup_at=row.backup_at,
        disk_free=disk.free,
        disk_size=disk.total,
        database=session.get_bind().dialect.name,
        database_size=row.database_size,
        schema=row.schema or "",
        newest_schema=database.newest_revision(),
        model=row.model or "",
        rescoring=rescoring.progress(session),
        off_seconds=off,
        reach_unread={account.name: watch.last_error or "" for account, watch in reach.troubled(session)},
        unfollowed=deletions.unfollowed(session, at),
    )


def _process(sign: SignOfLife, now: datetime) -> Process:
    alive = signs.is_alive(sign, now)
    return Process(sign.kind, sign.host, sign.queues, sign.began_at, sign.seen_at, alive, sign.off_seconds)


def _asked(session: Session, now: datetime) -> sa.Executable:
    """Everything that is one number or one time, in one question."""
    unread = col(Mention.scored_at).is_(None)
    overdue = sa.and_(col(Target.state).in_(DUE), col(Target.due_at) <= now)
    mail = outgoing.due(now)
    tried = sa.and_(
        col(OutboxMessage.transport) == "mail",
        col(OutboxMessage.state).in_(("waiting", "sending")),
        sa.or_(col(OutboxMessage.tries) > 0, col(OutboxMessage.due_at) <= now),
    )
    since = sa.case((col(OutboxMessage.tries) > 0, col(OutboxMessage.created_at)), else_=col(OutboxMessage.due_at))
    failed = sa.and_(
        col(OutboxMessage.transport) == "mail",
        col(OutboxMessage.state) == "failed",
        col(OutboxMessage.created_at) > now - FAILED,
    )
    revision = sa.table("alembic_version", sa.column("version_num", sa.String))
    if session.get_bind().dialect.name == "sqlite":
        size = sa.text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
    else:
        size = sa.text("SELECT pg_database_size(current_database())")
    return sa.select(
        sa.select(sa.func.count()).select_from(Mention).where(unread).scalar_subquery().label("unread"),
        sa.select(sa.func.min(col(Mention.received_at))).where(unread).scalar_subquery().label("unread_oldest"),
        sa.select(sa.func.min(col(Target.due_at))).where(overdue).scalar_subquery().label("post_overdue"),
        sa.select(sa.func.count()).select_from(OutboxMessage).where(mail).scalar_subquery().label("mail_waiting"),
        sa.select(sa.func.min(since)).where(tried).scalar_subquery().label("mail_oldest"),
        sa.select(sa.func.count()).select_from(OutboxMessage).where(failed).scalar_subquery().label("mail_failed"),
        audit.last_backup().scalar_subquery().label("backup_at"),
        sa.select(revision.c.version_num).limit(1).scalar_subquery().label("schema"),
        sa.select(col(Score.model)).order_by(col(Score.mention_id).desc()).limit(1).scalar_subquery().label("model"),
        size.columns(sa.column("size", sa.BigInteger)).scalar_subquery().label("database_size"),
    )


def _troubles(found: Status) -> Iterator[Trouble]:
    def waited(since: datetime | None, most: timedelta) -> bool:
        return since is not None and found.at - since > most

    alive = {one.kind for one in found.processes if one.alive}
    if not alive & {"run", "clock", "worker"}:
        yield Trouble.NOTHING_RUNS
    elif "run" not in alive:
        yield from [Trouble.NO_CLOCK] * ("clock" not in alive)
        yield from [Trouble.NO_WORKER] * bool(found.unworked)
    said = {
        Trouble.QUEUE: bool(found.late) and "run" not in alive,
        Trouble.FAILED_JOBS: any(one.failed for one in found.queues),
        Trouble.SOURCES: bool(found.unwell),
        Trouble.UNREAD: waited(found.unread_oldest, UNREAD),
        Trouble.POSTS_LATE: waited(found.post_overdue, OVERDUE),
        Trouble.NO_MAIL: not found.mail_is_set,
        Trouble.MAIL_LATE: found.mail_is_set and (waited(found.mail_oldest, OUTBOX) or found.mail_failed > 0),
        Trouble.BACKUP: found.backup_at is None or waited(found.backup_at, BACKUP),
        Trouble.DISK: found.disk_free < doctor.ROOM,
        Trouble.SCHEMA: found.schema != found.newest_schema,
        Trouble.CLOCK: bool(found.off),
        Trouble.REACH: bool(found.reach_unread),
        Trouble.DELETIONS: found.unfollowed > 0,
    }
    yield from (trouble for trouble, there in said.items() if there)
