"""A person's word on a target of which nobody can tell whether it went out."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from sqlmodel import Session

from config import audit
from posts import targets
from posts.tables import Target
from posts.workflow import TargetState, WrongState

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
    if decision == "it_is_there":
        target.published_at = now
        targets.settle(session, target, TargetState.PUBLISHED, "", now)
    elif decision == "send_again":
        target.due_at = target.next_try_at = now  # the hour is the person's choice now, so it is not too late
        targets.settle(session, target, TargetState.RETRY, "sent again by decision", now)
    else:
        targets.settle(session, target, TargetState.FAILED, "left by decision", now)
    return target
