"""What was heard in person, for programs: written down without names, counted beside the networks; the words for who
may read mentions."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config import clock, database
from config.permissions import Action
from posts import heard
from web import heard as room
from web.actions import today
from web.api import paging
from web.desk import TheDesk
from web.drafting import Number
from web.fields import Id, clean
from web.guard import Who, needs

router = APIRouter(prefix="/heard")
Line = Annotated[str, AfterValidator(clean), Field(max_length=320)]


class HeardIn(BaseModel):
    """What one or more people said; nobody's name. `heard_on`: today where it is left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"heard_on": "2026-12-03", "channel": "meeting", "where": "Elm Street Library", "language": "en",
                 "concern": "traffic_safety", "trust": "neither", "people": 4, "words": "Cars race at night."}
            ]
        }
    )  # fmt: skip

    heard_on: date | None = None
    channel: Literal["meeting", "counter", "phone", "street", "partner", "other"] = "meeting"
    where: Line = ""
    place: Number | None = None
    language: Annotated[str, Field(pattern="^[a-z]{2,3}$")] = "en"
    concern: Line
    trust: Literal["mistrust", "neither", "trust"] = "neither"
    people: Annotated[int, Field(ge=1, le=heard.MOST_PEOPLE)] = 1
    words: Annotated[str, AfterValidator(clean), Field(max_length=heard.LONGEST)] = ""
    event: Number | None = None


class NoteOut(BaseModel):
    """A note. `words`: handles, addresses and numbers masked; none once their time is over, or there were none."""

    id: int
    heard_on: date
    channel: str
    where: str
    place_id: int | None
    language: str
    concern: str
    trust: str
    people: int
    words: str | None
    written_at: datetime
    expires_at: datetime
    event_id: int | None
    partner_id: int | None


class NotesOut(BaseModel):
    """A page; `next` goes into `before` for the page after it, none on the last."""

    notes: list[NoteOut]
    next: str | None


class CountOut(BaseModel):
    """People who said so, of whom so many with mistrust and with trust, in so many notes."""

    concern: str
    people: int
    mistrust: int
    trust: int
    notes: int


class HeardOut(BaseModel):
    """Four weeks, `first` to `last`, both included; most people first."""

    first: date
    last: date
    counts: list[CountOut]


@router.get("", dependencies=[needs(Action.READ_FIGURES)])
def count_heard(found: TheDesk) -> HeardOut:
    """What was heard in the last four weeks, by concern. Never added to what is written on networks."""
    last = today(found)
    first = last - heard.SHOWN
    with database.reading(found.engine) as session:
        counts = heard.counted(session, first, last)
    return HeardOut(
        first=first, last=last, counts=[CountOut.model_validate(one, from_attributes=True) for one in counts]
    )


@router.get("/notes", dependencies=[needs(Action.READ_MENTIONS)])
def list_notes(
    found: TheDesk, before: str | None = None, limit: Annotated[int, Query(ge=1, le=paging.MOST)] = 50
) -> NotesOut:
    """The notes, the last heard first."""
    with database.reading(found.engine) as session:
        rows = heard.latest(session, limit + 1, paging.place(before, date.fromisoformat))
    last, now = rows[limit - 1] if len(rows) > limit else None, clock.now()
    return NotesOut(
        notes=[
            NoteOut.model_validate(one, from_attributes=True).model_copy(update={"words": heard.words_at(one, now)})
            for one in rows[:limit]
        ],
        next=paging.following(last.heard_on, last.id) if last is not None else None,
    )


@router.post("/notes", status_code=201, dependencies=[needs(Action.TRIAGE)])
def write_down(found: TheDesk, who: Who, given: HeardIn) -> NoteOut:
    """Counts it; 409 for a day to come, or one longer than a year ago."""
    values = given.model_dump(exclude={"place", "event"})
    made = room.kept(found, who, **values, place_id=given.place, event_id=given.event)
    return NoteOut.model_validate(made, from_attributes=True)


@router.delete("/notes/{heard_id}", status_code=204, dependencies=[needs(Action.TRIAGE)])
def remove(found: TheDesk, who: Who, heard_id: Id) -> None:
    """Takes out what was a mistake, and its count; one that is gone already is fine."""
    with database.writing(found.engine) as session:
        heard.remove(session, heard_id, who.id, clock.now())
