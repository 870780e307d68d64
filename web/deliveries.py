"""Mail and alerts: what one gets, when, and about what; how it will look; and one's calendar feed.

Without signing in: /stop/… ends one kind of mail (RFC 8058: the address is the proof), /feeds/….ics is the feed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import col, select

from config import audit, clock, database, mail_preferences
from config.permissions import Action, Role
from config.phrases import Phrase
from config.tables import CalendarFeed, MailPreference, Person
from listeners.tables import Place
from posts import calendar_feed
from scheduler import digest_mail
from scheduler.jobs import digests
from sentiment.editions import Edition
from sentiment.taxonomy import CONCERNS
from web import pages
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter()
MAIL_POLICY = "; ".join(  # a mail's looks stand in the mail itself; nothing else is let in
    ["default-src 'none'", "img-src 'self'", "style-src 'unsafe-inline'", "base-uri 'none'", "frame-ancestors 'none'"]
)
SEEN_EVERY = timedelta(hours=1)
Token = Annotated[str, Path(max_length=120)]


@dataclass(frozen=True)
class Chosen:
    """What one gets by mail: the local hour of the daily digest and the weekday (0: Monday) of the weekly one, none:
    not at all; about what and where, none: all; alerts at once, none: as one's roles say; quiet minutes of the day."""

    daily_at: int | None
    weekly_on: int | None
    monthly: bool
    concerns: tuple[str, ...]
    places: tuple[int, ...]
    alerts: bool | None
    quiet_from: int | None
    quiet_until: int | None


@router.get("/deliveries", dependencies=[needs(Action.OWN_ACCOUNT)])
def page(request: Request, found: TheDesk, who: Who) -> Response:
    """What one gets, and the forms that change it."""
    return _page(request, found, who)


@router.post("/deliveries", dependencies=[needs(Action.OWN_ACCOUNT)])
def save(
    request: Request,
    found: TheDesk,
    who: Who,
    daily: Annotated[str, Form(max_length=2)] = "",
    weekly: Annotated[str, Form(max_length=1)] = "",
    monthly: Annotated[bool, Form()] = False,
    concerns: Annotated[list[str] | None, Form(max_length=100)] = None,
    places: Annotated[list[int] | None, Form(max_length=1000)] = None,
    alerts: Annotated[str, Form(max_length=8)] = "",
    quiet_from: Annotated[str, Form(max_length=5)] = "",
    quiet_until: Annotated[str, Form(max_length=5)] = "",
) -> Response:
    """Keeps it; from the next look on it holds."""
    _ = pages.words(request).gettext
    start, end = _minute(quiet_from), _minute(quiet_until)
    chosen = Chosen(
        daily_at=_below(daily, 24),
        weekly_on=_below(weekly, 7),
        monthly=monthly,
        concerns=tuple(concerns or ()),
        places=tuple(_ids(places)),
        alerts={"yes": True, "no": False}.get(alerts),
        quiet_from=start,
        quiet_until=end,
    )
    if (start is None) != (end is None):
        words = _("Quiet hours need both a beginning and an end. Nothing was changed.")
        wrong = Phrase.about(words, "quiet_from" if start is None else "quiet_until")
        return _page(request, found, who, wrong=wrong, chosen=chosen)
    kept(found, who, chosen)
    return RedirectResponse("/deliveries?said=deliveries-saved", 303)


def kept(found: Desk, who: Visitor, chosen: Chosen) -> None:
    """What somebody wants by mail, from the next look on; concerns and places that are none are left out."""
    with database.writing(found.engine) as session:
        known = set(session.exec(select(Place.id).where(col(Place.id).in_(chosen.places))))
        person = session.get_one(Person, who.id)
        person.digest_hour = chosen.daily_at
        row = session.get(MailPreference, who.id) or MailPreference(person_id=who.id)
        row.weekly_on, row.monthly = chosen.weekly_on, chosen.monthly
        row.concerns = [key for key in CONCERNS if key in chosen.concerns]
        row.places = sorted(number for number in known if number is not None)
        row.alerts = chosen.alerts
        row.quiet_from, row.quiet_until = chosen.quiet_from, chosen.quiet_until
        session.add(person)
        session.add(row)


@router.get("/deliveries/preview/{edition}/{part}", dependencies=[needs(Action.READ_FIGURES)])
def preview(found: TheDesk, who: Who, edition: Edition, part: Annotated[str, Path(max_length=40)]) -> Response:
    """digest.html, digest.txt or a picture of one's own digest as it would be sent now; the same parts as
    `liaison digest --preview` writes."""
    made, _message = digests.previewed(found.engine, found.settings, found.keys, who.person, clock.now(), edition)
    files = digest_mail.files(made)
    kinds = {"html": "text/html; charset=utf-8", "txt": "text/plain; charset=utf-8", "png": "image/png"}
    kind = kinds.get(part.rpartition(".")[2])
    if part not in files or kind is None:
        raise Trouble(404, "A digest has no such part")
    return Response(files[part], media_type=kind, headers={"Content-Security-Policy": MAIL_POLICY})


@router.post("/deliveries/calendar", dependencies=[needs(Action.READ_POSTS)])
def new_feed(request: Request, found: TheDesk, who: Who) -> Response:
    """A new address for one's calendar feed, shown once; the old one ends."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        token = calendar_feed.new_address(session, who.id, found.keys, moment)
        audit.record(session, moment, who.id, "calendar.address", f"person:{who.id}", {}, who.address)
    address = f"{found.settings.base_url.rstrip('/')}/feeds/{token}.ics"
    return _page(request, found, who, feed_address=address)


@router.post("/deliveries/calendar/revoke", dependencies=[needs(Action.OWN_ACCOUNT)])
def revoke_feed(found: TheDesk, who: Who) -> Response:
    """Ends one's calendar feed."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        if calendar_feed.revoke(session, who.id):
            audit.record(session, moment, who.id, "calendar.revoke", f"person:{who.id}", {}, who.address)
    return RedirectResponse("/deliveries?said=calendar-revoked", 303)


@router.get("/feeds/{token}.ics")
def feed(found: TheDesk, token: Token) -> Response:
    """The feed of whoever holds this address. It says nothing about an address that opens none."""
    moment = clock.now()
    with database.reading(found.engine) as session:
        held = calendar_feed.reader_of(session, token, found.keys)
        if held is None:
            raise Trouble(404, "There is no such calendar", "Its address was changed or revoked.")
        person, kept = held
        reader = calendar_feed.Reader(found.settings.base_url, found.settings.department.name, person.language)
        content = calendar_feed.read(session, reader, moment)
    if kept.read_at is None or kept.read_at < moment - SEEN_EVERY:
        with database.writing(found.engine) as session:
            calendar_feed.seen(session, kept.person_id, moment)
    return Response(content, media_type="text/calendar; charset=utf-8")


@router.get("/stop/{token}")
def ask_to_stop(request: Request, found: TheDesk, token: Token) -> Response:
    """Asks before it ends a kind of mail: programs that look at every link of a mail must not end it."""
    _number, kind = _known(found, token)
    return pages.render(request, "stop.html", token=token, kind=kind, done=False)


@router.post("/stop/{token}")
def stop(request: Request, found: TheDesk, token: Token) -> Response:
    """Ends it, for whoever holds the mail; what the mail program's own button asks for (RFC 8058)."""
    number, kind = _known(found, token)
    moment = clock.now()
    with database.writing(found.engine) as session:
        if mail_preferences.stop(session, number, kind):
            detail = {"kind": kind, "by": "the address in a mail"}
            audit.record(session, moment, number, "mail.stop", f"person:{number}", detail)
    return pages.render(request, "stop.html", token=token, kind=kind, done=True)


def _known(found: Desk, token: str) -> tuple[int, mail_preferences.Kind]:
    known = mail_preferences.read_stop_token(found.keys, token)
    if known is None:
        raise Trouble(404, "This address ends no mail", "It is not one of ours.", "Sign in and choose under Mail.")
    return known


def _page(
    request: Request,
    found: Desk,
    who: Visitor,
    *,
    wrong: str | None = None,
    chosen: Chosen | None = None,
    feed_address: str | None = None,
) -> Response:
    """`chosen`: what was refused, and stands in the form as it was chosen."""
    with database.reading(found.engine) as session:
        person = session.get_one(Person, who.id)
        preference = mail_preferences.of(session, who.id)
        places = list(session.exec(select(Place).order_by(Place.name)))
        kept = session.get(CalendarFeed, who.id)
    return pages.render(
        request,
        "deliveries.html",
        status=200 if wrong is None else 422,
        person=person,
        preference=chosen or preference,
        daily_at=chosen.daily_at if chosen else person.digest_hour,
        concerns=CONCERNS,
        places=places,
        editions=list(Edition),
        officer=Role.OFFICER in who.roles,
        feed=kept,
        feed_address=feed_address,
        wrong=wrong,
        face=_face,
    )


def _minute(text: str) -> int | None:
    """ "22:30" as a minute of the day; none for anything else."""
    hours, _, minutes = text.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and int(hours) < 24 and int(minutes) < 60):
        return None
    return int(hours) * 60 + int(minutes)


def _face(minute: int | None) -> str:
    return "" if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"


def _below(text: str, end: int) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and int(text) < end else None


def _ids(given: list[int] | None) -> list[int]:
    return [number for number in given or () if 0 < number <= LARGEST_ID]
