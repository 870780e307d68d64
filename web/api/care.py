"""Days that people keep, the glossary, and where a translation is signed off, for programs."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config import clock, database
from config.permissions import Action
from posts import glossary, observances
from posts.workflow import WrongState
from web.desk import TheDesk
from web.fields import Id, clean
from web.guard import Who, needs

router = APIRouter()
Text = Annotated[str, AfterValidator(clean), Field(max_length=observances.LONGEST)]
Term = Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=glossary.LONGEST)]
Language = Annotated[str, Field(pattern="^(en|es)$")]
Languages = Annotated[list[Language], Body(max_length=20, examples=[["es"]])]
SPAN = 400  # days that are told at once
COMING = 30  # days that are told where none are named


class DayIn(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Day of the flood", "first": "2026-12-03", "last": "2026-12-03", "about": "No sirens.",
                 "yearly": True}
            ]
        }
    )  # fmt: skip

    name: Text
    first: date
    last: date
    about: Text = ""
    yearly: bool = False


class DayOut(BaseModel):
    """A day, or a row of days. `evening`: it begins at sunset of the day before; `estimated`: it may be a day earlier
    or later; `number`: of a day of the department's own."""

    name: str
    kind: str
    first: date
    last: date
    evening: bool
    estimated: bool
    about: str
    number: int | None


class TermIn(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"term": "complaints office", "language": "es", "wording": "oficina de quejas; defensoría"}]
        }
    )

    term: Term
    language: Language
    wording: Term


class TermOut(BaseModel):
    id: int
    term: str
    language: str
    wording: str


@router.get("/days", dependencies=[needs(Action.READ_POSTS)])
def list_days(
    found: TheDesk, first: date | None = None, last: date | None = None, language: Language = "en"
) -> list[DayOut]:
    """What is kept on any day from `first` (the department's today) to `last` (30 days on); 409 for over 400 days."""
    first = first or clock.now().astimezone(found.settings.department.zone).date()
    last = last or first + timedelta(days=COMING)
    if not 0 <= (last - first).days <= SPAN:
        raise WrongState(f"Ask for {SPAN} days at most.")
    with database.reading(found.engine) as session:
        days = observances.between(session, first, last, language)
        return [DayOut.model_validate(one, from_attributes=True) for one in days]


@router.post("/days", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def add_day(found: TheDesk, who: Who, given: DayIn) -> dict[str, int]:
    """A day of the department's own; its number."""
    with database.writing(found.engine) as session:
        return {"number": observances.keep(session, who.id, clock.now(), **given.model_dump()).id or 0}


@router.delete("/days/{number}", status_code=204, dependencies=[needs(Action.WRITE_POSTS)])
def remove_day(found: TheDesk, who: Who, number: Id) -> None:
    with database.writing(found.engine) as session:
        observances.remove(session, number, who.id, clock.now())


@router.get("/glossary", dependencies=[needs(Action.READ_POSTS)])
def list_terms(found: TheDesk) -> list[TermOut]:
    with database.reading(found.engine) as session:
        return [TermOut.model_validate(one, from_attributes=True) for one in glossary.kept(session)]


@router.put("/glossary", dependencies=[needs(Action.WRITE_POSTS)])
def keep_term(found: TheDesk, who: Who, given: TermIn) -> TermOut:
    """In place of what was kept of this term in this language."""
    with database.writing(found.engine) as session:
        made = glossary.keep(session, who.id, clock.now(), **given.model_dump())
        return TermOut.model_validate(made, from_attributes=True)


@router.delete("/glossary/{term_id}", status_code=204, dependencies=[needs(Action.WRITE_POSTS)])
def remove_term(found: TheDesk, who: Who, term_id: Id) -> None:
    with database.writing(found.engine) as session:
        glossary.remove(session, term_id, who.id, clock.now())


@router.put("/glossary/sign-off", status_code=204, dependencies=[needs(Action.MANAGE)])
def ask_for_sign_off(found: TheDesk, who: Who, given: Languages) -> None:
    """The languages in which a translation is signed off before it is approved, and no others."""
    with database.writing(found.engine) as session:
        glossary.ask_for(session, given, who.id, clock.now())
