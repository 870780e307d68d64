"""Events: a list, a form, and a page each, with the posts that are made from it and what was heard there. Without
signing in: /events/…, once its announcement went out, where a department switched it on."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field
from sqlmodel import Session

from config import clock, database
from config.permissions import Action
from config.translations import LANGUAGES, translate
from networks import accounts
from posts import event_file, event_posts, event_public, event_words, events, heard, observances, partners
from posts.event_posts import Made
from posts.event_words import Kind
from posts.events import Given
from posts.tables import Event
from posts.workflow import EditConflict, WrongState
from sentiment.taxonomy import CONCERNS
from web import compose_page, pages
from web.desk import Desk, TheDesk
from web.drafting import DAY, HOUR
from web.fields import LARGEST_ID, Comment, Id, Line
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter()
CALENDAR_FILE = "text/calendar; charset=utf-8"
BEFORE = (10_080, 4_320, 1_440, 180)  # minutes before the event that a reminder is offered for
Number = Annotated[str, Form(max_length=10)]
PartnerNumber = Annotated[int, Field(ge=1, le=LARGEST_ID)]


@dataclass(frozen=True)
class MadeView:
    """A post of the event with its kind in words."""

    made: Made
    label: str


@dataclass(frozen=True)
class EventForm:
    """An event as the form shows it, and sends it."""

    name: str = ""
    kind: str = "town_hall"
    day: str = ""
    hour: str = ""
    time_zone: str = ""
    minutes: str = "90"
    where: str = ""
    access: str = ""
    languages: tuple[str, ...] = ()
    capacity: str = ""
    partners: str = ""
    notes: str = ""
    revision: str = "0"
    held_with: tuple[int, ...] = ()

    def given(self) -> Given:
        """Raises WrongState for what is no time or no number."""
        if not self.day or not self.hour:
            raise WrongState(
                "Say on which day it is, and when it begins.",
                *(name for name in ("day", "hour") if not getattr(self, name)),
            )
        if not self.minutes.isdecimal() or (self.capacity and not self.capacity.isdecimal()):
            amiss = "capacity" if self.minutes.isdecimal() else "minutes"
            raise WrongState("Minutes and places are whole numbers.", amiss)
        try:
            wall = datetime.fromisoformat(f"{self.day}T{self.hour}")
        except ValueError as error:
            raise WrongState("There is no such day or hour.", "day", "hour") from error
        return Given(
            name=self.name,
            kind=self.kind,
            wall_time=wall,
            time_zone=self.time_zone,
            minutes=int(self.minutes),
            where=self.where,
            access=self.access,
            languages=self.languages,
            capacity=int(self.capacity) if self.capacity else None,
            partners=self.partners,
            notes=self.notes,
            partner_ids=self.held_with,
        )


def from_form(
    name: Line = "",
    kind: Line = "town_hall",
    day: Annotated[str, Form(pattern=DAY)] = "",
    hour: Annotated[str, Form(pattern=HOUR)] = "",
    time_zone: Line = "",
    minutes: Number = "",
    where: Line = "",
    access: Line = "",
    languages: Annotated[list[str] | None, Form(max_length=20)] = None,
    capacity: Number = "",
    partners: Line = "",
    notes: Comment = "",
    revision: Number = "0",
    held_with: Annotated[list[PartnerNumber] | None, Form(max_length=100)] = None,
) -> EventForm:
    """A dependency that reads the form's fields."""
    spoken = tuple(languages or ())
    return EventForm(
        name, kind, day, hour, time_zone, minutes, where, access, spoken, capacity, partners, notes, revision,
        tuple(held_with or ()),
    )  # fmt: skip


Sent = Annotated[EventForm, Depends(from_form)]


@router.get("/outreach/events", dependencies=[needs(Action.READ_FIGURES)])
def page(request: Request, found: TheDesk) -> Response:
    """What is to come, the next first; what is over."""
    now = clock.now()
    with database.reading(found.engine) as session:
        coming, past = events.coming(session, now), events.past(session, now)
    return pages.render(request, "events.html", coming=coming, past=past, kinds=kinds(request))


@router.get("/outreach/events/new", dependencies=[needs(Action.WRITE_POSTS)])
def new_page(request: Request, found: TheDesk) -> Response:
    department = found.settings.department
    spoken = (department.language,) if department.language in events.SPOKEN else ()
    return _form(request, found, EventForm(time_zone=department.time_zone, languages=spoken))


@router.post("/outreach/events", dependencies=[needs(Action.WRITE_POSTS)])
def make(request: Request, found: TheDesk, who: Who, sent: Sent) -> Response:
    """Keeps a new event; nobody is told of it."""
    try:
        with database.writing(found.engine) as session:
            number = events.make(session, sent.given(), who.id, clock.now()).id
    except WrongState as error:
        return _form(request, found, sent, wrong=str(error))
    return RedirectResponse(f"/outreach/events/{number}?said=event-made", 303)


@router.get("/outreach/events/{event_id}", dependencies=[needs(Action.READ_FIGURES)])
def event_page(request: Request, found: TheDesk, event_id: Id) -> Response:
    return _page(request, found, event_id)


@router.get("/outreach/events/{event_id}/event.ics", dependencies=[needs(Action.READ_FIGURES)])
def own_file(request: Request, found: TheDesk, event_id: Id) -> Response:
    """Its calendar file as it stands now, for our own people."""
    with database.reading(found.engine) as session:
        event = _event(session, event_id)
        content = event_file.write(event, events.facts(event), found.settings.base_url, pages.language_of(request))
    return Response(content, media_type=CALENDAR_FILE)


@router.get("/outreach/events/{event_id}/edit", dependencies=[needs(Action.WRITE_POSTS)])
def edit_page(request: Request, found: TheDesk, event_id: Id) -> Response:
    with database.reading(found.engine) as session:
        event = _event(session, event_id)
    return _form(request, found, shown(event), event=event)


@router.post("/outreach/events/{event_id}", dependencies=[needs(Action.WRITE_POSTS)])
def change(request: Request, found: TheDesk, who: Who, event_id: Id, sent: Sent) -> Response:
    """Changes it, and brings its posts in step. When somebody else changed it meanwhile, both are shown."""
    with database.reading(found.engine) as session:
        event = _event(session, event_id)
    revision = int(sent.revision) if sent.revision.isdecimal() else 0
    try:
        with database.writing(found.engine) as session:
            place = desk_of(found, event)
            event_posts.change(session, event_id, revision, sent.given(), who.id, clock.now(), place)
    except WrongState as error:
        return _form(request, found, sent, event=event, wrong=str(error))
    except EditConflict:
        _ = pages.words(request).gettext
        words = _("Someone changed this event while you wrote. Saving again puts yours in place of theirs.")
        return _form(request, found, replace(sent, revision=str(event.revision)), event=event, wrong=words, status=409)
    return RedirectResponse(f"/outreach/events/{event_id}?said=event-changed", 303)


@router.post("/outreach/events/{event_id}/cancel", dependencies=[needs(Action.WRITE_POSTS)])
def cancel(request: Request, found: TheDesk, who: Who, event_id: Id, reason: Line = "") -> Response:
    """Cancels it: what is not out is taken back, what is out is followed by a post that tells it, to be approved."""
    try:
        with database.writing(found.engine) as session:
            place = desk_of(found, _event(session, event_id))
            event_posts.cancel(session, event_id, reason, who.id, clock.now(), place)
    except WrongState as error:
        return _page(request, found, event_id, wrong=str(error))
    return RedirectResponse(f"/outreach/events/{event_id}?said=event-cancelled", 303)


@router.post("/outreach/events/{event_id}/posts", dependencies=[needs(Action.WRITE_POSTS)])
def make_posts(
    request: Request,
    found: TheDesk,
    who: Who,
    event_id: Id,
    kind: Annotated[Kind, Form()],
    languages: Annotated[list[str] | None, Form(max_length=20)] = None,
    before: Number = "",
) -> Response:
    """Makes drafts of one kind, one a language. One draft is opened at once."""
    wait = timedelta(minutes=int(before)) if kind is Kind.REMINDER and before.isdecimal() else None
    chosen = [code for code in LANGUAGES if code in (languages or ())] or [found.settings.department.language]
    try:
        with database.writing(found.engine) as session:
            place = desk_of(found, _event(session, event_id))
            every = [account.id or 0 for account in accounts.connected(session)]
            made = event_posts.make(session, event_id, kind, chosen, every, who.id, clock.now(), place, before=wait)
            only = made[0] if len(made) == 1 else None
            number, draft = (only.id, only.state == "draft") if only is not None else (None, False)
    except WrongState as error:
        return _page(request, found, event_id, wrong=str(error))
    if number is None:
        return RedirectResponse(f"/outreach/events/{event_id}?said=event-posts#h-posts", 303)
    return RedirectResponse(f"/compose/{number}" if draft else f"/posts/{number}", 303)


@router.post("/outreach/events/{event_id}/tell", dependencies=[needs(Action.WRITE_POSTS)])
def tell(
    request: Request,
    found: TheDesk,
    who: Who,
    event_id: Id,
    languages: Annotated[list[str] | None, Form(max_length=20)] = None,
) -> Response:
    """Makes the drafts that tell what was heard there, one a language."""
    chosen = [code for code in LANGUAGES if code in (languages or ())] or [found.settings.department.language]
    try:
        with database.writing(found.engine) as session:
            every = [account.id or 0 for account in accounts.connected(session)]
            said = {code: heard_there(session, event_id, code) for code in chosen}
            made = event_posts.tell_heard(session, event_id, said, every, who.id, clock.now())
            number, draft = made[0].id, made[0].state == "draft"
    except WrongState as error:
        return _page(request, found, event_id, wrong=str(error))
    if len(chosen) > 1:
        return RedirectResponse(f"/outreach/events/{event_id}?said=event-posts#h-posts", 303)
    return RedirectResponse(f"/compose/{number}" if draft else f"/posts/{number}", 303)


@router.get("/events/{code}.ics")
def public_file(found: TheDesk, code: Annotated[str, Path(max_length=40)]) -> Response:
    """The calendar file for the public: what its page says."""
    language = found.settings.department.language
    event, facts = _announced(found, code, language)
    content = event_file.write(event, facts, found.settings.base_url, language, url=address(found, event))
    return Response(content, media_type=CALENDAR_FILE)


@router.get("/events/{code}")
def public_page(request: Request, found: TheDesk, code: Annotated[str, Path(max_length=40)]) -> Response:
    """The event for the public: what was approved with its posts, and the day and hour as they are now."""
    language = pages.language_of(request)
    event, facts = _announced(found, code, language)
    return pages.render(
        request,
        "event_public.html",
        event=event,
        facts=facts,
        when=f"{event_words.day(facts, language)}, {event_words.hour(facts, language)}",
        details=event_words.details(facts, language),
        zone_words=zone_words(event, language),
    )


def address(found: Desk, event: Event) -> str:
    """Its page for the public; empty where the department shows none."""
    return f"{found.settings.base_url.rstrip('/')}/events/{event.code}" if found.settings.public_events else ""


def desk_of(found: Desk, event: Event) -> event_posts.Desk:
    """What its posts need to know of the desk."""
    return event_posts.Desk(found.settings.department.zone, address(found, event))


def shown(event: Event) -> EventForm:
    """A stored event as the form shows it."""
    return EventForm(
        name=event.name,
        kind=event.kind,
        day=f"{event.wall_time:%Y-%m-%d}",
        hour=f"{event.wall_time:%H:%M}",
        time_zone=event.time_zone,
        minutes=str(event.minutes),
        where=event.where,
        access=event.access,
        languages=tuple(event.languages),
        capacity=str(event.capacity or ""),
        partners=event.partners,
        notes=event.notes,
        revision=str(event.revision),
        held_with=tuple(int(number) for number in event.held_with),
    )


def kinds(request: Request) -> dict[str, str]:
    """Kinds of event in the reader's words."""
    _ = pages.words(request).gettext
    return {
        "town_hall": _("Town hall"),
        "workshop": _("Workshop"),
        "coffee": _("Coffee with officers"),
        "open_day": _("Open day"),
        "other": _("Another event"),
    }


def zone_words(event: Event, language: str) -> str:
    """The short name of the event's zone on its day: EST."""
    return pages.zone_name(event.starts_at, ZoneInfo(event.time_zone), language)


def heard_there(session: Session, event_id: int, language: str) -> list[tuple[str, int]]:
    """The concerns raised at an event, by name in a language, with how many raised them."""
    _ = translate(language).gettext
    counted = heard.counted_at(session, event_id)
    return [(_(CONCERNS[one.concern].name), one.people) for one in counted if one.concern in CONCERNS]


def _event(session: Session, event_id: int) -> Event:
    event = session.get(Event, event_id)
    if event is None:
        raise Trouble(404, "There is no such event", "It may be a number from another desk.")
    return event


def _announced(found: Desk, code: str, language: str) -> tuple[Event, event_words.Facts]:
    """An event that the public was told of, with what it may read of it. An address that is wrong, and an event that
    nobody announced, look the same."""
    with database.reading(found.engine) as session:
        event = events.by_code(session, code) if found.settings.public_events else None
        told = event_public.told(session, event) if event is not None else None
        if event is None or told is None:
            raise Trouble(404, "There is no such event", "It may not be announced yet, or the address is not whole.")
        return event, event_public.as_now(event, told, language)


def _first_large(words: str) -> str:
    return words[:1].upper() + words[1:]


def _form(
    request: Request,
    found: Desk,
    given: EventForm,
    *,
    event: Event | None = None,
    wrong: str | None = None,
    status: int = 422,
) -> Response:
    language = pages.language_of(request)
    with database.reading(found.engine) as session:
        known = {row.partner.id or 0: row.partner.name for row in partners.listed(session)}
    left = {int(number): name for number, name in (event.held_with if event is not None else {}).items()}
    return pages.render(
        request,
        "event_form.html",
        status=200 if wrong is None else status,
        given=given,
        event=event,
        wrong=wrong,
        kinds=kinds(request),
        spoken=[(code, _first_large(event_words.language_name(code, language))) for code in events.SPOKEN],
        directory=left | known,
        longest=events.LONGEST,
        longest_line=events.LONGEST_LINE,
        most=events.MOST_PEOPLE,
    )


def _page(request: Request, found: Desk, event_id: int, *, wrong: str | None = None) -> Response:
    language, now = pages.language_of(request), clock.now()
    with database.reading(found.engine) as session:
        event = _event(session, event_id)
        made = event_posts.of_event(session, event_id)
        counted = heard.counted_at(session, event_id)
        announced = event_public.told(session, event) is not None
        first, last = event.wall_time.date(), (event.wall_time + timedelta(minutes=event.minutes)).date()
        kept_days = observances.between(session, first, last, language)
    return pages.render(
        request,
        "event.html",
        status=200 if wrong is None else 422,
        event=event,
        kind=kinds(request)[event.kind],
        details=event_words.details(events.facts(event), language),
        zone_words=zone_words(event, language),
        made=[MadeView(one, event_words.label(one.kind, language)) for one in made],
        begun=events.begun(event, now),
        over=events.over(event, now),
        counted=[one for one in counted if one.concern in CONCERNS],
        people=sum(one.people for one in counted),
        concerns=CONCERNS,
        befores=BEFORE,
        languages=compose_page.languages(),
        address=address(found, event),
        announced=announced,
        kept_days=kept_days,
        wrong=wrong,
    )
