"""Times of the week at which an account likes to speak, and the next one that is free."""

from collections.abc import Collection
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import WEEKLY, rrule
from sqlmodel import Session, col, select

from config import audit
from posts import blackouts, workflow
from posts.tables import Post, Slot, Variant
from posts.workflow import PostState, WrongState

AHEAD = timedelta(weeks=12)
_GONE = (PostState.CANCELLED.value, PostState.MISSED.value, PostState.FAILED.value)


def add(
    session: Session, account_id: int, weekday: int, at: time, time_zone: str, person_id: int, now: datetime
) -> Slot:
    """A weekly time (0: Monday; wall time in an IANA zone). Raises WrongState if the account has it already."""
    same = select(Slot).where(
        Slot.account_id == account_id, Slot.weekday == weekday, Slot.at == at, Slot.time_zone == time_zone
    )
    if not 0 <= weekday <= 6 or at.tzinfo is not None:
        raise WrongState("A slot is a day of the week and a wall time.")
    if session.exec(same).first() is not None:
        raise WrongState("The account has this slot already.", "at")
    made = Slot(account_id=account_id, weekday=weekday, at=at, time_zone=time_zone)
    session.add(made)
    session.flush()
    detail = {"weekday": weekday, "at": at.isoformat(), "zone": time_zone}
    audit.record(session, now, person_id, "slot.add", f"account:{account_id}", detail)
    return made


def remove(session: Session, slot_id: int, person_id: int, now: datetime) -> None:
    """Posts that took it keep their time; one that is gone already is fine."""
    found = session.get(Slot, slot_id)
    if found is not None:
        audit.record(session, now, person_id, "slot.remove", f"account:{found.account_id}", {"slot": slot_id})
        session.delete(found)
        session.flush()


def kept(session: Session) -> list[Slot]:
    """All slots, by account and time of the week."""
    return list(session.exec(select(Slot).order_by(col(Slot.account_id), col(Slot.weekday), col(Slot.at))))


def next_free(
    session: Session, account_ids: Collection[int], now: datetime, category: str = "general"
) -> tuple[datetime, str] | None:
    """Wall time (naive) and zone of the next slot of any of these accounts at which none of them speaks yet, within
    twelve weeks, blackouts left out; none where there is none."""
    taken = set(
        session.exec(
            select(Post.due_at)
            .join(Variant, col(Variant.post_id) == col(Post.id))
            .where(
                col(Variant.account_id).in_(list(account_ids)), col(Post.due_at) > now, col(Post.state).not_in(_GONE)
            )
        )
    )
    found: list[tuple[datetime, datetime, str]] = []
    for slot in session.exec(select(Slot).where(col(Slot.account_id).in_(list(account_ids)))):
        here = now.astimezone(ZoneInfo(slot.time_zone)).replace(tzinfo=None, microsecond=0)
        start = datetime.combine(here.date(), slot.at)
        for wall in rrule(WEEKLY, byweekday=slot.weekday, dtstart=start, until=here + AHEAD):
            due = workflow.instant(wall, slot.time_zone)
            if due > now and due not in taken and blackouts.stopping(session, wall, category) is None:
                found.append((due, wall, slot.time_zone))
                break
    return min(found)[1:] if found else None
