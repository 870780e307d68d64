"""Sums over author-days, kept: what figures need of a week is added up once, however many posts it had.

A kept sum is good while none of its days changed since (DayChange); else it is added up again where it is asked for."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from config import database
from sentiment import disclosure, trust
from sentiment.tables import AuthorDay, DayChange, KeptPlaces, KeptSum
from sentiment.trust import AuthorDays, Span, Sums

DAYS_KEPT = 400  # of kept sums: what changed since is told a year after we began
PLACES_KEPT = 120  # days
_FETCHED = 20_000  # rows at a time
_NAMES = Sums._fields
Wanted = Mapping[str, Collection[Span]]  # by concern
Ints = NDArray[np.int64]


def read(
    session: Session, wanted: Wanted, places: Collection[int] = (), kept_from: date | None = None
) -> dict[str, dict[Span, Sums]]:
    """The sums of each concern's spans; of posts that name one of these places, if any are given (never kept): a place
    that fewer than five people name in a span is left out of it. `kept_from`: the first day of the author-days; a span
    that begins before it is there only if its sum was kept."""
    found = _kept(session, wanted)[0] if not places else {key: {} for key in wanted}
    missing = _missing(wanted, found)
    if kept_from is not None:
        there = {key: [span for span in spans if span.first >= kept_from] for key, spans in missing.items()}
        missing = {key: spans for key, spans in there.items() if spans}
    for concern, added in _added_up(session, missing, places).items():
        found[concern] |= added
    return found


def kept(session: Session, wanted: Wanted) -> dict[str, dict[Span, Sums]]:
    """Of the sums of each concern's spans, those that are kept and not out of date."""
    return _kept(session, wanted)[0]


def out_of_date(session: Session, wanted: Wanted) -> list[dict[str, Any]]:
    """Rows of `KeptSum` for what is not kept or out of date. Writes nothing: adding up may take seconds."""
    found, changes = _kept(session, wanted)  # before rows are read: what changes meanwhile makes the sum out of date
    missing = _missing(wanted, found)
    return [
        {"concern": concern, "first": span.first, "last": span.last, "by_week": span.by_week}
        | {"changes": changes[span]}
        | sums._asdict()
        for concern, spans in sorted(missing.items())
        for span, sums in _added_up(session, {concern: spans}, ())[concern].items()  # one at a time, for memory
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


def read_places(
    session: Session, concerns: Collection[str], span: Span, places: Collection[int] = ()
) -> dict[str, dict[int, int]]:
    """Authors of each concern by the places that they named in these days; of these places, if any are given (never
    kept)."""
    found: dict[str, dict[int, int]] = {}
    if not places:
        rows = session.connection().execute(
            sa.select(col(KeptPlaces.concern), col(KeptPlaces.authors)).where(
                col(KeptPlaces.concern).in_(concerns), *_of_span(span), col(KeptPlaces.changes) == _changed(span)
            )
        )
        found = {concern: {int(place): number for place, number in authors.items()} for concern, authors in rows}
    missing = [concern for concern in concerns if concern not in found]
    return found | (_counted(session, missing, span, places) if missing else {})


def places_out_of_date(session: Session, concerns: Collection[str], span: Span) -> list[dict[str, Any]]:
    """Rows of `KeptPlaces` for what is not kept or out of date, as `out_of_date`."""
    changes = session.connection().execute(sa.select(_changed(span))).scalar_one()
    good = sa.select(col(KeptPlaces.concern)).where(*_of_span(span), col(KeptPlaces.changes) == changes)
    missing = set(concerns) - set(session.connection().execute(good).scalars())
    counted = _counted(session, sorted(missing), span, ()) if missing else {}
    return [
        {"concern": concern, "first": span.first, "last": span.last, "changes": changes, "authors": authors}
        for concern, authors in counted.items()
    ]


def keep_places(session: Session, rows: Sequence[Mapping[str, Any]], today: date) -> None:
    """Keeps what `places_out_of_date` gave, and lets go of what is too old to be asked for."""
    if rows:
        insert = database.upsert(session, KeptPlaces)
        insert = insert.on_conflict_do_update(
            index_elements=["concern", "last", "first"],
            set_={name: insert.excluded[name] for name in ("changes", "authors")},
        )
        session.connection().execute(insert, list(rows))
    old = today - timedelta(days=PLACES_KEPT)
    session.connection().execute(sa.delete(KeptPlaces).where(col(KeptPlaces.last) < old))


def _of_span(span: Span) -> tuple[sa.ColumnElement[bool], ...]:
    return col(KeptPlaces.first) == span.first, col(KeptPlaces.last) == span.last


def _changed(span: Span) -> sa.ScalarSelect[int]:
    """How often the days of a span changed."""
    total = sa.func.coalesce(sa.func.sum(col(DayChange.changes)), 0)
    return sa.select(total).where(col(DayChange.day).between(span.first, span.last)).scalar_subquery()


def _counted(
    session: Session, concerns: Collection[str], span: Span, places: Collection[int]
) -> dict[str, dict[int, int]]:
    here = [col(AuthorDay.place_id).in_(places)] if places else [col(AuthorDay.place_id) != 0]
    rows = session.connection().execute(
        sa.select(col(AuthorDay.concern), col(AuthorDay.place_id), sa.func.count(sa.distinct(col(AuthorDay.author))))
        .where(col(AuthorDay.concern).in_(concerns), col(AuthorDay.day).between(span.first, span.last), *here)
        .group_by(col(AuthorDay.concern), col(AuthorDay.place_id))
    )
    found: dict[str, dict[int, int]] = {concern: {} for concern in concerns}
    for concern, place_id, number in rows:
        found[concern][place_id] = number
    return found


def _missing(wanted: Wanted, found: Mapping[str, Mapping[Span, Sums]]) -> dict[str, list[Span]]:
    left = {concern: [span for span in spans if span not in found[concern]] for concern, spans in wanted.items()}
    return {concern: spans for concern, spans in left.items() if spans}


def _kept(session: Session, wanted: Wanted) -> tuple[dict[str, dict[Span, Sums]], dict[Span, int]]:
    """What is kept of it and not out of date, and how often the days of each span changed; one question."""
    found: dict[str, dict[Span, Sums]] = {concern: {} for concern in wanted}
    spans = {span for several in wanted.values() for span in several}
    if not spans:
        return found, {}
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    least = min(span.last for span in spans)
    bounds = {"concerns": list(wanted), "least": least, "first": first, "last": last}
    rows: Sequence[Any] = session.connection().execute(_kept_and_changes(), bounds).all()
    by_day = {row[0]: row[1] for row in rows if row[2] is None}
    upto = [0, *accumulate(by_day.get(first + timedelta(days=day), 0) for day in range((last - first).days + 1))]
    changes = {span: upto[(span.last - first).days + 1] - upto[(span.first - first).days] for span in spans}
    asked = {concern: set(several) for concern, several in wanted.items()}
    for to, then, concern, since, by_week, *values in rows:
        if concern is None:
            continue
        span = Span(since, to, by_week)
        if span in asked[concern] and changes[span] == then:
            found[concern][span] = Sums(*values)
    return found, changes


@cache
def _kept_and_changes() -> sa.CompoundSelect[Any]:
    """Kept sums, and under them how often each day changed; put together once, for that takes longer than asking."""
    kept = sa.select(
        *(col(getattr(KeptSum, name)) for name in ("last", "changes", "concern", "first", "by_week", *_NAMES))
    ).where(
        col(KeptSum.concern).in_(sa.bindparam("concerns", expanding=True)),
        col(KeptSum.last).between(sa.bindparam("least"), sa.bindparam("last")),
    )
    nothing = [sa.null() for _ in range(len(_NAMES) + 2)]
    days = sa.select(col(DayChange.day), col(DayChange.changes), sa.null(), *nothing).where(
        col(DayChange.day).between(sa.bindparam("first"), sa.bindparam("last"))
    )
    return sa.union_all(kept, days)


def _added_up(
    session: Session, missing: Mapping[str, Sequence[Span]], places: Collection[int]
) -> dict[str, dict[Span, Sums]]:
    spans = [span for several in missing.values() for span in several]
    if not spans:
        return {}
    rows = _author_days(session, list(missing), min(s.first for s in spans), max(s.last for s in spans), places)
    return {
        concern: {
            span: trust.add_up(_without_few(*rows[concern], span) if places else rows[concern][0], span) for span in its
        }
        for concern, its in missing.items()
    }


def _without_few(rows: AuthorDays, places: Ints, span: Span) -> AuthorDays:
    """The rows of a span without those of places that too few people name in it: else, what they said would show as
    the difference between two views, with that place and without it."""
    inside = (rows.days >= span.first.toordinal()) & (rows.days <= span.last.toordinal())
    named = np.unique(np.stack([places[inside], rows.authors[inside]], axis=1), axis=0)[:, 0]
    which, people = np.unique(named, return_counts=True)
    kept = inside & np.isin(places, which[people >= disclosure.LEAST])
    sums = {name: values[kept] for name, values in rows.sums.items()}
    return AuthorDays(rows.days[kept], rows.authors[kept], rows.posts[kept], sums)


def _author_days(
    session: Session, concerns: Sequence[str], first: date, last: date, places: Collection[int]
) -> dict[str, tuple[AuthorDays, Ints]]:
    """Each concern's rows, with the place of each where places are asked for. Fetched some at a time: a million of them
    as Python's objects take half a gigabyte."""
    measured = [col(getattr(AuthorDay, name)) for name in trust.MEASURES]
    here = [col(AuthorDay.place_id).in_(places)] if places else []
    named = col(AuthorDay.place_id) if places else sa.literal(0)
    rows = session.connection().execute(
        sa.select(
            *(col(AuthorDay.concern), col(AuthorDay.day), col(AuthorDay.author), named, col(AuthorDay.posts)), *measured
        )
        .where(col(AuthorDay.concern).in_(concerns), col(AuthorDay.day).between(first, last), *here)
        .order_by(col(AuthorDay.day)),
        execution_options={"yield_per": _FETCHED},
    )
    which = {concern: number for number, concern in enumerate(concerns)}
    numbers: dict[bytes, int] = defaultdict(lambda: len(numbers))
    parts = [
        np.array([(which[concern], day.toordinal(), numbers[author], *sums) for concern, day, author, *sums in some])
        for some in rows.partitions()
    ]
    every = np.concatenate(parts) if parts else np.zeros((0, 5 + len(trust.MEASURES)))
    return {concern: _of(every[every[:, 0] == number]) for concern, number in which.items()}


def _of(table: NDArray[np.float64]) -> tuple[AuthorDays, Ints]:
    """The rows of one concern, and their places, from columns of its number, days, authors, places, posts and each
    measure."""
    sums = {name: table[:, 5 + number] for number, name in enumerate(trust.MEASURES)}
    days, authors, places = (table[:, number].astype(np.int64) for number in (1, 2, 3))
    return AuthorDays(days, authors, table[:, 4], sums), places
