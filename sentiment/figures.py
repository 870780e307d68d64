"""What Today, the concerns page and the digest show: shares with their usual level, their series, and the concerns.

Reads author-days, places, and since when each source is heard; never the mentions, so that it costs the same whatever
their number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col

from config import clock
from listeners import rhythm
from listeners.tables import Place
from sentiment import counts, disclosure, ordinary, sums, trust
from sentiment.tables import ALL
from sentiment.taxonomy import CONCERNS
from sentiment.trust import Change, DayShare, Moved, Share, Show, Span, Sums

SERIES_DAYS = 42
MOSTLY = 1 / 3  # of a concern's authors: from here a place is where it mostly is
MOSTLY_AUTHORS = disclosure.LEAST

_Found = Mapping[Span, Sums]
Begun = Mapping[tuple[date, date], datetime | None]  # by first and last day: since when much of it is heard


@dataclass(frozen=True)
class Figure:
    """One share of authors over the last 7 whole days, against its usual level."""

    name: trust.Measure
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
class WeekCount:
    """Posts of the 7 days up to `day`."""

    day: date
    posts: int


@dataclass(frozen=True)
class PlaceAuthors:
    """At least so many authors of a concern named the place: whole fives, as sentiment.disclosure lets them."""

    place_id: int
    name: str
    authors: int


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
    `spark` is its mistrust over 6 weeks, a day at a time, empty while there are not enough days. `moved`: since when
    its mistrust lies higher or lower than usual, if it does. `negative`: posts with a negative tone; none at places.
    `tones`: the same as `spark`, of that tone; `weeks`: how many posts, `volume`: against what is usual; `places`: most
    first; all of one concern asked for alone."""

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
    moved: Moved | None = None
    negative: Share | None = None
    usual_negative: Share | None = None
    change_negative: Change | None = None
    tones: tuple[DayShare, ...] = ()
    weeks: tuple[WeekCount, ...] = ()
    volume: Volume | None = None
    places: tuple[PlaceAuthors, ...] = ()


def town(
    session: Session,
    now: datetime,
    zone: ZoneInfo,
    spans: trust.Windows | None = None,
    places: Sequence[int] = (),
    history: date | None = None,
    begun: Begun = MappingProxyType({}),
) -> tuple[Overview, list[ConcernRow]]:
    """The town as a whole and each concern that anybody raised, most authors first, as of `now`: of the last 7 days, or
    of `spans`; of posts that name one of these places, if any are given. `history`: the oldest author-day, and `begun`:
    what `since_when` asks, where they were read before. Concerns' shares are shrunk towards the whole's. At places a
    concern of fewer than five authors is left out, and counts are as sentiment.disclosure lets them."""
    spans, days = _days(session, now, zone, spans, history)
    found = sums.read(session, _wanted(spans, days), places)
    rows = _concerns(session, list(CONCERNS), found, spans, days, places)
    heard = _heard_since(session, spans, zone, begun)
    return _overview(found[ALL], spans, days, heard, bool(places)), sorted(
        rows, key=lambda row: (-row.authors, row.name)
    )


def concern(session: Session, now: datetime, zone: ZoneInfo, key: str) -> tuple[Overview, ConcernRow | None]:
    """One concern (none, if nobody raised it in the last 7 days) as among all in `town`, and the town that it is drawn
    towards, without the town's own series."""
    spans, days = _days(session, now, zone, None)
    heard = _heard_since(session, spans, zone)
    found = sums.read(session, {ALL: _town(spans, days), key: _town(spans, days)})
    rows = _concerns(session, [key], found, spans, days, ())
    if rows and spans.baseline_first is not None:
        rows = [
            replace(
                rows[0],
                tones=_rolling(found[key], days, found[ALL], "negative"),
                weeks=tuple(WeekCount(day, found[key][trust.week_to(day)].posts) for day in days),
                volume=_volume(found[key], spans, heard),
            )
        ]
    if rows:
        rows = [replace(rows[0], places=_places(session, key, spans))]
    return _overview(found[ALL], spans, (), heard, by_place=False), rows[0] if rows else None


def _places(session: Session, key: str, spans: trust.Windows) -> tuple[PlaceAuthors, ...]:
    """Where a concern's authors of these days put it; places that fewer than five named are left out."""
    authors = {
        place: disclosure.in_fives(number)
        for place, number in sums.read_places(session, [key], _here(spans)).get(key, {}).items()
        if number >= disclosure.LEAST
    }
    named = _named(session, set(authors))
    found = [PlaceAuthors(place, named[place], number) for place, number in authors.items() if place in named]
    return tuple(sorted(found, key=lambda one: (-one.authors, one.name)))


def _concerns(
    session: Session,
    keys: Sequence[str],
    found: Mapping[str, _Found],
    spans: trust.Windows,
    days: Sequence[date],
    places: Sequence[int],
) -> list[ConcernRow]:
    """The rows of those that anybody raised, in the order of `keys`."""
    whole, tone = (
        figure_of("mistrust", found[ALL], spans, None, None),
        figure_of("negative", found[ALL], spans, None, None),
    )
    where = sums.read_places(session, keys, _here(spans), places)
    rows: list[ConcernRow] = []
    for key in keys:
        figure = figure_of("mistrust", found[key], spans, whole.share, whole.usual)
        posts = found[key][_here(spans)].posts
        if places:
            figure, posts = _figure_by_place(figure), disclosure.in_fives(posts)
        if figure.share is None or not figure.share.authors:
            continue
        its_tone = figure_of("negative", found[key], spans, tone.share, tone.usual) if not places else None
        rows.append(
            ConcernRow(
                concern=key,
                name=CONCERNS[key].name,
                authors=figure.share.authors,
                posts=posts,
                mistrust=figure.share,
                usual=figure.usual,
                change=figure.change,
                mostly=None,
                mostly_place_id=_mostly(where.get(key, {}), figure.share.authors),
                spark=_rolling(found[key], days, found[ALL]) if spans.baseline_first is not None else (),
                moved=_moved(found[key], figure, spans) if not places else None,
                negative=its_tone.share if its_tone is not None else None,
                usual_negative=its_tone.usual if its_tone is not None else None,
                change_negative=its_tone.change if its_tone is not None else None,
            )
        )
    named = _named(session, {row.mostly_place_id for row in rows if row.mostly_place_id is not None})
    return [replace(row, mostly=named.get(row.mostly_place_id or 0)) for row in rows]


def out_of_date(
    session: Session,
    now: datetime,
    zone: ZoneInfo,
    others: Sequence[trust.Windows] = (),
    more: Iterable[sums.Wanted] = (),
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of KeptSum and of KeptPlaces that the day's overview, each concern and the overviews of `others` ask for,
    and that are not kept; and those of `more`."""
    history = counts.first_day(session)
    spans, series = _days(session, now, zone, None, history)
    wanted = {concern: set(_town(spans, series)) for concern in (ALL, *CONCERNS)}
    places = sums.places_out_of_date(session, list(CONCERNS), _here(spans))
    for other in others:
        for concern, its in _wanted(*_days(session, now, zone, other, history)).items():
            wanted[concern] |= set(its)
        places += sums.places_out_of_date(session, list(CONCERNS), _here(other))
    for one in more:
        for concern, asked in one.items():
            wanted.setdefault(concern, set()).update(asked)
    return sums.out_of_date(session, wanted), places


def both(spans: trust.Windows) -> list[Span]:
    """The days of the figures and, where there is one, those of their usual level."""
    usual = _usual(spans)
    return [_here(spans), *([usual] if usual else [])]


def _here(spans: trust.Windows) -> Span:
    """The days of the figures; more than a week of them in weeks, as their usual level is made: one vote in all would
    weigh those who post often less on this side than on that."""
    return Span(spans.first, spans.last, by_week=_days_of(spans) > trust.WEEK)


def _days_of(spans: trust.Windows) -> int:
    return (spans.last - spans.first).days + 1


def _usual(spans: trust.Windows) -> Span | None:
    if spans.baseline_first is None or spans.baseline_last is None:
        return None
    return Span(spans.baseline_first, spans.baseline_last, by_week=True)


def _baseline(spans: trust.Windows) -> list[Span]:
    """The days of the usual level, one by one."""
    if spans.baseline_first is None:
        return []
    days = (spans.baseline_first + timedelta(days=day) for day in range(_baseline_days(spans)))
    return [Span(day, day) for day in days]


def _since(spans: trust.Windows) -> list[Span]:
    """The days after those of the usual level, one by one: the guard's and the figures' own."""
    if spans.baseline_last is None:
        return []
    days = (spans.baseline_last + timedelta(days=day + 1) for day in range((spans.last - spans.baseline_last).days))
    return [Span(day, day) for day in days]


def _concern(spans: trust.Windows, series: Sequence[date]) -> list[Span]:
    return [*both(spans), *(trust.week_to(day) for day in series), *_since(spans)]


def _town(spans: trust.Windows, series: Sequence[date]) -> list[Span]:
    return [*_concern(spans, series), *_baseline(spans)]


def _wanted(spans: trust.Windows, series: Sequence[date]) -> dict[str, list[Span]]:
    each = _concern(spans, series)
    return {ALL: _town(spans, series)} | dict.fromkeys(CONCERNS, each)


def _rolling(
    found: _Found, days: Sequence[date], whole: _Found | None, measure: trust.Measure = "mistrust"
) -> tuple[DayShare, ...]:
    """For each day the mistrust (or the negative tone) of the 7 days up to it, one author one vote; a part's drawn
    towards its whole's of the same days, as the figure above the line is."""
    weeks = [trust.week_to(day) for day in days]
    priors = [trust.toward(trust.share_of(whole[week], measure) if whole is not None else None) for week in weeks]
    shares = (trust.share_of(found[week], measure, prior) for week, prior in zip(weeks, priors, strict=True))
    return tuple(DayShare(day, share) for day, share in zip(days, shares, strict=True))


def figure_of(
    name: trust.Measure,
    found: Mapping[Span, Sums],
    spans: trust.Windows,
    parent: Share | None,
    parent_usual: Share | None,
) -> Figure:
    """A share of these days against its usual level, each drawn towards the parent's of the same days, if any; `found`
    has what `both` asks for."""
    here = trust.share_of(found[_here(spans)], name, trust.toward(parent))
    week_by_week = _usual(spans)
    usual = trust.share_of(found[week_by_week], name, trust.toward(parent_usual)) if week_by_week else None
    change = trust.change(here, usual, enough_days=week_by_week is not None)
    if here is not None and here.show is not Show.VALUE and change.direction != "unknown":
        change = Change("unknown", why="authors")  # an arrow says more than a hatched bar may
    return Figure(name, here, usual, change)


def _moved(found: _Found, figure: Figure, spans: trust.Windows) -> Moved | None:
    """Since when a concern's mistrust lies higher or lower than usual; only where both values may be said, and where
    they differ that way as they are said."""
    share, usual, days = figure.share, figure.usual, _since(spans)
    if share is None or usual is None or {share.show, usual.show} != {Show.VALUE}:
        return None
    moved = trust.moved(
        [day.first for day in days],
        [found[day].mistrust for day in days],
        [found[day].authors for day in days],
        usual.value,
    )
    higher = round(100 * share.value) - round(100 * usual.value)
    return moved if moved is not None and (higher > 0 if moved.direction == "up" else higher < 0) else None


def _figure_by_place(figure: Figure) -> Figure:
    return replace(figure, share=_share_by_place(figure.share), usual=_share_by_place(figure.usual))


def _share_by_place(share: Share | None) -> Share | None:
    return replace(share, authors=disclosure.in_fives(share.authors)) if share is not None else None


def _volume_by_place(volume: Volume) -> Volume:
    if volume.usual is None or volume.usual_low is None or volume.usual_high is None:
        return replace(volume, posts=disclosure.in_fives(volume.posts))
    usual, low = (disclosure.in_fives(round(number)) for number in (volume.usual, volume.usual_low))
    high = disclosure.in_fives(volume.usual_high + disclosure.LEAST - 1)
    return Volume(disclosure.in_fives(volume.posts), float(usual), low, high)


def _baseline_days(spans: trust.Windows) -> int:
    if spans.baseline_first is None or spans.baseline_last is None:
        return 0
    return (spans.baseline_last - spans.baseline_first).days + 1


def since_when(spans: trust.Windows, zone: ZoneInfo) -> sa.Select[Any]:
    """Since when the sources are heard that brought much of what the days of these figures have."""
    first, last = (datetime.combine(day, time(), zone) for day in (spans.first, spans.last + timedelta(days=1)))
    return rhythm.since_when(clock.utc(first), clock.utc(last))


def _heard_since(
    session: Session, spans: trust.Windows, zone: ZoneInfo, known: Begun = MappingProxyType({})
) -> date | None:
    """The first whole day on which all sources were heard that brought much of what these days have; none where they
    always were."""
    days = spans.first, spans.last
    begun = known[days] if days in known else session.connection().execute(since_when(spans, zone)).scalar()
    return rhythm.whole_day(begun, zone)


def _volume(found: _Found, spans: trust.Windows, heard_since: date | None) -> Volume:
    """What is usual is of days on which as much was heard: old items of a feed, and days before a large source came,
    say nothing of it."""
    posts = found[_here(spans)].posts
    before = [day for day in _baseline(spans) if heard_since is None or day.first >= heard_since]
    if len(before) < trust.LEAST_BASELINE_DAYS:
        return Volume(posts, None, None, None)
    daily, on = [found[day].posts for day in before], [day.first.weekday() for day in before]
    days = [(spans.first + timedelta(days=day)).weekday() for day in range(_days_of(spans))]
    expected = ordinary.posts(daily, on, days)
    return Volume(posts, expected.usual, expected.low, expected.high)


def _days(
    session: Session, now: datetime, zone: ZoneInfo, spans: trust.Windows | None, history: date | None = None
) -> tuple[trust.Windows, list[date]]:
    """The days of the figures, and the last 42 whole days up to theirs that have 7 days of history up to them."""
    today = now.astimezone(zone).date()
    if spans is None:  # who knows the spans knows the history
        history = history or counts.first_day(session)
    spans = spans or trust.windows(today, history)
    today = min(today, spans.last + timedelta(days=1))
    if history is None:
        return spans, []
    history = min(history, spans.baseline_first or history)  # a month's may have been longer (sentiment.history)
    first = max(today - timedelta(days=SERIES_DAYS), history + timedelta(days=trust.WEEK - 1))
    return spans, [first + timedelta(days=day) for day in range((today - first).days)]


def _overview(
    found: _Found, spans: trust.Windows, series: Sequence[date], heard_since: date | None, by_place: bool
) -> Overview:
    figures = {name: figure_of(name, found, spans, None, None) for name in trust.MEASURES}
    volume, authors = _volume(found, spans, heard_since), found[_here(spans)].authors
    if by_place:
        figures = {name: _figure_by_place(figure) for name, figure in figures.items()}
        volume, authors = _volume_by_place(volume), disclosure.in_fives(authors)
    return Overview(
        first=spans.first,
        last=spans.last,
        baseline_days=_baseline_days(spans),
        authors=authors,
        mistrust=figures["mistrust"],
        trust=figures["trust"],
        negative=figures["negative"],
        volume=volume,
        series=_rolling(found, series, None),
    )


def _named(session: Session, places: set[int]) -> dict[int, str]:
    if not places:
        return {}
    rows = session.connection().execute(sa.select(col(Place.id), col(Place.name)).where(col(Place.id).in_(places)))
    return {number: name for number, name in rows if number is not None}


def _mostly(places: Mapping[int, int], authors: int) -> int | None:
    """The place where at least a third of the authors put it."""
    place_id, number = max(places.items(), key=lambda item: (item[1], -item[0]), default=(0, 0))
    return place_id if number >= max(MOSTLY_AUTHORS, MOSTLY * authors) else None
