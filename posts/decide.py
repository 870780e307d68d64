"""A person's word on a target of which nobody can tell whether it went out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from sqlmodel import Session, col, select

from config import audit
from posts import reasons, targets
from posts.tables import Target
from posts.workflow import TO_SEND, TargetState, WrongState

DECISIONS: Mapping[str, str] = MappingProxyType(
    {
        "it_is_there": "It is there: count it as sent",
        "send_again": "It is not there: send it again",
        "leave_it": "Leave it: do not send it",
    }
)


def decide(session: Session, target_id: int, person_id: int, decision: str, now: datetime) -> Target:
    """Settles an unknown target. Raises WrongState if it is settled already, ValueError for no such decision."""
    if decision not in DECISIONS:
        raise ValueError(decision)
    target = targets.locked(session, target_id)
    if (
        target is None
        or target.state != TargetState.UNKNOWN
        or (target.lease_until is not None and target.lease_until > now)
    ):
        raise WrongState("This is being looked up or settled already; nothing was changed.")
    audit.record(session, now, person_id, f"target.{decision}", f"post:{target.post_id}", {"target": target_id})
    if decision != "leave_it":
        for part in (target, *_after(session, target)):
            part.due_at = part.next_try_at = now  # the hour is the person's choice now, so it is not too late
            session.add(part)
    if decision == "it_is_there":
        target.published_at = now
        targets.settle(session, target, TargetState.PUBLISHED, "", now)
    elif decision == "send_again":
        targets.settle(session, target, TargetState.RETRY, reasons.SENT_AGAIN, now)
    else:
        targets.settle(session, target, TargetState.FAILED, reasons.LEFT, now)
    return target


def _after(session: Session, target: Target) -> Sequence[Target]:
    """The parts of its thread that wait for it."""
    theirs = select(Target).where(Target.post_id == target.post_id, Target.account_id == target.account_id)
    return session.exec(theirs.where(Target.part > target.part, col(Target.state).in_(TO_SEND)).with_for_update()).all()
