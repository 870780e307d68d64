"""Mail to send, written in the transaction of its cause. scheduler.delivery sends it."""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

from sqlmodel import Session, col

from config.database import upsert
from config.tables import OutboxMessage


def put(
    session: Session,
    *,
    key: str,
    kind: str,
    recipient: str,
    message: EmailMessage,
    now: datetime,
    due_at: datetime | None = None,
) -> bool:
    """Puts one message for one recipient. False: that key is there already, nothing was added.
    `message` has its Message-ID, so that a second delivery can be recognised as the same."""
    if message["Message-ID"] is None:
        raise ValueError("a message without Message-ID cannot be recognised when it is sent again")
    added = session.exec(
        upsert(session, OutboxMessage)
        .values(
            key=key,
            kind=kind,
            recipient=recipient,
            subject=str(message["Subject"]),
            message=message.as_bytes(policy=SMTP),
            state="waiting",
            created_at=now,
            due_at=due_at or now,
            tries=0,
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(col(OutboxMessage.id))
    )
    return added.first() is not None
