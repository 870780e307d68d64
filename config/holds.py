"""Hold: one button stops all outgoing posts. Publishing asks `in_force` when it claims and again before each call."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from config import audit
from config.phrases import Phrase
from config.tables import Hold


def _(message: str) -> str:
    """Marks a sentence for the catalogue; pages translate it."""
    return message


class NoReason(ValueError):
    """A hold says why; the message is a Phrase about that field."""

    def __init__(self) -> None:
        super().__init__(Phrase.about(_("Say why, in a few words: everyone at the desk reads it."), "reason"))


def place(session: Session, person_id: int, reason: str, now: datetime) -> Hold:
    """Places a hold; if one is in force already, that one. Raises NoReason."""
    if not reason.strip():
        raise NoReason
    present = in_force(session)
    if present is not None:
        return present
    hold = Hold(placed_at=now, placed_by=person_id, reason=reason.strip())
    session.add(hold)
    session.flush()
    audit.record(session, now, person_id, "hold.place", f"hold:{hold.id}", {"reason": hold.reason})
    return hold


def lift(session: Session, person_id: int, now: datetime) -> None:
    """Lifts the hold that is in force, if any."""
    hold = in_force(session)
    if hold is None:
        return
    hold.lifted_at, hold.lifted_by = now, person_id
    session.add(hold)
    audit.record(session, now, person_id, "hold.lift", f"hold:{hold.id}")


def in_force(session: Session) -> Hold | None:
    """The hold that stops posts now, if any."""
    return session.exec(_in_force()).first()


def first_in_force() -> sa.Subquery:
    """In a question of more than that: the hold that stops posts now, a row or none."""
    return _in_force().limit(1).subquery()


def any_in_force() -> sa.ColumnElement[bool]:
    """In a question of more than that: whether posts are stopped now."""
    return sa.exists(_in_force())


def stopping(session: Session, over: int | None) -> Hold | None:
    """The hold that stops what may pass hold number `over` by a person's word (none: nobody said so)."""
    found = in_force(session)
    return found if found is None or found.id != over else None


def between(session: Session, start: datetime, end: datetime) -> list[Hold]:
    """Holds that were in force at any time from `start` to before `end`, the first one first."""
    lasted = sa.or_(col(Hold.lifted_at).is_(None), col(Hold.lifted_at) > start)
    return list(session.exec(select(Hold).where(col(Hold.placed_at) < end, lasted).order_by(col(Hold.placed_at))))


def _in_force() -> SelectOfScalar[Hold]:
    return select(Hold).where(col(Hold.lifted_at).is_(None)).order_by(col(Hold.id))
