"""Triage of mentions: new, assigned, snoozed, done; tags; taking back. The table of moves is pure; each move is in the
audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select, update

from config import audit
from listeners.tables import Mention, MentionTag


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


MORNING = time(8)  # when what was put away comes back
LONGEST_TAG = 40  # characters


@dataclass(frozen=True)
class Before:
    """How a mention stood before a move, so that the move can be taken back."""

    id: int
    state: str
    assigned_to: int | None = None
    snoozed_until: datetime | None = None


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


def stood(session: Session, ids: Sequence[int]) -> list[Before]:
    """How these mentions stand now, those that are shown."""
    rows = session.exec(select(Mention).where(col(Mention.id).in_(ids), col(Mention.shown)).order_by(col(Mention.id)))
    return [Before(row.id or 0, row.state, row.assigned_to, row.snoozed_until) for row in rows]


def put_back(session: Session, before: Sequence[Before], person_id: int, now: datetime) -> int:
    """Takes moves back: each mention stands as it stood; how many. A snooze that would be over comes back as new."""
    by_id = {one.id: one for one in before}
    rows = session.exec(select(Mention).where(col(Mention.id).in_(list(by_id)), col(Mention.shown)).with_for_update())
    number = 0
    for row in rows:
        was = by_id[row.id or 0]
        over = was.state == State.SNOOZED and (was.snoozed_until is None or was.snoozed_until <= now)
        after = State.NEW if over else State(was.state)
        if after == State.ASSIGNED and was.assigned_to is None:
            after = State.NEW
        detail = {"from": row.state, "to": after.value}
        row.state, row.assigned_to = after.value, was.assigned_to
        row.snoozed_until = was.snoozed_until if after == State.SNOOZED else None
        session.add(row)
        audit.record(session, now, person_id, "mention.undo", f"mention:{row.id}", detail)
        number += 1
    return number


def morning_after(now: datetime, zone: ZoneInfo, days: int) -> datetime:
    """Eight in the morning of a zone, so many days from today there."""
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=days), MORNING, zone)


def next_monday(now: datetime, zone: ZoneInfo) -> datetime:
    """Eight in the morning of the next Monday, never today."""
    return morning_after(now, zone, 7 - now.astimezone(zone).weekday())


def a_tag(words: str) -> str:
    """A tag as it is kept: one line, lower case, no comma. Empty for nothing. Pure."""
    return " ".join(words.replace(",", " ").casefold().split())[:LONGEST_TAG].strip()


def tag(session: Session, mention_id: int, words: str, person_id: int, now: datetime) -> str:
    """Puts a tag on a mention; the tag as it is kept. Raises NoSuchMention, and WrongMove for an empty one."""
    kept = a_tag(words)
    if not kept:
        raise WrongMove("a tag needs a word")
    known = session.exec(select(Mention.id).where(Mention.id == mention_id, col(Mention.shown))).one_or_none()
    if known is None:
        raise NoSuchMention("this mention is not here any more")
    if session.get(MentionTag, (mention_id, kept)) is None:
        session.add(MentionTag(mention_id=mention_id, tag=kept))
        session.flush()
        audit.record(session, now, person_id, "mention.tag", f"mention:{mention_id}", {"tag": kept})
    return kept


def untag(session: Session, mention_id: int, words: str, person_id: int, now: datetime) -> None:
    """Takes a tag off; one that is not there is fine."""
    found = session.get(MentionTag, (mention_id, a_tag(words)))
    if found is not None:
        session.delete(found)
        session.flush()
        audit.record(session, now, person_id, "mention.untag", f"mention:{mention_id}", {"tag": found.tag})


def known_tags(session: Session, limit: int = 30) -> list[str]:
    """Tags in use, the most used first."""
    used = sa.func.count().label("used")
    query = sa.select(col(MentionTag.tag), used).group_by(col(MentionTag.tag))
    rows = session.connection().execute(query.order_by(used.desc(), col(MentionTag.tag)).limit(limit))
    return [row.tag for row in rows]


def wake(session: Session, now: datetime) -> int:
    """Mentions whose snooze is over come back, to whom they were assigned or as new; how many. No entry of the audit
    log: the snooze, which is one, said so."""
    over = (col(Mention.state) == State.SNOOZED.value, col(Mention.snoozed_until) <= now)
    as_it_was = sa.case((col(Mention.assigned_to).is_(None), State.NEW.value), else_=State.ASSIGNED.value)
    woken = update(Mention).where(*over).values(state=as_it_was, snoozed_until=None)
    return session.exec(woken.execution_options(synchronize_session=False)).rowcount


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
