"""Publishing exactly once: claim, call, receipt; look-up where a reply was lost. Never sent again blindly.

A claim commits the attempt before the call (SQLite runs synchronous=FULL), so after a crash we know what may have been
sent. Whatever does not prove that nothing was applied becomes `unknown` and is looked up on the network."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, select

from config import audit, database, holds
from config.secrets import Keys
from networks import accounts
from networks.network import (
    Outgoing,
    Publisher,
    RateLimited,
    Receipt,
    Rejected,
    SignInExpired,
    Unavailable,
)
from networks.tables import Account
from posts import drafts, workflow
from posts.tables import Attempt, Post, Target
from posts.workflow import TARGET_MOVES, Move, PostState, TargetState

log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=120)  # longer than any call may take
TRIES = 6  # of calls that surely applied nothing
FIRST_PAUSE = timedelta(seconds=20)
LONGEST_PAUSE = timedelta(minutes=30)
LOOK_UP_PAUSES = tuple(timedelta(seconds=s) for s in (15, 60, 300, 900))  # then a person decides
_DUE = (TargetState.WAITING.value, TargetState.RETRY.value)
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Claim:
    """One attempt that is ours until the lease ends. kind: publish or find."""

    target_id: int
    account_id: int
    attempt_id: int
    number: int
    kind: str
    outgoing: Outgoing
    lease_until: datetime


@dataclass(frozen=True)
class Lapsed:
    """A post that was not sent because its time came without an approval, or was over."""

    post_id: int
    author_id: int
    title: str
    due_at: datetime
    reason: str


def claim(engine: sa.Engine, keys: Keys, now: datetime, limit: int = 100) -> list[Claim]:
    """Takes targets that are due and may go out: approved for exactly these words, account connected, no hold.

    Claim, attempt row and key are one commit, made before any call."""
    with database.reading(engine) as session:
        if holds.in_force(session) is not None or not _due(session, now, 1):
            return []
    with database.writing(engine) as session:
        if holds.in_force(session) is not None:
            return []
        return [
            made for target in _due(session, now, limit) if (made := _claim_one(session, target, keys, now)) is not None
        ]


def _due(session: Session, now: datetime, limit: int) -> list[Target]:
    return list(
        session.exec(
            select(Target)
            .join(Account, col(Account.id) == col(Target.account_id))
            .where(
                col(Target.state).in_(_DUE),
                col(Target.next_try_at) <= now,
                Account.state == "connected",
            )
            .order_by(col(Target.next_try_at), col(Target.id))
            .limit(limit)
            .with_for_update(skip_locked=True, of=Target)
        )
    )


def _claim_one(session: Session, target: Target, keys: Keys, now: datetime) -> Claim | None:
    post = session.get_one(Post, target.post_id)
    approval = drafts.approval_of(session, post)
    if post.state != PostState.SCHEDULED or approval is None or target.content_hash != approval.content_hash:
        log.error("target_without_approval", target=target.id, post=post.id)
        settle(session, target, TargetState.CANCELLED, "not approved for these words", now)
        return None
    return _attempt(session, target, "publish", TargetState.PUBLISHING, keys, now)


def _attempt(session: Session, target: Target, kind: str, state: TargetState, keys: Keys, now: datetime) -> Claim:
    target.state, target.lease_until = state.value, now + LEASE
    target.attempts += 1
    attempt = Attempt(target_id=target.id or 0, number=target.attempts, kind=kind, started_at=now)
    session.add_all([target, attempt])
    session.flush()
    post = session.get_one(Post, target.post_id)
    reply_to = json.loads(keys.open(target.reply_to))[0] if target.reply_to else None
    return Claim(
        target_id=target.id or 0,
        account_id=target.account_id,
        attempt_id=attempt.id or 0,
        number=target.attempts,
        kind=kind,
        outgoing=Outgoing(key=target.key, text=target.text, language=post.language, reply_to=reply_to),
        lease_until=now + LEASE,
    )


def claim_look_ups(engine: sa.Engine, keys: Keys, now: datetime, limit: int = 50) -> list[Claim]:
    """Takes targets of which nobody knows whether they were sent, to look them up."""
    query = (
        select(Target)
        .join(Account, col(Account.id) == col(Target.account_id))
        .where(
            Target.state == TargetState.UNKNOWN.value,
            col(Target.next_try_at) <= now,
            sa.or_(col(Target.lease_until).is_(None), col(Target.lease_until) <= now),
            Account.state == "connected",
        )
        .order_by(col(Target.next_try_at))
        .limit(limit)
    )
    with database.reading(engine) as session:
        if session.exec(query.limit(1)).first() is None:
            return []
    with database.writing(engine) as session:
        return [
            _attempt(session, target, "find", TargetState.UNKNOWN, keys, now)
            for target in session.exec(query.with_for_update(skip_locked=True, of=Target)).all()
        ]


def run(engine: sa.Engine, made: Claim, publisher: Publisher, clock: Clock, late: timedelta) -> TargetState:
    """Makes the call of one claim, outside any transaction, and records what came of it."""
    if made.kind == "find":
        return _look_up(engine, made, publisher, clock, late)
    with database.reading(engine) as session:
        held = holds.in_force(session) is not None
    if held or clock() >= made.lease_until - LEASE / 2:  # too old a claim could overlap with its own look-up
        return _record(engine, made, TargetState.WAITING, "held" if held else "not begun", "", clock())
    try:
        receipt = publisher.publish(made.outgoing)
    except RateLimited as error:
        return _record(engine, made, TargetState.RETRY, "rate_limited", str(error), clock(), next_try=error.retry_at)
    except SignInExpired as error:
        with database.writing(engine) as session:
            accounts.mark_signed_out(session, made.account_id, str(error) or "the network does not know us any more")
        return _record(engine, made, TargetState.WAITING, "signed_out", str(error), clock())
    except Rejected as error:
        return _record(engine, made, TargetState.FAILED, "rejected", error.reason, clock())
    except Unavailable as error:
        if made.number >= TRIES:
            return _record(engine, made, TargetState.FAILED, "unavailable", f"{error}; tried {TRIES} times", clock())
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (made.number - 1)) * random.uniform(0.7, 1.3)  # noqa: S311
        moment = clock()
        return _record(engine, made, TargetState.RETRY, "unavailable", str(error), moment, next_try=moment + pause)
    except Exception as error:  # anything else may have been applied: only a look-up can tell
        words = f"{type(error).__name__}: {error}"[:500]
        moment = clock()
        return _record(engine, made, TargetState.UNKNOWN, "unknown", words, moment, next_try=moment + LOOK_UP_PAUSES[0])
    return _record(engine, made, TargetState.PUBLISHED, "published", "", clock(), receipt=receipt)


def _look_up(engine: sa.Engine, made: Claim, publisher: Publisher, clock: Clock, late: timedelta) -> TargetState:
    try:
        receipt = publisher.find(made.outgoing)
    except Exception as error:  # whatever went wrong, it proves nothing
        with database.reading(engine) as session:
            looks = session.exec(
                select(Attempt.id).where(Attempt.target_id == made.target_id, Attempt.kind == "find")
            ).all()
        moment = clock()
        pause = LOOK_UP_PAUSES[min(len(looks), len(LOOK_UP_PAUSES) - 1)]
        words = f"could not be looked up: {error}"[:500]
        return _record(engine, made, TargetState.UNKNOWN, "unknown", words, moment, next_try=moment + pause)
    if receipt is not None:
        return _record(engine, made, TargetState.PUBLISHED, "found", "", clock(), receipt=receipt)
    moment = clock()
    with database.reading(engine) as session:
        due_at = session.get_one(Target, made.target_id).due_at
    if moment > due_at + late:
        return _record(engine, made, TargetState.MISSED, "absent", "proven absent, and too late to send", moment)
    return _record(engine, made, TargetState.RETRY, "absent", "proven absent", moment, next_try=moment)


def _record(
    engine: sa.Engine,
    made: Claim,
    state: TargetState,
    result: str,
    words: str,
    now: datetime,
    *,
    next_try: datetime | None = None,
    receipt: Receipt | None = None,
) -> TargetState:
    """Writes the result down, if the claim is still ours; a receipt is always written: it is the truth."""
    with database.writing(engine) as session:
        attempt = session.get_one(Attempt, made.attempt_id)
        attempt.finished_at, attempt.outcome, attempt.detail = now, result, words
        target = session.exec(
            select(Target)
            .where(Target.id == made.target_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        before = TargetState(target.state)
        ours = target.attempts == made.number and before in (TargetState.PUBLISHING, TargetState.UNKNOWN)
        if receipt is not None and before is not TargetState.PUBLISHED:
            target.remote_id, target.remote_url = receipt.remote_id, receipt.url
            target.published_at = receipt.published_at
        elif not ours:
            session.add(attempt)
            return before
        if state is not before and state not in TARGET_MOVES[before]:
            return before
        target.next_try_at = next_try or target.next_try_at
        session.add(attempt)
        settle(session, target, state, words if state is not TargetState.PUBLISHED else "", now)
    return state


def settle(session: Session, target: Target, state: TargetState, words: str, now: datetime) -> None:
    """The target's new state, and the post's if that was its last target."""
    target.state, target.lease_until, target.last_error = state.value, None, words or None
    session.add(target)
    session.flush()
    if state not in workflow.DONE:
        return
    post = session.exec(
        select(Post).where(Post.id == target.post_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    states = session.exec(select(Target.state).where(Target.post_id == post.id)).all()
    post.state = workflow.outcome(TargetState(found) for found in states).value
    post.updated_at = now
    session.add(post)
    audit.record(
        session, now, None, f"target.{state.value}", f"post:{post.id}",
        {"target": target.id, "account": target.account_id, "remote_id": target.remote_id},
    )  # fmt: skip


def recover(engine: sa.Engine, now: datetime) -> int:
    """Claims whose lease ran out without a receipt become unknown, to be looked up; how many."""
    query = select(Target).where(Target.state == TargetState.PUBLISHING.value, col(Target.lease_until) <= now)
    with database.reading(engine) as session:
        if session.exec(query.limit(1)).first() is None:
            return 0
    with database.writing(engine) as session:
        lost = session.exec(query.with_for_update(skip_locked=True)).all()
        for target in lost:
            unfinished = select(Attempt).where(
                Attempt.target_id == target.id, Attempt.number == target.attempts, col(Attempt.finished_at).is_(None)
            )
            for attempt in session.exec(unfinished):
                attempt.finished_at, attempt.outcome = now, "unknown"
                attempt.detail = "no receipt before the lease ran out"
                session.add(attempt)
            target.next_try_at = now
            settle(session, target, TargetState.UNKNOWN, "no answer came; it is looked up on the network", now)
    return len(lost)


def lapse(session: Session, now: datetime, late: timedelta) -> list[Lapsed]:
    """Posts whose time came without an approval, and targets that are too late to send, become missed."""
    lapsed = []
    unapproved = select(Post).where(Post.state == PostState.IN_REVIEW.value, col(Post.due_at) <= now).with_for_update()
    for post in session.exec(unapproved).all():
        post.state = workflow.after(post.state, Move.LAPSE).value
        session.add(post)
        audit.record(session, now, None, "post.lapse", f"post:{post.id}", {"reason": "not approved in time"})
        lapsed.append(_lapsed(post, "nobody approved it in time"))
    too_late = select(Target).where(col(Target.state).in_(_DUE), Target.due_at < now - late).with_for_update()
    for target in session.exec(too_late).all():
        settle(session, target, TargetState.MISSED, "too late to be sent without a surprise", now)
        post = session.get_one(Post, target.post_id)
        if not any(found.post_id == post.id for found in lapsed):
            lapsed.append(_lapsed(post, "it was too late to send it"))
    return lapsed


def _lapsed(post: Post, reason: str) -> Lapsed:
    if post.due_at is None:
        raise ValueError("a post without a time cannot lapse")
    return Lapsed(post.id or 0, post.author_id, post.title, post.due_at, reason)


def anything_lapsed(session: Session, now: datetime, late: timedelta) -> bool:
    """Whether `lapse` would find something; only reads."""
    unapproved = select(Post.id).where(Post.state == PostState.IN_REVIEW.value, col(Post.due_at) <= now)
    too_late = select(Target.id).where(col(Target.state).in_(_DUE), Target.due_at < now - late)
    return session.exec(unapproved.limit(1)).first() is not None or session.exec(too_late.limit(1)).first() is not None
