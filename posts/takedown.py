"""Taking down what we published: asked for by a person, done on the network until it is done. The record stays.

Deleting twice does no harm on any network, so a lost reply is simply tried again."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import audit, database
from networks import accounts
from networks.network import NetworkError, Outgoing, Publisher, RateLimited, Rejected, SignInExpired
from networks.tables import Account
from posts import reasons, targets
from posts.claims import LEASE, Claim
from posts.publishing import Clock
from posts.tables import Attempt, Target
from posts.workflow import TargetState, WrongState

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800))


def ask(session: Session, target_id: int, person_id: int, now: datetime) -> Target:
    """Asks for a published target to be taken down. Raises WrongState if it is not on a network."""
    target = targets.locked(session, target_id)
    if target is None or target.state != TargetState.PUBLISHED or target.remote_id is None:
        raise WrongState("This is not on a network, as far as we know; nothing was changed.")
    if target.take_down_asked_at is None:
        target.take_down_asked_at = target.next_try_at = now
        session.add(target)
        audit.record(session, now, person_id, "target.take_down", f"post:{target.post_id}", {"target": target_id})
    return target


def claim(engine: sa.Engine, now: datetime, limit: int = 50) -> list[Claim]:
    """Takes targets that somebody asked to take down."""
    query = (
        select(Target)
        .join(Account, col(Account.id) == col(Target.account_id))
        .where(
            Target.state == TargetState.PUBLISHED.value,
            col(Target.take_down_asked_at).is_not(None),
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
        return [_attempt(session, target, now) for target in found]


def _attempt(session: Session, target: Target, now: datetime) -> Claim:
    target.lease_until = now + LEASE
    target.attempts += 1
    attempt = Attempt(target_id=target.id or 0, number=target.attempts, kind="remove", started_at=now)
    session.add_all([target, attempt])
    session.flush()
    return Claim(
        target_id=target.id or 0,
        post_id=target.post_id,
        account_id=target.account_id,
        attempt_id=attempt.id or 0,
        number=target.attempts,
        kind="remove",
        outgoing=Outgoing(key=target.key, text=target.text),
        lease_until=now + LEASE,
        remote_id=target.remote_id,
    )


def run(engine: sa.Engine, made: Claim, publisher: Publisher, clock: Clock) -> TargetState:
    """Deletes it on the network, and records what came of it."""
    try:
        publisher.remove(made.remote_id or "")
    except SignInExpired as error:
        with database.writing(engine) as session:
            accounts.mark_signed_out(session, made.account_id, str(error), clock())
        return not_done(engine, made, "signed_out", str(error), clock())
    except Rejected as error:
        return not_done(engine, made, "rejected", error.reason, clock(), give_up=True)
    except RateLimited as error:
        return not_done(engine, made, "rate_limited", str(error), clock(), retry_at=error.retry_at)
    except NetworkError as error:
        return not_done(engine, made, "unavailable", str(error), clock())
    now = clock()
    with database.writing(engine) as session:
        target = targets.locked(session, made.target_id)
        _finish(session, made, "removed", "", now)
        if target is not None and target.state == TargetState.PUBLISHED:
            targets.settle(session, target, TargetState.REMOVED, "", now)
    return TargetState.REMOVED


def not_done(
    engine: sa.Engine,
    made: Claim,
    result: str,
    words: str,
    now: datetime,
    *,
    retry_at: datetime | None = None,
    give_up: bool = False,
) -> TargetState:
    """It is still there: tried again later, or not at all when the network refuses."""
    with database.writing(engine) as session:
        target = targets.locked(session, made.target_id)
        _finish(session, made, result, words, now)
        if target is not None and target.attempts == made.number:
            tries = session.exec(
                select(sa.func.count(col(Attempt.id))).where(
                    Attempt.target_id == made.target_id, Attempt.kind == "remove"
                )
            ).one()
            target.lease_until, target.last_error = None, reasons.NOT_YET_REMOVED % {"why": words}
            target.next_try_at = retry_at or now + PAUSES[min(tries, len(PAUSES)) - 1]
            if give_up:
                target.take_down_asked_at, target.last_error = None, reasons.NOT_REMOVED % {"why": words}
            session.add(target)
    return TargetState.PUBLISHED


def _finish(session: Session, made: Claim, result: str, words: str, now: datetime) -> None:
    attempt = session.get_one(Attempt, made.attempt_id)
    attempt.finished_at, attempt.outcome, attempt.detail = now, result, words
    session.add(attempt)
