"""The calendar: a month or a week of posts in the department's zone, with days of silence, holds, free slots, and what
will keep a post from going out. A post is moved by dragging it, or by the form beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, get_day_names
from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from config import clock, database, holds
from config.permissions import Action
from config.phrases import Phrase
from config.tables import Hold
from config.translations import translate
from networks import accounts
from networks.tables import Account
from posts import blackouts, events, foresight, observances, queue, slots
from posts.foresight import Obstacle
from posts.observances import Day
from posts.queue import QueueRow
from posts.tables import Blackout, Event, Slot
from posts.workflow import OPEN
from sentiment import wording
from web import pages
from web.desk import TheDesk
from web.guard import Who, needs
from web.queue import midnight
from web.today import LABELS

router = APIRouter()
WEEK = 7
NEXT = 12  # posts beside the month
KINDS = {"draft": "draft", "in_review": "wait", "approved": "approved", "scheduled": "approved"} | dict.fromkeys(
    ("missed", "failed"), "missed"
)
_MOVABLE = frozenset(one.value for one in OPEN)


@dataclass(frozen=True)
class Entry:
    """A post on the calendar. `wall`: its time by clocks of the department, naive; `kind`: done, approved, wait, draft
    or held; `wrong`: what will keep it back."""

    row: QueueRow
    wall: datetime
    kind: str
    wrong: tuple[str, ...]
    movable: bool


@dataclass(frozen=True)
class Free:
    """A weekly slot that nothing has taken yet."""

    at: time
    account: Account


@dataclass(frozen=True)
class Cell:
    """One day. `silence`: why nothing goes out; `hold`: since when, or until when; `inside`: of the month shown."""

    day: date
    inside: bool
    is_today: bool
    entries: tuple[Entry, ...]
    silence: str | None
    hold: str | None
    free: tuple[Free, ...] = ()
    events: tuple[Event, ...] = ()  # of the department
    kept: tuple[Day, ...] = ()  # what people keep


@router.get("/calendar", dependencies=[needs(Action.READ_POSTS)])
def calendar_page(request: Request, found: TheDesk, who: Who, view: str = "month", day: date | None = None) -> Response:
    """A month, or a week (`view=week`), with `day` in it; today's when none."""
    zone, language, moment = found.settings.department.zone, pages.language_of(request), clock.now()
    today = moment.astimezone(zone).date()
    shown = min(max(day or today, date(1971, 1, 1)), date(9998, 1, 1))
    first, last = _week(shown, language) if view == "week" else _month(shown, language)
    with database.reading(found.engine) as session:
        rows = queue.going_out(session, midnight(first, zone), midnight(last + timedelta(days=1), zone))
        obstacles = foresight.obstacles(session, [row.post_id for row in rows], moment)
        silences = blackouts.coming(session, first)
        held = holds.between(session, midnight(first, zone), max(midnight(last + timedelta(days=1), zone), moment))
        on_hold = any(one.lifted_at is None for one in held)
        held_then = events.between(session, midnight(first, zone), midnight(last + timedelta(days=1), zone))
        kept = observances.between(session, first, last, language)
        free = _free(session, rows, first, last, moment, zone) if view == "week" else {}
    words = _words(obstacles, language)
    may_move = who.may(Action.WRITE_POSTS)
    entries = [_entry(row, zone, words.get(row.post_id, ()), on_hold, may_move) for row in rows]
    cells = _cells(entries, first, last, shown, today, zone)
    cells = [_over(cell, silences, held, free.get(cell.day, ()), zone, language) for cell in cells]
    cells = [_with_kept(_with_events(cell, held_then, zone), kept) for cell in cells]
    return pages.render(
        request,
        "calendar.html",
        view="week" if view == "week" else "month",
        weeks=[cells[at : at + WEEK] for at in range(0, len(cells), WEEK)],
        weekdays=_weekdays(language),
        shown=shown,
        today=today,
        title=_title(shown, first, last, view, language),
        summary=_summary(entries, moment, language),
        beside=_beside(cells, today, shown),
        before=shown - timedelta(days=WEEK) if view == "week" else _first_of(shown) - timedelta(days=1),
        after=shown + timedelta(days=WEEK) if view == "week" else _first_of(_first_of(shown) + timedelta(days=32)),
        zone=zone,
        zone_words=pages.zone_name(moment, zone, language),
    )


def _first_of(day: date) -> date:
    return day.replace(day=1)


def _month(day: date, language: str) -> tuple[date, date]:
    """Whole weeks that hold the month of `day`."""
    first = _first_of(day)
    last = _first_of(first + timedelta(days=32)) - timedelta(days=1)
    return _week(first, language)[0], _week(last, language)[1]


def _week(day: date, language: str) -> tuple[date, date]:
    """The week of `day`, from the day that weeks begin with where people speak like this in the United States."""
    begins = _locale(language).first_week_day
    first = day - timedelta(days=(day.weekday() - begins) % WEEK)
    return first, first + timedelta(days=WEEK - 1)


def _locale(language: str) -> Locale:
    """As people of this language keep their calendars in the United States."""
    return Locale(wording.locale(language).language, "US")


def _weekdays(language: str) -> list[tuple[str, str]]:
    """Short name and whole name, in the order of the calendar."""
    locale = _locale(language)
    order = [(locale.first_week_day + step) % WEEK for step in range(WEEK)]
    short = get_day_names("abbreviated", locale=locale)
    whole = get_day_names("wide", locale=locale)
    return [(short[at], whole[at]) for at in order]


def _title(shown: date, first: date, last: date, view: str, language: str) -> str:
    locale = wording.locale(language)
    if view == "week":
        return wording.days(first, last, language)
    name = str(format_date(shown, "LLLL y", locale=locale))
    return name[:1].upper() + name[1:]


def _entry(row: QueueRow, zone: ZoneInfo, wrong: tuple[str, ...], on_hold: bool, may_move: bool) -> Entry:
    kind = "held" if on_hold and row.state == "scheduled" else KINDS.get(row.state, "done")
    wall = row.due_at.astimezone(zone).replace(tzinfo=None)
    return Entry(row, wall, kind, wrong, may_move and row.state in _MOVABLE)


def _cells(entries: Sequence[Entry], first: date, last: date, shown: date, today: date, zone: ZoneInfo) -> list[Cell]:
    by_day: dict[date, list[Entry]] = {}
    for entry in entries:
        by_day.setdefault(entry.row.due_at.astimezone(zone).date(), []).append(entry)
    days = (first + timedelta(days=step) for step in range((last - first).days + 1))
    return [
        Cell(
            day=day,
            inside=day.month == shown.month,
            is_today=day == today,
            entries=tuple(by_day.get(day, ())),
            silence=None,
            hold=None,
        )
        for day in days
    ]


def _over(
    cell: Cell,
    silences: Iterable[Blackout],
    held: Iterable[Hold],
    free: tuple[Free, ...],
    zone: ZoneInfo,
    language: str,
) -> Cell:
    """A day with what lies over it."""
    silence = next((one.reason for one in silences if one.first_day <= cell.day <= one.last_day), None)
    hold = next((words for one in held if (words := _hold_words(one, cell.day, zone, language))), None)
    return Cell(cell.day, cell.inside, cell.is_today, cell.entries, silence, hold, () if silence else free)


def _with_events(cell: Cell, found: Iterable[Event], zone: ZoneInfo) -> Cell:
    """A day with the events that begin on it."""
    here = tuple(one for one in found if one.starts_at.astimezone(zone).date() == cell.day)
    return replace(cell, events=here) if here else cell


def _with_kept(cell: Cell, found: Iterable[Day]) -> Cell:
    """A day with what people keep: from the day it begins, and on its other days where something of ours stands."""
    ours = bool(cell.entries or cell.events)
    here = tuple(one for one in found if one.first == cell.day or (ours and not one.season and one.covers(cell.day)))
    return replace(cell, kept=here) if here else cell


def _hold_words(hold: Hold, day: date, zone: ZoneInfo, language: str) -> str | None:
    """What the calendar says of a hold on one day; none where it was not in force."""
    _ = translate(language).gettext
    placed = hold.placed_at.astimezone(zone)
    lifted = hold.lifted_at.astimezone(zone) if hold.lifted_at is not None else None
    if day < placed.date() or (lifted is not None and day > lifted.date()):
        return None
    if lifted is None:
        today = clock.now().astimezone(zone).date()
        if day > today:
            return None
        return _("Hold since %(at)s") % {"at": f"{placed:%H:%M}"} if day == placed.date() else _("Hold")
    if placed.date() == lifted.date():
        return _("Hold %(start)s to %(end)s") % {"start": f"{placed:%H:%M}", "end": f"{lifted:%H:%M}"}
    if day == placed.date():
        return _("Hold from %(at)s") % {"at": f"{placed:%H:%M}"}
    return _("Hold to %(at)s") % {"at": f"{lifted:%H:%M}"} if day == lifted.date() else _("Hold")


def _free(
    session: Session, rows: Sequence[QueueRow], first: date, last: date, now: datetime, zone: ZoneInfo
) -> dict[date, tuple[Free, ...]]:
    """Slots of these days that are to come and not taken, by day of the department's zone."""
    ours = {account.id: account for account in accounts.connected(session)}
    taken = {(number, row.due_at) for row in rows for number in row.account_ids}
    found: dict[date, list[Free]] = {}
    for slot in slots.kept(session):
        if slot.account_id not in ours:
            continue
        for day in (first + timedelta(days=step) for step in range((last - first).days + 1)):
            due = _slot_on(slot, day)
            if due is not None and due > now and (slot.account_id, due) not in taken:
                local = due.astimezone(zone)
                found.setdefault(local.date(), []).append(Free(local.time(), ours[slot.account_id]))
    return {day: tuple(sorted(some, key=lambda one: one.at)) for day, some in found.items()}


def _slot_on(slot: Slot, day: date) -> datetime | None:
    """The instant of a slot on a day of its own zone; none on other days of the week."""
    if day.weekday() != slot.weekday:
        return None
    return clock.utc(datetime.combine(day, slot.at, ZoneInfo(slot.time_zone)))


def _beside(cells: Sequence[Cell], today: date, shown: date) -> list[Cell]:
    """Days for the list beside: from today on where today is shown, else all of the month; no more posts than NEXT."""
    ahead = [cell for cell in cells if cell.day >= today] if any(cell.is_today for cell in cells) else list(cells)
    if not any(cell.entries or cell.events for cell in ahead):
        ahead = [cell for cell in cells if cell.day.month == shown.month]
    found, number = [], 0
    for cell in ahead:
        if (cell.entries or cell.events or cell.silence or cell.kept or cell.is_today) and number < NEXT:
            found.append(cell)
            number += len(cell.entries)
    return found


def _summary(entries: Sequence[Entry], now: datetime, language: str) -> str:
    """What stands there, in one line."""
    translation = translate(language)
    ngettext = translation.ngettext
    sent = sum(entry.kind == "done" for entry in entries)
    held = sum(entry.kind == "held" for entry in entries)
    ahead = [entry for entry in entries if entry.row.due_at > now and entry.kind in ("approved", "wait", "draft")]
    waits = sum(entry.kind == "wait" for entry in entries)
    wrong = sum(bool(entry.wrong) and entry.kind != "wait" for entry in entries)
    parts = [ngettext("%(number)d sent", "%(number)d sent", sent) % {"number": sent}] if sent else []
    if held:
        parts.append(ngettext("%(number)d held", "%(number)d held", held) % {"number": held})
    if ahead:
        parts.append(ngettext("%(number)d to come", "%(number)d to come", len(ahead)) % {"number": len(ahead)})
    if waits:
        words = ngettext("%(number)d waits for approval", "%(number)d wait for approval", waits)
        parts.append(words % {"number": waits})
    if wrong:
        parts.append(ngettext("%(number)d needs a hand", "%(number)d need a hand", wrong) % {"number": wrong})
    return ", ".join(parts) + "." if parts else translation.gettext("Nothing stands here yet.")


def _words(obstacles: Mapping[int, Sequence[Obstacle]], language: str) -> dict[int, tuple[str, ...]]:
    return {number: tuple(obstacle_words(one, language) for one in some) for number, some in obstacles.items()}


def obstacle_words(one: Obstacle, language: str) -> str:
    """An obstacle in plain words, with what to do."""
    _ = translate(language).gettext
    if one.kind == "unwritten":
        return _("A draft: it is not sent before it is approved.")
    if one.kind == "unapproved":
        return _("Not approved by its time means not sent; its author would be told.")
    if one.kind == "silent":
        return _("A day of silence (%(reason)s): it would not be sent. Move it.") % {"reason": one.about}
    account = f"{_(LABELS.get(one.network, one.network))}, {one.about}"
    if one.kind == "removed":
        return _("%(account)s was removed: it does not go out there.") % {"account": account}
    if one.kind == "signed_out":
        return _("%(account)s is signed out: it would wait there.") % {"account": account}
    if one.kind == "nowhere":
        return _("It goes to no account yet.")
    return f"{account}: {one.words.told(_) if isinstance(one.words, Phrase) else _(one.words)}"
