"""People of the desk for programs that may manage people: invite, rename, give roles, close the way in.

What lets somebody in stays with a person at the page: a link to sign in with, a second factor taken away."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session, select

from config import clock, database, invitations, people, second_factor, sign_ins
from config.permissions import Action, Role
from config.tables import Person, PersonRole
from web import people as room
from web.desk import Desk, TheDesk
from web.fields import Id, clean
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter(prefix="/people", dependencies=[needs(Action.MANAGE_PEOPLE)])
Roles = Annotated[list[Role], Field(max_length=len(Role))]
Line = Annotated[str, AfterValidator(clean), Field(max_length=320)]


class PersonIn(BaseModel):
    """Somebody new: an invitation goes to them by mail, unless everybody comes in by single sign-on. `time_zone`: the
    department's where it is left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Ana Ortega", "email": "ana@riverton.example", "roles": ["officer"], "language": "es",
                 "time_zone": "America/New_York"}
            ]
        }
    )  # fmt: skip

    name: Line
    email: Line
    roles: Annotated[Roles, Field(min_length=1)]
    language: Annotated[str, Field(pattern="^(en|es)$")] = "en"
    time_zone: Annotated[str, Field(max_length=64)] = ""


class NameIn(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Ana Ruiz", "email": "ana.ruiz@riverton.example"}]}
    )

    name: Line
    email: Line


class RolesIn(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"roles": ["officer", "approver"]}]})

    roles: Roles


class ActiveIn(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    active: bool


class TokenOut(BaseModel):
    """An API token that is live; never the token."""

    id: int
    name: str
    scopes: list[str]
    expires_at: datetime
    used_at: datetime | None


class PersonOut(BaseModel):
    """Somebody of the desk. `invited_until`: while an invitation waits; `signed_in`: in how many browsers."""

    id: int
    name: str
    email: str
    roles: list[str]
    active: bool
    language: str
    time_zone: str
    invited_until: datetime | None
    second_factor: bool
    signed_in: int
    tokens: list[TokenOut]


@router.get("")
def list_people(found: TheDesk) -> list[PersonOut]:
    """Everybody, those too whose way in is closed: the audit log names them."""
    with database.reading(found.engine) as session:
        return _out(session, people.all_people(session))


@router.post("", status_code=201)
def invite(found: TheDesk, who: Who, given: PersonIn) -> PersonOut:
    """They choose their own password at the address that they are sent. 409 for an e-mail address that somebody has."""
    zone = given.time_zone or found.settings.department.time_zone
    if zone not in clock.zones():
        raise Trouble(422, "There is no such time zone", "Nothing was changed.")
    try:
        made, _ = room.added(found, who, given.name, given.email, given.roles, zone, given.language, by_mail=True)
    except people.PersonError as error:
        raise Trouble(409, "They cannot be added", str(error), "Nothing was changed.") from error
    return _one(found, people.known_id(made))


@router.post("/{person_id}/invitation", status_code=204)
def invite_again(found: TheDesk, who: Who, person_id: Id) -> None:
    """The invitation anew, by mail; the earlier one is void. 409 for somebody who has a password already."""
    with database.reading(found.engine) as session:
        person = session.get(Person, person_id)
    if person is not None and person.password_hash is not None:
        raise Trouble(409, "They have come in already", "No link was made.", "An administrator makes one on the page.")
    room.let_in(found, who, person_id, by_mail=True)


@router.put("/{person_id}/name")
def rename(found: TheDesk, who: Who, person_id: Id, given: NameIn) -> PersonOut:
    """Another name, or another address to sign in with: the old one is told. 409 for one that somebody has."""
    try:
        room.rename(found, who, person_id, given.name, given.email)
    except people.PersonError as error:
        raise Trouble(409, "They cannot be called so", str(error), "Nothing was changed.") from error
    return _one(found, person_id)


@router.put("/{person_id}/roles")
def set_roles(found: TheDesk, who: Who, person_id: Id, given: RolesIn) -> PersonOut:
    """These from now on; 409 where nobody would be left who is an administrator."""
    room.set_roles(found, who, person_id, list(dict.fromkeys(given.roles)))
    return _one(found, person_id)


@router.put("/{person_id}/active")
def set_active(found: TheDesk, who: Who, person_id: Id, given: ActiveIn) -> PersonOut:
    """Closes somebody's way in at once and everywhere, tokens too, or opens it again."""
    room.set_way_in(found, who, person_id, active=given.active)
    return _one(found, person_id)


@router.post("/{person_id}/sign-ins/end", status_code=204)
def sign_out(found: TheDesk, who: Who, person_id: Id) -> None:
    """Signs somebody out everywhere; links and invitations of theirs are void."""
    room.sign_out(found, who, person_id)


@router.delete("/{person_id}/tokens/{token_id}", status_code=204)
def revoke_token(found: TheDesk, who: Who, person_id: Id, token_id: Id) -> None:
    """Ends an API token of somebody's; one that has ended is fine."""
    room.end_token(found, who, person_id, token_id)


def _one(found: Desk, person_id: int) -> PersonOut:
    with database.reading(found.engine) as session:
        return _out(session, [session.get_one(Person, person_id)])[0]


def _out(session: Session, some: list[Person]) -> list[PersonOut]:
    now = clock.now()
    roles: dict[int, list[str]] = {}
    for pair in session.exec(select(PersonRole)):
        roles.setdefault(pair.person_id, []).append(pair.role)
    tokens, invited = sign_ins.live_tokens(session, now), invitations.open_until(session, now)
    with_factor = second_factor.on_for(session)
    return [
        PersonOut(
            id=number,
            name=one.name,
            email=one.email,
            roles=sorted(roles.get(number, [])),
            active=one.active,
            language=one.language,
            time_zone=one.time_zone,
            invited_until=invited.get(number),
            second_factor=number in with_factor,
            signed_in=len(sign_ins.open_of(session, number, now)),
            tokens=[TokenOut.model_validate(token, from_attributes=True) for token in tokens.get(number, [])],
        )
        for one in some
        for number in (people.known_id(one),)
    ]
