"""Single sign-on: to the department's own provider and back. Who may come in is decided here: people who were
invited, or whom the provider's claim gives a role. The second factor is the provider's affair."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session, select

from config import audit, clock, database, people
from config.permissions import Role
from config.secrets import SecretKeyError
from config.settings import SingleSignOn
from config.sign_ins import Way
from config.tables import Person, SsoIdentity
from web import guard, oidc
from web.desk import Desk, TheDesk
from web.oidc import Asked, NotSignedIn
from web.problems import Trouble
from web.sign_in import enter, own_path

log = structlog.get_logger(__name__)
router = APIRouter()
COOKIE = "liaison_sso"
BACK = "/sign-in/sso/back"
MINUTES = 10


@router.get("/sign-in/sso")
def go(found: TheDesk, next: str = "/") -> Response:  # noqa: A002  (the query's own name)
    """Sends the browser to the provider; what must come back goes with it, sealed."""
    settings = _settings_of(found)
    try:
        provider = oidc.discover(settings, allow_private=found.settings.fetch_private_addresses)
    except NotSignedIn as error:
        raise _away(error) from error
    url, asked = oidc.begin(settings, provider, _back(found))
    kept = {**asdict(asked), "next": own_path(next), "until": clock.now().timestamp() + MINUTES * 60}
    response = RedirectResponse(url, 303)
    sealed = found.keys.seal(json.dumps(kept)).decode("ascii")
    response.set_cookie(
        COOKIE, sealed, max_age=MINUTES * 60, path="/sign-in", secure=found.https, httponly=True, samesite="lax"
    )
    return response


@router.get(BACK)
def back(
    request: Request,
    found: TheDesk,
    code: Annotated[str, Query(max_length=4000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Whoever comes back from the provider is let in, or told why not."""
    settings = _settings_of(found)
    asked, to = _kept(request, found)
    if asked is None or not code or not hmac.compare_digest(asked.state.encode(), state.encode()):
        raise Trouble(400, "This sign-in was not begun here", "Nobody was signed in.", "Begin again at /sign-in.")
    private, moment = found.settings.fetch_private_addresses, clock.now()
    try:
        provider = oidc.discover(settings, allow_private=private)
        claims = oidc.finish(settings, provider, asked, code, _back(found), moment, allow_private=private)
    except NotSignedIn as error:
        raise _away(error) from error
    with database.writing(found.engine) as session:
        person = _person(session, found, claims, guard.address_of(request))
    response = enter(request, found, people.known_id(person), to, by=Way.SSO)
    response.delete_cookie(COOKIE, path="/sign-in", secure=found.https, httponly=True, samesite="lax")
    return response


def _person(session: Session, found: Desk, claims: Mapping[str, Any], address: str) -> Person:
    """Who that is here: by the provider's subject; the first time by a verified e-mail address. Raises Trouble."""
    settings, moment = found.settings.single_sign_on, clock.now()
    subject, email = str(claims["sub"]), str(claims.get("email") or "").strip().lower()
    identity = session.get(SsoIdentity, (settings.issuer, subject))
    verified = claims.get("email_verified") is True or settings.trust_email
    person = session.get(Person, identity.person_id) if identity is not None else None
    if person is None and email and verified:
        person = people.by_email(session, email)
    roles = _roles(found, claims)
    if person is None and roles and email and verified:
        try:
            person = people.add_person(
                session,
                name=str(claims.get("name") or "").strip() or email,
                email=email,
                password=None,
                roles=roles,
                time_zone=found.settings.department.time_zone,
                now=moment,
                language=found.settings.department.language,
            )
        except people.PersonError as error:
            raise Trouble(403, "You cannot be added to this desk", error.args[0], "Ask an administrator.") from error
        detail = {"roles": sorted(roles), "by": "sso"}
        audit.record(session, moment, None, "person.add", f"person:{person.id}", detail, address)
    if person is None or not person.active or (settings.roles_claim and not roles):
        raise Trouble(
            403, "You have no place at this desk", "The sign-in was right, but nobody here has invited you.",
            "Ask an administrator.",
        )  # fmt: skip
    if identity is None:
        _bind(session, settings.issuer, subject, people.known_id(person))
    before = people.roles_of(session, people.known_id(person))
    if settings.roles_claim and roles != before:
        people.set_roles(session, person, roles)
        detail = {"before": sorted(before), "after": sorted(roles), "by": "sso"}
        audit.record(session, moment, None, "person.roles", f"person:{person.id}", detail, address)
    return person


def _bind(session: Session, issuer: str, subject: str, person_id: int) -> None:
    taken = session.exec(
        select(SsoIdentity).where(SsoIdentity.issuer == issuer, SsoIdentity.person_id == person_id)
    ).first()
    if taken is not None:
        raise Trouble(403, "Somebody else has this e-mail address", "Nobody was signed in.", "Ask an administrator.")
    session.add(SsoIdentity(issuer=issuer, subject=subject, person_id=person_id))


def _roles(found: Desk, claims: Mapping[str, Any]) -> frozenset[Role]:
    """The roles that the provider's claim gives; none where none is set."""
    settings = found.settings.single_sign_on
    said = claims.get(settings.roles_claim) if settings.roles_claim else None
    words = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    return frozenset(settings.roles[word] for word in words if isinstance(word, str) and word in settings.roles)


def _kept(request: Request, found: Desk) -> tuple[Asked | None, str]:
    try:
        kept = json.loads(found.keys.open(request.cookies.get(COOKIE, "").encode()))
    except (SecretKeyError, ValueError):
        return None, "/"
    if kept["until"] < clock.now().timestamp():
        return None, "/"
    return Asked(kept["state"], kept["nonce"], kept["verifier"]), own_path(kept["next"])


def _settings_of(found: Desk) -> SingleSignOn:
    if not found.settings.single_sign_on.issuer:
        raise Trouble(404, "There is no single sign-on here", "Sign in with your password.")
    return found.settings.single_sign_on


def _back(found: Desk) -> str:
    return found.settings.base_url.rstrip("/") + BACK


def _away(error: NotSignedIn) -> Trouble:
    log.warning("single_sign_on", error=str(error))
    return Trouble(
        502, "The sign-in at your provider did not work", "Nobody was signed in. What went wrong is in the log.",
        "Try again. If it stays, tell an administrator.",
    )  # fmt: skip
