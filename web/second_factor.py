"""One's own second factor: set it up with a square for the app, new recovery codes, take it away."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from config import audit, clock, database, passwords, second_factor, security_mail, throttle
from config.permissions import Action
from config.phrases import Phrase
from config.security_mail import Change
from config.tables import Person
from web import pages
from web.account import asks_password, is_own_password
from web.desk import Desk, TheDesk
from web.fields import Line
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter(dependencies=[needs(Action.OWN_ACCOUNT)])


@router.get("/account/second-factor")
def page(request: Request, found: TheDesk, who: Who) -> Response:
    """How it stands, and what can be done."""
    return _page(request, found, who)


@router.post("/account/second-factor/begin")
def begin(  # an empty field of a form  # nosec B107
    request: Request,
    found: TheDesk,
    who: Who,
    password: Annotated[str, Form(max_length=1000)] = "",
    code: Line = "",
) -> Response:
    """A new secret, shown as a square. Asks for the password first, and for a code of the factor in use if there is
    one: an open browser alone must not be enough to put another's app in its place."""
    wrong = _proved(request, found, who, password=password, code=code)
    if wrong is not None:
        return _page(request, found, who, wrong=("begin", wrong))
    with database.writing(found.engine) as session:
        second_factor.begin(session, who.id, found.keys, clock.now())
    return RedirectResponse("/account/second-factor", 303)


@router.post("/account/second-factor/confirm")
def confirm(request: Request, found: TheDesk, who: Who, code: Line = "") -> Response:
    """The app's first code puts it in use; the recovery codes are shown now and never again."""
    _ = pages.words(request).gettext
    moment = clock.now()
    _no_token(who)
    with database.writing(found.engine) as session:
        codes = second_factor.confirm(session, who.id, code, found.keys, moment)
        if codes is not None:
            _tell(session, found, who, "second_factor.on", Change.FACTOR_ON)
    if codes is None:
        words = _("That code is not the app's present one. Is the clock of your phone right? Try the next code.")
        return _page(request, found, who, wrong=("confirm", Phrase.about(words, "code")))
    return _page(request, found, who, codes=codes)


@router.post("/account/second-factor/codes")
def codes_anew(request: Request, found: TheDesk, who: Who, code: Line = "") -> Response:
    """Ten new recovery codes; the old ones are void."""
    wrong = _proved(request, found, who, code=code)
    if wrong is not None:
        return _page(request, found, who, wrong=("codes", wrong))
    with database.writing(found.engine) as session:
        codes = second_factor.new_recovery_codes(session, who.id, found.keys)
        audit.record(session, clock.now(), who.id, "second_factor.codes", f"person:{who.id}", {}, who.address)
    return _page(request, found, who, codes=codes)


@router.post("/account/second-factor/remove")
def remove(request: Request, found: TheDesk, who: Who, code: Line = "") -> Response:
    """Takes it away, unless one's roles ask for it."""
    with database.reading(found.engine) as session:
        asked = bool(who.roles & second_factor.required(session))
    if asked:
        raise Trouble(
            409,
            "Your roles ask for a second factor",
            "It stays as it is. Nothing was changed.",
            "With a new phone, set up a new one: the old one works until then.",
        )
    wrong = _proved(request, found, who, code=code)
    if wrong is not None:
        return _page(request, found, who, wrong=("off", wrong))
    with database.writing(found.engine) as session:
        if second_factor.remove(session, who.id):
            _tell(session, found, who, "second_factor.off", Change.FACTOR_OFF)
    return RedirectResponse("/account?said=factor-off", 303)


def _proved(request: Request, found: Desk, who: Visitor, *, password: str | None = None, code: str) -> Phrase | None:
    """None when it is really they: by the password where one is asked for, and by a code where a factor is in use. Else
    what is wrong."""
    _ = pages.words(request).gettext
    moment = clock.now()
    _no_token(who)
    try:
        if password is not None and asks_password(who) and not is_own_password(found, who, password):
            return Phrase.about(_("The present password is not right. Nothing was changed."), "password")
        with database.writing(found.engine) as session:  # commits what was wrong too, hence no early return inside
            on = second_factor.is_on(session, who.id)
            right = not on or second_factor.check(session, who.id, code, who.address, found.keys, moment) is not None
    except throttle.TooManyTries:
        words = _("Too many wrong tries. Try again in a quarter of an hour.")
        return Phrase.about(words, "code" if password is None else "password")
    except passwords.Busy:
        return Phrase.about(_("Too many people are signing in at this moment. Try again in a few seconds."))
    words = _("That code is not right, or it was used already. Nothing was changed.")
    return None if right else Phrase.about(words, "code")


def _no_token(who: Visitor) -> None:
    if who.scopes is not None:
        raise Trouble(403, "A token cannot change the second factor", "Nothing was changed.")


def _tell(session: Session, found: Desk, who: Visitor, action: str, change: Change) -> None:
    audit.record(session, clock.now(), who.id, action, f"person:{who.id}", {}, who.address)
    security_mail.put(session, session.get_one(Person, who.id), change, found.settings, clock.now())


def _page(
    request: Request, found: Desk, who: Visitor, *, wrong: tuple[str, str] | None = None, codes: list[str] | None = None
) -> Response:
    _ = pages.words(request).gettext
    _no_token(who)  # the square is not for programs
    with database.reading(found.engine) as session:
        on = second_factor.is_on(session, who.id)
        secret = second_factor.pending(session, who.id, found.keys)
        left = second_factor.recovery_codes_left(session, who.id)
        asked = bool(who.roles & second_factor.required(session))
    square = ""
    if secret is not None:
        address = second_factor.address(secret, who.person.email, found.settings.department.name)
        square = second_factor.drawing(address, _("The square for your app"))
    return pages.render(
        request,
        "second_factor.html",
        status=200 if wrong is None else 422,
        on=on,
        asked=asked,
        secret=secret,
        square=square,
        left=left,
        codes=codes,
        asks_password=asks_password(who),
        wrong=wrong,
    )
