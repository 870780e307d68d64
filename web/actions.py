"""Actions: a concern or an alert handed to a unit until a day, how it ended, and the post that tells it. Without
signing in: /said-and-done, where a department switched it on; it shows approved and published words only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from config import clock, database
from config.permissions import Action
from config.tables import Person
from listeners import contexts, places
from listeners.tables import Place
from networks import accounts
from posts import action_mail, actions
from posts.actions import ActionState
from posts.tables import Post, UnitAction
from posts.workflow import WrongState
from sentiment import alerts, before_after, inbox, quotes
from sentiment.before_after import Since
from sentiment.tables import Alert
from sentiment.taxonomy import CONCERNS
from web import looks, pages, since_then
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID, Comment, Id, Line
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter()
FIRST_DUE = timedelta(days=14)
QUOTED = timedelta(days=7)  # of a concern, whose words may be kept with an action
BLANK = dict.fromkeys(("concern", "said", "wanted", "unit", "unit_mail", "due_on", "place", "alert", "mention"), "")
Choice = Annotated[str, Form(max_length=20)]  # a number, or nothing


@dataclass(frozen=True)
class ActionView:
    """An action as a list shows it."""

    action: UnitAction
    place: str
    late: bool
    post: Post | None


@router.get("/outreach/actions", dependencies=[needs(Action.READ_FIGURES)])
def page(request: Request, found: TheDesk) -> Response:
    """What units owe, the next due first; what has ended."""
    with database.reading(found.engine) as session:
        opened = views(session, actions.open_ones(session), today(found))
        closed = views(session, actions.closed_ones(session), today(found))
    public = found.settings.public_actions
    return pages.render(request, "actions.html", opened=opened, closed=closed, concerns=CONCERNS, public=public)


@router.get("/outreach/actions/new", dependencies=[needs(Action.TRIAGE)])
def new_page(
    request: Request,
    found: TheDesk,
    who: Who,
    concern: str = "",
    alert: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    mention: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> Response:
    """The form; an alert, a mention or a concern fills in what it knows. Of a mention only for who may read them."""
    given = BLANK | {"concern": concern, "due_on": (today(found) + FIRST_DUE).isoformat()}
    with database.reading(found.engine) as session:
        raised = session.get(Alert, alert) if alert is not None else None
        asked = mention is not None and raised is None and who.may(Action.READ_MENTIONS)
        row = inbox.mention(session, mention) if mention is not None and asked else None
    if raised is not None:
        place = str(raised.place_id or "")
        given |= {"concern": raised.concern, "said": raised.title, "place": place, "alert": str(raised.id)}
    elif row is not None:
        place = str(row.mention.place_id or "")
        given |= {"concern": next(iter(row.concerns), ""), "place": place, "mention": str(row.mention.id)}
    return _form(request, found, given)


@router.post("/outreach/actions", dependencies=[needs(Action.TRIAGE)])
def hand_over(
    request: Request,
    found: TheDesk,
    who: Who,
    concern: Line = "",
    said: Comment = "",
    wanted: Comment = "",
    unit: Line = "",
    unit_mail: Line = "",
    due_on: Annotated[date | None, Form()] = None,
    place: Choice = "",
    alert: Choice = "",
    mention: Choice = "",
    context: Annotated[list[int] | None, Form(max_length=contexts.MOST)] = None,
) -> Response:
    """Keeps the action, with what people wrote if it is chosen and the settings let it; writes to the unit if its
    address is given."""
    with database.reading(found.engine) as session:
        place_id, alert_id = known_place(session, place), _known(session, Alert, alert)
    try:
        if due_on is None:
            raise WrongState("Say until which day.", "due_on")
        number = asked_of_unit(
            found, who, concern=concern, said=said, wanted=wanted, unit=unit, unit_mail=unit_mail, due_on=due_on,
            place_id=place_id, alert_id=alert_id, context=context or (),
        )  # fmt: skip
    except WrongState as error:
        given = {"concern": concern, "said": said, "wanted": wanted, "unit": unit, "unit_mail": unit_mail}
        given |= {"due_on": due_on.isoformat() if due_on is not None else "", "place": place}
        given |= {"alert": alert, "mention": mention}
        return _form(request, found, given, wrong=str(error))
    return RedirectResponse(f"/outreach/actions/{number}?said=action-asked", 303)


def asked_of_unit(
    found: Desk,
    who: Visitor,
    *,
    concern: str,
    said: str,
    wanted: str,
    unit: str,
    unit_mail: str,
    due_on: date,
    place_id: int | None,
    alert_id: int | None,
    context: Sequence[int],
) -> int:
    """Keeps an action, with the words of mentions in `context` as far as they may stay, and writes to the unit if its
    address is given; its number. Raises WrongState, Trouble for words that this visitor may not read."""
    moment, settings = clock.now(), found.settings
    if context and not who.may(Action.READ_MENTIONS):
        raise Trouble(403, "That is not allowed", "It takes words of mentions. Nothing was changed.")
    if concern not in CONCERNS:
        raise WrongState("Choose the concern that it is about.", "concern")
    with database.writing(found.engine) as session:
        made = actions.hand_over(
            session,
            who.id,
            moment,
            concern=concern,
            said=said,
            wanted=wanted,
            unit=unit,
            unit_mail=unit_mail,
            due_on=due_on,
            today=today(found),
            place_id=place_id,
            alert_id=alert_id,
        )
        if context and settings.context_days:
            kept = contexts.keep(session, made.id or 0, context, moment)
            actions.note_context(session, made.id or 0, "keep_context", kept, who.id, moment)
        if made.unit_mail:
            department = settings.department
            mail = action_mail.asked(made, department.name, who.person.name, who.person.email, department.language)
            action_mail.put(session, made, "asked", made.unit_mail, mail, settings, moment)
        return made.id or 0


@router.get("/outreach/actions/{action_id}", dependencies=[needs(Action.READ_FIGURES)])
def action_page(request: Request, found: TheDesk, action_id: Id) -> Response:
    return _page(request, found, action_id)


@router.post("/outreach/actions/{action_id}/day", dependencies=[needs(Action.TRIAGE)])
def move_day(request: Request, found: TheDesk, who: Who, action_id: Id, due_on: Annotated[date, Form()]) -> Response:
    """Another day; its reminders begin anew."""
    try:
        with database.writing(found.engine) as session:
            actions.move_day(session, action_id, due_on, today(found), who.id, clock.now())
    except WrongState as error:
        return _page(request, found, action_id, wrong=str(error))
    return RedirectResponse(f"/outreach/actions/{action_id}?said=planned", 303)


@router.post("/outreach/actions/{action_id}/close", dependencies=[needs(Action.TRIAGE)])
def close(
    request: Request,
    found: TheDesk,
    who: Who,
    action_id: Id,
    outcome: Comment = "",
    how: Annotated[str, Form(pattern="^(done|not_done)$")] = "done",
) -> Response:
    """Ends it with what came of it."""
    try:
        with database.writing(found.engine) as session:
            actions.close(session, action_id, how == "done", outcome, who.id, clock.now())
    except WrongState as error:
        return _page(request, found, action_id, wrong=str(error), outcome=outcome)
    return RedirectResponse(f"/outreach/actions/{action_id}?said=action-closed", 303)


@router.post("/outreach/actions/{action_id}/reopen", dependencies=[needs(Action.TRIAGE)])
def reopen(request: Request, found: TheDesk, who: Who, action_id: Id) -> Response:
    try:
        with database.writing(found.engine) as session:
            actions.reopen(session, action_id, who.id, clock.now())
    except WrongState as error:
        return _page(request, found, action_id, wrong=str(error))
    return RedirectResponse(f"/outreach/actions/{action_id}?said=planned", 303)


@router.post("/outreach/actions/{action_id}/tell", dependencies=[needs(Action.WRITE_POSTS)])
def tell(request: Request, found: TheDesk, who: Who, action_id: Id) -> Response:
    """Makes the draft that tells it, and leads to it."""
    try:
        post = told_by_post(found, who, action_id)
    except WrongState as error:
        return _page(request, found, action_id, wrong=str(error))
    return RedirectResponse(f"/compose/{post.id}" if post.state == "draft" else f"/posts/{post.id}", 303)


def told_by_post(found: Desk, who: Visitor, action_id: int) -> Post:
    """The post that tells what came of an action, made if there is none. Raises WrongState while it is open."""
    with database.writing(found.engine) as session:
        every = [account.id or 0 for account in accounts.connected(session)]
        return actions.tell(session, action_id, every, found.settings.department.language, who.id, clock.now())


@router.post("/outreach/actions/{action_id}/context/{context_id}/remove", dependencies=[needs(Action.TRIAGE)])
def take_out(found: TheDesk, who: Who, action_id: Id, context_id: Id) -> Response:
    """Takes out what somebody wrote: they ask for it, or it tells who they are."""
    take_out_words(found, who, action_id, context_id)
    return RedirectResponse(f"/outreach/actions/{action_id}?said=context-gone", 303)


def take_out_words(found: Desk, who: Visitor, action_id: int, context_id: int) -> None:
    """Words that are gone already are fine."""
    with database.writing(found.engine) as session:
        if contexts.take_out(session, action_id, context_id):
            actions.note_context(session, action_id, "remove_context", 1, who.id, clock.now())


@router.get("/said-and-done")
def said_and_done(request: Request, found: TheDesk) -> Response:
    """For the public: what people said and what was done, in the words that were published."""
    if not found.settings.public_actions:
        raise Trouble(404, "This page is not shown", "The department has not switched it on.")
    with database.reading(found.engine) as session:
        told = actions.told(session)
    return pages.render(request, "said_and_done.html", told=told, concerns=CONCERNS)


def views(session: Session, found: list[UnitAction], day: date) -> list[ActionView]:
    """Actions with what lists say of them."""
    named = {place.id: place.name for place in places.all_places(session)}
    return [
        ActionView(
            one,
            named.get(one.place_id, ""),
            one.state == ActionState.OPEN and one.due_on < day,
            session.get(Post, one.post_id) if one.post_id is not None else None,
        )
        for one in found
    ]


def since(session: Session, action: UnitAction, now: datetime, zone: ZoneInfo) -> Since | None:
    """What changed since a closed action, against the weeks before it was asked; none where that cannot be said."""
    if action.closed_at is None:
        return None
    asked, closed = (at.astimezone(zone).date() for at in (action.asked_at, action.closed_at))
    return before_after.read(session, action.concern, asked, closed, now.astimezone(zone).date())


def today(found: Desk) -> date:
    """The day of the department's calendar."""
    return clock.now().astimezone(found.settings.department.zone).date()


def known_place(session: Session, given: str) -> int | None:
    """The place that a field of a form names, if there is such a place."""
    return _known(session, Place, given)


def _known(session: Session, table: type[Place] | type[Alert], given: str) -> int | None:
    """The number in a field, if there is such a row."""
    number = int(given) if given.isdecimal() and int(given) <= LARGEST_ID else None
    return number if number is not None and session.get(table, number) is not None else None


def _form(request: Request, found: Desk, given: dict[str, str], *, wrong: str | None = None) -> Response:
    who: Visitor = request.state.visitor
    with database.reading(found.engine) as session:
        every = places.all_places(session)
        read = found.settings.context_days and who.may(Action.READ_MENTIONS)
        offered = _offered(session, given) if read else []
    if offered:
        looks.note(found.engine, who, (number for number, _, _ in offered))
    return pages.render(
        request,
        "action_new.html",
        status=200 if wrong is None else 422,
        given=given,
        wrong=wrong,
        concerns=CONCERNS,
        places=every,
        offered=offered,
        context_days=found.settings.context_days,
        longest=actions.LONGEST,
        first_day=today(found).isoformat(),
    )


def _offered(session: Session, given: dict[str, str]) -> list[tuple[int, str, str]]:
    """What people wrote that may be kept with an action: the mention that it is made from, or else quotes of the alert
    or of the concern."""
    if given["mention"].isdecimal() and int(given["mention"]) <= LARGEST_ID:
        row = inbox.mention(session, int(given["mention"]))
        return contexts.offered(session, [int(given["mention"])]) if row is not None else []
    alert = _known(session, Alert, given["alert"])
    if alert is not None:
        voices = quotes.of_mentions(session, sorted(alerts.mentions_of(session, alert)), contexts.MOST)
    elif given["concern"] in CONCERNS:
        now = clock.now()
        found = quotes.of_concerns(session, [given["concern"]], now - QUOTED, now, contexts.MOST)
        voices = found[given["concern"]]
    else:
        return []
    return contexts.offered(session, [one.mention_id for one in voices])


def _page(
    request: Request, found: Desk, action_id: int, *, wrong: str | None = None, outcome: str | None = None
) -> Response:
    zone, now, language = found.settings.department.zone, clock.now(), pages.language_of(request)
    who: Visitor = request.state.visitor
    with database.reading(found.engine) as session:
        action = session.get(UnitAction, action_id)
        if action is None:
            raise Trouble(404, "There is no such action", "It may be a number from another desk.")
        view = views(session, [action], today(found))[0]
        by = session.get(Person, action.asked_by)
        closer = session.get(Person, action.closed_by) if action.closed_by is not None else None
        changed = since(session, action, now, zone)
        context = contexts.of_action(session, action_id)
    looks.note_kept(found.engine, who, action_id, context)
    return pages.render(
        request,
        "action.html",
        status=200 if wrong is None else 422,
        view=view,
        action=action,
        about=CONCERNS[action.concern],
        by=by.name if by is not None else "",
        closer=closer.name if closer is not None else "",
        changed=since_then.view(changed, action.concern, language) if changed is not None else None,
        context=context,
        context_days=found.settings.context_days,
        wrong=wrong,
        outcome=action.outcome if outcome is None else outcome,
        first_day=today(found).isoformat(),
        longest=actions.LONGEST,
        shows_mail=who.may(Action.TRIAGE),
    )
