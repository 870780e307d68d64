"""Urgent safety updates for programs: begin a thread, follow it, approve a word of it."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session

from config import clock, database
from config.permissions import Action
from posts import urgent
from posts.urgent import Stage
from web import urgent as room
from web.api.posting import PostOut, post_out
from web.desk import TheDesk
from web.fields import LARGEST_ID, Id, clean
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter(prefix="/urgent")
Template = Literal["missing_person", "road_closed", "evacuation", "boil_water", "avoid_area", "all_clear"]
Words = Annotated[str, AfterValidator(clean), Field(max_length=urgent.LONGEST)]
Blank = Annotated[str, AfterValidator(clean), Field(max_length=urgent.LONGEST_BLANK)]


class UrgentIn(BaseModel):
    """`blanks`: what the template leaves open (who, where, why, number, shelter, advice). `rest`: what becomes of the
    other posts: keep, or hold them all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"template": "road_closed", "blanks": {"where": "Route 9", "why": "flooding"}, "rest": "hold"}]
        }
    )

    template: Template
    blanks: dict[str, Blank]
    language: Annotated[str, Field(pattern="^(en|es)$")] = "en"
    rest: Literal["keep", "hold"]


class FollowIn(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"stage": "update", "message": "Route 9 stays closed until 6 pm."}]}
    )

    stage: Literal["update", "correction", "all_clear"]
    message: Words


class WordsIn(BaseModel):
    """Other words over `revision`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "Route 9 is closed.", "revision": 1}]})

    message: Words
    revision: Annotated[int, Field(ge=0, le=LARGEST_ID)]


class ApprovalIn(BaseModel):
    """`past_hold`: it goes out although a hold is on, by this person's word."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"content_hash": "9f2c…", "past_hold": False}]})

    content_hash: Annotated[str, Field(max_length=200)]
    past_hold: bool = False


class WordOut(PostOut):
    stage: str


class ThreadOut(BaseModel):
    """One thread, the first word first. `id` is the first post's; `over`: its all-clear is out."""

    id: int
    over: bool
    started_at: datetime
    posts: list[WordOut]


@router.get("", dependencies=[needs(Action.READ_POSTS)])
def list_urgent(found: TheDesk) -> list[ThreadOut]:
    """The last threads, those that are not over first."""
    with database.reading(found.engine) as session:
        return [_thread(session, one.first.id or 0) for one in urgent.threads(session)]


@router.post("", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def begin_urgent(found: TheDesk, who: Who, given: UrgentIn) -> ThreadOut:
    """Writes it and asks everyone who may approve it; 409 for a blank that is missing."""
    made = room.start(found, who, given.template, given.blanks, given.language, hold_the_rest=given.rest == "hold")
    with database.reading(found.engine) as session:
        return _thread(session, made)


@router.post("/{post_id}/follow-ups", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def follow_urgent(found: TheDesk, who: Who, post_id: Id, given: FollowIn) -> ThreadOut:
    """An update, a correction or the all-clear of the thread whose first post this is."""
    room.add(found, who, post_id, Stage(given.stage), given.message)
    with database.reading(found.engine) as session:
        return _thread(session, post_id)


@router.put("/{post_id}/words", status_code=204, dependencies=[needs(Action.WRITE_POSTS)])
def reword_urgent(found: TheDesk, who: Who, post_id: Id, given: WordsIn) -> None:
    """Other words before they are approved; everyone is asked anew. 409 when someone saved meanwhile."""
    room.reworded(found, who, post_id, given.message, given.revision)


@router.post("/{post_id}/ask", status_code=204, dependencies=[needs(Action.WRITE_POSTS)])
def ask_again(found: TheDesk, post_id: Id) -> None:
    """Asks everyone once more; 409 where nothing waits for approval."""
    room.asked_again(found, post_id)


@router.post("/{post_id}/approve", dependencies=[needs(Action.APPROVE_POSTS)])
def approve_urgent(found: TheDesk, who: Who, post_id: Id, given: ApprovalIn) -> ThreadOut:
    """403 for one's own words, and past a hold for who may not lift one; 409 when they are no longer those with this
    hash. It goes out at once."""
    room.may_pass(who, past_hold=given.past_hold)
    with database.writing(found.engine) as session:
        urgent.approve(session, post_id, who.id, given.content_hash, clock.now(), past_hold=given.past_hold)
        return _thread(session, post_id)


def _thread(session: Session, post_id: int) -> ThreadOut:
    found = urgent.thread(session, post_id)
    if found is None:
        raise Trouble(404, "There is no such update")
    return ThreadOut(
        id=found.first.id or 0,
        over=found.over,
        started_at=found.first.created_at,
        posts=[
            WordOut(**post_out(session, post.id or 0).model_dump(), stage=post.urgent or Stage.FIRST.value)
            for post in found.posts
        ],
    )
