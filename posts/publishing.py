"""Publishing exactly once: claim, call, receipt; look-up where a reply was lost. Never sent again blindly.

A claim commits the attempt before the call (SQLite runs synchronous=FULL), so after a crash we know what may have been
sent. Whatever does not prove that nothing was applied becomes `unknown` and is looked up on the network. A later part
of a thread is claimed once the part before it is there. What is too late is posts.lapsing's affair.

Long, because claim, call, receipt and look-up are one promise and are read together."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from config import audit, database, holds
from config.secrets import Keys, SecretKeyError
from networks import accounts
from networks.network import (
    OutcomeUnknown,
    Outgoing,
    Publisher,
    RateLimited,
    Receipt,
    Rejected,
    RenewalFailed,
    SignInExpired,
    Unavailable,
)
from networks.tables import Account
from posts import drafts, pictures, workflow
from posts.tables import Attempt, Post, Target
from posts.workflow import TARGET_MOVES, PostState, TargetState

log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=120)  # a call begins in its first half and takes less than the other
SHORTEST_PAUSE = timedelta(seconds=5)
FIRST_PAUSE = timedelta(seconds=20)  # doubled at each failure that surely applied nothing, until it is too late to send
LONGEST_PAUSE = timedelta(minutes=10)
# Between look-ups that could not tell; meanwhile, and for ever after, a person may decide.
LOOK_UP_PAUSES = tuple(timedelta(seconds=s) for s in (15, 60, 300, 900, 3600, 21600))
DUE = tuple(sorted(state.value for state in workflow.TO_SEND))
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Claim:
    """One attempt that is ours until the lease ends. kind: publish, find, or remove (posts.takedown)."""

    target_id: int
    account_id: int
    attempt_id: int
    number: int
    kind: str
    outgoing: Outgoing
    lease_until: datetime
    remote_id: str | None = None  # of what is to be removed


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
    before = aliased(Target)
    sent_before = (
        sa.select(col(before.id))
        .where(
            col(before.post_id) == col(Target.post_id),
            col(before.account_id) == col(Target.account_id),
            col(before.part) == col(Target.part) - 1,
            col(before.state) == TargetState.PUBLISHED.value,
            col(before.remote_id).is_not(None),  # what a person says is there cannot be answered by us
        )
        .exists()
    )
    return list(
        session.exec(
            select(Target)
            .join(Account, col(Account.id) == col(Target.account_id))
            .where(
                col(Target.state).in_(DUE),
                col(Target.next_try_at) <= now,
                Account.state == "connected",
                sa.or_(col(Target.part) == 0, sent_before),
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
        reply_to = _answers(session, target, keys)
    except SecretKeyError as error:  # one row that cannot be read must not stop the others
        settle(session, target, TargetState.FAILED, f"what it answers cannot be read: {error}", now)
        return None
    target.state, target.lease_until = state.value, now + LEASE
    target.attempts += 1
    begun_at = now if kind == "publish" else _last_sent_at(session, target)
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
        outgoing=Outgoing(
            key=target.key,
            text=target.text,
            language=post.language,
            reply_to=reply_to[0],
            reply_url=reply_to[1],
            options=target.options,
            begun_at=begun_at,
        ),
        lease_until=now + LEASE,
    )


def _answers(session: Session, target: Target, keys: Keys) -> tuple[str | None, str | None]:
    """Remote id and address of what a target answers: a mention, or the part of its thread before it."""
    if target.part == 0:
        if target.reply_to is None:
            return None, None
        remote_id, url = json.loads(keys.open(target.reply_to))
        return str(remote_id), url
    before = select(Target.remote_id, Target.remote_url).where(
        Target.post_id == target.post_id, Target.account_id == target.account_id, Target.part == target.part - 1
    )
    return session.exec(before).one()


def _last_sent_at(session: Session, target: Target) -> datetime | None:
    """When the attempt began of which nobody knows what became: before another, the last is always looked up."""
    sent = select(Attempt.started_at).where(Attempt.target_id == target.id, Attempt.kind == "publish")
    return session.exec(sent.order_by(col(Attempt.number).desc())).first()


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
    outgoing = _with_pictures(engine, made)
    misfits = _misfits(engine, made, outgoing)
    if misfits:
        return _record(engine, made, TargetState.FAILED, "rejected", " ".join(misfits), clock())
    try:
        receipt = publisher.publish(outgoing)
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
        if isinstance(error, RenewalFailed):
            with database.writing(engine) as session:
                accounts.note_failed_renewal(session, made.account_id, str(error), moment)
        next_try = moment + _pause(engine, made)
        return _record(engine, made, TargetState.RETRY, "unavailable", str(error), moment, next_try=next_try)
    except Exception as error:  # anything else may have been applied: only a look-up can tell
        words = f"{type(error).__name__}: {error}"[:500]
        moment = clock()
        return _record(engine, made, TargetState.UNKNOWN, "unknown", words, moment, next_try=moment + LOOK_UP_PAUSES[0])
    return _record(engine, made, TargetState.PUBLISHED, "published", "", clock(), receipt=receipt)


def _with_pictures(engine: sa.Engine, made: Claim) -> Outgoing:
    """What is sent, with its pictures: read only now, for a hundred claims at once would hold them all."""
    with database.reading(engine) as session:
        target = session.get_one(Target, made.target_id)
        if target.part:
            return made.outgoing
        found = drafts.pictures_of(session, session.get_one(Post, target.post_id))
    return replace(made.outgoing, pictures=pictures.outgoing(found))


def _misfits(engine: sa.Engine, made: Claim, outgoing: Outgoing) -> tuple[str, ...]:
    """Why its network would not take it, as its server's limits are now."""
    with database.reading(engine) as session:
        account = session.get_one(Account, made.account_id)
    limits = accounts.limits(account)
    return tuple(problem.message for problem in limits.problems(outgoing)) if limits is not None else ()


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
        if receipt is not None and _is_anothers(engine, made, receipt):
            raise OutcomeUnknown("what is there may be another post of ours with the same words")
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


def _is_anothers(engine: sa.Engine, made: Claim, receipt: Receipt) -> bool:
    """Whether a look-up by words found what another target sent."""
    same = select(Target.id).where(
        Target.account_id == made.account_id, Target.remote_id == receipt.remote_id, Target.id != made.target_id
    )
    with database.reading(engine) as session:
        return session.exec(same).first() is not None


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
            accounts.mark_signed_out(session, made.account_id, words or "the network does not know us any more", now)
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
            account = session.get_one(Account, made.account_id)
            accounts.mark_ok(account, now)
            session.add(account)
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
        settle(session, following, state, "the part of the thread before it was not sent", now)


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
