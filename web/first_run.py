"""First run: the one-time code that the terminal printed makes the first administrator. Closed for good after that."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from config import audit, clock, database, people, sign_ins
from config.permissions import Role
from config.phrases import Phrase
from config.sign_ins import Way
from config.tables import Person
from networks import accounts
from web import guard, pages
from web.desk import Desk, TheDesk
from web.fields import Line
from web.sign_in import enter, stranger_page

router = APIRouter()


class CodeIsOver(Exception):
    """The code is wrong, used, or past its end."""


@router.get("/first-run")
def first_run_page(request: Request, found: TheDesk) -> Response:
    """The form, while there is nobody yet."""
    if _begun(found):
        return RedirectResponse("/sign-in", 303)
    return _form(request, found, {}, None)


@router.post("/first-run")
def begin(
    request: Request,
    found: TheDesk,
    code: Line,
    name: Line,
    email: Line,
    password: Annotated[str, Form(max_length=1000)],
    time_zone: Annotated[str, Form(max_length=64)],
    also: Annotated[list[str] | None, Form()] = None,
    practice: Annotated[bool, Form()] = False,
) -> Response:
    """Makes the administrator, signs them in; the code is used up only when all of it is taken."""
    if _begun(found):
        return RedirectResponse("/sign-in", 303)
    _ = pages.words(request).gettext
    given = {
        "code": code,
        "name": name,
        "email": email,
        "time_zone": time_zone,
        "also": also or [],
        "practice": practice,
    }
    if time_zone not in clock.zones():
        return _form(request, found, given, Phrase.about(_("Choose a time zone from the list."), "time_zone"))
    roles = {Role.ADMINISTRATOR} | {Role(role) for role in also or [] if role in (Role.OFFICER, Role.APPROVER)}
    try:
        with database.reading(found.engine) as session:  # only for who has the code: to hash takes its time
            if not sign_ins.code_is_live(session, code.strip(), "first_run", found.keys, clock.now()):
                raise CodeIsOver
        hashed = people.hash_password(password, (name, email))
        with database.writing(found.engine) as session:
            person = _first_person(
                session, found, code, name, email, hashed, roles, time_zone, guard.address_of(request)
            )
            if practice:
                accounts.add(
                    session,
                    network="practice",
                    name=found.settings.department.name,
                    handle="",
                    secret=None,
                    keys=found.keys,
                    now=clock.now(),
                )
    except CodeIsOver:
        words = _(
            "This code does not work. It is in the terminal where Liaison runs; start Liaison again for a new one."
        )
        return _form(request, found, given, Phrase.about(words, "code"))
    except people.PersonError as error:
        return _form(request, found, given, str(error))
    return enter(request, found, people.known_id(person), "/?said=welcome", by=Way.PASSWORD)


def _first_person(
    session: Session,
    found: Desk,
    code: str,
    name: str,
    email: str,
    hashed: str,
    roles: set[Role],
    time_zone: str,
    address: str,
) -> Person:
    moment = clock.now()
    if sign_ins.use_code(session, code.strip(), "first_run", found.keys, moment) is None or people.all_people(session):
        raise CodeIsOver
    person = people.add_person(
        session,
        name=name,
        email=email,
        password=None,
        roles=roles,
        time_zone=time_zone,
        now=moment,
        language=found.settings.department.language,
    )
    person.password_hash = hashed
    audit.record(session, moment, person.id, "person.first", f"person:{person.id}", {"roles": sorted(roles)}, address)
    return person


def _begun(found: Desk) -> bool:
    with database.reading(found.engine) as session:
        return bool(people.all_people(session))


def _form(request: Request, found: Desk, given: dict[str, object], wrong: str | None) -> Response:
    values: dict[str, object] = {
        "code": "",
        "name": "",
        "email": "",
        "time_zone": found.settings.department.time_zone,
        "also": [Role.OFFICER],
        "practice": True,
        **given,
    }
    return stranger_page(
        request,
        found,
        "first_run.html",
        status=200 if wrong is None else 422,
        given=values,
        wrong=wrong,
        zones=clock.zones(),
        minimum=people.MINIMUM_PASSWORD,
    )
