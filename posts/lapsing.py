"""What will not be sent any more: posts whose time came before an approval, and targets that are too late."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from config import audit, holds
from config.phrases import Phrase
from networks.tables import Account
from posts import blackouts, categories, reasons, workflow
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
    reason: Phrase


def lapse(session: Session, now: datetime, late: timedelta) -> list[Lapsed]:
    """Posts whose time came before an approval, targets that are too late to send, and those of a day of silence,
    become missed. `late`: how late a post may be whose kind says nothing else."""
    lapsed = []
    for post in session.exec(_unapproved(now).order_by(col(Post.id)).with_for_update()).all():
        post.state = workflow.after(post.state, Move.LAPSE).value
        session.add(post)
        audit.record(session, now, None, "post.lapse", f"post:{post.id}", {"reason": "not approved in time"})
        lapsed.append(_lapsed(post, Phrase("nobody approved it in time")))
    for post_id in sorted(set(session.exec(_too_late(session, now, late)))):
        post = lock_post(session, post_id)
        silent = blackouts.stopping(session, post.wall_time, post.category)
        found = _missed(
            session, post, now - patience(session, post, late),
            Phrase(reasons.SILENT, reason=silent.reason) if silent else None, now,
        )  # fmt: skip
        if found:
            lapsed.append(found)
    return lapsed


def patience(session: Session, post: Post, late: timedelta) -> timedelta:
    """How late this post may still go out: on a day of silence not at all, else as its kind says, or else `late`."""
    if blackouts.stopping(session, post.wall_time, post.category) is not None:
        return timedelta()
    rules = categories.rules_of(session, post.category)
    return late if rules.late is None else rules.late


def _missed(session: Session, post: Post, before: datetime, silent: Phrase | None, now: datetime) -> Lapsed | None:
    """Settles those of a post's targets that were due before this; none if no target was."""
    held = reasons.HELD if holds.in_force(session) is not None else ""
    missed = select(Target).where(Target.post_id == post.id, col(Target.state).in_(DUE), Target.due_at <= before)
    told: list[str] = []
    under_way = select(Target.account_id, Target.part).where(
        Target.post_id == post.id, col(Target.state).not_in((*DUE, *workflow.DONE))
    )
    unsure = {(account_id, part) for account_id, part in session.exec(under_way)}
    for target in session.exec(
        missed.order_by(col(Target.id)).with_for_update().execution_options(populate_existing=True)
    ).all():
        if target.state not in DUE:  # a later part of a thread went with the one before it
            continue
        if (target.account_id, target.part - 1) in unsure:  # it goes with the part before it, once that is settled
            unsure.add((target.account_id, target.part))
            continue
        account = session.get_one(Account, target.account_id)
        if account.state == "removed" and not held:
            reason = reasons.read(reasons.REMOVED)
        elif account.state != "connected" and not held:
            reason = Phrase(reasons.SIGNED_OUT, account=account.name)
        else:
            reason = reasons.read(held or target.last_error or "")
        told.append(Phrase("%(account)s: %(why)s", account=account.name, why=reason) if reason else account.name)
        words = silent or Phrase(reasons.TOO_LATE, why=reason or reasons.NOT_BEGUN)
        settle(session, target, TargetState.MISSED, words, now)
    if not told:
        return None
    why = Phrase.joined("; ", told)
    return _lapsed(post, silent or Phrase("it became too late to send it (%(why)s)", why=why))


def _lapsed(post: Post, reason: Phrase) -> Lapsed:
    if post.due_at is None:
        raise ValueError("a post without a time cannot lapse")
    return Lapsed(post.id or 0, post.author_id, post.title, post.due_at, reason)


def _unapproved(now: datetime) -> SelectOfScalar[Post]:
    states = [state.value for state in PostState if (state, Move.LAPSE) in workflow.MOVES]
    return select(Post).where(col(Post.state).in_(states), col(Post.due_at) <= now)


def _too_late(session: Session, now: datetime, late: timedelta) -> SelectOfScalar[int]:
    """Posts with a target that is later than its kind may be, or due on a day of silence."""
    rules = categories.rules(session)
    conditions: list[sa.ColumnElement[bool]] = [
        sa.and_(col(Post.category) == name, col(Target.due_at) <= now - (late if rule.late is None else rule.late))
        for name, rule in rules.items()
    ]
    conditions.append(sa.and_(col(Post.category).not_in(list(rules)), col(Target.due_at) <= now - late))
    loud = [name for name, rule in rules.items() if rule.over_blackout]
    for blackout in blackouts.coming(session, (now - timedelta(days=2)).date()):
        after = datetime.combine(blackout.last_day, time()) + timedelta(days=1)
        conditions.append(
            sa.and_(
                col(Post.category).not_in(loud),
                col(Post.wall_time) >= datetime.combine(blackout.first_day, time()),
                col(Post.wall_time) < after,
                col(Target.due_at) <= now,
            )
        )
    return (
        select(Target.post_id)
        .join(Post, col(Post.id) == col(Target.post_id))
        .where(col(Target.state).in_(DUE), col(Target.due_at) <= now, sa.or_(*conditions))
    )


def anything_lapsed(session: Session, now: datetime, late: timedelta) -> bool:
    """Whether `lapse` would find something; only reads."""
    if session.exec(_unapproved(now).limit(1)).first() is not None:
        return True
    return session.exec(_too_late(session, now, late).limit(1)).first() is not None
