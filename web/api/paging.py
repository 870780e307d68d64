"""Where a list goes on: `next` of one answer goes into `before` of the request after it."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

from config import clock
from web.fields import LARGEST_ID
from web.problems import Trouble

MOST = 100  # rows a page
When = TypeVar("When", date, datetime)


def moment(text: str) -> datetime:
    return clock.utc(datetime.fromisoformat(text))


def place(before: str | None, read: Callable[[str], When]) -> tuple[When, int] | None:
    """What `next` gave: when, and the number of the last row. Raises Trouble 422 for anything else."""
    if before is None:
        return None
    try:
        when, number = before.rsplit(",", 1)
        found = read(when), int(number)
    except (ValueError, OverflowError) as error:
        raise _wrong() from error
    if not 0 <= found[1] <= LARGEST_ID:
        raise _wrong()
    return found


def following(when: date | datetime, number: int | None) -> str:
    """What `next` gives for the page after this row."""
    return f"{when.isoformat()},{number}"


def _wrong() -> Trouble:
    return Trouble(422, "`before` is not what `next` gave", "Leave it out to start with the newest.")
