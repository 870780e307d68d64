"""One look at what Meta lists for an account, newest first and back to a time, with what stands below each row. It is
taken a request at a time: its cursor tells how far it is, so that a look of any length goes on where it was."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from config import clock
from networks.graph import Gone, Line, following, when
from networks.network import Page, Rejected, RemoteMention

AGAIN = timedelta(minutes=10)  # before the newest that is known, for Meta shows some things late
AT_FIRST = timedelta(days=7)
ALIVE = timedelta(days=30)  # before a look: what stands below an older row is not read any more
Row = dict[str, Any]


@dataclass(frozen=True)
class Edge:
    """A list of the Graph API: its name, how it is asked, the field of a row's time. With `below`, what is looked for
    is that list of each row; its first page comes with the row. `answers`: the field in which what answers a row comes
    with it."""

    name: str
    asked: Mapping[str, str]
    time: str
    below: "Edge | None" = None
    answers: str = ""


@dataclass(frozen=True)
class Look:
    """Where a look is: begun when, back to when. `ahead`: how the list goes on; `below`: rows, and how the list below
    each goes on; `over`: the list is read. `lost`: from when to when something could not be read, told once."""

    begun: datetime
    since: datetime
    newest: datetime  # the next look goes back to a little before it
    ahead: Mapping[str, str] | None = None
    below: Sequence[tuple[Row, Mapping[str, str]]] = ()
    over: bool = False
    lost: tuple[datetime, datetime] | None = None


def at(cursor: str | None) -> Look:
    """Where a cursor stands: before a look, or in the midst of one."""
    now = clock.now()
    if cursor is None:
        return Look(now, now - AT_FIRST, now - AGAIN)
    if not cursor.startswith("{"):
        known = datetime.fromisoformat(cursor)
        return Look(now, known - AGAIN, known)
    kept = json.loads(cursor)
    begun, since, newest = (datetime.fromisoformat(kept[name]) for name in ("begun", "since", "newest"))
    return Look(begun, since, newest, kept["ahead"], [(row, args) for row, args in kept["below"]], kept["over"])


def go_on(line: Line, edge: Edge, look: Look) -> tuple[list[tuple[Row, Row | None]], Look]:
    """What the next request brings, each with the row that it stands below, and where the look is then. Raises
    NetworkError; what Meta refuses in the midst of a look is lost, or the look would never end."""
    if look.below and edge.below is not None:
        return _below(line, edge.below, look)
    try:
        told = line.listing(line.me, edge.name, {**edge.asked, **(look.ahead or {})})
    except Rejected:
        if look.ahead is None:
            raise
        return [], replace(look, over=True, lost=(look.since, clock.now()))
    rows, ahead = told.get("data", ()), following(told)
    last = look.since - ALIVE if edge.below is not None else look.since
    over = ahead is None or any(when(row[edge.time]) < last for row in rows)
    if edge.below is None:
        new = [row for row in rows if when(row[edge.time]) >= look.since]
        return [(row, None) for row in new], replace(look, ahead=ahead, over=over)
    found: list[tuple[Row, Row | None]] = []
    below = []
    for row in rows:
        listed = row.get(edge.below.name, {})
        above = {name: value for name, value in row.items() if name != edge.below.name}
        new, further = _new(listed, edge.below, look)
        found += [(one, above) for one in new]
        if further is not None:
            below.append((above, further))
    return found, replace(look, ahead=ahead, over=over, below=below)


def _below(line: Line, edge: Edge, look: Look) -> tuple[list[tuple[Row, Row | None]], Look]:
    (above, args), *others = look.below
    try:
        told = line.listing(str(above["id"]), edge.name, {**edge.asked, **args})
    except Gone:  # with all that stood below it
        return [], replace(look, below=others)
    except Rejected:
        return [], replace(look, below=others, lost=(look.since, clock.now()))
    new, further = _new(told, edge, look)
    return [(one, above) for one in new], replace(look, below=others + ([(above, further)] if further else []))


def _new(listed: Mapping[str, Any], edge: Edge, look: Look) -> tuple[list[Row], Mapping[str, str] | None]:
    """Of a page, newest first, what is new, also below what is not; how it goes on, if there may be more."""
    rows = listed.get("data", ())
    every = [one for row in rows for one in (row, *row.get(edge.answers, {}).get("data", ()))]
    new = [one for one in every if when(one[edge.time]) >= look.since]
    ended = any(when(row[edge.time]) < look.since for row in rows)
    return new, None if ended else following(listed)


def page(look: Look, found: Sequence[RemoteMention]) -> Page:
    """What was found, with the cursor of where the look is."""
    newest = max([look.newest, *(one.posted_at for one in found)])
    newest = min(newest, look.begun)  # what came since may stand where the look had been already
    if look.over and not look.below:
        return Page(found, newest.isoformat(), lost=look.lost)
    times = {"begun": look.begun, "since": look.since, "newest": newest}
    kept = {name: moment.isoformat() for name, moment in times.items()}
    where = {"ahead": look.ahead, "below": [list(each) for each in look.below], "over": look.over}
    return Page(found, json.dumps({**kept, **where}), more=True, lost=look.lost)
