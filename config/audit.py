"""The audit log: one row for each thing a person, or Liaison itself, did. Rows are only ever added."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config.tables import TOLD, AuditEntry

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def record(
    session: Session,
    now: datetime,
    person_id: int | None,
    action: str,
    subject: str,
    detail: Mapping[str, Any] = _NOTHING,
    address: str = "",
) -> None:
    """Adds a row in the caller's transaction, so that what happened and its record stand or fall together.
    `person_id` none: Liaison itself. `detail` holds JSON values, never a mention's text."""
    session.add(
        AuditEntry(
            at=now,
            person_id=person_id,
            action=action,
            subject=subject,
            detail=dict(detail),
            address=address[:64],
        )
    )


def told_of(subject: str) -> sa.ColumnElement[bool]:
    """The entries that pages tell of this subject; to be asked together with other things."""
    return sa.and_(sa.text(TOLD), col(AuditEntry.subject) == subject)


def last_backup() -> sa.Select[Any]:
    """When the store was last backed up; to be asked together with other things."""
    made = col(AuditEntry.action) == "backup.make"
    return sa.select(sa.func.max(col(AuditEntry.at))).where(told_of("store"), made)


def newest(session: Session, action: str) -> AuditEntry | None:
    """The last entry of this action."""
    query = select(AuditEntry).where(AuditEntry.action == action).order_by(col(AuditEntry.id).desc()).limit(1)
    return session.exec(query).first()
