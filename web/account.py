"""One's own account: password, zone, language, digest hour, and API tokens."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from config import (
    audit,
    browsers,
    clock,
    database,
    passwords,
    people,
    second_factor,
    security_mail,
    sign_in_links,
    sign_ins,
    throttle,
)
from config.permissions import ALLOWED, Action
from config.phrases import Phrase
from config.security_mail import Change
from config.sign_ins import Way
from config.tables import CalendarFeed, Person
from config.translations import LANGUAGES
from web import csrf, guard, pages
from web.desk import Desk, TheDesk
from web.fields import Id, Line
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter(dependencies=[needs(Action.OWN_ACCOUNT)])
TOKEN_DAYS = (7, 30, 90, 365)


@dataclass(frozen=True)
class Wanted:
    """A token, as its form asks for it."""

    name: str = ""
    scopes: tuple[Action, ...] = ()
    days: int = 90


NOTHING = Wanted()


@router.get("/account")
def account_page(request: Request, found: TheDesk, who: Who) -> Response:
    """What one may set for oneself."""
    return _page(request, found, who)


@router.get("/account/form-token")
def form_token(request: Request, found: TheDesk, who: Who) -> JSONResponse:
    """The token for forms, for a page that was open while its reader signed in anew, and who that is now; other sites
    cannot read it."""
    return JSONResponse({"token": csrf.token(found.keys, guard.seed(request, found)), "person": who.id})


@router.post("/account")
def save(
    request: Request,
    found: TheDesk,
    who: Who,
    time_zone: Annotated[str, Form(max_length=64)],
    language: Annotated[str, Form(max_length=8)],
    digest_hour: Annotated[str, Form(max_length=2)] = "",
) -> Response:
    """Zone, language, and the hour of the daily digest (empty: none)."""
    _ = pages.words(request).gettext
    hour = int(digest_hour) if digest_hour.isdecimal() and int(digest_hour) < 24 else None
    taken = {"time_zone": time_zone in clock.zones(), "language": language in LANGUAGES}
    if odd := [name for name, right in taken.items() if not right]:
        return _page(
            request, found, who, wrong=Phrase.about(_("Choose a time zone and a language from the lists."), *odd)
        )
    with database.writing(found.engine) as session:
        person = session.get_one(Person, who.id)
        person.time_zone, person.language, person.digest_hour = time_zone, language, hour
        session.add(person)
    return RedirectResponse("/account?said=account-saved", 303)


@router.post("/account/password")
def set_password(
    request: Request,
    found: TheDesk,
    who: Who,
    new: Annotated[str, Form(max_length=1000)],
    old: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """A new password; ends this person's sign-ins in other browsers, and of who came by a link also tokens and the
    calendar's address."""
    _ = pages.words(request).gettext
    moment = clock.now()
    if who.scopes is not None:
        raise Trouble(403, "A token cannot set a password", "Nothing was changed.")
    try:
        if asks_password(who) and not is_own_password(found, who, old):
            words = _("The present password is not right. Nothing was changed.")
            return _page(request, found, who, wrong=Phrase.about(words, "old"))
        hashed = people.hash_password(new, (who.person.name, who.person.email))  # takes its time, so outside the write
    except people.PersonError as error:
        return _page(request, found, who, wrong=Phrase.about(str(error), "new"))
    except throttle.TooManyTries:
        words = _("Too many wrong passwords. Try again in a quarter of an hour.")
        return _page(request, found, who, wrong=Phrase.about(words, "old"))
    except passwords.Busy:
        return _page(
            request, found, who, wrong=_("Too many people are signing in at this moment. Try again in a few seconds.")
        )
    with database.writing(found.engine) as session:
        person = session.get_one(Person, who.id)
        person.password_hash = hashed
        session.add(person)
        here = request.cookies.get(guard.cookie_name(found), "")
        sign_ins.end_all(session, who.id, found.keys, but=here)
        ended = 0
        if who.by is Way.LINK:  # the old one was forgotten, or known to somebody else
            ended = sign_ins.end_programs(session, who.id, moment)
            sign_ins.now_by_password(session, here, found.keys)
        security_mail.put(session, person, Change.PASSWORD, found.settings, moment)
        detail = {"programs": ended} if ended else {}
        audit.record(session, moment, who.id, "person.password", f"person:{who.id}", detail, who.address)
    return RedirectResponse("/account?said=account-saved", 303)


def asks_password(who: Visitor) -> bool:
    """Whether the present password is asked for: there is one, and they did not come by a link, which is for who
    forgot it."""
    return who.person.password_hash is not None and who.by is not Way.LINK


def is_own_password(found: Desk, who: Visitor, given: str) -> bool:
    """Whether somebody signed in knows their password. Raises throttle.TooManyTries, passwords.Busy."""
    email, tries = who.person.email, passwords.own_tries(who.person.email, who.address)
    return passwords.check(found.engine, email, given, tries, who.address, found.keys, clock.now()) is not None


@router.post("/account/password/strength")
def strength(request: Request, who: Who, new: Annotated[str, Form(max_length=1000)] = "") -> JSONResponse:
    """How hard a new password is to guess, while it is typed; keeps nothing."""
    return measured(request, people.strength(new, (who.person.name, who.person.email)))


def measured(request: Request, score: int) -> JSONResponse:
    """A measure as the page's script takes it."""
    words = pages.words(request).gettext(people.STRENGTHS[score])
    return JSONResponse({"score": score, "words": words})


@router.post("/account/tokens")
def make_token(
    request: Request,
    found: TheDesk,
    who: Who,
    name: Line = "",
    scopes: Annotated[list[Action] | None, Form()] = None,
    days: Annotated[int, Form()] = 90,
) -> Response:
    """An API token, shown once. It never may more than its person, and ends after the days chosen."""
    _ = pages.words(request).gettext
    if who.scopes is not None:
        raise Trouble(403, "A token cannot make tokens", "Nothing was changed.")
    given = Wanted(name, tuple(scopes or ()), days)
    if who.by is Way.LINK:
        return _page(
            request,
            found,
            who,
            wrong=_("You came in by a link: choose a password first, then make a token."),
            wanted=given,
        )
    if days not in TOKEN_DAYS:
        words = Phrase.about(_("Choose from the list when the token ends."), "days")
        return _page(request, found, who, wrong=words, wanted=given)
    if not name.strip() or not scopes:
        lacking = [field for field, there in (("name", name.strip()), ("scopes", scopes)) if not there]
        words = Phrase.about(_("A token needs a name and at least one right."), *lacking)
        return _page(request, found, who, wrong=words, wanted=given)
    moment = clock.now()
    allowed = [scope for scope in scopes if who.may(scope)]
    with database.writing(found.engine) as session:
        token = sign_ins.new_token(session, who.id, name.strip(), allowed, found.keys, moment, timedelta(days=days))
        detail = {"name": name.strip(), "scopes": sorted(allowed), "days": days}
        audit.record(session, moment, who.id, "token.make", f"person:{who.id}", detail, who.address)
    return _page(request, found, who, token=token)


@router.post("/account/tokens/{token_id}/revoke")
def revoke_token(found: TheDesk, who: Who, token_id: Id) -> Response:
    """Ends one of one's own tokens."""
    with database.writing(found.engine) as session:
        revoked = sign_ins.revoke_token(session, who.id, token_id, clock.now())
        if revoked is None:
            raise Trouble(404, "You have no such token", "Nothing was changed.")
        if revoked:
            audit.record(session, clock.now(), who.id, "token.revoke", f"token:{token_id}", {}, who.address)
    return RedirectResponse("/account?said=token-revoked", 303)


@router.post("/account/sign-ins/end")
def end_sign_in(
    request: Request, found: TheDesk, who: Who, which: Annotated[str, Form(max_length=64)] = ""
) -> Response:
    """Signs one of one's own browsers out; without `which`, all but this one, and ends tokens and the calendar's
    address."""
    if who.scopes is not None:
        raise Trouble(403, "A token cannot sign anybody out", "Nothing was changed.")
    with database.writing(found.engine) as session:
        programs = 0
        if which:
            number = int(sign_ins.end_one(session, who.id, sign_ins.hash_in(which)))
        else:
            here = request.cookies.get(guard.cookie_name(found), "")
            number = sign_ins.end_all(session, who.id, found.keys, but=here)
            programs = sign_ins.end_programs(session, who.id, clock.now())
        if number or programs:
            detail = {"browsers": number} | ({"programs": programs} if programs else {})
            audit.record(session, clock.now(), who.id, "sign_in.end", f"person:{who.id}", detail, who.address)
    return RedirectResponse("/account?said=sign-in-ended", 303)


@router.post("/account/links/seen")
def links_seen(found: TheDesk, who: Who) -> Response:
    """Takes the news of a link that was used off Today, for who did not come by one."""
    if who.by not in (Way.PASSWORD, Way.SSO):
        raise Trouble(409, "You came in by a link", "Nothing was changed.", "Choose a password first.")
    with database.writing(found.engine) as session:
        sign_in_links.seen(session, who.id)
    return RedirectResponse("/", 303)


def _page(
    request: Request,
    found: Desk,
    who: Visitor,
    *,
    wrong: str | None = None,
    wanted: Wanted = NOTHING,
    token: str | None = None,
) -> Response:
    with database.reading(found.engine) as session:
        tokens = sign_ins.live_tokens(session, clock.now()).get(who.id, [])
        person = session.get_one(Person, who.id)
        signed_in = sign_ins.open_of(session, who.id, clock.now())
        factor = second_factor.is_on(session, who.id)
        codes_left = second_factor.recovery_codes_left(session, who.id)
        feed = session.get(CalendarFeed, who.id)
    return pages.render(
        request,
        "account.html",
        status=200 if wrong is None else 422,
        person=person,
        roles=sorted(who.roles),
        rights=sorted({action.value for role in who.roles for action in ALLOWED[role]}),
        tokens=tokens,
        token=token,
        wrong=wrong,
        wanted=wanted,
        factor=factor,
        feed=feed,
        asks_old=asks_password(who),
        token_days=TOKEN_DAYS,
        signed_in=[(row, browsers.plain(row.browser)) for row in signed_in],
        by_link=who.by is Way.LINK,
        this_browser=found.keys.hash("token", request.cookies.get(guard.cookie_name(found), "")),
        codes_left=codes_left,
        zones=clock.zones(),
        minimum=people.MINIMUM_PASSWORD,
    )
