"""What is to be sent, written in the transaction of its cause: mail (scheduler.delivery sends it) and calls of webhooks
(scheduler.webhooks makes them)."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, delete, select, update

from config.database import upsert
from config.secrets import Keys
from config.tables import OutboxMessage

YEAR = timedelta(days=366)


def put(
    session: Session,
    *,
    key: str,
    kind: str,
    recipient: str,
    message: EmailMessage,
    now: datetime,
    due_at: datetime | None = None,
    keys: Keys | None = None,
) -> bool:
    """Puts one mail for one recipient, sealed where `keys` are given. False: that key is there already, none was added.
    `message` has its Message-ID, so that a second delivery can be recognised as the same."""
    if message["Message-ID"] is None:
        raise ValueError("a message without Message-ID cannot be recognised when it is sent again")
    written = message.as_bytes(policy=SMTP.clone(cte_type="7bit") if keys is not None else SMTP)
    return _put(
        session,
        key=key,
        kind=kind,
        transport="mail",
        recipient=recipient,
        subject=str(message["Subject"]),
        message=keys.seal(written.decode("ascii")) if keys is not None else written,
        sealed=keys is not None,
        now=now,
        due_at=due_at,
    )


def put_call(
    session: Session,
    *,
    key: str,
    kind: str,
    recipient: str,
    subject: str,
    words: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Puts one call of a webhook; `words` is its JSON, and the key goes with it, so that a second call can be
    recognised. False: that key is there already."""
    body = json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return _put(
        session,
        key=key,
        kind=kind,
        transport="webhook",
        recipient=recipient,
        subject=subject,
        message=body,
        now=now,
        due_at=None,
    )


def _put(session: Session, *, now: datetime, due_at: datetime | None, **values: object) -> bool:
    added = session.exec(
        upsert(session, OutboxMessage)
        .values(state="waiting", created_at=now, due_at=due_at or now, tries=0, **values)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(col(OutboxMessage.id))
    )
    return added.first() is not None


def forget(session: Session, before: datetime, limit: int) -> int:
    """Empties up to `limit` messages put before that, for other people's words stand in them; how many. One that still
    waits is given up. Their rows stay for a year at least, so that no cause makes a second message."""
    past = (col(OutboxMessage.created_at) < before, col(OutboxMessage.message) != b"")
    ids = session.exec(select(OutboxMessage.id).where(*past, col(OutboxMessage.state) != "sending").limit(limit)).all()
    waits = col(OutboxMessage.state) == "waiting"
    session.exec(
        update(OutboxMessage)
        .where(col(OutboxMessage.id).in_(ids))
        .values(
            message=b"",
            last_error=sa.case((waits, "its words were past their time"), else_=col(OutboxMessage.last_error)),
            state=sa.case((waits, "failed"), else_=col(OutboxMessage.state)),
        )
    )
    session.exec(delete(OutboxMessage).where(col(OutboxMessage.created_at) < before - YEAR))
    return len(ids)
