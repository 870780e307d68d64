"""Mentions that an older model read are read anew, newest first, when a person says so: after a change of the model
what is shown and counted comes from one model again.

The work is cut into parts, each with a place that it has come to, moved in the transaction of its batch: cut off at
any point and gone on with, it gives what one go gives, and two that work on one part do nothing twice. Officers'
corrections hold. What has expired keeps what was counted of it, and so does an author-day that is gone. What a legal
hold alone keeps is beyond the desk and is not read; what it keeps in the desk never loses its words by a reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database
from listeners import mentions
from listeners.tables import Mention
from sentiment import alerts, counts, scoring
from sentiment.model import Reading
from sentiment.tables import Correction, MentionConcern, Rescoring, RescoringPart, Score

PARTS = 8  # a worker reads one at a time
BATCH = 64


class NothingToRescore(Exception):
    """Every mention whose words are kept was read by the model in use."""


@dataclass(frozen=True)
class Progress:
    """How far it is. `of`: so many waited when it began; what expires meanwhile is not read, so it may end below."""

    model: str
    begun_at: datetime
    ended_at: datetime | None
    outcome: str  # "" while it is under way | done | stopped | replaced
    done: int
    of: int


@dataclass(frozen=True)
class _Waits:
    mention_id: int
    text: str
    edited_at: datetime | None


@dataclass(frozen=True)
class _Word:
    """What officers said of a mention's labels; none where they said nothing."""

    trust: str | None = None
    sentiment: str | None = None
    concerns: Sequence[str] | None = None


def begin(session: Session, model: str, person_id: int | None, now: datetime) -> Progress:
    """Begins to read anew with this model what others read; one for another model that is under way is given up.
    Raises NothingToRescore."""
    before = under_way(session)
    if before is not None and before.model == model:
        return progress(session) or _progress(before, 0)
    waits = _older(model)
    of, newest = (
        session.connection()
        .execute(sa.select(sa.func.count(), sa.func.max(col(Score.mention_id))).join(Mention).where(*waits))
        .one()
    )
    if not of:
        raise NothingToRescore(f"every mention whose words are kept was read by {model}")
    if before is not None:
        _end(session, before, "replaced", now)
    made = Rescoring(model=model, begun_at=now, begun_by=person_id, mentions=of)
    session.add(made)
    session.flush()
    session.add_all(
        RescoringPart(rescoring_id=made.id or 0, part=part, below=newest + 1, done=0) for part in range(PARTS)
    )
    session.flush()
    return _progress(made, 0)


def stop(session: Session, now: datetime) -> bool:
    """Gives it up; what was read anew stays so. Whether one was under way."""
    found = under_way(session)
    if found is not None:
        _end(session, found, "stopped", now)
    return found is not None


def under_way(session: Session) -> Rescoring | None:
    newest = select(Rescoring).where(col(Rescoring.ended_at).is_(None)).order_by(col(Rescoring.id).desc()).limit(1)
    return session.exec(newest).first()


def progress(session: Session) -> Progress | None:
    """Of the last one; none where there was none yet."""
    done = sa.select(sa.func.coalesce(sa.func.sum(col(RescoringPart.done)), 0)).where(
        col(RescoringPart.rescoring_id) == col(Rescoring.id)
    )
    row = session.exec(select(Rescoring, done.scalar_subquery()).order_by(col(Rescoring.id).desc()).limit(1)).first()
    return None if row is None else _progress(row[0], int(row[1]))


def open_parts(session: Session) -> list[int]:
    """The parts that are not through yet."""
    asked = (
        select(RescoringPart.part)
        .join(Rescoring, col(Rescoring.id) == col(RescoringPart.rescoring_id))
        .where(col(Rescoring.ended_at).is_(None), col(RescoringPart.below) > 0)
        .order_by(col(RescoringPart.part))
    )
    return list(session.exec(asked))


def step(
    engine: sa.Engine,
    reader: scoring.Reader,
    now: datetime,
    part: int,
    *,
    zone: ZoneInfo,
    held: mentions.Held = mentions.nothing_held,
) -> int:
    """Reads one batch of a part anew; how many mentions it looked at, 0 where nothing is left, or where what is wanted
    is another model's. A mention keeps the day that it counts in. `zone` is the department's; what is `held` and left
    out now leaves the desk with its words."""
    with database.reading(engine) as session:
        found = under_way(session)
        if found is None or found.model != reader.name:
            return 0
        here = session.get_one(RescoringPart, (found.id, part))
        waiting = _waiting(session, found.model, here)
    readings = reader.read([one.text for one in waiting])
    with database.writing(engine) as session:
        mentions.take_turn(session)
        begun = session.exec(_locked(found.id or 0)).one()
        there = session.get_one(RescoringPart, (found.id, part), populate_existing=True)
        if begun.ended_at is not None or there.below != here.below:
            return 0  # somebody else was here, or it was given up
        if waiting:
            there.done += _put(session, waiting, readings, reader.name, counts.kept_from(now, zone), now, held)
        there.below = waiting[-1].mention_id if waiting else 0
        session.add(there)
        session.flush()
        if not waiting and not open_parts(session):
            _end(session, begun, "done", now)
    return len(waiting)


def _older(model: str) -> tuple[sa.ColumnElement[bool], ...]:
    return col(Score.model) != model, col(Mention.text).is_not(None), col(Mention.shown).is_(True)


def _waiting(session: Session, model: str, here: RescoringPart) -> list[_Waits]:
    rows = session.connection().execute(
        sa.select(col(Score.mention_id), col(Mention.text), col(Mention.edited_at))
        .join(Mention, col(Mention.id) == col(Score.mention_id))
        .where(*_older(model), col(Score.mention_id) < here.below, col(Score.mention_id) % PARTS == here.part)
        .order_by(col(Score.mention_id).desc())
        .limit(BATCH)
    )
    return [_Waits(row.mention_id, row.text or "", row.edited_at) for row in rows]


def _locked(number: int) -> Any:
    return select(Rescoring).where(Rescoring.id == number).with_for_update().execution_options(populate_existing=True)


def _put(
    session: Session,
    waiting: Sequence[_Waits],
    readings: Sequence[Reading | None],
    model: str,
    oldest: date,
    now: datetime,
    held: mentions.Held,
) -> int:
    """Puts new readings in the place of old ones, and of what they had added to the counts; how many. What was
    reworded, deleted or read by the new model meanwhile is left alone, and what the model finds no words in."""
    still = _still(session, [one.mention_id for one in waiting], model)
    read = {
        one.mention_id: reading
        for one, reading in zip(waiting, readings, strict=True)
        if reading is not None and one.mention_id in still and still[one.mention_id] == one.edited_at
    }
    if not read:
        return 0
    said = _said(session, list(read))
    counts.take_back(session, counts.counted(session, list(read)))
    left_out = [
        number
        for number, reading in read.items()
        if reading.never_tracked and said.get(number, _Word()).concerns is None
    ]
    if left_out:
        with_words = mentions.those_held(session, left_out, held)
        scoring.forget(session, left_out)
        alerts.withdraw(session, left_out, now, with_words)
        mentions.hide(session, left_out, with_words)
    kept = {number: reading for number, reading in read.items() if number not in left_out}
    _store(session, kept, said, model)
    counts.add(session, counts.counted(session, list(kept)), author_days_from=oldest)
    return len(read)


def _still(session: Session, ids: Sequence[int], model: str) -> dict[int, datetime | None]:
    rows = session.connection().execute(
        sa.select(col(Score.mention_id), col(Mention.edited_at))
        .join(Mention, col(Mention.id) == col(Score.mention_id))
        .where(col(Score.mention_id).in_(ids), *_older(model))
        .order_by(col(Score.mention_id))
        .with_for_update(of=Score)
    )
    return {row.mention_id: row.edited_at for row in rows}


def _said(session: Session, ids: Sequence[int]) -> dict[int, _Word]:
    """The last word of officers on each label."""
    found: dict[int, _Word] = {}
    for one in session.exec(select(Correction).where(col(Correction.mention_id).in_(ids)).order_by(col(Correction.id))):
        before = found.get(one.mention_id, _Word())
        found[one.mention_id] = _Word(
            one.trust or before.trust,
            one.sentiment or before.sentiment,
            before.concerns if one.concerns is None else one.concerns,
        )
    return found


def _store(session: Session, kept: Mapping[int, Reading], said: Mapping[int, _Word], model: str) -> None:
    connection = session.connection()
    table: sa.Table = Score.__table__  # type: ignore[attr-defined]
    rows = []
    for number, reading in kept.items():
        word, read = said.get(number, _Word()), scoring.columns(reading, model)
        labels = {
            "trust_label": word.trust or read["trust_label"],
            "sentiment_label": word.sentiment or read["sentiment_label"],
        }
        rows.append({"the_mention": number} | read | labels)
    if rows:
        connection.execute(sa.update(table).where(table.c.mention_id == sa.bindparam("the_mention")), rows)
    theirs = [number for number in kept if said.get(number, _Word()).concerns is None]
    posted = dict(
        connection.execute(sa.select(col(Mention.id), col(Mention.posted_at)).where(col(Mention.id).in_(theirs))).all()
    )
    connection.execute(sa.delete(MentionConcern).where(col(MentionConcern.mention_id).in_(theirs)))
    raised = [
        {"mention_id": number, "concern": concern, "posted_at": posted[number]}
        for number in theirs
        for concern in dict.fromkeys(kept[number].raised)
    ]
    if raised:
        connection.execute(sa.insert(MentionConcern), raised)


def _end(session: Session, found: Rescoring, outcome: str, now: datetime) -> None:
    found.ended_at, found.outcome = now, outcome
    session.add(found)
    session.flush()


def _progress(found: Rescoring, done: int) -> Progress:
    return Progress(found.model, found.begun_at, found.ended_at, found.outcome, done, found.mentions)
