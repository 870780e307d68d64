"""Events and their posts, for programs: the same rules as on the pages, by posts.events and posts.event_posts."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NaiveDatetime
from sqlmodel import Session

from config import clock, database
from config.permissions import Action
from networks import accounts
from posts import event_posts, events, heard
from posts.event_words import Kind
from posts.events import Given
from posts.tables import Event
from web.desk import Desk, TheDesk
from web.drafting import Number
from web.events import address, desk_of
from web.fields import LARGEST_ID, Id, clean
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter()
Text = Annotated[str, AfterValidator(clean), Field(max_length=events.LONGEST_LINE)]
Language = Annotated[str, Field(pattern="^[a-z]{2,3}$")]


class EventIn(BaseModel):
    """An event. `wall_time` is local in `time_zone` (none: the department's); `revision` is that of the event that is
    changed; `partner_ids` are of the directory, `partners` others who hold it with us."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Coffee with officers",
                    "kind": "coffee",
                    "wall_time": "2026-12-08T09:00",
                    "where": "Elm Street Library",
                    "access": "Step-free",
                    "languages": ["en", "es"],
                    "partner_ids": [1],
                }
            ]
        }
    )

    name: Text
    kind: Text = "other"
    wall_time: NaiveDatetime
    time_zone: Annotated[str, Field(max_length=64)] | None = None
    minutes: Annotated[int, Field(ge=5, le=4320)] = 90
    where: Text
    access: Text = ""
    languages: Annotated[list[Language], Field(max_length=20)] = Field(default_factory=list)
    capacity: Annotated[int, Field(ge=1, le=events.MOST_PEOPLE)] | None = None
    partners: Text = ""
    partner_ids: Annotated[list[Number], Field(max_length=events.MOST_PARTNERS)] = Field(default_factory=list)
    notes: Annotated[str, AfterValidator(clean), Field(max_length=events.LONGEST)] = ""
    revision: Annotated[int, Field(ge=0, le=LARGEST_ID)] = 0


class EventPostOut(BaseModel):
    """A post of the event. `look`: not all of a change could be put into its words or its time."""

    post_id: int
    kind: Kind
    language: str
    state: str
    due_at: datetime | None
    look: bool


class ConcernHeard(BaseModel):
    concern: str
    people: int
    mistrust: int
    trust: int


class EventOut(BaseModel):
    """An event with its posts, and what was heard there. `address`: its page for the public, if there is one."""

    id: int
    name: str
    kind: str
    wall_time: datetime
    time_zone: str
    starts_at: datetime
    minutes: int
    where: str
    access: str
    languages: list[str]
    capacity: int | None
    partners: str
    held_with: dict[int, str]
    notes: str
    state: str
    reason: str
    revision: int
    address: str
    posts: list[EventPostOut]
    heard: list[ConcernHeard]


class CancelIn(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Storm"}]})

    reason: Text = ""


class PostsIn(BaseModel):
    """Drafts of one kind, one a language. `minutes_before`: of a reminder."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "reminder", "languages": ["en", "es"], "minutes_before": 1440}]}
    )

    kind: Kind
    languages: Annotated[list[Language], Field(min_length=1, max_length=20)]
    minutes_before: Annotated[int, Field(ge=15, le=86_400)] | None = None


@router.get("/events", dependencies=[needs(Action.READ_FIGURES)])
def list_events(found: TheDesk, past: Annotated[bool, Query()] = False) -> list[EventOut]:
    """Those to come, the next first; or those that are over, the last first."""
    now = clock.now()
    with database.reading(found.engine) as session:
        some = events.past(session, now) if past else events.coming(session, now)
        return [_event(session, found, one) for one in some]


@router.post("/events", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def make_event(found: TheDesk, who: Who, given: EventIn) -> EventOut:
    """Nobody is told of it before a post about it was approved and sent."""
    with database.writing(found.engine) as session:
        return _event(session, found, events.make(session, _given(found, given), who.id, clock.now()))


@router.get("/events/{event_id}", dependencies=[needs(Action.READ_FIGURES)])
def one_event(found: TheDesk, event_id: Id) -> EventOut:
    with database.reading(found.engine) as session:
        return _event(session, found, _known(session, event_id))


@router.put("/events/{event_id}", dependencies=[needs(Action.WRITE_POSTS)])
def change_event(found: TheDesk, who: Who, event_id: Id, given: EventIn) -> EventOut:
    """Saves over `revision` and brings its posts in step; 409 when someone saved meanwhile, or it is cancelled."""
    with database.writing(found.engine) as session:
        place = desk_of(found, _known(session, event_id))
        changed = event_posts.change(
            session, event_id, given.revision, _given(found, given), who.id, clock.now(), place
        )
        return _event(session, found, changed)


@router.post("/events/{event_id}/cancel", dependencies=[needs(Action.WRITE_POSTS)])
def cancel_event(found: TheDesk, who: Who, event_id: Id, given: CancelIn) -> EventOut:
    """Takes back what is not out; what tells the public is a draft among the posts."""
    with database.writing(found.engine) as session:
        place = desk_of(found, _known(session, event_id))
        cancelled = event_posts.cancel(session, event_id, given.reason, who.id, clock.now(), place)
        return _event(session, found, cancelled)


@router.post("/events/{event_id}/posts", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def make_event_posts(found: TheDesk, who: Who, event_id: Id, given: PostsIn) -> EventOut:
    """Makes drafts: announcement, reminder, thanks. 409 when it is no time for them."""
    before = timedelta(minutes=given.minutes_before) if given.minutes_before is not None else None
    with database.writing(found.engine) as session:
        event = _known(session, event_id)
        every = [account.id or 0 for account in accounts.connected(session)]
        event_posts.make(
            session, event_id, given.kind, given.languages, every, who.id, clock.now(), desk_of(found, event),
            before=before,
        )  # fmt: skip
        return _event(session, found, event)


def _given(found: Desk, given: EventIn) -> Given:
    values = given.model_dump(exclude={"revision"})
    zone = given.time_zone or found.settings.department.time_zone
    return Given(
        **{**values, "languages": tuple(given.languages), "time_zone": zone, "partner_ids": tuple(given.partner_ids)}
    )


def _known(session: Session, event_id: int) -> Event:
    event = session.get(Event, event_id)
    if event is None:
        raise Trouble(404, "There is no such event")
    return event


def _event(session: Session, found: Desk, event: Event) -> EventOut:
    number = event.id or 0
    made = event_posts.of_event(session, number)
    return EventOut(
        **event.model_dump(exclude={"code", "made_by", "made_at", "changed_at"}),
        address=address(found, event),
        posts=[
            EventPostOut(
                post_id=one.post.id or 0, kind=one.kind, language=one.post.language, state=one.post.state,
                due_at=one.post.due_at, look=one.look,
            )
            for one in made
        ],
        heard=[
            ConcernHeard.model_validate(one, from_attributes=True) for one in heard.counted_at(session, number)
        ],
    )  # fmt: skip
