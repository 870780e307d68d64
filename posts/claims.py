"""What may be sent or looked up now, taken for us alone: claim, attempt row and key in one commit, before any call.

SQLite runs synchronous=FULL, so after a crash we know what may have been sent. A later part of a thread is claimed
once the part before it is there. What is too late is posts.lapsing's affair."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from config import database, holds
from config.secrets import Keys, SecretKeyError
from networks.network import Outgoing
from networks.tables import Account
from posts import blackouts, reasons, workflow
from posts.approval import approval_of
from posts.tables import Attempt, Post, Target
from posts.targets import DUE, settle
from posts.workflow import Move, PostState, TargetState

log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=120)  # a call begins in its first half
PREPARING = timedelta(seconds=90)  # what is ready later is not sent any more: sending takes less than the rest of it


@dataclass(frozen=True)
class Claim:
    """One attempt that is ours until the lease ends. kind: publish, find, or remove (posts.takedown)."""

    target_id: int
    post_id: int
    account_id: int
    attempt_id: int
    number: int
    kind: str
    outgoing: Outgoing
    lease_until: datetime
    remote_id: str | None = None  # of what is to be removed


def anything_due(session: Session, now: datetime) -> bool:
    """Whether a tick may have anything to do: one question, asked each second of the year."""
    busy = [*DUE, TargetState.PUBLISHING.value, TargetState.UNKNOWN.value]
    under_way = select(Target.id).where(col(Target.state).in_(busy), col(Target.due_at) <= now)
    unapproved = select(Post.id).where(
        col(Post.state).in_([state.value for state, move in workflow.MOVES if move is Move.LAPSE]),
        col(Post.due_at) <= now,
    )
    to_remove = select(Target.id).where(
        Target.state == TargetState.PUBLISHED.value,
        col(Target.take_down_asked_at).is_not(None),
        col(Target.next_try_at) <= now,
    )
    asked = sa.or_(under_way.exists(), unapproved.exists(), to_remove.exists())
    return bool(session.exec(select(asked)).one())


def claim(engine: sa.Engine, keys: Keys, now: datetime, limit: int = 200) -> list[Claim]:
    """Takes targets that are due and may go out: approved for exactly these words, account connected, no hold but one
    that they may pass by a person's word.

    Claims, attempt rows and keys are one commit, made before any call. What is too late was taken out by `lapse`."""
    with database.reading(engine) as session:
        if not _due(session, now, 1):
            return []
    with database.writing(engine) as session:
        silent = bool(blackouts.coming(session, (now - timedelta(days=2)).date()))
        approved: dict[int, str | None] = {}
        taken = []
        for target in _due(session, now, limit):
            if target.post_id not in approved:
                approved[target.post_id] = _approved(session, target.post_id)
            if _may_go(session, target, approved[target.post_id], silent, now):
                taken.append(target)
        return _attempts(session, taken, "publish", TargetState.PUBLISHING, keys, now)


def _due(session: Session, now: datetime, limit: int) -> list[Target]:
    hold = holds.in_force(session)
    passes = [] if hold is None else [col(Target.over_hold_id) == hold.id]
    before, first = aliased(Target), aliased(Target)
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
    first_under_way = (  # what follows a post of ours waits until that is out there, or surely is not
        sa.select(col(first.id))
        .where(
            col(first.post_id) == col(Target.follows_id),
            col(first.account_id) == col(Target.account_id),
            col(first.part) == 0,
            col(first.state).not_in([state.value for state in workflow.DONE]),
        )
        .exists()
    )
    return list(
        session.exec(
            select(Target)
            .join(Account, col(Account.id) == col(Target.account_id))
            .where(
                col(Target.state).in_(DUE),
                col(Target.due_at) <= now,  # implied by the next; the index has it
                col(Target.next_try_at) <= now,
                Account.state == "connected",
                sa.or_(col(Target.part) == 0, sent_before),
                ~first_under_way,
                *passes,
            )
            .order_by(col(Target.next_try_at), col(Target.id))
            .limit(limit)
            .with_for_update(skip_locked=True, of=Target)
        )
    )


def _approved(session: Session, post_id: int) -> str | None:
    """The hash of what was approved of a post that is to go out; none where nothing is."""
    post = session.get_one(Post, post_id)
    approval = approval_of(session, post)
    return approval.content_hash if approval is not None and post.state == PostState.SCHEDULED else None


def _may_go(session: Session, target: Target, approved: str | None, silent: bool, now: datetime) -> bool:
    """Settles what was not approved for its words. `silent`: there may be a day of silence."""
    if target.content_hash != approved:
        log.error("target_without_approval", target=target.id, post=target.post_id)
        settle(session, target, TargetState.CANCELLED, reasons.NOT_APPROVED, now)
        return False
    post = session.get_one(Post, target.post_id)
    # If it is stopped: the next look at what lapsed takes it out, and tells.
    return not silent or blackouts.stopping(session, post.wall_time, post.category) is None


def _attempts(
    session: Session, found: Sequence[Target], kind: str, state: TargetState, keys: Keys, now: datetime
) -> list[Claim]:
    """The claims of these targets, their attempts written in one go."""
    begun: list[tuple[Target, Attempt, tuple[str | None, str | None], datetime | None]] = []
    for target in found:
        try:
            if target.follows_id is not None:
                _settle_what_it_follows(session, target, keys)
            reply_to = _answers(session, target, keys)
        except SecretKeyError as error:  # one row that cannot be read must not stop the others
            settle(session, target, TargetState.FAILED, reasons.UNREADABLE % {"error": error}, now)
            continue
        target.state, target.lease_until = state.value, now + LEASE
        target.attempts += 1
        begun_at = now if kind == "publish" else _last_sent_at(session, target)
        attempt = Attempt(target_id=target.id or 0, number=target.attempts, kind=kind, started_at=now)
        session.add_all([target, attempt])
        begun.append((target, attempt, reply_to, begun_at))
    session.flush()
    return [
        Claim(
            target_id=target.id or 0,
            post_id=target.post_id,
            account_id=target.account_id,
            attempt_id=attempt.id or 0,
            number=target.attempts,
            kind=kind,
            outgoing=Outgoing(
                key=target.key,
                text=target.text,
                language=session.get_one(Post, target.post_id).language,
                reply_to=reply_to[0],
                reply_url=reply_to[1],
                options=target.options,
                reply_addressed=target.reply_addressed,
                begun_at=begun_at,
            ),
            lease_until=now + LEASE,
        )
        for target, attempt, reply_to, begun_at in begun
    ]


def _settle_what_it_follows(session: Session, target: Target, keys: Keys) -> None:
    """From its first attempt on a target answers the same: a look-up must ask for what was sent. Where what it follows
    is not to be seen, it speaks for itself."""
    query = select(Target.remote_id, Target.remote_url).where(
        Target.post_id == target.follows_id,
        Target.account_id == target.account_id,
        Target.part == 0,
        Target.state == TargetState.PUBLISHED.value,
        col(Target.remote_id).is_not(None),
    )
    first = session.exec(query).one_or_none()
    target.follows_id = None
    target.reply_to = keys.seal(json.dumps(tuple(first))) if first is not None else None


def _answers(session: Session, target: Target, keys: Keys) -> tuple[str | None, str | None]:
    """Remote id and address of what a target answers: a mention, a post of ours, or its thread's part before it."""
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
        found = session.exec(query.with_for_update(skip_locked=True, of=Target)).all()
        return _attempts(session, found, "find", TargetState.UNKNOWN, keys, now)


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
                attempt.detail = reasons.NO_RECEIPT
                session.add(attempt)
            target.next_try_at = now
            settle(session, target, TargetState.UNKNOWN, reasons.NO_ANSWER, now)
    return len(lost)
