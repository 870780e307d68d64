"""Sends the mail that the outbox holds: claims with a lease (outgoing.py), speaks to the mail server outside any
transaction, and tries again until the server has it or refuses it for good.

A mail is sent once, with one exception that no client can rule out: if this process dies, or the line breaks, after the
server took the mail and before that is noted here, it is sent again, with the same Message-ID. smtp.py has the server's
side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parseaddr

import sqlalchemy as sa
import structlog
from sqlmodel import func, select, update

from config import clock, database, secrets
from config.settings import Settings
from config.tables import OutboxMessage
from scheduler import outgoing, smtp
from scheduler.outgoing import Claimed

log = structlog.get_logger(__name__)

MESSAGE_WAIT = timedelta(hours=24)  # at most, after the server put this one message off, or the line broke at it
GIVE_UP = timedelta(days=5)  # of one message that does not get through (RFC 5321, 4.5.4.1)
SERVER_WAIT = timedelta(minutes=10)  # at most, while the server is away: it takes one attempt for all mail
ADMISSION_WAIT = timedelta(hours=1)  # at most, while it does not let us in: no server likes wrong passwords
BATCH = 50  # mails over one connection
BATCHES = 40  # at most in one go
NO_SERVER = "No mail server is set (LIAISON_SMTP_URL). The mail waits here and goes out once there is one."


@dataclass(frozen=True)
class Delivered:
    """What became of the mail that was due. `held`: due mail that waits for a mail server; `why` says so in words."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    held: int = 0
    why: str = ""


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
        if not outgoing.waiting(session, now):
            return Delivered()
    with database.writing(engine) as session:
        claimed = outgoing.claim(session, now, limit)
    if not claimed:
        return Delivered()
    readable = _opened(engine, settings, claimed)
    return _send(engine, to, parseaddr(settings.mail_from)[1], readable, now)


def deliver_all(engine: sa.Engine, settings: Settings) -> int:
    """Sends batch after batch while there is more that is due now: a whole department's digests are due at once. How
    many were sent."""
    sent = 0
    for _ in range(BATCHES):
        done = deliver_due(engine, settings, clock.now(), limit=BATCH)
        sent += done.sent
        if done.sent + done.failed < BATCH:
            break
    return sent


def _opened(engine: sa.Engine, settings: Settings, claimed: Sequence[Claimed]) -> list[Claimed]:
    """The mails with what was sealed opened; one that another key sealed is given up."""
    if not any(one.sealed for one in claimed):
        return list(claimed)
    keys, readable = secrets.load(settings), []
    for one in claimed:
        try:
            readable.append(replace(one, message=keys.open(one.message).encode()) if one.sealed else one)
        except secrets.SecretKeyError as error:
            outgoing.failed(engine, one, str(error))
    return readable


def _send(engine: sa.Engine, to: smtp.MailServer, sender: str, claimed: Sequence[Claimed], now: datetime) -> Delivered:
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
                    if at() > left[0].lease_until - outgoing.MARGIN:
                        outgoing.give_back(engine, left)
                        return done
                    one = left.pop(0)
                    try:
                        smtp.hand_over(client, sender, one.recipient, one.message)
                    except smtp.Refused as error:
                        outgoing.failed(engine, one, str(error))
                        done = replace(done, failed=done.failed + 1)
                    except (smtp.TryLater, smtp.Unreachable) as error:
                        if at() - one.created_at > GIVE_UP:
                            outgoing.failed(engine, one, str(error))
                            done = replace(done, failed=done.failed + 1)
                        else:
                            outgoing.later(engine, [one], str(error), at(), MESSAGE_WAIT)
                            done = replace(done, retried=done.retried + 1)
                        if isinstance(error, smtp.Unreachable):
                            break  # this one line broke, perhaps by this message: the others get a new one
                    except smtp.NotAdmitted:
                        left.insert(0, one)
                        raise
                    else:
                        outgoing.sent(engine, one, at())
                        done = replace(done, sent=done.sent + 1)
        except (smtp.Unreachable, smtp.NotAdmitted) as error:
            most = SERVER_WAIT if isinstance(error, smtp.Unreachable) else ADMISSION_WAIT
            outgoing.later(engine, left, str(error), at(), most)
            log.warning("mail_server_trouble", error=str(error), waiting=len(left))
            return replace(done, retried=done.retried + len(left), why=str(error))
    return done


def _hold(engine: sa.Engine, now: datetime, why: str) -> Delivered:
    """Leaves due mail where it is, with a word on why."""
    with database.reading(engine) as session:
        held = outgoing.waiting(session, now)
        new = session.exec(
            select(func.count())
            .select_from(OutboxMessage)
            .where(outgoing.due(now), func.coalesce(OutboxMessage.last_error, "") != why)
        ).one()
    if new:
        with database.writing(engine) as session:
            session.exec(update(OutboxMessage).where(outgoing.due(now)).values(last_error=why))
        log.warning("mail_waits", waiting=held, reason=why)
    return Delivered(held=held, why=why if held else "")
