"""The only clock. Everything asks `now()`, so a test or a back-test can run on a time of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from zoneinfo import available_timezones

NO_PLACES = frozenset({"Factory", "localtime"})  # a clock that nobody set; whatever the machine is set to

_fixed: ContextVar[datetime | None] = ContextVar("fixed_time", default=None)


class NaiveTimeError(ValueError):
    """A time without a zone was given where an instant is needed."""


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _fixed.get() or datetime.now(UTC)


def utc(moment: datetime) -> datetime:
    """`moment` in UTC. Raises NaiveTimeError for a time without a zone: guessing one loses hours."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise NaiveTimeError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


@cache
def zones() -> tuple[str, ...]:
    """The IANA time zones that people live in, by name. Looked up once a process: it walks through some 600 files."""
    return tuple(sorted(available_timezones() - NO_PLACES))


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Within the block, in this context, `now()` is `moment`."""
    token = _fixed.set(utc(moment))
    try:
        yield
    finally:
        _fixed.reset(token)
