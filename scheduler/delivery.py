"""Sends what the outbox holds: claims with a lease, speaks to the mail server outside any transaction, and tries again
until the server has it or refuses it for good.

A mail is sent once, with one exception that no client can rule out: if this process dies, or the line breaks, after the
server took the mail and before that is noted here, it is sent again, with the same Message-ID. smtp.py has the server's
side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parseaddr
from random import SystemRandom

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, func, or_, select, update

from config import clock, database
from config.settings import Settings
from config.tables import OutboxMessage
from scheduler import smtp

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=10)  # after it others may send what was claimed
MARGIN = timedelta(minutes=3)  # before its end no further message is begun
FIRST_WAIT = timedelta(minutes=1)
MESSAGE_WAIT = timedelta(hours=24)  # at most, after the server put this one message off
SERVER_WAIT = timedelta(minutes=10)  # at most, while the server is away: it takes one attempt for all mail
ADMISSION_WAIT = timedelta(hours=1)  # at most, while it does not let us in: no server likes wrong passwords
NO_SERVER = "No mail server is set (LIAISON_SMTP_URL). The mail waits here and goes out once there is one."

_chance = SystemRandom()


@dataclass(frozen=True)
class Delivered:
    """What became of the mail that was due. `held`: due mail that waits for a mail server; `why` says so in words."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    held: int = 0
    why: str = ""


@dataclass(frozen=True)
class _Claimed:
    id: int
    key: str
    recipient: str
    message: bytes
    tries: int
    lease_until: datetime


def deliver_due(engine: sa.Engine, settings: Settings, now: datetime, *, limit: int = 20) -> Delivered:
    """Sends up to `limit` of the mails that are due at `now`. Any number of processes may call it at once.

    What the server takes is sent; what it refuses for good (5xx to this message) is failed, with its words in
    last_error; everything else waits and is tried again: after 1, 2, 4, … minutes, at most 24 hours, and at most 10
    minutes while the server is away. Without a mail server nothing is lost, and the answer says what to do."""
    try:
        if settings.smtp_url is None:
            return _hold(engine, now, NO_SERVER)
        to = smtp.server(settings.smtp_url.get_secret_value())
    except smtp.BadAddress as error:
        return _hold(engine, now, f"LIAISON_SMTP_URL: {error}. The mail waits here meanwhile.")
    with database.reading(engine) as session:
        if not waiting(session, now):
            return Delivered()
    with database.writing(engine) as session:
        claimed = _claim(session, now, limit)
    if not claimed:
        return Delivered()
    return _send(engine, to, parseaddr(settings.mail_from)[1], claimed, now)


def waiting(session: Session, now: datetime) -> int:
    """How many mails are due and not sent."""
    return session.exec(select(func.count()).select_from(OutboxMessage).where(_due(now))).one()


def backoff(tries: int, most: timedelta) -> timedelta:
    """How long to wait after so many tries (1 or more): doubling from a minute, at most `most`, with a fifth of chance
    less, so that what failed together does not come again together."""
    doubled = FIRST_WAIT * 2.0 ** min(max(tries, 1) - 1, 20)
    return min(doubled, most) * _chance.uniform(0.8, 1.0)


def _due(now: datetime) -> sa.ColumnElement[bool]:
    """Waiting and due, or being sent by somebody whose lease ran out."""
    return or_(
        sa.and_(col(OutboxMessage.state) == "waiting", col(OutboxMessage.due_at) <= now),
        sa.and_(col(OutboxMessage.state) == "sending", col(OutboxMessage.lease_until) <= now),
    )


def _claim(session: Session, now: datetime, limit: int) -> list[_Claimed]:
    """Takes what is due, the longest waiting first. On PostgreSQL rows that another is claiming are passed over; on
    SQLite writers come one after another anyway."""
    found = session.exec(
        select(OutboxMessage)
        .where(_due(now))
        .order_by(col(OutboxMessage.due_at), col(OutboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    claimed = []
    for row in found:
        if row.state == "sending":
            log.warning("mail_sent_again", key=row.key, reason="the one who was sending it did not come back")
        row.state, row.lease_until = "sending", now + LEASE
        session.add(row)
        claimed.append(_Claimed(row.id or 0, row.key, row.recipient, row.message, row.tries, now + LEASE))
    return claimed


def _send(engine: sa.Engine, to: smtp.MailServer, sender: str, claimed: Sequence[_Claimed], now: datetime) -> Delivered:
    """Sends the claimed mails over as few connections as the server allows. Times run from `now`, so that leases and
    waits are on the caller's clock."""
    started = clock.now()
    done = Delivered()
    left = list(claimed)

    def at() -> datetime:
        return now + (clock.now() - started)

    while left:
        try:
            with smtp.session(to) as client:
                while left and client.sock is not None:
                    if at() > left[0].lease_until - MARGIN:
                        _give_back(engine, left)
                        return done
                    one = left.pop(0)
                    try:
                        smtp.hand_over(client, sender, one.recipient, one.message)
                    except smtp.Refused as error:
                        _fail(engine, one, str(error))
                        done = replace(done, failed=done.failed + 1)
                    except smtp.TryLater as error:
                        _later(engine, [one], str(error), at(), MESSAGE_WAIT)
                        done = replace(done, retried=done.retried + 1)
                    except smtp.Unreachable as error:
                        # this one line broke: the others get a new one
                        _later(engine, [one], str(error), at(), SERVER_WAIT)
                        done = replace(done, retried=done.retried + 1)
                        break
                    except smtp.NotAdmitted:
                        left.insert(0, one)
                        raise
                    else:
                        _sent(engine, one, at())
                        done = replace(done, sent=done.sent + 1)
        except (smtp.Unreachable, smtp.NotAdmitted) as error:
            most = SERVER_WAIT if isinstance(error, smtp.Unreachable) else ADMISSION_WAIT
            _later(engine, left, str(error), at(), most)
            log.warning("mail_server_trouble", error=str(error), waiting=len(left))
            return replace(done, retried=done.retried + len(left), why=str(error))
    return done


def _sent(engine: sa.Engine, one: _Claimed, at: datetime) -> None:
    _note(engine, [one], state="sent", sent_at=at, tries=one.tries + 1, last_error=None)
    log.info("mail_sent", key=one.key)


def _fail(engine: sa.Engine, one: _Claimed, why: str) -> None:
    _note(engine, [one], state="failed", tries=one.tries + 1, last_error=why)
    log.error("mail_refused", key=one.key, error=why)


def _later(engine: sa.Engine, some: Sequence[_Claimed], why: str, at: datetime, most: timedelta) -> None:
    for one in some:
        tries = one.tries + 1
        _note(engine, [one], state="waiting", due_at=at + backoff(tries, most), tries=tries, last_error=why)
        log.info("mail_put_off", key=one.key, tries=tries, error=why)


def _give_back(engine: sa.Engine, some: Sequence[_Claimed]) -> None:
    """Claimed and not begun: another tick takes them."""
    _note(engine, some, state="waiting")


def _note(engine: sa.Engine, some: Sequence[_Claimed], **values: object) -> None:
    """Writes what became of mails that are still ours: whoever lost the lease has no say any more."""
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


def _hold(engine: sa.Engine, now: datetime, why: str) -> Delivered:
    """Leaves due mail where it is, with a word on why."""
    with database.reading(engine) as session:
        held = waiting(session, now)
        new = session.exec(
            select(func.count())
            .select_from(OutboxMessage)
            .where(_due(now), func.coalesce(OutboxMessage.last_error, "") != why)
        ).one()
    if new:
        with database.writing(engine) as session:
            session.exec(update(OutboxMessage).where(_due(now)).values(last_error=why))
        log.warning("mail_waits", waiting=held, reason=why)
    return Delivered(held=held, why=why if held else "")
