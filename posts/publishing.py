"""Publishing exactly once: call, receipt; look-up where a reply was lost. Never sent again blindly.

posts.claims committed the attempt before. Whatever does not prove that nothing was applied becomes `unknown` and is
looked up on the network: there, it is published; proven absent, it is sent again; cannot be told, a person decides."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, select

from config import audit, database, holds
from networks import accounts
from networks.network import (
    HeldBack,
    OutcomeUnknown,
    Outgoing,
    Picture,
    Publisher,
    RateLimited,
    Receipt,
    Rejected,
    RenewalFailed,
    SignInExpired,
    Unavailable,
)
from networks.tables import Account
from posts import claims, drafts, pictures, reasons, targets
from posts.claims import Claim
from posts.tables import Attempt, PostPicture, Target
from posts.workflow import SENT, TARGET_MOVES, TargetState

log = structlog.get_logger(__name__)
SHORTEST_PAUSE = timedelta(seconds=5)
FIRST_PAUSE = timedelta(seconds=20)  # doubled at each failure that surely applied nothing, until it is too late to send
LONGEST_PAUSE = timedelta(minutes=10)
# Between look-ups that could not tell; meanwhile, and for ever after, a person may decide.
LOOK_UP_PAUSES = tuple(timedelta(seconds=s) for s in (15, 60, 300, 900, 3600, 21600))
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Outcome:
    """What came of a claim's call, to be written down: the target's new state, a word for the attempt's `result`."""

    claim: Claim
    state: TargetState
    result: str
    words: str
    at: datetime
    next_try: datetime | None = None
    receipt: Receipt | None = None
    seen: Sequence[Receipt] = ()  # what may be it, for a person to decide by


def run(
    engine: sa.Engine,
    made: Claim,
    publisher: Publisher,
    clock: Clock,
    as_sent: Callable[[PostPicture], Picture] = pictures.as_sent,
) -> TargetState:
    """Makes the call of one claim and records what came of it."""
    return record(engine, [call(engine, made, publisher, clock, as_sent)])[0]


def call(
    engine: sa.Engine,
    made: Claim,
    publisher: Publisher,
    clock: Clock,
    as_sent: Callable[[PostPicture], Picture] = pictures.as_sent,
) -> Outcome:
    """Makes the call of one claim, outside any transaction; what came of it is still to be recorded. `as_sent`: a
    picture as its network takes it."""
    if made.kind == "find":
        return _look_up(engine, made, publisher, clock)
    ready = _ready(engine, made, clock, as_sent)
    if ready.obstacle:
        return Outcome(made, TargetState.WAITING, ready.obstacle, "", clock())
    if ready.misfits:
        return Outcome(made, TargetState.FAILED, "rejected", " ".join(ready.misfits), clock())
    try:
        receipt = publisher.publish(ready.outgoing)
    except _Overtaken as error:
        return Outcome(made, TargetState.WAITING, "not begun", str(error), clock())
    except HeldBack:
        return Outcome(made, TargetState.WAITING, "held", "", clock())
    except RateLimited as error:
        moment = clock()
        retry_at = max(error.retry_at, moment + SHORTEST_PAUSE)
        return Outcome(made, TargetState.RETRY, "rate_limited", str(error), moment, next_try=retry_at)
    except SignInExpired as error:
        return Outcome(made, TargetState.WAITING, "signed_out", str(error), clock())
    except Rejected as error:
        return Outcome(made, TargetState.FAILED, "rejected", error.reason, clock())
    except Unavailable as error:
        moment = clock()
        if isinstance(error, RenewalFailed):
            with database.writing(engine) as session:
                accounts.note_failed_renewal(session, made.account_id, str(error), moment)
        next_try = moment + _pause(engine, made)
        return Outcome(made, TargetState.RETRY, "unavailable", str(error), moment, next_try=next_try)
    except Exception as error:  # anything else may have been applied: only a look-up can tell
        words = f"{type(error).__name__}: {error}"[:500]
        moment = clock()
        return Outcome(made, TargetState.UNKNOWN, "unknown", words, moment, next_try=moment + LOOK_UP_PAUSES[0])
    return Outcome(made, TargetState.PUBLISHED, "published", "", clock(), receipt=receipt)


@dataclass(frozen=True)
class _Ready:
    """What the last look before a call found: why it must not be made, why its network would not take it, or it."""

    outgoing: Outgoing
    obstacle: str = ""
    misfits: tuple[str, ...] = ()


class _Overtaken(HeldBack):
    """The claim is not ours any more: another may have sent it since, or somebody called it off."""


def _ready(engine: sa.Engine, made: Claim, clock: Clock, as_sent: Callable[[PostPicture], Picture]) -> _Ready:
    """One read just before the call. Pictures are read only now: a thousand claims at once would hold them all."""
    now = clock()
    with database.reading(engine) as session:
        found = session.exec(
            select(Target, Account)
            .join(Account, col(Account.id) == col(Target.account_id))
            .where(Target.id == made.target_id)
        ).one_or_none()
        over = found[0].over_hold_id if found is not None else None
        if holds.stopping(session, over) is not None:
            return _Ready(made.outgoing, "held")
        if (
            found is None
            or not _is_ours(found[0], made)
            or now >= made.lease_until - claims.LEASE / 2  # an older claim could overlap with its own look-up
        ):
            return _Ready(made.outgoing, "not begun")
        shown = drafts.pictures_of(session, made.post_id) if found[0].part == 0 else []
        limits = accounts.limits(found[1])
    outgoing = replace(
        made.outgoing,
        pictures=tuple(as_sent(picture) for picture in shown),
        memory=_Memory(engine, made),
        proceed=lambda: _proceed(engine, made, over, clock),
    )
    misfits = limits.problems(outgoing) if limits is not None else ()
    return _Ready(outgoing, misfits=tuple(problem.message for problem in misfits))


def _is_ours(target: Target | None, made: Claim) -> bool:
    """Whether a target is being published by this very attempt."""
    ours = (made.outgoing.key, made.number, TargetState.PUBLISHING)
    return target is not None and (target.key, target.attempts, target.state) == ours


def _proceed(engine: sa.Engine, made: Claim, over: int | None, clock: Clock) -> None:
    """Raises where the next call must not be made. What took too long may be looked up by others, and sent by them."""
    with database.reading(engine) as session:
        if holds.stopping(session, over) is not None:
            raise HeldBack("a hold was placed")
        if not _is_ours(session.get(Target, made.target_id), made):
            raise _Overtaken(reasons.GONE_ON)
    if clock() >= made.lease_until - claims.LEASE + claims.PREPARING:
        raise Unavailable(reasons.SLOW)


class _Memory:
    """What a target's network made that is not public yet, in the store."""

    def __init__(self, engine: sa.Engine, made: Claim) -> None:
        self._engine, self._made = engine, made

    def recall(self) -> str | None:
        with database.reading(self._engine) as session:
            return session.get_one(Target, self._made.target_id).memory

    def keep(self, value: str | None) -> None:
        with database.writing(self._engine) as session:
            target = session.get(Target, self._made.target_id, with_for_update=True)
            if target is None or not _is_ours(target, self._made):  # or it would stand for another attempt's
                raise _Overtaken(reasons.GONE_ON)
            target.memory = value
            session.add(target)


def give_back(engine: sa.Engine, made: Claim, words: str, now: datetime, pause: timedelta = timedelta()) -> TargetState:
    """Gives a claim back of which no call was made; it may be taken again after `pause`."""
    state = TargetState.UNKNOWN if made.kind == "find" else TargetState.WAITING
    return record(engine, [Outcome(made, state, "not begun", words, now, next_try=now + pause)])[0]


def _pause(engine: sa.Engine, made: Claim) -> timedelta:
    with database.reading(engine) as session:
        failures = session.exec(
            select(sa.func.count(col(Attempt.id))).where(
                Attempt.target_id == made.target_id, Attempt.outcome == "unavailable"
            )
        ).one()
    doubled: timedelta = FIRST_PAUSE * 2 ** min(failures, 16)
    return min(LONGEST_PAUSE, doubled) * random.uniform(0.7, 1.3)  # noqa: S311  spread  # nosec B311


def _look_up(engine: sa.Engine, made: Claim, publisher: Publisher, clock: Clock) -> Outcome:
    begun = made.outgoing.begun_at
    over = begun + claims.LEASE if begun is not None else clock()  # the call that is looked up, whatever became of it
    try:
        outgoing = replace(made.outgoing, others=_others(engine, made), memory=_Memory(engine, made))
        receipt = publisher.find(outgoing)
        if receipt is not None and receipt.remote_id in outgoing.others:
            raise OutcomeUnknown(reasons.ALIKE, [receipt])
        if receipt is None and clock() < over:
            raise OutcomeUnknown(reasons.STILL_OPEN)
    except Exception as error:  # whatever went wrong, it proves nothing
        with database.reading(engine) as session:
            sent = session.exec(
                select(sa.func.max(Attempt.number)).where(
                    Attempt.target_id == made.target_id, Attempt.kind == "publish"
                )
            ).one()
        moment, looks = clock(), made.number - (sent or 0)
        next_try = moment + LOOK_UP_PAUSES[min(looks, len(LOOK_UP_PAUSES) - 1)]
        if moment < over:
            next_try = min(next_try, over)
        if isinstance(error, RateLimited):
            next_try = max(error.retry_at, moment + SHORTEST_PAUSE)
        result = "signed_out" if isinstance(error, SignInExpired) else "unknown"
        words = (reasons.CANNOT_TELL % {"why": error})[:500]
        seen = error.found if isinstance(error, OutcomeUnknown) else ()
        return Outcome(made, TargetState.UNKNOWN, result, words, moment, next_try=next_try, seen=seen)
    if receipt is not None:
        return Outcome(made, TargetState.PUBLISHED, "found", "", clock(), receipt=receipt)
    moment = clock()
    return Outcome(made, TargetState.RETRY, "absent", reasons.ABSENT, moment, next_try=moment)


def _others(engine: sa.Engine, made: Claim) -> frozenset[str]:
    """What the account's other targets sent, as their networks name it."""
    query = select(Target.remote_id).where(
        Target.account_id == made.account_id, col(Target.remote_id).is_not(None), Target.id != made.target_id
    )
    if made.outgoing.begun_at is not None:
        query = query.where(col(Target.published_at) >= made.outgoing.begun_at - timedelta(days=1))
    with database.reading(engine) as session:
        return frozenset(remote_id for remote_id in session.exec(query) if remote_id is not None)


def record(engine: sa.Engine, outcomes: Sequence[Outcome]) -> list[TargetState]:
    """Writes down what came of calls, in one transaction: what each target's state was to be, or is already."""
    with database.writing(engine) as session:
        return [_record(session, outcome) for outcome in outcomes]


def _record(session: Session, outcome: Outcome) -> TargetState:
    """A state only if the claim is still ours; a receipt always: it is the truth, a second one, too."""
    made, state, receipt, words, now = outcome.claim, outcome.state, outcome.receipt, outcome.words, outcome.at
    if outcome.result == "signed_out":
        accounts.mark_signed_out(session, made.account_id, words or "the network does not know us any more", now)
    target = targets.locked(session, made.target_id, made.post_id)
    if target is None or target.key != made.outgoing.key:  # taken back since; a number may be given again
        if receipt is not None:
            log.error("receipt_without_target", target=made.target_id, remote_id=receipt.remote_id)
            detail = {"key": made.outgoing.key, "remote_id": receipt.remote_id, "url": receipt.url}
            audit.record(session, now, None, "target.late_receipt", f"account:{made.account_id}", detail)
        return state
    before = TargetState(target.state)
    known = target.remote_id if before in SENT else None  # none, too, where a person only said that it is there
    twice = receipt is not None and known is not None and receipt.remote_id != known
    attempt = session.get_one(Attempt, made.attempt_id)
    attempt.finished_at, attempt.outcome, attempt.detail = now, outcome.result, words
    if receipt is not None and twice:
        attempt.outcome, attempt.detail = "second_receipt", receipt.url or receipt.remote_id
        log.error("second_receipt", target=target.id, remote_id=receipt.remote_id)
        where = {"target": target.id, "account": made.account_id, "remote_id": receipt.remote_id, "url": receipt.url}
        audit.record(session, now, None, "target.second_receipt", f"post:{target.post_id}", where)
    session.add(attempt)
    ours = target.attempts == made.number and before in (TargetState.PUBLISHING, TargetState.UNKNOWN)
    if receipt is not None:
        if known is not None:
            return before
        target.remote_id, target.remote_url = receipt.remote_id, receipt.url
        target.published_at = receipt.published_at
        accounts.note_ok(session, made.account_id, now)
    elif not ours or not (state is before or state in TARGET_MOVES[before]):
        return before
    target.next_try_at = outcome.next_try or target.next_try_at
    target.found = [
        {"remote_id": one.remote_id, "url": one.url or "", "published_at": one.published_at.isoformat()}
        for one in outcome.seen
    ]
    targets.settle(session, target, state, words if state is not TargetState.PUBLISHED else "", now)
    return state
