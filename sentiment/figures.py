"""What Today, the concerns page and the digest show: shares with their usual level, their series, and the concerns.

Reads author-days and places only, never the mentions, so that it costs the same whatever their number."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from scipy.special import nbdtrik
from sqlmodel import Session, col

from listeners.tables import Place
from sentiment import cells, counts, trust
from sentiment.tables import ALL, AuthorDay
from sentiment.taxonomy import CONCERNS
from sentiment.trust import Change, DayShare, Share, Show

Measure = Literal["mistrust", "trust", "negative"]
MEASURES: tuple[Measure, ...] = ("mistrust", "trust", "negative")
SERIES_DAYS = 42
MOSTLY = 1 / 3  # of a concern's authors: from here a place is where it mostly is
MOSTLY_AUTHORS = 5
_KEPT_DAYS = SERIES_DAYS + trust.WEEK + trust.GUARD_DAYS  # all that any figure looks back


@dataclass(frozen=True)
class Figure:
    """One share of authors over the last 7 whole days, against its usual level."""

    name: Measure
    share: Share | None
    usual: Share | None
    change: Change


@dataclass(frozen=True)
class Volume:
    """All posts of the last 7 days, and between which numbers 90% of ordinary weeks lie (none: history too short)."""

    posts: int
    usual: float | None
    usual_low: int | None
    usual_high: int | None


@dataclass(frozen=True)
class Overview:
    """The town as a whole. `first` to `last` are the days of the figures, both included, in the department's zone;
    `baseline_days` is 0 while there are not enough days for a usual level. `series` is mistrust, a day at a time,
    each over the 7 days before it, oldest first."""

    first: date
    last: date
    baseline_days: int
    authors: int
    mistrust: Figure
    trust: Figure
    negative: Figure
    volume: Volume
    series: tuple[DayShare, ...]

    @property
    def figures(self) -> tuple[Figure, Figure, Figure]:
        return self.mistrust, self.trust, self.negative


@dataclass(frozen=True)
class ConcernRow:
    """One concern over the last 7 days. `mostly` names the place where at least a third of its authors put it;
    `spark` is its mistrust over 6 weeks, a day at a time, empty while there are not enough days."""

    concern: str
    name: str
    authors: int
    posts: int
    mistrust: Share | None
    usual: Share | None
    change: Change
    mostly: str | None
    mostly_place_id: int | None
    spark: tuple[DayShare, ...]


def overview(
    session: Session, now: datetime, zone: ZoneInfo, spans: trust.Windows | None = None, places: Sequence[int] = ()
) -> Overview:
    """The three figures, the posts and the mistrust series, as of `now`: of the last 7 days, or of `spans`; of posts
    that name one of these places, if any are given."""
    today = now.astimezone(zone).date()
    spans = spans or trust.windows(today, counts.first_day(session))
    panels = _panels(session, [ALL], spans, today, places=places).get(ALL) or _nothing(today)
    figures = {name: _figure(name, panels[name], spans, None, None) for name in MEASURES}
    here = figures["mistrust"].share
    return Overview(
        first=spans.first,
        last=spans.last,
        baseline_days=_baseline_days(spans),
        authors=here.authors if here else 0,
        mistrust=figures["mistrust"],
        trust=figures["trust"],
        negative=figures["negative"],
        volume=_volume(panels["mistrust"], spans),
        series=trust.rolling(panels["mistrust"], _series_days(session, today)),
    )


def concerns(
    session: Session, now: datetime, zone: ZoneInfo, spans: trust.Windows | None = None, places: Sequence[int] = ()
) -> list[ConcernRow]:
    """Each concern that anybody raised in the last 7 days or in `spans`, at these places if any are given, most authors
    first; shares are shrunk towards the town's, or that of the places."""
    today = now.astimezone(zone).date()
    spans = spans or trust.windows(today, counts.first_day(session))
    panels = _panels(session, [ALL, *CONCERNS], spans, today, ["mistrust"], places)
    if ALL not in panels:
        return []
    town = _figure("mistrust", panels[ALL]["mistrust"], spans, None, None)
    where = _places(session, spans, places)
    days = _series_days(session, today)
    rows: list[ConcernRow] = []
    for key, concern in CONCERNS.items():
        if key not in panels:
            continue
        panel = panels[key]["mistrust"]
        figure = _figure("mistrust", panel, spans, town.share, town.usual)
        if figure.share is None:
            continue
        place_id, place = _mostly(where.get(key, {}), figure.share.authors)
        rows.append(
            ConcernRow(
                concern=key,
                name=concern.name,
                authors=figure.share.authors,
                posts=int(panel.between(spans.first, spans.last)[0].sum()),
                mistrust=figure.share,
                usual=figure.usual,
                change=figure.change,
                mostly=place,
                mostly_place_id=place_id,
                spark=trust.rolling(panel, days, trust.toward(town.usual or town.share))
                if spans.baseline_first is not None
                else (),
            )
        )
    return sorted(rows, key=lambda row: (-row.authors, row.name))


def daily_mistrust(session: Session, now: datetime, zone: ZoneInfo, concern: str = ALL) -> tuple[DayShare, ...]:
    """Mistrust in one concern (ALL: the town), each of the last 42 days for the 7 days up to it, oldest first."""
    today = now.astimezone(zone).date()
    spans = trust.windows(today, None)
    panels = _panels(session, [concern], spans, today, ["mistrust"]).get(concern) or _nothing(today)
    return trust.rolling(panels["mistrust"], _series_days(session, today))


def _figure(
    name: Measure, panel: trust.Panel, spans: trust.Windows, parent: Share | None, parent_usual: Share | None
) -> Figure:
    here = trust.share(trust.votes(panel, spans.first, spans.last), prior=trust.toward(parent))
    usual = None
    if spans.baseline_first is not None and spans.baseline_last is not None:
        usual = trust.usual(panel, spans.baseline_first, spans.baseline_last, trust.toward(parent_usual))
    change = trust.change(here, usual, enough_days=spans.baseline_first is not None)
    if here is not None and here.show is not Show.VALUE and change.direction != "unknown":
        change = Change("unknown", why="authors")  # an arrow says more than a hatched bar may
    return Figure(name, here, usual, change)


def _baseline_days(spans: trust.Windows) -> int:
    if spans.baseline_first is None or spans.baseline_last is None:
        return 0
    return (spans.baseline_last - spans.baseline_first).days + 1


def _volume(panel: trust.Panel, spans: trust.Windows) -> Volume:
    posts = int(panel.between(spans.first, spans.last)[0].sum())
    if spans.baseline_first is None or spans.baseline_last is None:
        return Volume(posts, None, None, None)
    first = (spans.baseline_first - panel.first).days
    daily = panel.posts[:, first : first + _baseline_days(spans)].sum(axis=0, keepdims=True)
    weekdays = np.array([(spans.baseline_first + timedelta(days=day)).weekday() for day in range(daily.shape[1])])
    baseline = cells.fit(daily, weekdays)
    days = (spans.last - spans.first).days + 1
    expected = baseline.expected(0, days)
    # NB with mean m and variance = ratio x m: r = m / (ratio - 1), p = 1 / ratio
    ratio = baseline.dispersion * (1 + days / baseline.days)
    tail = (1 - trust.LEVEL) / 2
    low, high = (nbdtrik(q, expected / (ratio - 1), 1 / ratio) for q in (tail, 1 - tail))
    return Volume(posts, expected, int(np.floor(max(low, 0))), int(np.ceil(max(high, 0))))


def _series_days(session: Session, today: date) -> list[date]:
    """The last 42 whole days that have 7 days of history up to them."""
    history = counts.first_day(session)
    if history is None:
        return []
    first = max(today - timedelta(days=SERIES_DAYS), history + timedelta(days=trust.WEEK - 1))
    return [first + timedelta(days=day) for day in range((today - first).days)]


_Panels = Mapping[Measure, trust.Panel]


def _nothing(today: date) -> _Panels:
    none = np.zeros((0, _KEPT_DAYS))
    return {name: trust.Panel(today - timedelta(days=_KEPT_DAYS), none, none) for name in MEASURES}


def _panels(
    session: Session,
    concerns: Sequence[str],
    spans: trust.Windows,
    today: date,
    measures: Sequence[Measure] = MEASURES,
    places: Sequence[int] = (),
) -> dict[str, _Panels]:
    """Each concern's panels over all that a figure looks back, up to yesterday; those without authors left out."""
    first = min(today - timedelta(days=_KEPT_DAYS), spans.baseline_first or spans.first)
    length = (today - first).days
    here = [col(AuthorDay.place_id).in_(places)] if places else []
    measured = [col(getattr(AuthorDay, name)) for name in measures]
    found: dict[str, _Panels] = {}
    for concern in concerns:
        rows = (
            session.connection()
            .execute(
                sa.select(col(AuthorDay.author), col(AuthorDay.day), col(AuthorDay.posts), *measured).where(
                    col(AuthorDay.concern) == concern, col(AuthorDay.day) >= first, col(AuthorDay.day) < today, *here
                )
            )
            .all()
        )
        if rows:
            authors, days, *amounts = zip(*rows, strict=True)
            numbers = {author: number for number, author in enumerate(dict.fromkeys(authors))}
            where = np.array([numbers[author] for author in authors]), np.array([(day - first).days for day in days])
            grids = [_grid((len(numbers), length), where, np.array(values, dtype=float)) for values in amounts]
            found[concern] = {
                name: trust.Panel(first, grids[0], grid) for name, grid in zip(measures, grids[1:], strict=True)
            }
    return found


def _grid(
    shape: tuple[int, int], where: tuple[NDArray[np.int_], NDArray[np.int_]], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Authors x days; an author's rows of one day, at several places or networks, add up."""
    grid = np.zeros(shape)
    np.add.at(grid, where, values)
    return grid


def _places(session: Session, spans: trust.Windows, places: Sequence[int]) -> dict[str, dict[tuple[int, str], int]]:
    """Distinct authors of each concern at each place (of these, if any are given) in the days of the figures."""
    here = [col(Place.id).in_(places)] if places else []
    rows = session.connection().execute(
        sa.select(
            col(AuthorDay.concern), col(Place.id), col(Place.name), sa.func.count(sa.distinct(col(AuthorDay.author)))
        )
        .join(Place, col(Place.id) == col(AuthorDay.place_id))
        .where(col(AuthorDay.concern).in_(list(CONCERNS)), col(AuthorDay.day).between(spans.first, spans.last), *here)
        .group_by(col(AuthorDay.concern), col(Place.id), col(Place.name))
    )
    found: dict[str, dict[tuple[int, str], int]] = defaultdict(dict)
    for concern, place_id, name, number in rows:
        found[concern][int(place_id or 0), name] = number
    return found


def _mostly(places: Mapping[tuple[int, str], int], authors: int) -> tuple[int | None, str | None]:
    if not places:
        return None, None
    (place_id, name), number = max(places.items(), key=lambda item: (item[1], item[0][1]))
    return (place_id, name) if number >= max(MOSTLY_AUTHORS, MOSTLY * authors) else (None, None)
