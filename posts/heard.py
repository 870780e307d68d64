"""What people said in person or by phone: entered by officers without names, counted beside the networks and never
with them: who comes to a meeting is no sample of who posts, and one voice may be in both."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select, update

from config import audit
from config.phrases import Phrase
from listeners import masking
from posts.tables import Heard
from posts.workflow import WrongState

CHANNELS = ("meeting", "counter", "phone", "street", "partner", "other")
TRUST = ("mistrust", "neither", "trust")
MOST_PEOPLE = 500
LONGEST = 1000  # characters
OLDEST = timedelta(days=366)
SHOWN = timedelta(days=27)  # with today, four weeks
_PHONE = re.compile(r"(?<!\w)\+?\d[\d\s().\-]{6,}\d(?!\w)")


@dataclass(frozen=True)
class InPerson:
    """What was heard about one concern: people, of whom so many with mistrust and with trust, in so many notes."""

    concern: str
    people: int
    mistrust: int
    trust: int
    notes: int


def write_down(
    session: Session,
    person_id: int | None,
    now: datetime,
    *,
    heard_on: date,
    today: date,
    channel: str,
    concern: str,
    keep: timedelta,
    where: str = "",
    place_id: int | None = None,
    language: str = "en",
    trust: str = "neither",
    people: int = 1,
    words: str = "",
    event_id: int | None = None,
    partner_id: int | None = None,
) -> Heard:
    """Keeps a note (by nobody at the desk: what a partner passes on); its words for as long as `keep`. Raises
    WrongState for what cannot be."""
    if channel not in CHANNELS or trust not in TRUST:
        raise WrongState("Choose how it was heard, and how it sounded.", "channel")
    if not 1 <= people <= MOST_PEOPLE:
        raise WrongState(Phrase("One to %(most)s people.", most=MOST_PEOPLE), "people")
    if not today - OLDEST <= heard_on <= today:
        raise WrongState("It was heard today or within the last year.", "heard_on")
    if len(words) > LONGEST:
        raise WrongState(Phrase("What was said has %(most)s characters at most.", most=LONGEST), "words")
    made = Heard(
        heard_on=heard_on,
        channel=channel,
        where=where.strip()[:120],
        place_id=place_id,
        language=language,
        concern=concern,
        trust=trust,
        people=people,
        words=nameless(words.strip()) or None,
        written_by=person_id,
        written_at=now,
        expires_at=now + keep,
        event_id=event_id,
        partner_id=partner_id,
    )
    session.add(made)
    session.flush()
    audit.record(session, now, person_id, "heard.write", f"heard:{made.id}", {"concern": concern, "people": people})
    return made


def nameless(words: str) -> str:
    """`words` with handles, e-mail addresses and telephone numbers masked. Names are for the writer to leave out."""
    return _PHONE.sub("…", masking.masked(words, ()))


def remove(session: Session, heard_id: int, person_id: int, now: datetime) -> None:
    """Takes a note out that was a mistake, and its count with it; one that is gone already is fine."""
    found = session.get(Heard, heard_id)
    if found is not None:
        detail = {"concern": found.concern, "people": found.people}
        audit.record(session, now, person_id, "heard.remove", f"heard:{heard_id}", detail)
        session.delete(found)
        session.flush()


def latest(session: Session, limit: int = 100, before: tuple[date, int] | None = None) -> list[Heard]:
    """The notes, the last heard first; `before`: the day and the number of the last one that was read."""
    query = select(Heard).order_by(col(Heard.heard_on).desc(), col(Heard.id).desc()).limit(limit)
    if before is not None:
        query = query.where(sa.tuple_(col(Heard.heard_on), col(Heard.id)) < before)
    return list(session.exec(query))


def counted(session: Session, first: date, last: date) -> list[InPerson]:
    """What was heard from `first` to `last`, both included, by concern: most people first."""
    return _counted(session, col(Heard.heard_on).between(first, last))


def counted_at(session: Session, event_id: int) -> list[InPerson]:
    """What was heard at one event, by concern: most people first."""
    return _counted(session, col(Heard.event_id) == event_id)


def _counted(session: Session, which: sa.ColumnElement[bool]) -> list[InPerson]:
    people = col(Heard.people)

    def of(trust: str) -> sa.Label[int]:
        return sa.func.sum(sa.case((col(Heard.trust) == trust, people), else_=0)).label(trust)

    rows = session.connection().execute(
        sa.select(
            col(Heard.concern),
            sa.func.sum(people).label("people"),
            of("mistrust"),
            of("trust"),
            sa.func.count().label("notes"),
        )
        .where(which)
        .group_by(col(Heard.concern))
    )
    found = [InPerson(row.concern, int(row.people), int(row.mistrust), int(row.trust), int(row.notes)) for row in rows]
    return sorted(found, key=lambda one: (-one.people, one.concern))


def words_at(note: Heard, now: datetime) -> str | None:
    """A note's words within their time; what only a legal hold keeps is out of the desk's sight."""
    return note.words if note.expires_at > now else None


def heard_within(days: Iterable[tuple[date, date]]) -> sa.ColumnElement[bool]:
    """What is true of a note that was heard on one of these days, the first and the last included."""
    return sa.or_(sa.false(), *(col(Heard.heard_on).between(first, last) for first, last in days))


def expire(session: Session, now: datetime, limit: int, held: Iterable[tuple[date, date]] = ()) -> int:
    """Lets go of words past their time but those heard on `held` days, both included; how many. Counts stay."""
    past = [col(Heard.expires_at) <= now, col(Heard.words).is_not(None), ~heard_within(held)]
    gone = session.exec(select(Heard.id).where(*past).limit(limit)).all()
    if gone:
        session.exec(update(Heard).where(col(Heard.id).in_(gone)).values(words=None))
    return len(gone)
