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
from sqlmodel.sql.expression import SelectOfScalar

from config import audit, database, holds
from config.secrets import Keys, SecretKeyError
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
LEASE = timedelta(seconds=120)  # a call begins in its first half and takes less than the other
SHORTEST_PAUSE = timedelta(seconds=5)
FIRST_PAUSE = timedelta(seconds=20)  # doubled at each failure that surely applied nothing, until it is too late to send
LONGEST_PAUSE = timedelta(minutes=10)
# Between look-ups that could not tell; meanwhile, and for ever after, a person may decide.
LOOK_UP_PAUSES = tuple(timedelta(seconds=s) for s in (15, 60, 300, 900, 3600, 21600))
_DUE = tuple(sorted(state.value for state in workflow.TO_SEND))
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

    Claim, attempt row and key are one commit, made before any call. What is too late is taken out by `lapse` before."""
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


def _attempt(
    session: Session, target: Target, kind: str, state: TargetState, keys: Keys, now: datetime
) -> Claim | None:
    try:
        reply_to = json.loads(keys.open(target.reply_to))[0] if target.reply_to else None
    except SecretKeyError as error:  # one row that cannot be read must not stop the others
        settle(session, target, TargetState.FAILED, f"what it answers cannot be read: {error}", now)
        return None
    target.state, target.lease_until = state.value, now + LEASE
    target.attempts += 1
    attempt = Attempt(target_id=target.id or 0, number=target.attempts, kind=kind, started_at=now)
    session.add_all([target, attempt])
    session.flush()
    post = session.get_one(Post, target.post_id)
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
            made
            for target in session.exec(query.with_for_update(skip_locked=True, of=Target)).all()
            if (made := _attempt(session, target, "find", TargetState.UNKNOWN, keys, now)) is not None
        ]


def run(engine: sa.Engine, made: Claim, publisher: Publisher, clock: Clock) -> TargetState:
    """Makes the call of one claim, outside any transaction, and records what came of it."""
    if made.kind == "find":
        return _look_up(engine, made, publisher, clock)
    obstacle = _obstacle(engine, made, clock())
    if obstacle is not None:
        return _record(engine, made, TargetState.WAITING, obstacle, "", clock())
    try:
        receipt = publisher.publish(made.outgoing)
    except RateLimited as error:
        moment = clock()
        retry_at = max(error.retry_at, moment + SHORTEST_PAUSE)
        return _record(engine, made, TargetState.RETRY, "rate_limited", str(error), moment, next_try=retry_at)
    except SignInExpired as error:
        return _record(engine, made, TargetState.WAITING, "signed_out", str(error), clock())
    except Rejected as error:
        return _record(engine, made, TargetState.FAILED, "rejected", error.reason, clock())
    except Unavailable as error:
        moment = clock()
        next_try = moment + _pause(engine, made)
        return _record(engine, made, TargetState.RETRY, "unavailable", str(error), moment, next_try=next_try)
    except Exception as error:  # anything else may have been applied: only a look-up can tell
        words = f"{type(error).__name__}: {error}"[:500]
        moment = clock()
        return _record(engine, made, TargetState.UNKNOWN, "unknown", words, moment, next_try=moment + LOOK_UP_PAUSES[0])
    return _record(engine, made, TargetState.PUBLISHED, "published", "", clock(), receipt=receipt)


def give_back(engine: sa.Engine, made: Claim, words: str, now: datetime, pause: timedelta = timedelta()) -> TargetState:
    """Gives a claim back of which no call was made; it may be taken again after `pause`."""
    state = TargetState.UNKNOWN if made.kind == "find" else TargetState.WAITING
    return _record(engine, made, state, "not begun", words, now, next_try=now + pause)


def _obstacle(engine: sa.Engine, made: Claim, now: datetime) -> str | None:
    """The last look before a call: why it must not be made, if so."""
    with database.reading(engine) as session:
        if holds.in_force(session) is not None:
            return "held"
        target = session.get(Target, made.target_id)
    ours = (
        target is not None
        and (target.key, target.attempts, target.state) == (made.outgoing.key, made.number, TargetState.PUBLISHING)
        and now < made.lease_until - LEASE / 2  # an older claim could overlap with its own look-up
    )
    return None if ours else "not begun"


def _pause(engine: sa.Engine, made: Claim) -> timedelta:
    with database.reading(engine) as session:
        failures = session.exec(
            select(sa.func.count(col(Attempt.id))).where(
                Attempt.target_id == made.target_id, Attempt.outcome == "unavailable"
            )
        ).one()
    doubled: timedelta = FIRST_PAUSE * 2 ** min(failures, 16)
    return min(LONGEST_PAUSE, doubled) * random.uniform(0.7, 1.3)  # noqa: S311


def _look_up(engine: sa.Engine, made: Claim, publisher: Publisher, clock: Clock) -> TargetState:
    try:
        receipt = publisher.find(made.outgoing)
    except Exception as error:  # whatever went wrong, it proves nothing
        with database.reading(engine) as session:
            sent = session.exec(
                select(sa.func.max(Attempt.number)).where(
                    Attempt.target_id == made.target_id, Attempt.kind == "publish"
                )
            ).one()
        moment, looks = clock(), made.number - (sent or 0)
        next_try = moment + LOOK_UP_PAUSES[min(looks, len(LOOK_UP_PAUSES) - 1)]
        if isinstance(error, RateLimited):
            next_try = max(error.retry_at, moment + SHORTEST_PAUSE)
        result = "signed_out" if isinstance(error, SignInExpired) else "unknown"
        words = f"could not be looked up: {error}"[:500]
        return _record(engine, made, TargetState.UNKNOWN, result, words, moment, next_try=next_try)
    if receipt is not None:
        return _record(engine, made, TargetState.PUBLISHED, "found", "", clock(), receipt=receipt)
    moment = clock()
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
    """Writes the result down. A state only if the claim is still ours; a receipt always: it is the truth."""
    with database.writing(engine) as session:
        if result == "signed_out":
            accounts.mark_signed_out(session, made.account_id, words or "the network does not know us any more")
            audit.record(session, now, None, "account.signed_out", f"account:{made.account_id}", {"reason": words})
        target = locked(session, made.target_id)
        if target is None or target.key != made.outgoing.key:  # taken back since; a number may be given again
            if receipt is not None:
                log.error("receipt_without_target", target=made.target_id, remote_id=receipt.remote_id)
                detail = {"key": made.outgoing.key, "remote_id": receipt.remote_id, "url": receipt.url}
                audit.record(session, now, None, "target.late_receipt", f"account:{made.account_id}", detail)
            return state
        attempt = session.get_one(Attempt, made.attempt_id)
        attempt.finished_at, attempt.outcome, attempt.detail = now, result, words
        session.add(attempt)
        before = TargetState(target.state)
        ours = target.attempts == made.number and before in (TargetState.PUBLISHING, TargetState.UNKNOWN)
        if receipt is not None:
            if before is TargetState.PUBLISHED:
                return before
            target.remote_id, target.remote_url = receipt.remote_id, receipt.url
            target.published_at = receipt.published_at
        elif not ours or not (state is before or state in TARGET_MOVES[before]):
            return before
        target.next_try_at = next_try or target.next_try_at
        settle(session, target, state, words if state is not TargetState.PUBLISHED else "", now)
    return state


def locked(session: Session, target_id: int) -> Target | None:
    """The target, locked after its post, as everybody locks them (or two would wait for each other); none if gone."""
    found = session.exec(select(Target.post_id).where(Target.id == target_id)).one_or_none()
    if found is None:
        return None
    _lock_post(session, found)
    return session.exec(
        select(Target).where(Target.id == target_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()


def _lock_post(session: Session, post_id: int) -> Post:
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
    post = _lock_post(session, target.post_id)
    states = session.exec(select(Target.state).where(Target.post_id == post.id)).all()
    post.state = workflow.outcome(TargetState(found) for found in states).value
    post.updated_at = now
    session.add(post)


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
    """Posts whose time came before an approval, and targets that are too late to send, become missed."""
    lapsed = []
    for post in session.exec(_unapproved(now).order_by(col(Post.id)).with_for_update()).all():
        post.state = workflow.after(post.state, Move.LAPSE).value
        session.add(post)
        audit.record(session, now, None, "post.lapse", f"post:{post.id}", {"reason": "not approved in time"})
        lapsed.append(_lapsed(post, "nobody approved it in time"))
    why = "a hold was in force" if holds.in_force(session) is not None else None
    for post_id in sorted(set(session.exec(_too_late(now, late)))):
        post = _lock_post(session, post_id)
        missed = select(Target).where(
            Target.post_id == post_id, col(Target.state).in_(_DUE), Target.due_at < now - late
        )
        reasons = []
        for target in session.exec(
            missed.order_by(col(Target.id)).with_for_update().execution_options(populate_existing=True)
        ).all():
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
    return select(Target.post_id).where(col(Target.state).in_(_DUE), Target.due_at < now - late)


def anything_lapsed(session: Session, now: datetime, late: timedelta) -> bool:
    """Whether `lapse` would find something; only reads."""
    queries = (_unapproved(now).limit(1), _too_late(now, late).limit(1))
    return any(session.exec(query).first() is not None for query in queries)
