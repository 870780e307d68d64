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
Further = tuple[Row, Mapping[str, str], str]  # a row, how what is below it goes on, the comment that it answers or ""


@dataclass(frozen=True)
class Edge:
    """A list of the Graph API: its name, how it is asked, the field of a row's time. With `below`, what is looked for
    is that list of each row; its first page comes with the row. `answers`: the list of what answers a row, whose first
    page comes with it, too. `sorted`: whether it is known to come newest first."""

    name: str
    asked: Mapping[str, str]
    time: str
    below: "Edge | None" = None
    answers: "Edge | None" = None
    sorted: bool = True


@dataclass(frozen=True)
class Look:
    """Where a look is: begun when, back to when. `ahead`: how the list goes on; `below`: how the lists below rows go
    on; `over`: the list is read. `lost`: from when to when something could not be read, told once."""

    begun: datetime
    since: datetime
    newest: datetime  # the next look goes back to a little before it
    ahead: Mapping[str, str] | None = None
    below: Sequence[Further] = ()
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
    below = [(row, args, "".join(answered)) for row, args, *answered in kept["below"]]
    return Look(begun, since, newest, kept["ahead"], below, kept["over"])


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
    below: list[Further] = []
    for row in rows:
        above = {name: value for name, value in row.items() if name != edge.below.name}
        new, further = _new(row.get(edge.below.name, {}), edge.below, look, above)
        found += [(one, above) for one in new]
        below += further
    return found, replace(look, ahead=ahead, over=over, below=below)


def _below(line: Line, edge: Edge, look: Look) -> tuple[list[tuple[Row, Row | None]], Look]:
    (above, args, answered), *others = look.below
    listed = edge.answers if answered and edge.answers is not None else edge
    try:
        told = line.listing(answered or str(above["id"]), listed.name, {**listed.asked, **args})
    except Gone:  # with all that stood below it
        return [], replace(look, below=others)
    except Rejected:
        return [], replace(look, below=others, lost=(look.since, clock.now()))
    new, further = _new(told, listed, look, above, answered)
    return [(one, above) for one in new], replace(look, below=others + further)


def _new(
    listed: Mapping[str, Any], edge: Edge, look: Look, above: Row, answered: str = ""
) -> tuple[list[Row], list[Further]]:
    """Of a page of what stands below a row or answers a comment there: what is new, with new answers to what is not;
    and how it goes on, if there may be more."""
    rows = listed.get("data", ())
    times = [when(row[edge.time]) for row in rows]
    new = [row for row, at in zip(rows, times, strict=True) if at >= look.since]
    newest_first = edge.sorted or (len(times) > 1 and times[0] > times[-1])
    ended = newest_first and any(at < look.since for at in times)
    args = None if ended else following(listed)
    further: list[Further] = [(above, args, answered)] if args is not None else []
    if edge.answers is None:
        return new, further
    for row in rows:
        more, beyond = _new(row.get(edge.answers.name, {}), edge.answers, look, above, str(row["id"]))
        new, further = [*new, *more], [*further, *beyond]
    return new, further


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
