"""How much a source brings, hour by hour: its rate, its usual rhythm, and when it is silent against that."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, delete, func, select

from config.database import upsert
from listeners.tables import Source, SourceHour

HOUR = timedelta(hours=1)
DAYS = 14  # that the usual rhythm looks back
FEWEST_DAYS = 7  # of knowing a source, before its silence says anything
EXPECTED = 20  # posts that should have come: with so many, none by chance has a probability of 2e-9 (Poisson)
SHORTEST = 2  # whole hours of silence
KEPT = timedelta(days=60)
MUCH = 0.1  # of what comes in: a source that brings so much more makes the desk hear more


@dataclass(frozen=True)
class Rate:
    """What a source brought in the last 24 hours: posts that its network gave, and mentions that came of them."""

    read: int = 0
    new: int = 0


def note(session: Session, source_id: int, read: int, new: int, now: datetime) -> None:
    """Adds to the hour of `now`, in the transaction that stores the mentions."""
    if read == 0:
        return
    row = {"source_id": source_id, "hour": _hour(now), "read": read, "new": new}
    insert = upsert(session, SourceHour).values(row)
    more = {name: getattr(SourceHour, name) + getattr(insert.excluded, name) for name in ("read", "new")}
    session.exec(insert.on_conflict_do_update(index_elements=["source_id", "hour"], set_=more))


def heard(session: Session, now: datetime) -> tuple[dict[int, Rate], dict[int, datetime]]:
    """Each source's rate, and the sources that should have brought something by their usual rhythm and brought
    nothing: since when.

    Usual: the median of the same hour of the day (UTC) over the 14 days before the silence, or of the hour before or
    after it if less came then: a town that changes to summer time or back lives an hour beside its usual one."""
    rates: dict[int, Rate] = defaultdict(Rate)
    by_source: dict[int, dict[datetime, int]] = defaultdict(dict)
    for row in session.exec(select(SourceHour.source_id, SourceHour.hour, SourceHour.read, SourceHour.new)):
        source_id, hour, read, new = row
        by_source[source_id][hour] = read
        if hour > _hour(now) - 24 * HOUR:
            before = rates[source_id]
            rates[source_id] = Rate(before.read + read, before.new + new)
    silent = {source_id: _silent(hours, now) for source_id, hours in by_source.items()}
    return dict(rates), {source_id: since for source_id, since in silent.items() if since is not None}


def _silent(hours: dict[datetime, int], now: datetime) -> datetime | None:
    last, first = max(hours), min(hours)
    quiet = [last + step * HOUR for step in range(1, int((_hour(now) - last) / HOUR))]  # whole hours that are over
    if len(quiet) < SHORTEST or last - first < timedelta(days=FEWEST_DAYS):
        return None
    days = min(DAYS, int((last - first) / timedelta(days=1)))

    @cache  # a silence of weeks asks for the same hours again and again
    def usual(hour: datetime) -> float:
        return median(hours.get(hour - timedelta(days=day), 0) for day in range(1, days + 1))

    expected = 0.0
    for hour in quiet:
        before = hour - timedelta(days=(hour - last) // timedelta(days=1))  # the same hour, before the silence
        expected += min(usual(before + step * HOUR) for step in (-1, 0, 1))
    return quiet[0] if expected >= EXPECTED else None


def heard_since(session: Session, first: datetime, until: datetime) -> datetime | None:
    """Since which hour every source is heard that brought a tenth or more of the mentions that came in between these
    hours; none where no source was asked or read (imports)."""
    found: datetime | None = session.connection().execute(since_when(first, until)).scalar()
    return found


def since_when(first: datetime, until: datetime) -> sa.Select[Any]:
    """The question that `heard_since` asks, for whoever asks more in one."""
    own = col(SourceHour.source_id) == col(Source.id)
    begun = sa.select(sa.func.min(col(SourceHour.hour))).where(own).scalar_subquery()
    inside = (own, col(SourceHour.hour) >= first, col(SourceHour.hour) < until)
    brought = sa.select(sa.func.coalesce(sa.func.sum(col(SourceHour.new)), 0)).where(*inside).scalar_subquery()
    each = sa.select(begun.label("begun"), brought.label("brought")).select_from(Source).subquery()
    everything = sa.select(sa.func.sum(each.c.brought)).scalar_subquery()
    return sa.select(sa.func.max(each.c.begun)).where(each.c.brought >= 1, each.c.brought >= MUCH * everything)


def whole_day(begun: datetime | None, zone: ZoneInfo) -> date | None:
    """The first day that is heard from its start, of what is heard since then."""
    return begun.astimezone(zone).date() + timedelta(days=1) if begun is not None else None


def forget(session: Session, now: datetime) -> int:
    """Removes hours older than 60 days, and of a source that is silent older than 60 days before that; how many. The
    first stays, since the source is heard since then; of one that brought nothing for 60 days it goes too, when the
    source begins anew."""
    gone = 0
    hour = col(SourceHour.hour)
    newest = select(SourceHour.source_id, func.max(SourceHour.hour)).group_by(col(SourceHour.source_id))
    for source_id, last in session.exec(newest).all():
        edge = min(now, last) - KEPT
        its = col(SourceHour.source_id) == source_id
        old = session.exec(select(SourceHour.hour).where(its, hour < edge).order_by(hour)).all()
        if len(old) < 2:  # the first alone
            continue
        after = session.exec(select(func.min(SourceHour.hour)).where(its, hour >= edge)).one()
        least = old[0] if after - old[-1] > KEPT else old[1]
        gone += session.exec(delete(SourceHour).where(its, hour >= least, hour < edge)).rowcount
    return gone


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
