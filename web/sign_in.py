"""Sign-in by password or by a link that works once, then by the second factor of who has one; and sign-out."""

import secrets as randomness
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session

from config import (
    audit,
    clock,
    database,
    invitations,
    passwords,
    people,
    second_factor,
    security_mail,
    sign_ins,
    throttle,
)
from config.phrases import Phrase
from config.second_factor import Used
from config.secrets import SecretKeyError
from config.security_mail import Change
from config.sign_ins import Way
from config.tables import Person
from web import csrf, guard, pages
from web.account import measured
from web.desk import Desk, TheDesk
from web.fields import Line
from web.problems import Trouble

router = APIRouter()
MARKED = timedelta(days=365)


@router.get("/sign-in")
def sign_in_page(request: Request, found: TheDesk, next: str = "/") -> Response:  # noqa: A002  (the query's own name)
    """The form; whoever is signed in goes on."""
    if guard.find_visitor(request, found) is not None:
        return RedirectResponse(own_path(next), 303)
    with database.reading(found.engine) as session:
        nobody = not people.all_people(session)
    if nobody:
        return RedirectResponse("/first-run", 303)
    return stranger_page(
        request, found, "sign_in.html", next=own_path(next), email="", wrong=None, sso=found.settings.single_sign_on
    )


@router.post("/sign-in")
def sign_in(
    request: Request,
    found: TheDesk,
    email: Line,
    password: Annotated[str, Form(max_length=1000)],
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Signs in, or shows the form again with what was wrong; never which of the two it was."""
    if not found.settings.single_sign_on.passwords:
        raise Trouble(403, "Passwords are switched off here", "Nobody was signed in.", "Sign in at your provider.")
    _ = pages.words(request).gettext
    address, moment = guard.address_of(request), clock.now()
    person, wrong, status = None, None, 401
    tries = passwords.strangers_tries(email, address, request.cookies.get(_mark_name(found), ""), found.keys)
    try:
        person = passwords.check(found.engine, email, password, tries, address, found.keys, moment)
    except throttle.TooManyTries as error:
        status = 429
        wrong = _("Too many wrong passwords from here. Try again at %(until)s.") % {"until": _until(found, error)}
    except passwords.Busy:
        status = 503
        wrong = _("Too many people are signing in at this moment. Try again in a few seconds.")
    if person is None:
        wrong = wrong or _("That e-mail and password do not belong together. Check both and try again.")
        return stranger_page(
            request,
            found,
            "sign_in.html",
            status=status,
            next=own_path(next),
            email=email,
            wrong=wrong,
            sso=found.settings.single_sign_on,
        )
    return enter(request, found, people.known_id(person), own_path(next), by=Way.PASSWORD)


@router.post("/sign-in/code")
def give_code(
    request: Request,
    found: TheDesk,
    half: Line,
    code: Line = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """The second half of a sign-in: a code of the app, or a recovery code."""
    _ = pages.words(request).gettext
    address, moment = guard.address_of(request), clock.now()
    used, wrong, status = None, None, 401
    try:
        with database.writing(found.engine) as session:
            begun = sign_ins.half(session, half, found.keys, moment)
            if begun is not None:
                person, by = begun
                used = second_factor.check(session, people.known_id(person), code, address, found.keys, moment)
                if used is None:
                    audit.record(session, moment, person.id, "sign_in.wrong_code", f"person:{person.id}", {}, address)
                elif not sign_ins.use_half(session, half, by, found.keys, moment):
                    begun = None
                elif used is Used.RECOVERY:
                    security_mail.put(session, person, Change.RECOVERY_USED, found.settings, moment)
    except throttle.TooManyTries as error:
        status = 429
        wrong = _("Too many wrong codes. Try again at %(until)s.") % {"until": _until(found, error)}
    except SecretKeyError:
        status = 503
        wrong = _(
            "The app's codes cannot be checked here: the secret key is another one than before. Use one of your "
            "recovery codes, and tell an administrator."
        )
    if begun is None:
        return RedirectResponse("/sign-in?said=half-over", 303)
    if used is None:
        wrong = wrong or _("That code is not right, or it was used already. Wait for the next one, and try again.")
        return stranger_page(
            request, found, "sign_in_code.html", status=status, half=half, next=own_path(next), wrong=wrong
        )
    return _let_in(request, found, people.known_id(person), own_path(next), by, {"factor": used.value})


@router.get("/sign-in/link/{code}")
def link_page(request: Request, found: TheDesk, code: str) -> HTMLResponse:
    """A button, not the sign-in itself: mail scanners open links, and the code works only once."""
    with database.reading(found.engine) as session:
        purpose = _purpose(session, found, code)
    if purpose is None:
        raise _link_is_over()
    return _link_page(request, found, code, purpose)


@router.post("/sign-in/link/{code}")
def use_link(request: Request, found: TheDesk, code: str, new: Annotated[str, Form(max_length=1000)] = "") -> Response:
    """Uses the code up and signs in; an invitation wants a password chosen with it."""
    moment = clock.now()
    with database.reading(found.engine) as session:
        purpose = _purpose(session, found, code)
        owner = sign_ins.owner_of(session, code, found.keys)
    if purpose is None or owner is None:
        raise _link_is_over()
    try:  # takes its time, so outside the write
        hashed = people.hash_password(new, (owner.name, owner.email)) if purpose == invitations.PURPOSE else None
    except people.PersonError as error:
        return _link_page(request, found, code, purpose, wrong=Phrase.about(str(error), "new"))
    with database.writing(found.engine) as session:
        used = sign_ins.use_code(session, code, purpose, found.keys, moment)
        if used is None or used.person_id is None:
            raise _link_is_over()
        person = session.get_one(Person, used.person_id)
        person.password_hash = hashed or person.password_hash
        session.add(person)
        if purpose != sign_ins.SAMPLE_TOWN:
            security_mail.put(session, person, Change.LINK_USED, found.settings, moment)
        has_password = person.password_hash is not None
    by = Way.SAMPLE_TOWN if purpose == sign_ins.SAMPLE_TOWN else Way.LINK
    by = Way.PASSWORD if hashed else by  # with an invitation they chose one just now
    return enter(request, found, used.person_id, "/" if has_password else "/?said=choose-password", by=by)


@router.post("/sign-in/link/{code}/strength")
def strength(request: Request, found: TheDesk, code: str, new: Annotated[str, Form(max_length=1000)] = "") -> Response:
    """How hard a new password is to guess, while it is typed; for who holds an invitation. Keeps nothing."""
    with database.reading(found.engine) as session:
        purpose = _purpose(session, found, code)
        owner = sign_ins.owner_of(session, code, found.keys)
    if purpose != invitations.PURPOSE or owner is None:
        raise _link_is_over()
    return measured(request, people.strength(new, (owner.name, owner.email)))


@router.post("/sign-out")
def sign_out(request: Request, found: TheDesk) -> Response:
    """Ends this browser's sign-in."""
    token = request.cookies.get(guard.cookie_name(found))
    if token:
        with database.writing(found.engine) as session:
            sign_ins.close(session, token, found.keys)
    response = RedirectResponse("/sign-in?said=signed-out", 303)
    response.delete_cookie(guard.cookie_name(found), path="/", secure=found.https, httponly=True, samesite="lax")
    return response


def enter(request: Request, found: Desk, person_id: int, to: str, *, by: Way) -> Response:
    """Opens a sign-in for this browser and leads on; who has a second factor is asked for it first."""
    with database.writing(found.engine) as session:
        asked = by is not Way.SSO and second_factor.is_on(session, person_id)  # there it is the provider's
        half = sign_ins.open_half(session, person_id, by, found.keys, clock.now()) if asked else ""
    if asked:
        return stranger_page(request, found, "sign_in_code.html", half=half, next=to, wrong=None)
    return _let_in(request, found, person_id, to, by, {})


def _let_in(request: Request, found: Desk, person_id: int, to: str, by: Way, how: dict[str, str]) -> Response:
    """Opens the sign-in, with its entry in the audit log."""
    address, browser, moment = guard.address_of(request), request.headers.get("user-agent", ""), clock.now()
    with database.writing(found.engine) as session:
        token = sign_ins.open_sign_in(session, person_id, found.keys, moment, address, browser, by)
        action = "sign_in" if by is Way.PASSWORD else f"sign_in.{by.value}"
        audit.record(session, moment, person_id, action, f"person:{person_id}", how, address)
        mark = passwords.mark(session.get_one(Person, person_id).email, found.keys)
    response = RedirectResponse(to, 303)
    cookies = [(guard.cookie_name(found), token, sign_ins.LIFETIME)]
    if by is Way.PASSWORD:
        cookies.append((_mark_name(found), mark, MARKED))
    for name, value, lifetime in cookies:
        response.set_cookie(
            name,
            value,
            max_age=int(lifetime.total_seconds()),
            path="/",
            secure=found.https,
            httponly=True,
            samesite="lax",
        )
    return response


def _mark_name(found: Desk) -> str:
    """Of the cookie that says who has signed in in this browser."""
    return f"{guard.cookie_name(found)}-known"


def stranger_page(request: Request, found: Desk, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page with a form for someone not signed in: its token is bound to a visit cookie, set here if it is not yet."""
    seed = guard.seed(request, found)
    fresh = "" if seed else randomness.token_urlsafe(18)
    if fresh:
        request.cookies[csrf.VISIT_COOKIE] = fresh
    page = pages.render(request, template, status=status, **values)
    if fresh:
        page.set_cookie(csrf.VISIT_COOKIE, fresh, path="/", secure=found.https, httponly=True, samesite="strict")
    return page


def own_path(wanted: str) -> str:
    """`wanted` if it is a path of ours, else Today: a sign-in must not lead to somebody else's site."""
    plain = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if plain and wanted.isprintable() else "/"


def _purpose(session: Session, found: Desk, code: str) -> str | None:
    """What a live link is for; none for one that is over."""
    purposes = ("sign_in", invitations.PURPOSE) if found.settings.single_sign_on.passwords else ()
    live = [
        one
        for one in (*purposes, sign_ins.BREAK_GLASS, sign_ins.SAMPLE_TOWN)
        if sign_ins.code_is_live(session, code, one, found.keys, clock.now())
    ]
    return live[0] if live else None


def _link_page(request: Request, found: Desk, code: str, purpose: str, wrong: str | None = None) -> HTMLResponse:
    return stranger_page(
        request,
        found,
        "sign_in_link.html",
        status=200 if wrong is None else 422,
        code=code,
        invited=purpose == invitations.PURPOSE,
        minimum=people.MINIMUM_PASSWORD,
        wrong=wrong,
    )


def _until(found: Desk, slowed: throttle.TooManyTries) -> str:
    """08:25 EST"""
    zone = found.settings.department.zone
    return f"{slowed.until.astimezone(zone):%H:%M} {pages.zone_name(slowed.until, zone, 'en')}"


def _link_is_over() -> Trouble:
    return Trouble(
        410,
        "This link does not work any more",
        "It was used already, or its time is over. Nobody was signed in.",
        "Sign in with your password, or ask an administrator for a new link.",
    )
