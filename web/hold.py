"""Hold: one button stops all outgoing posts. Lifting shows each post that was due, to keep, move or drop."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from config import clock, database, holds
from config.permissions import Action
from config.phrases import Phrase
from posts import drafts, lapsing, queue
from posts.queue import QueueRow
from posts.workflow import PostState, WrongState
from web import pages
from web.desk import Desk, TheDesk
from web.fields import Line, wall_time
from web.guard import Who, needs

router = APIRouter()
BACK, AHEAD = timedelta(days=7), timedelta(days=1)  # posts due within these are shown before a hold is lifted
CHOSEN = (PostState.SCHEDULED.value, PostState.MISSED.value)  # of which a person chooses what becomes of them


@dataclass(frozen=True)
class Choice:
    """What becomes of one post when a hold is lifted; `day` and `hour`: its new wall time when it is moved."""

    what: str  # keep | move | drop
    day: str
    hour: str


@router.get("/hold", dependencies=[needs(Action.PLACE_HOLD)])
def hold_page(request: Request, found: TheDesk) -> Response:
    """The form that places a hold, or the one that lifts it."""
    return _page(request, found)


@router.post("/hold", dependencies=[needs(Action.PLACE_HOLD)])
def place(request: Request, found: TheDesk, who: Who, reason: Line = "") -> Response:
    """Places it. From its commit on no call to a network starts."""
    try:
        with database.writing(found.engine) as session:
            holds.place(session, who.id, reason, clock.now())
    except holds.NoReason as error:
        return _page(request, found, wrong=error.args[0])
    return RedirectResponse("/hold?said=hold-placed", 303)


async def choices(request: Request) -> dict[int, Choice]:
    """A dependency: what the form says for each post, as post_<id>, day_<id>, hour_<id>."""
    form = await request.form()
    found = {}
    for name, value in form.multi_items():
        number = name.removeprefix("post_")
        if number != name and number.isdecimal() and value in ("keep", "move", "drop"):
            day, hour = str(form.get(f"day_{number}", "")), str(form.get(f"hour_{number}", ""))
            found[int(number)] = Choice(str(value), day, hour)
    return found


@router.post("/hold/lift", dependencies=[needs(Action.LIFT_HOLD)])
def lift(
    request: Request, found: TheDesk, who: Who, chosen: Annotated[dict[int, Choice], Depends(choices)]
) -> Response:
    """Moves and drops what was chosen so, then lifts, all in one transaction: nothing slips out in between."""
    _ = pages.words(request).gettext
    zone, moment = found.settings.department.time_zone, clock.now()
    times: dict[int, datetime] = {}
    timeless: list[str] = []
    undecided = [f"day_{number}" for number, it in chosen.items() if it.what == "keep" and (it.day or it.hour)]
    if undecided:
        words = _("A post to be kept has a new time: choose “move to”, or empty it. The hold is still on.")
        return _page(request, found, wrong=Phrase.about(words, *undecided), chosen=chosen)
    for number, it in chosen.items():
        if it.what == "move":
            try:
                times[number] = wall_time(it.day, it.hour)
            except ValueError:
                timeless.append(f"day_{number}")
    if timeless:
        words = _("A post that is moved needs its new day and hour. The hold is still on.")
        return _page(request, found, wrong=Phrase.about(words, *timeless), chosen=chosen)
    at = 0
    try:
        with database.writing(found.engine) as session:
            for row in _held(session, moment):
                choice, at = chosen.get(row.post_id), row.post_id
                if choice is not None and choice.what == "drop" and row.state in CHOSEN:  # else it was missed since
                    drafts.cancel(session, row.post_id, who.id, moment)
                elif choice is not None and choice.what == "move":
                    drafts.schedule(session, row.post_id, who.id, times[row.post_id], zone, moment)
            holds.lift(session, who.id, moment)
    except WrongState as error:
        words = f"{pages.told(request, str(error))} {_('The hold is still on.')}"
        return _page(request, found, wrong=Phrase.about(words, f"day_{at}"), chosen=chosen)
    return RedirectResponse("/queue?said=hold-lifted", 303)


def _held(session: Session, now: datetime) -> list[QueueRow]:
    """What waits, and what became too late since the hold was placed, however long before it was due."""
    hold = holds.in_force(session)
    waiting = queue.going_out(session, now - BACK, now + AHEAD, [PostState.SCHEDULED.value])
    missed = queue.missed_since(session, hold.placed_at) if hold is not None else []
    return sorted((*waiting, *missed), key=lambda row: (row.due_at, row.post_id))


def _too_late(session: Session, rows: list[QueueRow], late: timedelta, now: datetime) -> set[int]:
    """Those that wait and would not go out any more if the hold ended now."""
    due = [row for row in rows if row.state == PostState.SCHEDULED and row.due_at <= now]
    posts = [drafts.read(session, row.post_id) for row in due]
    return {
        row.post_id
        for row, post in zip(due, posts, strict=True)
        if row.due_at <= now - lapsing.patience(session, post, late)
    }


def _page(
    request: Request, found: Desk, *, wrong: str | None = None, chosen: dict[int, Choice] | None = None
) -> Response:
    zone, moment = found.settings.department.zone, clock.now()
    with database.reading(found.engine) as session:
        rows = _held(session, moment)
        too_late = _too_late(session, rows, timedelta(minutes=found.settings.late_limit_minutes), moment)
    return pages.render(
        request,
        "hold.html",
        status=200 if wrong is None else 422,
        rows=rows,
        wrong=wrong,
        chosen=chosen or {},
        too_late=too_late,
        zone=zone,
        zone_words=pages.zone_name(moment, zone, pages.language_of(request)),
    )
