"""Who asks, and whether they may. Every route names the Action it needs, or stands in PUBLIC.

`config.permissions` holds the table; a test walks all routes. What a person's own data allows is the rooms' affair."""

from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import Depends, Request, params

from config import addresses, clock, database, people, sign_ins
from config.permissions import Action, Role, may
from config.phrases import Phrase
from config.sign_ins import Way
from config.tables import Person
from web import csrf, rights
from web.desk import Desk, desk
from web.problems import Trouble

log = structlog.get_logger(__name__)

# The only paths that anyone may ask for; each says what it shows to a stranger.
PUBLIC = frozenset(
    {
        "/healthz",  # up or not
        "/readyz",  # and of this version
        "/look.css",  # the department's colour
        "/crest",  # and its crest, as on its letters
        "/sign-in",
        "/sign-in/link/{code}",
        "/sign-in/link/{code}/strength",  # how hard a password is to guess, for who holds a live invitation
        "/sign-in/sso",  # leads to the department's provider, where one is set
        "/sign-in/sso/back",  # and back; wants what the provider signed
        "/sign-in/code",  # the second half of a sign-in; wants the code of the first
        "/sign-out",  # of whoever holds the cookie
        "/pictures/{name}.jpg",  # a network fetches what we are about to publish; the name is signed and short-lived
        "/first-run",  # answers only until there is a first person, and then only to the one-time code
        "/feeds/{token}.ics",  # a calendar program reads it; the address is the secret, its hash is kept
        "/said-and-done",  # what was done about concerns, in words already published; only where switched on
        "/transparency",  # what is collected and what was done, in figures; only where switched on
        "/events/{code}",  # an event that was announced, by an address not to be guessed; only where switched on
        "/events/{code}.ics",  # its calendar file
        "/ask/{code}",  # a question that a published post asks, and a form without a name
        "/partner/{token}",  # a partner's own address, signed: what it hears, what it thinks of a draft
        "/partner/stop/{token}",  # where a partner ends the mail that it agreed to, signed
        "/stop/{token}",  # ends one kind of mail; the address in the mail is signed
    }
)
# A mail program sends such a form by itself (RFC 8058), a partner signs in nowhere: the signed address is the
# proof. Who answers a question is nobody to us.
BY_ADDRESS = ("/stop/", "/partner/", "/ask/")
ASK = Phrase("Ask an administrator if you should have it.")
GIVE = Phrase("You give roles yourself, under People.")
SECOND_PERSONS = frozenset({Action.APPROVE_POSTS, Action.LIFT_HOLD})  # what must not be done in another's name
ENROLLING = "/account/second-factor"  # all that is open to whoever must have a second factor and has none yet


@dataclass(frozen=True)
class Visitor:
    """Someone signed in. `scopes`: what an API token is limited to; none for a browser. `by`: how they came in; none by
    a token. `must_enrol`: their roles ask for a second factor that they have not."""

    person: Person
    roles: frozenset[Role]
    address: str
    scopes: frozenset[Action] | None = None
    by: Way | None = None
    must_enrol: bool = False

    @property
    def id(self) -> int:
        return people.known_id(self.person)

    def may(self, action: Action | str) -> bool:
        """Whether the roles, and the token's scopes if there is one, allow it."""
        wanted = Action(action)
        return may(self.roles, wanted) and (self.scopes is None or wanted in self.scopes)


class SignedOut(Exception):
    """Nobody is signed in where somebody must be; pages lead to sign-in, the API answers 401."""


class EnrolFirst(Exception):
    """Their roles ask for a second factor; pages lead to where they set it up, everything else answers 403."""


def address_of(request: Request) -> str:
    """The asking computer's address, as the socket says, or a proxy that the settings trust: else forwarded headers can
    be made up."""
    peer = request.client.host if request.client is not None else ""
    said = ",".join(request.headers.getlist("x-forwarded-for"))
    return addresses.asking(peer, said, desk(request).settings.trusted_proxies)


def cookie_name(found: Desk) -> str:
    """__Host- binds the cookie to this very host; browsers take it only over https."""
    return "__Host-liaison" if found.https else "liaison"


def find_visitor(request: Request, found: Desk) -> Visitor | None:
    """Who asks, by API token or by cookie; none when signed out. Raises Trouble for a token that is not live."""
    authorization = request.headers.get("authorization", "")
    scheme, _, token = authorization.partition(" ")
    moment = clock.now()
    if authorization:
        with database.reading(found.engine) as session:
            held = sign_ins.token_holder(session, token.strip(), found.keys, moment) if _is_bearer(scheme) else None
            if held is None:
                raise Trouble(401, "This token is not live", "It is wrong, revoked or past its end.", "Make a new one.")
        if held.unnoted:  # a write, so only when it would change something
            with database.writing(found.engine) as session:
                sign_ins.token_seen(session, token.strip(), found.keys, moment)
        return Visitor(held.person, held.roles, address_of(request), held.scopes)
    cookie = request.cookies.get(cookie_name(found))
    if not cookie:
        return None
    with database.reading(found.engine) as session:
        signed_in = sign_ins.who(session, cookie, found.keys, moment)
        if signed_in is None:
            return None
        person, roles = signed_in.person, signed_in.roles
        must_enrol = signed_in.by is not Way.SSO and signed_in.lacks_factor  # there it is the provider's
    if signed_in.unnoted:  # a write, so only when it would change something
        with database.writing(found.engine) as session:
            sign_ins.seen(session, cookie, found.keys, moment)
    return Visitor(person, roles, address_of(request), by=signed_in.by, must_enrol=must_enrol)


def visitor(request: Request, found: Annotated[Desk, Depends(desk)]) -> Visitor:
    """Who is signed in. Raises SignedOut, or EnrolFirst."""
    who = find_visitor(request, found)
    if who is None:
        raise SignedOut
    request.state.visitor = who
    if who.must_enrol and not request.url.path.startswith(ENROLLING):
        raise EnrolFirst
    return who


Who = Annotated[Visitor, Depends(visitor)]


class Needs:
    """A route's dependency that lets pass only who may do `action`; the walk in tests/web finds it."""

    def __init__(self, action: Action) -> None:
        self.action = action

    def __call__(self, request: Request, who: Who) -> None:
        if not who.may(self.action):
            what = {"right": self.action.value, "method": request.method, "path": request.url.path}
            log.warning("refused", **what, person=who.id, address=who.address)
            raise Trouble(
                403,
                "This is not part of your work at this desk",
                rights.refusal(self.action, who.roles),
                GIVE if who.may(Action.MANAGE_PEOPLE) else ASK,
            )
        if self.action in SECOND_PERSONS:
            no_link(who)


def needs(action: Action) -> Any:
    """`@router.get("/mentions", dependencies=[needs(Action.READ_MENTIONS)])`"""
    return params.Depends(Needs(action))


def no_link(who: Who) -> None:
    """A dependency of what takes a second person: somebody else may have had the link that one came in by."""
    if who.by is Way.LINK:
        raise Trouble(
            403,
            "Choose a password first",
            "You came in by a link, which somebody else made for you. Nothing was changed.",
            "Set a password under your account; the old one is not asked for.",
        )


async def unsafe_is_ours(request: Request, found: Annotated[Desk, Depends(desk)]) -> None:
    """On every route: a request that changes something, and rides on a cookie, must carry the form's token."""
    if request.url.path.startswith(BY_ADDRESS):
        return
    if request.method in ("GET", "HEAD", "OPTIONS") or _is_bearer(request.headers.get("authorization", "")[:6]):
        return
    await csrf.check(request, found.keys, seed(request, found))


def seed(request: Request, found: Desk) -> str:
    """What the form's token is bound to: the sign-in, or a stranger's visit cookie."""
    return request.cookies.get(cookie_name(found)) or request.cookies.get(csrf.VISIT_COOKIE, "")


def _is_bearer(scheme: str) -> bool:
    return scheme.lower() == "bearer"
