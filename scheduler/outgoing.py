"""The outbox as its senders see it: what is due, claimed with a lease, and what became of it.

delivery.py sends mail, webhooks.py tells programs and chat rooms; both claim and note here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Literal

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, func, or_, select, update

from config import database
from config.tables import OutboxMessage

log = structlog.get_logger(__name__)

Transport = Literal["mail", "webhook"]
LEASE = timedelta(minutes=10)  # after it others may send what was claimed
MARGIN = timedelta(minutes=5)  # before its end no further message is begun: longer than smtp.py waits for one
FIRST_WAIT = timedelta(minutes=1)

_chance = SystemRandom()


@dataclass(frozen=True)
class Claimed:
    id: int
    key: str
    recipient: str
    subject: str
    message: bytes
    tries: int
    created_at: datetime
    lease_until: datetime
    sealed: bool = False


def waiting(session: Session, now: datetime, transport: Transport = "mail") -> int:
    """How many messages are due and not sent."""
    return session.exec(select(func.count()).select_from(OutboxMessage).where(due(now, transport))).one()


def backoff(tries: int, most: timedelta) -> timedelta:
    """How long to wait after so many tries (1 or more): doubling from a minute, at most `most`, with a fifth of chance
    less, so that what failed together does not come again together."""
    doubled = FIRST_WAIT * 2.0 ** min(max(tries, 1) - 1, 20)
    return min(doubled, most) * _chance.uniform(0.8, 1.0)


def due(now: datetime, transport: Transport = "mail") -> sa.ColumnElement[bool]:
    """Waiting and due, or being sent by somebody whose lease ran out."""
    return sa.and_(
        col(OutboxMessage.transport) == transport,
        or_(
            sa.and_(col(OutboxMessage.state) == "waiting", col(OutboxMessage.due_at) <= now),
            sa.and_(col(OutboxMessage.state) == "sending", col(OutboxMessage.lease_until) <= now),
        ),
    )


def claim(session: Session, now: datetime, limit: int, transport: Transport = "mail") -> list[Claimed]:
    """Takes what is due: calls for an urgent update before all else, then the longest waiting. On PostgreSQL rows that
    another is claiming are passed over; on SQLite writers come one after another anyway."""
    found = session.exec(
        select(OutboxMessage)
        .where(due(now, transport))
        .order_by(col(OutboxMessage.kind) != "urgent", col(OutboxMessage.due_at), col(OutboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    claimed = []
    for row in found:
        if row.state == "sending":
            log.warning("sent_again", key=row.key, reason="the one who was sending it did not come back")
        row.state, row.lease_until = "sending", now + LEASE
        session.add(row)
        claimed.append(
            Claimed(
                row.id or 0,
                row.key,
                row.recipient,
                row.subject,
                row.message,
                row.tries,
                row.created_at,
                now + LEASE,
                row.sealed,
            )
        )
    return claimed


def sent(engine: sa.Engine, one: Claimed, at: datetime) -> None:
    _note(engine, [one], state="sent", sent_at=at, tries=one.tries + 1, last_error=None)
    log.info("message_sent", key=one.key)


def failed(engine: sa.Engine, one: Claimed, why: str) -> None:
    """Refused for good."""
    _note(engine, [one], state="failed", tries=one.tries + 1, last_error=why)
    log.error("message_refused", key=one.key, error=why)


def later(engine: sa.Engine, some: Sequence[Claimed], why: str, at: datetime, most: timedelta) -> None:
    """To be tried again after a wait of at most `most`."""
    for one in some:
        tries = one.tries + 1
        _note(engine, [one], state="waiting", due_at=at + backoff(tries, most), tries=tries, last_error=why)
        log.info("message_put_off", key=one.key, tries=tries, error=why)


def give_back(engine: sa.Engine, some: Sequence[Claimed]) -> None:
    """Claimed and not begun: another tick takes them."""
    _note(engine, some, state="waiting")


def _note(engine: sa.Engine, some: Sequence[Claimed], **values: object) -> None:
    """Writes what became of messages that are still ours: whoever lost the lease has no say any more."""
    with database.writing(engine) as session:
        session.exec(
            update(OutboxMessage)
            .where(
                col(OutboxMessage.id).in_([one.id for one in some]),
                col(OutboxMessage.state) == "sending",
                col(OutboxMessage.lease_until) == some[0].lease_until,
            )
            .values(lease_until=None, **values)
        )
