"""Target rows: locked in one order by everybody, settled with their post, the thread and the audit log."""

from datetime import datetime

from sqlmodel import Session, select

from config import audit
from posts import reasons, workflow
from posts.tables import Post, Target
from posts.workflow import TargetState

DUE = tuple(sorted(state.value for state in workflow.TO_SEND))


def locked(session: Session, target_id: int, post_id: int | None = None) -> Target | None:
    """The target, locked after its post, as everybody locks them (or two would wait for each other); none if gone.
    `post_id`: where it is known already."""
    found = post_id or session.exec(select(Target.post_id).where(Target.id == target_id)).one_or_none()
    if found is None:
        return None
    lock_post(session, found)
    return session.exec(
        select(Target).where(Target.id == target_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()


def lock_post(session: Session, post_id: int) -> Post:
    """The post, locked as everybody locks it before its targets."""
    return session.exec(
        select(Post).where(Post.id == post_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def settle(session: Session, target: Target, state: TargetState, words: str, now: datetime) -> None:
    """The target's new state, in the audit log, and the post's if that was its last target."""
    target.state, target.lease_until, target.last_error = state.value, None, words or None
    session.add(target)
    session.flush()
    audit.record(
        session, now, None, f"target.{state.value}", f"post:{target.post_id}",
        {"target": target.id, "account": target.account_id, "remote_id": target.remote_id, "why": words},
    )  # fmt: skip
    if state not in workflow.DONE:
        return
    if state not in workflow.SENT:
        _cut_thread(session, target, state, now)
    post = lock_post(session, target.post_id)
    states = session.exec(select(Target.state).where(Target.post_id == post.id)).all()
    post.state = workflow.outcome(TargetState(found) for found in states).value
    post.updated_at = now
    session.add(post)


def _cut_thread(session: Session, target: Target, state: TargetState, now: datetime) -> None:
    """What would have answered a part that is not sent is not sent either."""
    after = select(Target).where(
        Target.post_id == target.post_id, Target.account_id == target.account_id, Target.part == target.part + 1
    )
    following = session.exec(after).one_or_none()
    if following is not None and following.state in DUE:
        settle(session, following, state, reasons.CUT, now)
