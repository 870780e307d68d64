"""Partners for programs: the directory, contacts, and share kits. Whom to write to goes in and never out."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config import clock, database
from config.permissions import Action
from posts import partners
from posts.partners import Given, Reach
from web import partners as room
from web.desk import TheDesk
from web.drafting import Number
from web.fields import Id, clean
from web.guard import Who, needs

router = APIRouter(prefix="/partners")
Text = Annotated[str, AfterValidator(clean), Field(max_length=partners.LONGEST_LINE)]
Long = Annotated[str, AfterValidator(clean), Field(max_length=partners.LONGEST)]
Kind = Literal["school", "faith", "non_profit", "business", "youth", "neighbourhood", "other"]


class PartnerIn(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Elm Street School", "kind": "school", "languages": ["en", "es"], "contact": "Rosa Diaz",
                 "email": "rosa@school.example"}
            ]
        }
    )  # fmt: skip

    name: Text
    kind: Kind
    languages: Annotated[list[Annotated[str, Field(pattern="^(en|es)$")]], Field(max_length=20)] = Field(
        default_factory=list
    )
    notes: Long = ""
    contact: Text = ""
    email: Annotated[str, AfterValidator(clean), Field(max_length=320)] = ""
    phone: Annotated[str, AfterValidator(clean), Field(max_length=40)] = ""


class PartnerOut(BaseModel):
    """A partner. `heard`: how many people's words it passed on."""

    id: int
    name: str
    kind: str
    place_id: int | None
    languages: list[str]
    last_contact: datetime | None = None
    heard: int = 0


class AgreementIn(BaseModel):
    """How a partner agreed to the week's counts; kept sealed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"consent": "the principal, by phone, 3 December"}]})

    consent: Annotated[Text, Field(min_length=1)]


class KitIn(BaseModel):
    """A post to be shared once it is approved, or to be read before."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"post": 12, "partners": [1, 4], "note": "Please pass it on.", "link": "https://riverton.example/walk"}
            ]
        }
    )

    post: Number
    partners: Annotated[list[Number], Field(min_length=1, max_length=200)]
    note: Long = ""
    link: Text = ""


class KitOut(BaseModel):
    what: Literal["kit", "review"]


@router.get("", dependencies=[needs(Action.READ_POSTS)])
def list_partners(found: TheDesk, language: str = "", kind: str = "") -> list[PartnerOut]:
    with database.reading(found.engine) as session:
        return [
            PartnerOut.model_validate(row.partner, from_attributes=True).model_copy(
                update={"last_contact": row.last, "heard": row.heard}
            )
            for row in partners.listed(session, language=language, kind=kind)
        ]


@router.post("", status_code=201, dependencies=[needs(Action.TRIAGE)])
def add_partner(found: TheDesk, who: Who, given: PartnerIn) -> PartnerOut:
    """409 for an address that is none."""
    reach = Reach(given.contact, given.email, given.phone)
    whole = Given(given.name, given.kind, None, tuple(given.languages), given.notes, reach)
    with database.writing(found.engine) as session:
        made = partners.keep(session, whole, found.keys, who.id, clock.now())
        return PartnerOut.model_validate(made, from_attributes=True)


@router.post("/{partner_id}/contacts/{how}", status_code=204, dependencies=[needs(Action.TRIAGE)])
def note_contact(found: TheDesk, who: Who, partner_id: Id, how: Literal["met", "called", "wrote"]) -> None:
    with database.writing(found.engine) as session:
        partners.contacted(session, partner_id, how, who.id, clock.now())


@router.put("/{partner_id}/digest", status_code=204, dependencies=[needs(Action.TRIAGE)])
def send_digest(found: TheDesk, who: Who, partner_id: Id, given: AgreementIn) -> None:
    """The week's counts by mail from now on; 409 without an e-mail address."""
    with database.writing(found.engine) as session:
        partners.send_digest(session, partner_id, given.consent, found.keys, who.id, clock.now())


@router.delete("/{partner_id}/digest", status_code=204, dependencies=[needs(Action.TRIAGE)])
def stop_digest(found: TheDesk, who: Who, partner_id: Id) -> None:
    """No more of them; a partner that gets none is fine."""
    with database.writing(found.engine) as session:
        partners.stop_digest(session, partner_id, who.id, clock.now())


@router.post("/kits", status_code=202, dependencies=[needs(Action.WRITE_POSTS)])
def send_kit(found: TheDesk, who: Who, given: KitIn) -> KitOut:
    """By mail, each partner with an address of its own; 409 for one without an e-mail address."""
    what = room.send(found, who, given.post, given.partners, given.note, given.link)
    return KitOut(what="kit" if what == "kit" else "review")
