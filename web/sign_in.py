"""Sign-in by password or by a link that works once, and sign-out."""

import secrets as randomness
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from config import audit, clock, database, people, sign_ins
from config.tables import Person
from web import csrf, guard, pages
from web.desk import Desk, TheDesk
from web.fields import Line
from web.problems import Trouble

router = APIRouter()


@router.get("/sign-in")
def sign_in_page(request: Request, found: TheDesk, next: str = "/") -> Response:  # noqa: A002  (the query's own name)
    """The form; whoever is signed in goes on."""
    if guard.find_visitor(request, found) is not None:
        return RedirectResponse(own_path(next), 303)
    with database.reading(found.engine) as session:
        nobody = not people.all_people(session)
    if nobody:
        return RedirectResponse("/first-run", 303)
    return stranger_page(request, found, "sign_in.html", next=own_path(next), email="", wrong=None)


@router.post("/sign-in")
def sign_in(
    request: Request,
    found: TheDesk,
    email: Line,
    password: Annotated[str, Form(max_length=1000)],
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Signs in, or shows the form again with what was wrong; never which of the two it was."""
    _ = pages.words(request).gettext
    address, moment = guard.address_of(request), clock.now()
    person, wrong, status = None, None, 401
    try:
        with database.writing(found.engine) as session:
            person = people.check_password(session, email, password, address, found.keys, moment)
            if person is not None:
                audit.record(session, moment, person.id, "sign_in", f"person:{person.id}", {}, address)
    except people.TooManyTries as error:
        status = 429
        zone = found.settings.department.zone
        until = f"{error.until.astimezone(zone):%H:%M} {pages.zone_name(error.until, zone, 'en')}"
        wrong = _("Too many wrong passwords from here. Try again at %(until)s.") % {"until": until}
    if person is None:
        wrong = wrong or _("That e-mail and password do not belong together. Check both and try again.")
        return stranger_page(
            request, found, "sign_in.html", status=status, next=own_path(next), email=email, wrong=wrong
        )
    return enter(request, found, people.known_id(person), own_path(next))


@router.get("/sign-in/link/{code}")
def link_page(request: Request, found: TheDesk, code: str) -> HTMLResponse:
    """A button, not the sign-in itself: mail scanners open links, and the code works only once."""
    with database.reading(found.engine) as session:
        live = sign_ins.code_is_live(session, code, "sign_in", found.keys, clock.now())
    if not live:
        raise _link_is_over()
    return stranger_page(request, found, "sign_in_link.html", code=code)


@router.post("/sign-in/link/{code}")
def use_link(request: Request, found: TheDesk, code: str) -> Response:
    """Uses the code up and signs in."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        used = sign_ins.use_code(session, code, "sign_in", found.keys, moment)
        if used is None or used.person_id is None:
            raise _link_is_over()
        subject = f"person:{used.person_id}"
        audit.record(session, moment, used.person_id, "sign_in.link", subject, {}, guard.address_of(request))
        has_password = session.get_one(Person, used.person_id).password_hash is not None
    return enter(request, found, used.person_id, "/" if has_password else "/?said=choose-password")


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


def enter(request: Request, found: Desk, person_id: int, to: str) -> Response:
    """Opens a sign-in for this browser and leads on."""
    browser = request.headers.get("user-agent", "")
    with database.writing(found.engine) as session:
        token = sign_ins.open_sign_in(session, person_id, found.keys, clock.now(), guard.address_of(request), browser)
    response = RedirectResponse(to, 303)
    response.set_cookie(
        guard.cookie_name(found),
        token,
        max_age=int(sign_ins.LIFETIME.total_seconds()),
        path="/",
        secure=found.https,
        httponly=True,
        samesite="lax",
    )
    return response


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


def _link_is_over() -> Trouble:
    return Trouble(
        410,
        "This link does not work any more",
        "It was used already, or its time is over. Nobody was signed in.",
        "Sign in with your password, or ask an administrator for a new link.",
    )
