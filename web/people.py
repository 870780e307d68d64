"""People of the desk, for administrators: who is here, with which roles; add, let in again, rename, give roles, close.

Nobody is deleted, because the audit log names them. A link that signs someone in is shown once, and is in that log."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session, select

from config import (
    audit,
    browsers,
    clock,
    database,
    invitations,
    people,
    second_factor,
    security_mail,
    sign_in_links,
    sign_ins,
)
from config.permissions import Action, Role
from config.phrases import Phrase
from config.security_mail import Change
from config.tables import Person, PersonRole
from web import pages
from web.desk import Desk, TheDesk
from web.fields import Id, Line
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter(dependencies=[needs(Action.MANAGE_PEOPLE)])


@router.get("/people")
def people_page(request: Request, found: TheDesk) -> Response:
    """The list, and the form that adds a person."""
    return _page(request, found)


@router.post("/people")
def add(
    request: Request,
    found: TheDesk,
    who: Who,
    name: Line = "",
    email: Line = "",
    roles: Annotated[list[Role] | None, Form()] = None,
    time_zone: Annotated[str, Form(max_length=64)] = "",
    language: Annotated[str, Form(max_length=8)] = "en",
    by_mail: Annotated[bool, Form()] = False,
) -> Response:
    """Adds a person without a password: they choose one at the address that they are sent, or that is shown here."""
    _ = pages.words(request).gettext
    given: dict[str, object] = {"name": name, "email": email, "roles": roles or [], "time_zone": time_zone}
    given |= {"language": language, "by_mail": by_mail}
    if not roles:
        return _page(request, found, given=given, wrong=("new", Phrase.about(_("Choose at least one role."), "roles")))
    if time_zone not in clock.zones():
        words = Phrase.about(_("Choose a time zone from the list."), "time_zone")
        return _page(request, found, given=given, wrong=("new", words))
    try:
        person, link = added(found, who, name, email, roles, time_zone, language, by_mail=by_mail)
    except people.PersonError as error:
        return _page(request, found, given=given, wrong=("new", str(error)))
    if link:
        return _page(request, found, link=link, link_for=person.name)
    said = "invited" if found.settings.single_sign_on.passwords else "known"
    return RedirectResponse(f"/people?said={said}", 303)


def added(
    found: Desk,
    who: Visitor,
    name: str,
    email: str,
    roles: Sequence[Role],
    time_zone: str,
    language: str,
    *,
    by_mail: bool,
) -> tuple[Person, str]:
    """Somebody new, invited where passwords are in use; the address of the invitation where no mail takes it there.
    Raises PersonError."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        person = people.add_person(
            session,
            name=name,
            email=email,
            password=None,
            roles=roles,
            time_zone=time_zone,
            now=moment,
            language=language,
        )
        detail = {"roles": sorted(roles)}
        audit.record(session, moment, who.id, "person.add", f"person:{person.id}", detail, who.address)
        invited = found.settings.single_sign_on.passwords
        return person, _invite(session, found, who, person, by_mail=by_mail) if invited else ""


@router.post("/people/{person_id}/link")
def make_link(
    request: Request, found: TheDesk, who: Who, person_id: Id, by_mail: Annotated[bool, Form()] = False
) -> Response:
    """A new link for someone who forgot the password, or the invitation anew; earlier ones are void. With a mail server
    set they go to that person alone: whoever sees such a link can be that person."""
    person, link = let_in(found, who, person_id, by_mail=by_mail or found.settings.smtp_url is not None)
    if not link:
        said = "invited" if person.password_hash is None else "link-sent"
        return RedirectResponse(f"/people?said={said}", 303)
    return _page(request, found, link=link, link_for=person.name)


def let_in(found: Desk, who: Visitor, person_id: int, *, by_mail: bool) -> tuple[Person, str]:
    """A new invitation for who has no password yet, else a link; the address where no mail takes it there. Raises
    Trouble."""
    with database.writing(found.engine) as session:
        person = _person(session, person_id)
        if not person.active:
            raise Trouble(409, "They do not work here any more", "No link was made.", "Open their way in first.")
        if not found.settings.single_sign_on.passwords:
            raise Trouble(
                409, "They come in by single sign-on", "No link was made.", "In need: the terminal makes one."
            )
        invited = person.password_hash is None
        link = (_invite if invited else _new_link)(session, found, who, person, by_mail=by_mail)
        detail = {"by": "mail" if by_mail else "hand"}
        audit.record(session, clock.now(), who.id, "person.link", f"person:{person_id}", detail, who.address)
        return person, link


@router.post("/people/{person_id}/name")
def change_name(
    request: Request, found: TheDesk, who: Who, person_id: Id, name: Line = "", email: Line = ""
) -> Response:
    """Another name, or another address to sign in with."""
    try:
        rename(found, who, person_id, name, email)
    except people.PersonError as error:
        return _page(request, found, given={"name": name, "email": email}, wrong=(str(person_id), error.args[0]))
    return RedirectResponse("/people?said=renamed", 303)


def rename(found: Desk, who: Visitor, person_id: int, name: str, email: str) -> None:
    """A new address is told at the old one, and links that were sent there are void. Raises PersonError; Trouble where
    nobody has that number."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        person = _person(session, person_id)
        before = {"name": person.name, "email": person.email}
        if email.strip().lower() != person.email:
            security_mail.put(session, person, Change.ADDRESS, found.settings, moment)
            sign_ins.void_links(session, person_id)
        people.rename(session, person, name, email)
        detail = {"before": before, "after": {"name": person.name, "email": person.email}}
        audit.record(session, moment, who.id, "person.name", f"person:{person_id}", detail, who.address)


@router.post("/people/{person_id}/roles")
def change_roles(
    request: Request, found: TheDesk, who: Who, person_id: Id, roles: Annotated[list[Role] | None, Form()] = None
) -> Response:
    """The roles are these from now on; the desk never stays without an administrator."""
    try:
        set_roles(found, who, person_id, roles or [])
    except Trouble as error:
        if error.status != 409:  # nobody has that number
            raise
        words = " ".join(pages.told(request, one) for one in (error.detail, error.advice))
        about = Phrase.about(f"{pages.told(request, error.title)}. {words}", "roles")
        return _page(request, found, given={"roles": roles or []}, wrong=(str(person_id), about))
    return RedirectResponse("/people?said=roles-changed", 303)


def set_roles(found: Desk, who: Visitor, person_id: int, roles: Sequence[Role]) -> None:
    """Raises Trouble for the last administrator."""
    with database.writing(found.engine) as session:
        person = _person(session, person_id)
        if Role.ADMINISTRATOR not in roles:
            _someone_else_administers(session, person_id)
        before = sorted(people.roles_of(session, person_id))
        people.set_roles(session, person, roles)
        detail = {"before": before, "after": sorted(roles)}
        audit.record(session, clock.now(), who.id, "person.roles", f"person:{person_id}", detail, who.address)


@router.post("/people/{person_id}/active")
def set_active(found: TheDesk, who: Who, person_id: Id, active: Annotated[bool, Form()] = False) -> Response:
    """Closes someone's way in, at once and everywhere, or opens it again."""
    set_way_in(found, who, person_id, active=active)
    return RedirectResponse("/people?said=roles-changed", 303)


def set_way_in(found: Desk, who: Visitor, person_id: int, *, active: bool) -> None:
    """Raises Trouble for the last administrator."""
    with database.writing(found.engine) as session:
        person = _person(session, person_id)
        if not active:
            _someone_else_administers(session, person_id)
            sign_ins.end_all(session, person_id, found.keys)
        revoked = 0 if active else sign_ins.end_programs(session, person_id, clock.now())
        person.active = active
        session.add(person)
        action, detail = "person.open" if active else "person.close", {"programs": revoked} if revoked else {}
        audit.record(session, clock.now(), who.id, action, f"person:{person_id}", detail, who.address)


@router.post("/people/second-factor")
def require_factor(found: TheDesk, who: Who, roles: Annotated[list[Role] | None, Form()] = None) -> Response:
    """Asks a second factor of these roles and no others."""
    with database.writing(found.engine) as session:
        before = sorted(second_factor.required(session))
        second_factor.require(session, roles or [])
        detail = {"before": before, "after": sorted(set(roles or []))}
        audit.record(session, clock.now(), who.id, "second_factor.required", "people", detail, who.address)
    return RedirectResponse("/people?said=factor-rule", 303)


@router.post("/people/{person_id}/second-factor/reset")
def reset_factor(request: Request, found: TheDesk, who: Who, person_id: Id, reason: Line = "") -> Response:
    """Takes somebody's second factor away, with a reason; one's own goes by one's own page, with a code."""
    if person_id == who.id:
        raise Trouble(409, "This is your own", "Nothing was changed.", "Change it under Your account, with a code.")
    if not reason:
        _ = pages.words(request).gettext
        words = _("A reason is needed: it stands in the audit log. Nothing was changed.")
        return _page(request, found, wrong=(str(person_id), Phrase.about(words, "reason")))
    moment = clock.now()
    with database.writing(found.engine) as session:
        person = _person(session, person_id)
        if not second_factor.remove(session, person_id):
            raise Trouble(409, "They have no second factor", "Nothing was changed.")
        sign_ins.end_all(session, person_id, found.keys)
        ended = sign_ins.end_programs(session, person_id, moment)
        detail = {"reason": reason} | ({"programs": ended} if ended else {})
        audit.record(session, moment, who.id, "second_factor.reset", f"person:{person_id}", detail, who.address)
        security_mail.put(session, person, Change.FACTOR_RESET, found.settings, moment)
    return RedirectResponse("/people?said=factor-reset", 303)


@router.post("/people/{person_id}/sign-ins/end")
def end_sign_ins(found: TheDesk, who: Who, person_id: Id, which: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Signs somebody out of one browser; or everywhere, which ends their tokens and their calendar's address too."""
    sign_out(found, who, person_id, which)
    return RedirectResponse("/people?said=sign-in-ended", 303)


def sign_out(found: Desk, who: Visitor, person_id: int, which: str = "") -> int:
    """Out of one browser, or everywhere; of how many."""
    with database.writing(found.engine) as session:
        _person(session, person_id)
        programs = 0
        if which:
            number = int(sign_ins.end_one(session, person_id, sign_ins.hash_in(which)))
        else:
            number = sign_ins.end_all(session, person_id, found.keys)
            programs = sign_ins.end_programs(session, person_id, clock.now())
        detail = {"browsers": number} | ({"programs": programs} if programs else {})
        audit.record(session, clock.now(), who.id, "sign_in.end", f"person:{person_id}", detail, who.address)
    return number


@router.post("/people/{person_id}/tokens/{token_id}/revoke")
def revoke_token(found: TheDesk, who: Who, person_id: Id, token_id: Id) -> Response:
    """Ends somebody's API token."""
    end_token(found, who, person_id, token_id)
    return RedirectResponse("/people?said=token-revoked", 303)


def end_token(found: Desk, who: Visitor, person_id: int, token_id: int) -> None:
    """Raises Trouble 404."""
    with database.writing(found.engine) as session:
        revoked = sign_ins.revoke_token(session, person_id, token_id, clock.now())
        if revoked is None:
            raise Trouble(404, "They have no such token", "Nothing was changed.")
        if revoked:
            detail = {"person": person_id}
            audit.record(session, clock.now(), who.id, "token.revoke", f"token:{token_id}", detail, who.address)


def _page(
    request: Request,
    found: Desk,
    *,
    given: dict[str, object] | None = None,
    wrong: tuple[str, str] | None = None,
    link: str | None = None,
    link_for: str = "",
) -> Response:
    """`given`: what stands in the form that is `wrong`: of a new person, or of the one with that number."""
    with database.reading(found.engine) as session:
        rows = people.all_people(session)
        roles: dict[int, set[str]] = {}
        for pair in session.exec(select(PersonRole)):
            roles.setdefault(pair.person_id, set()).add(pair.role)
        signed_in = {known.id: sign_ins.open_of(session, people.known_id(known), clock.now()) for known in rows}
        tokens = sign_ins.live_tokens(session, clock.now())
        invited = invitations.open_until(session, clock.now())
        with_factor, factor_roles = second_factor.on_for(session), second_factor.required(session)
    blank: dict[str, object] = {
        "name": "",
        "email": "",
        "roles": [],
        "time_zone": found.settings.department.time_zone,
        "language": found.settings.department.language,
        "by_mail": True,
    }
    return pages.render(
        request,
        "people.html",
        mails=found.settings.smtp_url is not None,
        status=200 if wrong is None else 422,
        people=[(person, roles.get(people.known_id(person), set())) for person in rows],
        every_role=list(Role),
        signed_in={one: [(row, browsers.plain(row.browser)) for row in found_] for one, found_ in signed_in.items()},
        invited=invited,
        tokens=tokens,
        with_factor=with_factor,
        factor_roles=factor_roles,
        zones=clock.zones(),
        blank=blank,
        refused=given or {},
        wrong=wrong,
        link=link,
        link_for=link_for,
    )


def _invite(session: Session, found: Desk, who: Visitor, person: Person, *, by_mail: bool) -> str:
    """An invitation, sent or to be shown; the address where it is shown."""
    if not by_mail:
        return invitations.make(session, person, found.settings, found.keys, clock.now())
    invitations.send(session, person, who.person.name, found.settings, found.keys, clock.now())
    return ""


def _new_link(session: Session, found: Desk, who: Visitor, person: Person, *, by_mail: bool) -> str:
    """A link for who forgot the password, sent or to be shown; the address where it is shown."""
    if not by_mail:
        return sign_in_links.make(session, person, found.settings, found.keys, clock.now())
    sign_in_links.send(session, person, who.person.name, found.settings, found.keys, clock.now())
    return ""


def _person(session: Session, person_id: int) -> Person:
    person = session.get(Person, person_id)
    if person is None:
        raise Trouble(404, "Nobody has that number", "Nothing was changed.")
    return person


def _someone_else_administers(session: Session, person_id: int) -> None:
    """Raises Trouble for the last administrator."""
    people.take_turn(session)
    others = [person for person in people.with_role(session, Role.ADMINISTRATOR) if person.id != person_id]
    if not others:
        raise Trouble(
            409,
            "They are the only administrator",
            "Without one, nobody could let anyone in again. Nothing was changed.",
            "Make someone else an administrator first.",
        )
