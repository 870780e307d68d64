"""What each sensitivity would have alerted in the last month: the live code, hour by hour, on the posts that are kept.

It looks at a copy in memory, so that the desk's own alerts, clock and store know nothing of it. Asked for on the
Alerts page; scheduler/jobs/hindsight.py works it out, a little at a time, and the last answer is kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from config import audit, clock, database
from listeners.tables import Mention, Place, Source, SourceHour
from sentiment import alerts, cells, counts, recent
from sentiment.emerging import Sensitivity
from sentiment.recent import Memory
from sentiment.tables import ALL, Alert, AlertMention, AuthorDay, HeldBack, Hindsight, MentionConcern, Score
from sentiment.tuning import LEVELS, Tuning

MONTH = timedelta(days=30)
LEAST = timedelta(days=7)  # less says nothing about a month
HOUR = timedelta(hours=1)
QUIET = timedelta(hours=24)  # a thread without anything new for so long is taken for dealt with
WINDOW = timedelta(hours=max(cells.WINDOWS_HOURS))
BEFORE = timedelta(days=cells.LEAST_BASELINE_DAYS + cells.GUARD_DAYS) + WINDOW  # of history before the first look
_COPIED = 2000  # rows at a time


@dataclass(frozen=True)
class Raised:
    """An alert as it would have been raised: what the list of alerts says of one."""

    at: datetime
    title: str
    concern: str
    place: str | None  # its name


@dataclass(frozen=True)
class Answer:
    """What was worked out last. `first`, `last`: the days looked at, both included, as far as kept posts reach; of a
    history that is too short `raised` is none, and from `first` on a week of it can be tried. Oldest alert first."""

    at: datetime
    first: date | None
    last: date
    raised: Mapping[Sensitivity, tuple[Raised, ...]] | None


def ask(session: Session, person_id: int, now: datetime) -> None:
    """Asks for it to be worked out; once, while it is under way."""
    if waiting(session) is None:
        session.add(Hindsight(asked_at=now, asked_by=person_id))
        audit.record(session, now, person_id, "alerts.hindsight", "alerts")


def waiting(session: Session) -> int | None:
    """The number of what was asked for and is not answered yet."""
    return session.exec(select(Hindsight.id).where(col(Hindsight.ended_at).is_(None)).limit(1)).first()


def note(session: Session, number: int, done: float) -> None:
    """Notes how much of what was asked for is worked out, 0 to 1."""
    session.connection().execute(sa.update(Hindsight).where(col(Hindsight.id) == number).values(done=done))


def read(session: Session) -> tuple[Answer | None, float | None]:
    """The last answer, and how much of another is worked out (0 to 1; none: nothing is asked for); one question."""
    rows = session.exec(select(Hindsight).order_by(col(Hindsight.id))).all()
    answered = [row for row in rows if row.ended_at is not None]
    under_way = next((row.done for row in rows if row.ended_at is None), None)
    return _answer(answered[-1]) if answered else None, under_way


def keep(session: Session, number: int, answer: Answer) -> None:
    """Keeps the answer to what was asked for, in place of those before."""
    row = session.get(Hindsight, number)
    if row is None:
        return
    row.ended_at, row.first, row.last = answer.at, answer.first, answer.last
    row.raised = (
        {level: [_row(one) for one in found] for level, found in answer.raised.items()}
        if answer.raised is not None
        else None
    )
    session.add(row)
    session.connection().execute(sa.delete(Hindsight).where(col(Hindsight.id) < number))


def forget(session: Session, before: datetime) -> int:
    """Removes an answer from before this moment: its titles have words of posts that are gone by now; how many."""
    past = sa.delete(Hindsight).where(col(Hindsight.ended_at) < before)
    return session.connection().execute(past).rowcount


def span(session: Session, now: datetime, zone: ZoneInfo) -> tuple[datetime | None, bool]:
    """The first hour of the last month at which alerts could be looked for as they are now, in the posts that are still
    kept (none without any), and whether that is long enough ago."""
    history = counts.first_day(session)
    kept = session.connection().execute(
        sa.select(sa.func.min(col(Mention.posted_at))).where(col(Mention.scored_at).is_not(None))
    )
    oldest = kept.scalar()
    if history is None or oldest is None:
        return None, False
    begun = datetime.combine(history, time(), zone) + BEFORE
    start = counts.hour_of(clock.utc(max(now - MONTH, begun, oldest + WINDOW))) + HOUR
    return start, now - start >= LEAST


def copied(session: Session, store: sa.Engine, start: datetime) -> None:
    """Copies what alerts are found in, from `start` on, into an empty store. What has to do with the network, with
    people's work and with where a post can be found stays behind. Each was scored when it was posted, for looks that
    go by the hour; here that may have been in any order."""
    since = start - max(recent.KEPT, WINDOW)
    mention: tuple[Any, ...] = (
        *(col(Mention.id), col(Mention.key), col(Mention.network), col(Mention.source_id), col(Mention.author)),
        *(col(Mention.text), col(Mention.language), col(Mention.place_id), col(Mention.rules), col(Mention.repost)),
        *(col(Mention.copy_of), col(Mention.automatic), col(Mention.posted_at), col(Mention.received_at)),
        *(col(Mention.expires_at), col(Mention.addressed), col(Mention.shown)),
        col(Mention.posted_at).label("scored_at"),
    )
    source: tuple[Any, ...] = (col(Source.id), col(Source.network), col(Source.name))
    here = (col(Mention.posted_at) > since, col(Mention.scored_at).is_not(None))
    ids = sa.select(col(Mention.id)).where(*here)
    questions: tuple[tuple[type[SQLModel], sa.Select[tuple[object, ...]]], ...] = (
        (Place, sa.select(*sa.inspect(Place).columns)),
        (Source, sa.select(*source)),
        (SourceHour, sa.select(*sa.inspect(SourceHour).columns)),  # since when each is heard
        (Mention, sa.select(*mention).where(*here)),
        (Score, sa.select(*sa.inspect(Score).columns).where(col(Score.mention_id).in_(ids))),
        (
            MentionConcern,
            sa.select(*sa.inspect(MentionConcern).columns).where(col(MentionConcern.posted_at) > since),
        ),
        (AuthorDay, sa.select(*sa.inspect(AuthorDay).columns)),
    )
    with database.writing(store) as into:
        for table, question in questions:
            rows = session.connection().execute(question, execution_options={"yield_per": _COPIED})
            for some in rows.mappings().partitions():
                into.connection().execute(sa.insert(table), [dict(row) for row in some])


def replay(
    store: sa.Engine, level: Sensitivity, tuned: Tuning, start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[list[Raised]]:
    """Looks each hour from `start` to `end`, as the desk would at this sensitivity of the department: concerns keep
    their own, and what was learnt; mutes aside. Yields each hour's new alerts; the store has none afterwards."""
    tuned = replace(tuned, sensitivity={**tuned.sensitivity, ALL: level}, muted_until={})
    memory, at = Memory(), start
    while at <= end:
        with clock.at(at), database.writing(store) as session:
            done_with = sa.update(Alert).where(col(Alert.state).in_(alerts.OPEN), col(Alert.updated_at) < at - QUIET)
            session.connection().execute(done_with.values(state="resolved", closed_at=at))
            found = alerts.find(session, at, zone, memory, tuned)
            raised = alerts.put(session, found, at, zone)
            new = [Raised(at, alert.title, alert.concern, _name(session, alert.place_id)) for alert in raised]
        yield new
        at += HOUR
    with database.writing(store) as session:
        for table in (AlertMention, Alert, HeldBack):
            session.connection().execute(sa.delete(table))


def _name(session: Session, place_id: int | None) -> str | None:
    place = session.get(Place, place_id) if place_id is not None else None
    return place.name if place is not None else None


def _row(one: Raised) -> dict[str, str | None]:
    return {"at": one.at.isoformat(), "title": one.title, "concern": one.concern, "place": one.place}


def _answer(row: Hindsight) -> Answer:
    raised = None
    if row.raised is not None:
        raised = {
            level: tuple(
                Raised(datetime.fromisoformat(one["at"] or ""), one["title"] or "", one["concern"] or "", one["place"])
                for one in row.raised.get(level, ())
            )
            for level in LEVELS
        }
    ended = row.ended_at or row.asked_at
    return Answer(ended, row.first, row.last or ended.date(), raised)
