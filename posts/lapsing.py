"""What will not be sent any more: posts whose time came before an approval, and targets that are too late."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from config import audit, holds
from networks.tables import Account
from posts import workflow
from posts.tables import Post, Target
from posts.targets import DUE, lock_post, settle
from posts.workflow import Move, PostState, TargetState


@dataclass(frozen=True)
class Lapsed:
    """A post that was not sent because its time came without an approval, or was over."""

    post_id: int
    author_id: int
    title: str
    due_at: datetime
    reason: str


def lapse(session: Session, now: datetime, late: timedelta) -> list[Lapsed]:
    """Posts whose time came before an approval, and targets that are too late to send, become missed."""
    lapsed = []
    for post in session.exec(_unapproved(now).order_by(col(Post.id)).with_for_update()).all():
        post.state = workflow.after(post.state, Move.LAPSE).value
        session.add(post)
        audit.record(session, now, None, "post.lapse", f"post:{post.id}", {"reason": "not approved in time"})
        lapsed.append(_lapsed(post, "nobody approved it in time"))
    why = "a hold was in force" if holds.in_force(session) is not None else None
    for post_id in sorted(set(session.exec(_too_late(now, late)))):
        post = lock_post(session, post_id)
        missed = select(Target).where(Target.post_id == post_id, col(Target.state).in_(DUE), Target.due_at < now - late)
        reasons = []
        for target in session.exec(
            missed.order_by(col(Target.id)).with_for_update().execution_options(populate_existing=True)
        ).all():
            if target.state not in DUE:  # a later part of a thread went with the one before it
                continue
            account = session.get_one(Account, target.account_id)
            reason = why or (f"{account.name} is signed out" if account.state != "connected" else target.last_error)
            reasons.append(f"{account.name}: {reason}" if reason else account.name)
            settle(session, target, TargetState.MISSED, f"too late to be sent; {reason or 'it was not begun'}", now)
        if reasons:
            lapsed.append(_lapsed(post, f"it became too late to send it ({'; '.join(reasons)})"))
    return lapsed


def _lapsed(post: Post, reason: str) -> Lapsed:
    if post.due_at is None:
        raise ValueError("a post without a time cannot lapse")
    return Lapsed(post.id or 0, post.author_id, post.title, post.due_at, reason)


def _unapproved(now: datetime) -> SelectOfScalar[Post]:
    states = [state.value for state in PostState if (state, Move.LAPSE) in workflow.MOVES]
    return select(Post).where(col(Post.state).in_(states), col(Post.due_at) <= now)


def _too_late(now: datetime, late: timedelta) -> SelectOfScalar[int]:
    return select(Target.post_id).where(col(Target.state).in_(DUE), Target.due_at < now - late)


def anything_lapsed(session: Session, now: datetime, late: timedelta) -> bool:
    """Whether `lapse` would find something; only reads."""
    queries = (_unapproved(now).limit(1), _too_late(now, late).limit(1))
    return any(session.exec(query).first() is not None for query in queries)
