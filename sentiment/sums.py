"""Sums over author-days, kept: what figures need of a week is added up once, however many posts it had.

A kept sum is good while none of its days changed since (DayChange); else it is added up again where it is asked for."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from config import database
from sentiment import trust
from sentiment.tables import AuthorDay, DayChange, KeptSum
from sentiment.trust import AuthorDays, Span, Sums

DAYS_KEPT = 120  # of kept sums: a monthly edition looks back over three
_FETCHED = 20_000  # rows at a time
_NAMES = [field.name for field in fields(Sums)]
Wanted = Mapping[str, Collection[Span]]  # by concern


def read(session: Session, wanted: Wanted, places: Collection[int] = ()) -> dict[str, dict[Span, Sums]]:
    """The sums of each concern's spans; of posts that name one of these places, if any are given (never kept)."""
    found = _kept(session, wanted, _changes(session, wanted)) if not places else {key: {} for key in wanted}
    for concern, missing in _missing(wanted, found).items():
        found[concern] |= _added_up(session, concern, missing, places)
    return found


def out_of_date(session: Session, wanted: Wanted) -> list[dict[str, Any]]:
    """Rows of `KeptSum` for what is not kept or out of date. Writes nothing: adding up may take seconds."""
    changes = _changes(session, wanted)  # before the rows are read: what changes meanwhile makes the sum out of date
    missing = _missing(wanted, _kept(session, wanted, changes))
    return [
        {"concern": concern, "first": span.first, "last": span.last, "by_week": span.by_week}
        | {"changes": changes[span]}
        | asdict(sums)
        for concern, spans in sorted(missing.items())
        for span, sums in sorted(_added_up(session, concern, spans, ()).items())
    ]


def keep(session: Session, rows: Sequence[Mapping[str, Any]], today: date) -> None:
    """Keeps what `out_of_date` gave, and lets go of what is too old to be asked for."""
    if rows:
        insert = database.upsert(session, KeptSum)
        insert = insert.on_conflict_do_update(
            index_elements=["concern", "last", "first", "by_week"],
            set_={name: insert.excluded[name] for name in ("changes", *_NAMES)},
        )
        session.connection().execute(insert, list(rows))
    old = today - timedelta(days=DAYS_KEPT)
    session.connection().execute(sa.delete(KeptSum).where(col(KeptSum.last) < old))


def _missing(wanted: Wanted, found: Mapping[str, Mapping[Span, Sums]]) -> dict[str, list[Span]]:
    left = {concern: [span for span in spans if span not in found[concern]] for concern, spans in wanted.items()}
    return {concern: spans for concern, spans in left.items() if spans}


def _changes(session: Session, wanted: Wanted) -> dict[Span, int]:
    """How often the days of each span changed."""
    spans = {span for found in wanted.values() for span in found}
    if not spans:
        return {}
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    rows = session.connection().execute(
        sa.select(col(DayChange.day), col(DayChange.changes)).where(col(DayChange.day).between(first, last))
    )
    by_day = {row.day: row.changes for row in rows}
    length = (last - first).days + 1
    upto = [0, *accumulate(by_day.get(first + timedelta(days=day), 0) for day in range(length))]
    return {span: upto[(span.last - first).days + 1] - upto[(span.first - first).days] for span in spans}


def _kept(session: Session, wanted: Wanted, changes: Mapping[Span, int]) -> dict[str, dict[Span, Sums]]:
    found: dict[str, dict[Span, Sums]] = {concern: {} for concern in wanted}
    if not changes:
        return found
    columns = [col(getattr(KeptSum, name)) for name in ("concern", "first", "last", "by_week", "changes", *_NAMES)]
    rows = session.connection().execute(
        sa.select(*columns).where(
            col(KeptSum.concern).in_(list(wanted)),
            col(KeptSum.last).between(min(span.last for span in changes), max(span.last for span in changes)),
        )
    )
    asked = {concern: set(spans) for concern, spans in wanted.items()}
    for concern, first, last, by_week, then, *values in rows:
        span = Span(first, last, by_week)
        if span in asked[concern] and changes[span] == then:
            found[concern][span] = Sums(*values)
    return found


def _added_up(session: Session, concern: str, spans: Sequence[Span], places: Collection[int]) -> dict[Span, Sums]:
    rows = _author_days(session, concern, min(s.first for s in spans), max(s.last for s in spans), places)
    return {span: trust.add_up(rows, span) for span in spans}


def _author_days(session: Session, concern: str, first: date, last: date, places: Collection[int]) -> AuthorDays:
    """Read some at a time: a million rows as Python's objects would take half a gigabyte."""
    measured = [col(getattr(AuthorDay, name)) for name in trust.MEASURES]
    here = [col(AuthorDay.place_id).in_(places)] if places else []
    rows = session.connection().execute(
        sa.select(col(AuthorDay.day), col(AuthorDay.author), col(AuthorDay.posts), *measured)
        .where(col(AuthorDay.concern) == concern, col(AuthorDay.day).between(first, last), *here)
        .order_by(col(AuthorDay.day)),
        execution_options={"yield_per": _FETCHED},
    )
    numbers: dict[bytes, int] = defaultdict(lambda: len(numbers))
    parts = [
        np.array([(day.toordinal(), numbers[author], *amounts) for day, author, *amounts in some], dtype=np.float64)
        for some in rows.partitions()
    ]
    table = np.concatenate(parts) if parts else np.zeros((0, 3 + len(trust.MEASURES)))
    sums = {name: table[:, 3 + number] for number, name in enumerate(trust.MEASURES)}
    return AuthorDays(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2], sums)
