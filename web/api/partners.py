"""Partners for programs: the directory, contacts, and share kits. Whom to write to goes in and never out."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session

from config import clock, database
from config.permissions import Action
from posts import events, partners
from posts.partners import Given, Reach
from posts.tables import Partner
from web import partners as room
from web.desk import TheDesk
from web.drafting import Number
from web.fields import LARGEST_ID, Id, clean
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter(prefix="/partners")
Text = Annotated[str, AfterValidator(clean), Field(max_length=partners.LONGEST_LINE)]
Long = Annotated[str, AfterValidator(clean), Field(max_length=partners.LONGEST)]
Kind = Literal["school", "faith", "non_profit", "business", "youth", "neighbourhood", "other"]


class _PartnerIn(BaseModel):
    name: Text
    kind: Kind
    place: Number | None = None
    languages: Annotated[list[Annotated[str, Field(pattern="^(en|es)$")]], Field(max_length=20)] = Field(
        default_factory=list
    )
    notes: Long = ""


class PartnerIn(_PartnerIn):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Elm Street School", "kind": "school", "languages": ["en", "es"], "contact": "Rosa Diaz",
                 "email": "rosa@school.example"}
            ]
        }
    )  # fmt: skip

    contact: Text = ""
    email: Annotated[str, AfterValidator(clean), Field(max_length=320)] = ""
    phone: Annotated[str, AfterValidator(clean), Field(max_length=40)] = ""


class ChangeIn(_PartnerIn):
    """A partner as it is from now on. Of whom to write to, what is null stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Elm Street School", "kind": "school", "email": "office@elm.example"}]}
    )

    contact: Text | None = None
    email: Annotated[str, AfterValidator(clean), Field(max_length=320)] | None = None
    phone: Annotated[str, AfterValidator(clean), Field(max_length=40)] | None = None


class PartnerOut(BaseModel):
    """A partner. `heard`: how many people's words it passed on."""

    id: int
    name: str
    kind: str
    place_id: int | None
    languages: list[str]
    last_contact: datetime | None = None
    heard: int = 0


class TogetherOut(BaseModel):
    """What was done with a partner: met, called, wrote, kit, review."""

    how: str
    at: datetime
    post_id: int | None


class OnePartnerOut(PartnerOut):
    """`together`: the last fifty, the last first. `events`: the numbers of those held with it."""

    notes: str
    active: bool
    digest: bool
    together: list[TogetherOut]
    events: list[int]


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
def list_partners(
    found: TheDesk,
    language: str = "",
    kind: str = "",
    place_id: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    silent: bool = False,
) -> list[PartnerOut]:
    """By name; `silent`: only those that nobody was in contact with for long."""
    with database.reading(found.engine) as session:
        return [
            PartnerOut.model_validate(row.partner, from_attributes=True).model_copy(
                update={"last_contact": row.last, "heard": row.heard}
            )
            for row in partners.listed(session, place_id=place_id, language=language, kind=kind)
            if not silent or row.silent(clock.now())
        ]


@router.post("", status_code=201, dependencies=[needs(Action.TRIAGE)])
def add_partner(found: TheDesk, who: Who, given: PartnerIn) -> PartnerOut:
    """409 for an address that is none."""
    with database.writing(found.engine) as session:
        reach = Reach(given.contact, given.email, given.phone)
        made = partners.keep(session, _given(given, reach), found.keys, who.id, clock.now())
        return PartnerOut.model_validate(made, from_attributes=True)


@router.get("/{partner_id}", dependencies=[needs(Action.READ_POSTS)])
def one_partner(found: TheDesk, partner_id: Id) -> OnePartnerOut:
    """A partner, and what was done together; one that is none any more too."""
    with database.reading(found.engine) as session:
        return _one(session, partner_id)


@router.put("/{partner_id}", dependencies=[needs(Action.TRIAGE)])
def change_partner(found: TheDesk, who: Who, partner_id: Id, given: ChangeIn) -> OnePartnerOut:
    """404 for a partner that is not there, 409 for an address that is none."""
    with database.writing(found.engine) as session:
        was = partners.reach(_known(session, partner_id), found.keys)
        reach = Reach(
            was.name if given.contact is None else given.contact,
            was.email if given.email is None else given.email,
            was.phone if given.phone is None else given.phone,
        )
        partners.keep(session, _given(given, reach), found.keys, who.id, clock.now(), partner_id)
        return _one(session, partner_id)


@router.post("/{partner_id}/retire", status_code=204, dependencies=[needs(Action.TRIAGE)])
def retire_partner(found: TheDesk, who: Who, partner_id: Id) -> None:
    """No partner any more: whom to write to is forgotten, what was done together stays."""
    with database.writing(found.engine) as session:
        partners.retire(session, _known(session, partner_id).id or 0, who.id, clock.now())


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


def _given(given: _PartnerIn, reach: Reach) -> Given:
    return Given(given.name, given.kind, given.place, tuple(given.languages), given.notes, reach)


def _known(session: Session, partner_id: int) -> Partner:
    partner = session.get(Partner, partner_id)
    if partner is None:
        raise Trouble(404, "There is no such partner")
    return partner


def _one(session: Session, partner_id: int) -> OnePartnerOut:
    partner = _known(session, partner_id)
    row = next((one for one in partners.listed(session) if one.partner.id == partner_id), None)
    return OnePartnerOut.model_validate(
        partner.model_dump(exclude={"reach", "digest_consent"})
        | {
            "last_contact": row.last if row is not None else None,
            "heard": row.heard if row is not None else 0,
            "digest": partner.digest_since is not None,
            "together": [one.model_dump() for one in partners.contacts(session, partner_id)],
            "events": [one.id for one in events.held_with(session, partner_id)],
        }
    )
