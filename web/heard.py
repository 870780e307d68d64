"""Heard in person: a short form after a meeting or a call, and what was heard, counted beside the networks."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session, col, select

from config import clock, database
from config.permissions import Action
from listeners import places
from posts import events, heard
from posts.tables import Event, Heard
from posts.workflow import WrongState
from sentiment.taxonomy import CONCERNS
from web import compose_page, pages
from web.actions import known_place, today
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID, Comment, Id, Line
from web.guard import Visitor, Who, needs

router = APIRouter(prefix="/outreach/heard")
BLANK = {
    "channel": "meeting",
    "where": "",
    "place": "",
    "concern": "",
    "trust": "neither",
    "people": "1",
    "words": "",
    "event": "",
}


@router.get("", dependencies=[needs(Action.READ_FIGURES)])
def page(request: Request, found: TheDesk, event: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None) -> Response:
    """What was heard in four weeks, and the form for whoever may write; words only for who may read mentions. An event
    fills in the day and the place of its meeting."""
    with database.reading(found.engine) as session:
        held = session.get(Event, event) if event is not None else None
        given = _meeting(held) if held is not None and events.begun(held, clock.now()) else None
    return _page(request, found, given=given)


@router.post("", dependencies=[needs(Action.TRIAGE)])
def write_down(
    request: Request,
    found: TheDesk,
    who: Who,
    heard_on: Annotated[date | None, Form()] = None,
    channel: Line = "",
    where: Line = "",
    place: Annotated[str, Form(max_length=20)] = "",
    language: Annotated[str, Form(pattern="^[a-z]{2,3}$")] = "en",
    concern: Line = "",
    trust: Line = "neither",
    people: Annotated[str, Form(max_length=10)] = "1",
    words: Comment = "",
    event: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Counts it; the page comes back with the same meeting, for the next one."""
    meeting = {"heard_on": heard_on.isoformat() if heard_on else "", "channel": channel, "where": where}
    meeting |= {"place": place, "language": language, "event": event}
    try:
        with database.reading(found.engine) as session:
            place_id, event_id = known_place(session, place), _known_event(session, event)
        kept(
            found, who, heard_on=heard_on, channel=channel, where=where, place_id=place_id, language=language,
            concern=concern, trust=trust, people=int(people) if people.isdecimal() else 0, words=words,
            event_id=event_id,
        )  # fmt: skip
    except WrongState as error:
        given = meeting | {"concern": concern, "trust": trust, "people": people, "words": words}
        return _page(request, found, given=given, wrong=str(error))
    return _page(request, found, given=meeting, written=True)


def kept(
    found: Desk,
    who: Visitor,
    *,
    heard_on: date | None,
    channel: str,
    where: str,
    place_id: int | None,
    language: str,
    concern: str,
    trust: str,
    people: int,
    words: str,
    event_id: int | None,
) -> Heard:
    """What was heard, written down; today where no day is given. Raises WrongState."""
    if concern not in CONCERNS:
        raise WrongState("Choose the concern that it is about.", "concern")
    with database.writing(found.engine) as session:
        return heard.write_down(
            session,
            who.id,
            clock.now(),
            heard_on=heard_on or today(found),
            today=today(found),
            channel=channel,
            where=where,
            place_id=place_id,
            language=language,
            concern=concern,
            trust=trust,
            people=people,
            words=words,
            keep=timedelta(days=found.settings.retention_days),
            event_id=event_id,
        )


@router.post("/{heard_id}/remove", dependencies=[needs(Action.TRIAGE)])
def remove(found: TheDesk, who: Who, heard_id: Id) -> Response:
    """Takes out what was a mistake."""
    with database.writing(found.engine) as session:
        heard.remove(session, heard_id, who.id, clock.now())
    return RedirectResponse("/outreach/heard?said=heard-gone", 303)


def _meeting(event: Event) -> dict[str, str]:
    """An event as the form's meeting."""
    where = f"{event.name}, {event.where}"[:120]
    return {"heard_on": event.wall_time.date().isoformat(), "where": where, "event": str(event.id)}


def _known_event(session: Session, given: str) -> int | None:
    number = int(given) if given.isdecimal() and int(given) <= LARGEST_ID else None
    return number if number is not None and session.get(Event, number) is not None else None


def _page(
    request: Request,
    found: Desk,
    *,
    given: dict[str, str] | None = None,
    wrong: str | None = None,
    written: bool = False,
) -> Response:
    who: Visitor = request.state.visitor
    day, department, moment = today(found), found.settings.department, clock.now()
    with database.reading(found.engine) as session:
        counted = heard.counted(session, day - heard.SHOWN, day)
        notes = heard.latest(session) if who.may(Action.READ_MENTIONS) else []
        every = places.all_places(session)
        numbers = {one.event_id for one in notes if one.event_id is not None}
        if given is not None and given.get("event", "").isdecimal():
            numbers.add(int(given["event"]))
        held = {event.id: event.name for event in session.exec(select(Event).where(col(Event.id).in_(numbers)))}
    blank = BLANK | {"heard_on": day.isoformat(), "language": department.language}
    return pages.render(
        request,
        "heard.html",
        status=200 if wrong is None else 422,
        counted=counted,
        people=sum(one.people for one in counted),
        notes=notes,
        words_of={one.id: heard.words_at(one, moment) for one in notes},
        given=blank | (given or {}),
        wrong=wrong,
        written=written,
        concerns=CONCERNS,
        places=every,
        named={place.id: place.name for place in every},
        held=held,
        languages=compose_page.languages(),
        first_day=(day - heard.OLDEST).isoformat(),
        last_day=day.isoformat(),
        most=heard.MOST_PEOPLE,
        longest=heard.LONGEST,
        kept_days=found.settings.retention_days,
    )
