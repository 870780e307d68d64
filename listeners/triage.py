"""Triage of mentions: new, assigned, snoozed, done. The table of moves is pure; each move is in the audit log."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select, update

from config import audit
from listeners.tables import Mention


class State(StrEnum):
    NEW = "new"
    ASSIGNED = "assigned"
    SNOOZED = "snoozed"
    DONE = "done"


class Move(StrEnum):
    ASSIGN = "assign"
    SNOOZE = "snooze"
    FINISH = "finish"
    REOPEN = "reopen"


MOVES: Mapping[tuple[State, Move], State] = {
    **{(state, Move.ASSIGN): State.ASSIGNED for state in State},
    **{(state, Move.SNOOZE): State.SNOOZED for state in (State.NEW, State.ASSIGNED, State.SNOOZED)},
    **{(state, Move.FINISH): State.DONE for state in (State.NEW, State.ASSIGNED, State.SNOOZED)},
    **{(state, Move.REOPEN): State.NEW for state in (State.ASSIGNED, State.SNOOZED, State.DONE)},
}


class WrongMove(Exception):
    """The mention is not in a state from which this can be done; nothing was changed."""


class NoSuchMention(LookupError):
    """It was deleted, has expired, or never was."""


def assign(session: Session, mention_id: int, person_id: int, now: datetime, to: int | None = None) -> Mention:
    """Gives the mention to a person: `to`, or who asks."""
    mention = _move(session, mention_id, Move.ASSIGN, person_id, now)
    mention.assigned_to, mention.snoozed_until = to or person_id, None
    return mention


def snooze(session: Session, mention_id: int, person_id: int, until: datetime, now: datetime) -> Mention:
    """Puts the mention away until a time to come."""
    if until <= now:
        raise WrongMove("a mention is put away until a time to come")
    mention = _move(session, mention_id, Move.SNOOZE, person_id, now)
    mention.snoozed_until = until
    return mention


def done(session: Session, mention_id: int, person_id: int, now: datetime) -> Mention:
    """Nothing more is to be done about it."""
    mention = _move(session, mention_id, Move.FINISH, person_id, now)
    mention.snoozed_until = None
    return mention


def reopen(session: Session, mention_id: int, person_id: int, now: datetime) -> Mention:
    """Back to new, with nobody."""
    mention = _move(session, mention_id, Move.REOPEN, person_id, now)
    mention.assigned_to = mention.snoozed_until = None
    return mention


def wake(session: Session, now: datetime) -> int:
    """Mentions whose snooze is over come back, to whom they were assigned or as new; how many."""
    over = (col(Mention.state) == State.SNOOZED.value, col(Mention.snoozed_until) <= now)
    woken = 0
    for assigned, state in ((True, State.ASSIGNED), (False, State.NEW)):
        held = col(Mention.assigned_to).is_not(None) if assigned else col(Mention.assigned_to).is_(None)
        woken += session.exec(update(Mention).where(*over, held).values(state=state.value, snoozed_until=None)).rowcount
    return woken


def _move(session: Session, mention_id: int, move: Move, person_id: int, now: datetime) -> Mention:
    found = session.exec(
        select(Mention).where(Mention.id == mention_id, col(Mention.shown)).with_for_update()
    ).one_or_none()
    if found is None:
        raise NoSuchMention("this mention is not here any more")
    after = MOVES.get((State(found.state), move))
    if after is None:
        raise WrongMove(f"a mention that is {found.state} cannot be moved by {move.value}")
    before, found.state = found.state, after.value
    session.add(found)
    audit.record(session, now, person_id, f"mention.{move.value}", f"mention:{mention_id}", {"from": before})
    return found
