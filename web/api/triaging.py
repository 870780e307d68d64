"""What is done with mentions, for programs: taken, given, put away, done, tagged, corrected. As on the pages, no words
of anybody's come back."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from config import clock, database
from config.permissions import Action
from config.tables import Person
from listeners import triage
from scheduler.jobs import expiry
from sentiment import inbox
from web.desk import TheDesk
from web.drafting import Number
from web.fields import Id, clean
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter(prefix="/mentions/{mention_id}")
GONE = ("This mention is not here any more", "It expired, or its author deleted it.")
Tag = Annotated[str, AfterValidator(clean), Path(max_length=200)]
LONGEST = timedelta(days=366)  # that a mention is put away


class MoveIn(BaseModel):
    """`to`: the person that it is given to, else who asks; `until`: when a mention that is put away comes back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to": 3}, {"until": "2026-12-01T08:00:00-05:00"}]})

    to: Number | None = None
    until: AwareDatetime | None = None


class LabelsIn(BaseModel):
    """An officer's word in place of the model's; what is left out stays as it is, an empty list says: no concern."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"trust": "mistrust", "concerns": ["use_of_force"]}]})

    trust: Literal["mistrust", "neither", "trust"] | None = None
    sentiment: Literal["negative", "neutral", "positive"] | None = None
    concerns: Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=20)] | None = None


@router.put("/labels", status_code=204, dependencies=[needs(Action.TRIAGE)])
def correct_labels(found: TheDesk, who: Who, mention_id: Id, given: LabelsIn) -> None:
    """It counts at once. 422 for what is no label; 404 for a mention that is gone, or that the model has not read."""
    with database.writing(found.engine) as session:
        try:
            zone = found.settings.department.zone
            said = given.trust, given.sentiment, given.concerns
            inbox.correct(session, mention_id, who.id, clock.now(), zone, *said, held=expiry.held_mentions)
        except inbox.NoSuchMention as error:
            raise Trouble(404, str(error)) from error
        except inbox.WrongLabel as error:
            raise Trouble(422, "That is no label", f"{error} Nothing was changed.") from error


@router.put("/tags/{tag}", status_code=204, dependencies=[needs(Action.TRIAGE)])
def put_tag(found: TheDesk, who: Who, mention_id: Id, tag: Tag) -> None:
    """Puts a tag on; one that is there stays."""
    with database.writing(found.engine) as session:
        try:
            triage.tag(session, mention_id, tag, who.id, clock.now())
        except triage.NoSuchMention as error:
            raise Trouble(404, *GONE) from error
        except triage.WrongMove as error:
            raise Trouble(422, "A tag needs a word", "Nothing was changed.") from error


@router.delete("/tags/{tag}", status_code=204, dependencies=[needs(Action.TRIAGE)])
def take_tag(found: TheDesk, who: Who, mention_id: Id, tag: Tag) -> None:
    """Takes a tag off; one that is not there is fine."""
    with database.writing(found.engine) as session:
        triage.untag(session, mention_id, tag, who.id, clock.now())


@router.post("/{move}", status_code=204, dependencies=[needs(Action.TRIAGE)])
def move_mention(
    found: TheDesk,
    who: Who,
    mention_id: Id,
    move: Literal["assign", "snooze", "done", "reopen"],
    given: MoveIn | None = None,
) -> None:
    """Gives a mention to somebody, puts it away, marks it done, or brings it back. 409 when someone was quicker."""
    asked, now = given or MoveIn(), clock.now()
    with database.writing(found.engine) as session:
        try:
            if move == "assign":
                if asked.to is not None and session.get(Person, asked.to) is None:
                    raise Trouble(422, "There is no such person", "Nothing was changed.")
                triage.assign(session, mention_id, who.id, now, asked.to)
            elif move == "snooze":
                if asked.until is None or asked.until - now > LONGEST:
                    raise Trouble(422, "Say until when, within a year", "Nothing was changed.")
                triage.snooze(session, mention_id, who.id, asked.until, now)
            else:
                act: Any = triage.done if move == "done" else triage.reopen
                act(session, mention_id, who.id, now)
        except triage.NoSuchMention as error:
            raise Trouble(404, *GONE) from error
        except triage.WrongMove as error:
            raise Trouble(409, "Someone was quicker", f"{error}. Nothing was changed.") from error
