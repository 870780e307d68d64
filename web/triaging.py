"""What is done with mentions: taken, given, put away, done, tagged, corrected; one at a time or many at once, and taken
back. Views that a person keeps. All of it works without JavaScript."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from config import clock, database
from config.permissions import Action
from config.tables import Person
from listeners import triage, views
from listeners.tables import Mention, SavedView
from listeners.triage import Before
from scheduler.jobs import expiry
from sentiment import inbox
from sentiment.taxonomy import NEVER_TRACKED
from web import pages
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID, Id, Line
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter(prefix="/mentions")
BACK = re.compile(r"/mentions(/[0-9]{1,18})?(\?[^#\\\s]*)?")
VIEW = re.compile(r"[a-z_]{1,20}=[^&#\\\s]{1,80}(&[a-z_]{1,20}=[^&#\\\s]{1,80}){0,12}")
_NUMBER = re.compile(r"[0-9]{1,10}")
MOST = 100  # at once
DONE_WORDS = ("assign", "snooze", "done", "reopen", "tag", "undo")
Back = Annotated[str, Form(max_length=4000)]  # eleven filters, each letter of which may take twelve in an address
Until = Annotated[str, Form(pattern="^(tomorrow|monday|week)$")]


@router.post("/bulk", dependencies=[needs(Action.TRIAGE)])
def move_many(
    request: Request,
    found: TheDesk,
    who: Who,
    move: Annotated[str, Form(max_length=20)],
    ids: Annotated[list[int] | None, Form()] = None,
    to: Annotated[str, Form(max_length=12)] = "",
    until: Until = "tomorrow",
    tag: Line = "",
    back: Back = "",
) -> Response:
    """The same for every mention that is chosen; those that someone moved meanwhile, or that are gone, are left as
    they are."""
    chosen = [number for number in ids or [] if 0 < number <= LARGEST_ID][:MOST]
    if not chosen:
        return RedirectResponse(_with(_safe(back), "said=none-chosen"), 303)
    now, zone = clock.now(), pages.zone_of(request)
    given = int(to) if to.isdecimal() and len(to) < 10 else None
    moved = []
    with database.writing(found.engine) as session:
        before = {one.id: one for one in triage.stood(session, chosen)}
        for number in before:
            try:
                if move == "tag":
                    triage.tag(session, number, tag, who.id, now)
                else:
                    _move(session, number, move, who.id, now, to=given, until=until, zone=zone)
                moved.append(before[number])
            except triage.WrongMove:
                continue
    return RedirectResponse(_with(_safe(back), _did(move, moved)), 303)


@router.post("/undo", dependencies=[needs(Action.TRIAGE)])
def undo(found: TheDesk, who: Who, what: Annotated[str, Form(max_length=4000)], back: Back = "") -> Response:
    """Mentions stand again as they stood before the last move."""
    with database.writing(found.engine) as session:
        triage.put_back(session, untold(what), who.id, clock.now())
    return RedirectResponse(_with(_safe(back), "said=undone"), 303)


@router.post("/views", dependencies=[needs(Action.READ_MENTIONS)])
def keep_view(found: TheDesk, who: Who, name: Line = "", query: Annotated[str, Form(max_length=600)] = "") -> Response:
    """Keeps the filters in force under a name of one's own."""
    kept(found, who, name, query)
    return RedirectResponse(f"/mentions?{query}&said=view-kept", 303)


def kept(found: Desk, who: Visitor, name: str, query: str) -> SavedView:
    """A view of one's own; one of the same name is replaced. Raises Trouble."""
    if not name.strip() or not VIEW.fullmatch(query):
        raise Trouble(422, "A view needs a name and a filter", "Nothing was kept.", "Choose a filter first.")
    try:
        with database.writing(found.engine) as session:
            return views.keep(session, who.id, name.strip()[:60], query, clock.now())
    except views.TooMany as error:
        raise Trouble(409, "You have twenty views already", "Nothing was kept.", "Remove one first.") from error


@router.post("/views/{view_id}/forget", dependencies=[needs(Action.READ_MENTIONS)])
def forget_view(found: TheDesk, who: Who, view_id: Id) -> Response:
    """Removes a view of one's own."""
    with database.writing(found.engine) as session:
        views.forget(session, who.id, view_id)
    return RedirectResponse("/mentions?said=view-gone", 303)


@router.post("/{mention_id}/tag", dependencies=[needs(Action.TRIAGE)])
def tag(found: TheDesk, who: Who, mention_id: Id, tag: Line = "", back: Back = "") -> Response:
    """Puts a tag on a mention."""
    with database.writing(found.engine) as session:
        try:
            triage.tag(session, mention_id, tag, who.id, clock.now())
        except triage.NoSuchMention as error:
            raise Trouble(404, "This mention is not here any more", "It expired, or its author deleted it.") from error
        except triage.WrongMove as error:
            raise Trouble(422, "A tag needs a word", "Nothing was changed.") from error
    return RedirectResponse(_with(_safe(back), "did=tag"), 303)


@router.post("/{mention_id}/untag", dependencies=[needs(Action.TRIAGE)])
def untag(found: TheDesk, who: Who, mention_id: Id, tag: Line = "", back: Back = "") -> Response:
    """Takes a tag off a mention."""
    with database.writing(found.engine) as session:
        triage.untag(session, mention_id, tag, who.id, clock.now())
    return RedirectResponse(_with(_safe(back), "said=untagged"), 303)


@router.post("/{mention_id}/{move}", dependencies=[needs(Action.TRIAGE)])
def move_mention(
    request: Request,
    found: TheDesk,
    who: Who,
    mention_id: Id,
    move: str,
    to: Annotated[str, Form(max_length=12)] = "",
    until: Until = "tomorrow",
    back: Back = "",
) -> Response:
    """Takes a mention or gives it to somebody, puts it away, marks it done, or brings it back."""
    now, zone = clock.now(), pages.zone_of(request)
    given = int(to) if to.isdecimal() and len(to) < 10 else None
    with database.writing(found.engine) as session:
        before = triage.stood(session, [mention_id])
        try:
            _move(session, mention_id, move, who.id, now, to=given, until=until, zone=zone)
        except triage.NoSuchMention as error:
            raise Trouble(404, "This mention is not here any more", "It expired, or its author deleted it.") from error
        except triage.WrongMove as error:
            raise Trouble(
                409, "Someone was quicker", f"{error}. Nothing was changed.", "Load the page again."
            ) from error
    return RedirectResponse(_with(_safe(back), _did(move, before)), 303)


@router.post("/{mention_id}/labels/correct", dependencies=[needs(Action.TRIAGE)])
def correct(
    found: TheDesk,
    who: Who,
    mention_id: Id,
    trust: Annotated[str, Form(max_length=20)] = "",
    sentiment: Annotated[str, Form(max_length=20)] = "",
    concerns: Annotated[list[str] | None, Form()] = None,
    back: Back = "",
) -> Response:
    """An officer's word in place of the model's; it counts at once."""
    with database.writing(found.engine) as session:
        try:
            zone = found.settings.department.zone
            said = trust or None, sentiment or None, list(concerns or [])
            inbox.correct(session, mention_id, who.id, clock.now(), zone, *said, held=expiry.held_mentions)
        except inbox.NoSuchMention as error:
            raise Trouble(404, str(error)) from error
        except inbox.WrongLabel as error:
            raise Trouble(422, "That is no label", f"{error} Nothing was changed.") from error
    if NEVER_TRACKED & set(concerns or ()):  # its own page is gone with it
        return RedirectResponse("/mentions?said=left-out", 303)
    return RedirectResponse(_with(_safe(back), "said=corrected"), 303)


def told(before: Sequence[Before]) -> str:
    """How mentions stood, for an address: 12.new,13.assigned.4,14.snoozed.4.1764316800"""
    parts = []
    for one in before:
        until = int(one.snoozed_until.timestamp()) if one.snoozed_until is not None else ""
        parts.append(f"{one.id}.{one.state}.{one.assigned_to or ''}.{until}".rstrip("."))
    return ",".join(parts)


def untold(text: str) -> list[Before]:
    """What `told` wrote; anything else is left out. Whoever changes it can do no more than by the buttons."""
    found = []
    for part in text.split(",")[:MOST]:
        number, state, assigned, until = (*part.split("."), "", "", "", "")[:4]
        fine = all(_NUMBER.fullmatch(one) for one in (number, assigned or "0", until or "0"))
        if not fine or state not in {one.value for one in triage.State} or not 0 < int(number) <= LARGEST_ID:
            continue
        person = int(assigned) if assigned and 0 < int(assigned) <= LARGEST_ID else None
        found.append(Before(int(number), state, person, datetime.fromtimestamp(int(until), UTC) if until else None))
    return found


def _did(move: str, before: Sequence[Before]) -> str:
    if not before:
        return "said=none-moved"
    return f"did={move}" if move == "tag" else f"did={move}&undo={told(before)}"


def _move(
    session: Session,
    mention_id: int,
    move: str,
    person_id: int,
    now: datetime,
    *,
    to: int | None,
    until: str,
    zone: ZoneInfo,
) -> Mention:
    if move == "snooze":
        days = {"tomorrow": 1, "week": 7}
        again = triage.morning_after(now, zone, days[until]) if until in days else triage.next_monday(now, zone)
        return triage.snooze(session, mention_id, person_id, again, now)
    if move == "assign":
        if to is not None and session.get(Person, to) is None:
            raise triage.WrongMove("there is no such person")
        return triage.assign(session, mention_id, person_id, now, to)
    acts = {"done": triage.done, "reopen": triage.reopen}
    if move not in acts:
        raise Trouble(404, "There is no such move")
    return acts[move](session, mention_id, person_id, now)


def _with(place: str, told: str) -> str:
    return f"{place}{'&' if '?' in place else '?'}{told}"


def _safe(back: str) -> str:
    """Only back into the inbox: an address from a form leads nowhere else."""
    return back if BACK.fullmatch(back) else "/mentions"
