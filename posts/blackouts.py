"""Days on which the department is silent: a funeral, an election. What its category lets through goes out all the same.

A day is one of the post's own wall time, so a blackout means the same date in every zone."""

from datetime import date, datetime

from sqlmodel import Session, col, select

from config import audit
from posts import categories
from posts.tables import Blackout, Post
from posts.workflow import PostState, WrongState


def place(session: Session, first: date, last: date, reason: str, person_id: int, now: datetime) -> Blackout:
    """Raises WrongState for days the wrong way round or without a reason."""
    if last < first:
        raise WrongState("The last day is before the first.", "last_day")
    if not reason.strip():
        raise WrongState("Say why, in a few words.", "reason")
    placed = Blackout(first_day=first, last_day=last, reason=reason.strip(), placed_by=person_id, placed_at=now)
    session.add(placed)
    session.flush()
    detail = {"first": first.isoformat(), "last": last.isoformat(), "reason": placed.reason}
    audit.record(session, now, person_id, "blackout.place", f"blackout:{placed.id}", detail)
    return placed


def lift(session: Session, blackout_id: int, person_id: int, now: datetime) -> None:
    """Takes it away; one that is gone already is fine."""
    found = session.get(Blackout, blackout_id)
    if found is not None:
        audit.record(session, now, person_id, "blackout.lift", f"blackout:{blackout_id}", {"reason": found.reason})
        session.delete(found)
        session.flush()


def coming(session: Session, day: date) -> list[Blackout]:
    """Those that are not over on `day`, the next first."""
    query = select(Blackout).where(Blackout.last_day >= day)
    return list(session.exec(query.order_by(col(Blackout.first_day), col(Blackout.id))))


def on(session: Session, day: date) -> Blackout | None:
    """The blackout of this day, if any."""
    query = select(Blackout).where(Blackout.first_day <= day, Blackout.last_day >= day)
    return session.exec(query.order_by(col(Blackout.id))).first()


def stopping(session: Session, wall_time: datetime | None, category: str) -> Blackout | None:
    """The blackout that keeps a post of this kind from going out at this wall time, if any."""
    found = on(session, wall_time.date()) if wall_time is not None else None
    return None if found is None or categories.rules_of(session, category).over_blackout else found


def stopped(session: Session, now: datetime) -> list[Post]:
    """Posts with a time to come that a blackout will keep back: what somebody should move."""
    waiting = select(Post).where(
        col(Post.due_at) > now,
        col(Post.state).in_([PostState.IN_REVIEW.value, PostState.APPROVED.value, PostState.SCHEDULED.value]),
    )
    return [
        post
        for post in session.exec(waiting.order_by(col(Post.due_at)))
        if stopping(session, post.wall_time, post.category)
    ]
