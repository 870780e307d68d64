"""Actions for programs: a concern handed to a unit until a day, how it ended, the post that tells it."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config import clock, database
from config.permissions import Action
from listeners import contexts
from posts import actions
from posts.actions import ActionState
from posts.tables import UnitAction
from sentiment.tables import Alert
from web import actions as room
from web import looks
from web.api import paging
from web.desk import Desk, TheDesk
from web.drafting import Number
from web.fields import Id, clean
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter(prefix="/actions")
Words = Annotated[str, AfterValidator(clean), Field(max_length=actions.LONGEST)]
Line = Annotated[str, AfterValidator(clean), Field(max_length=320)]


class ActionIn(BaseModel):
    """What people said and what is asked, of whom, until when. `unit_mail`: where the unit is written to, if it is.
    `context`: mentions whose words stay with it, as far as the settings and their networks let them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"concern": "traffic_safety", "said": "Drivers speed past the school.", "wanted": "A speed sign.",
                 "unit": "Traffic unit", "unit_mail": "traffic@riverton.example", "due_on": "2026-12-08", "alert": 1,
                 "context": [12, 14]}
            ]
        }
    )  # fmt: skip

    concern: Line
    said: Words
    wanted: Words
    unit: Line
    unit_mail: Line = ""
    due_on: date
    place: Number | None = None
    alert: Number | None = None
    context: Annotated[list[Number], Field(max_length=contexts.MOST)] = Field(default_factory=list)


class DayIn(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"due_on": "2026-12-15"}]})

    due_on: date


class OutcomeIn(BaseModel):
    """How it ended, in plain words for the public; not done is told too."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"done": True, "outcome": "The sign stands since May."}]})

    done: bool
    outcome: Words


class WordsOut(BaseModel):
    """What people wrote, without author, network or link."""

    id: int
    words: str
    language: str


class ActionOut(BaseModel):
    """An action. `unit_mail`: for who may change it. `context`: of one action, not of lists."""

    id: int
    concern: str
    place_id: int | None
    said: str
    wanted: str
    unit: str
    unit_mail: str | None = None
    due_on: date
    late: bool
    alert_id: int | None
    asked_by: int
    asked_at: datetime
    state: str
    outcome: str
    closed_by: int | None
    closed_at: datetime | None
    post_id: int | None
    context: list[WordsOut] | None = None


class ActionsOut(BaseModel):
    """A page; `next` goes into `before` for the page after it, none on the last."""

    actions: list[ActionOut]
    next: str | None


class PostMade(BaseModel):
    post_id: int


@router.get("", dependencies=[needs(Action.READ_FIGURES)])
def list_actions(
    found: TheDesk,
    who: Who,
    state: Literal["open", "closed"] = "open",
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=paging.MOST)] = 50,
) -> ActionsOut:
    """Open ones whole, the next due first; closed ones by pages, the last first."""
    with database.reading(found.engine) as session:
        if state == "open":
            return ActionsOut(actions=[_out(found, who, one) for one in actions.open_ones(session)], next=None)
        rows = actions.closed_ones(session, limit + 1, paging.place(before, paging.moment))
    last = rows[limit - 1] if len(rows) > limit else None
    return ActionsOut(
        actions=[_out(found, who, one) for one in rows[:limit]],
        next=paging.following(last.closed_at, last.id) if last is not None and last.closed_at is not None else None,
    )


@router.post("", status_code=201, dependencies=[needs(Action.TRIAGE)])
def hand_over(found: TheDesk, who: Who, given: ActionIn) -> ActionOut:
    """Hands it to the unit; 403 for words of mentions that the token may not read."""
    if given.alert is not None:
        with database.reading(found.engine) as session:
            if session.get(Alert, given.alert) is None:
                raise Trouble(404, "There is no such alert")
    number = room.asked_of_unit(
        found, who, **given.model_dump(exclude={"place", "alert"}), place_id=given.place, alert_id=given.alert
    )
    return _one(found, who, number)


@router.get("/{action_id}", dependencies=[needs(Action.READ_FIGURES)])
def one_action(found: TheDesk, who: Who, action_id: Id) -> ActionOut:
    """One action, with the words that were kept with it."""
    return _one(found, who, action_id)


@router.put("/{action_id}/day", dependencies=[needs(Action.TRIAGE)])
def move_day(found: TheDesk, who: Who, action_id: Id, given: DayIn) -> ActionOut:
    """Another day; its reminders begin anew. 409 once it is closed."""
    with database.writing(found.engine) as session:
        actions.move_day(session, action_id, given.due_on, room.today(found), who.id, clock.now())
    return _one(found, who, action_id)


@router.post("/{action_id}/close", dependencies=[needs(Action.TRIAGE)])
def close(found: TheDesk, who: Who, action_id: Id, given: OutcomeIn) -> ActionOut:
    """Ends it with what came of it; 409 where somebody was quicker."""
    with database.writing(found.engine) as session:
        actions.close(session, action_id, given.done, given.outcome, who.id, clock.now())
    return _one(found, who, action_id)


@router.post("/{action_id}/reopen", dependencies=[needs(Action.TRIAGE)])
def reopen(found: TheDesk, who: Who, action_id: Id) -> ActionOut:
    """Open again; a post that told of it stays as it is."""
    with database.writing(found.engine) as session:
        actions.reopen(session, action_id, who.id, clock.now())
    return _one(found, who, action_id)


@router.post("/{action_id}/tell", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def tell(found: TheDesk, who: Who, action_id: Id) -> PostMade:
    """The draft that tells it, made if there is none; 409 while it is open."""
    return PostMade(post_id=room.told_by_post(found, who, action_id).id or 0)


@router.delete("/{action_id}/context/{context_id}", status_code=204, dependencies=[needs(Action.TRIAGE)])
def take_out(found: TheDesk, who: Who, action_id: Id, context_id: Id) -> None:
    """Takes out what somebody wrote; words that are gone already are fine."""
    room.take_out_words(found, who, action_id, context_id)


def _one(found: Desk, who: Visitor, action_id: int) -> ActionOut:
    with database.reading(found.engine) as session:
        action = session.get(UnitAction, action_id)
        if action is None:
            raise Trouble(404, "There is no such action")
        kept = contexts.of_action(session, action_id)
    looks.note_kept(found.engine, who, action_id, kept)
    words = [WordsOut.model_validate(one, from_attributes=True) for one in kept]
    return _out(found, who, action).model_copy(update={"context": words})


def _out(found: Desk, who: Visitor, action: UnitAction) -> ActionOut:
    late = action.state == ActionState.OPEN and action.due_on < room.today(found)
    told = action.model_dump() | {"late": late}
    return ActionOut.model_validate(told if who.may(Action.TRIAGE) else told | {"unit_mail": None})
