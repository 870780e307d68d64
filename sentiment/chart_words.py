"""What charts show, in words: a sentence for the whole, a line for each place that is pointed at, a table of it all.

charts.py draws the same values."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from config.translations import translate
from sentiment import wording
from sentiment.columns import Column
from sentiment.drawing import Table, Told
from sentiment.figures import WeekCount
from sentiment.trust import Direction, Measure


@dataclass(frozen=True)
class TrendPoint:
    """A share of so many authors (0 to 1) over the days up to `day`, with its 90% interval. Without `value`: too few
    authors for one value, the interval is hatched. Without interval: too few to say, a gap."""

    day: date
    value: float | None
    low: float | None
    high: float | None
    authors: int = 0


@dataclass(frozen=True)
class Trend:
    """One measure's points, a day at a time and oldest first, against its usual level. `usual_days` and `last_days`
    are the spans that were compared, both ends included; `direction` is what came of it."""

    measure: Measure
    points: tuple[TrendPoint, ...]
    usual: float | None = None
    usual_days: tuple[date, date] | None = None
    last_days: tuple[date, date] | None = None
    direction: Direction = "unknown"


@dataclass(frozen=True)
class Weeks:
    """How many posts the 7 days up to each day had, oldest first. `usual`: of an ordinary week; 90% of them lie between
    `low` and `high`; none where the history is too short. The spans are as in a Trend."""

    points: tuple[WeekCount, ...]
    usual: float | None = None
    low: int | None = None
    high: int | None = None
    usual_days: tuple[date, date] | None = None
    last_days: tuple[date, date] | None = None


@dataclass(frozen=True)
class Columns:
    """Counts in equal steps of so many hours, oldest first, as alerts.py gives them; shown in `zone`."""

    columns: tuple[Column, ...]
    zone: ZoneInfo
    hours: int = 2


def trend_in_words(data: Trend, language: str = "en") -> str:
    """What a trend shows: the stretch of time, where it went, and how sure that is."""
    _ = translate(language).gettext
    name = {"mistrust": _("Mistrust"), "trust": _("Trust"), "negative": _("Negative tone")}[data.measure]
    if not data.points or all(point.low is None for point in data.points):
        return _("%(name)s: too few posts to say.") % {"name": name}
    said = _("%(name)s from %(first)s to %(last)s") % {
        "name": name,
        "first": wording.month_day(data.points[0].day, language),
        "last": wording.month_day(data.points[-1].day, language),
    }
    values = [point.value for point in data.points if point.value is not None]
    parts = []
    if values and wording.rounded(min(values)) != wording.rounded(max(values)):
        parts.append(_("values of %(range)s") % {"range": wording.between(min(values), max(values), language)})
    parts.append(_ending(data, language))
    if data.direction in ("up", "down", "steady") and data.points[-1].value is not None:
        parts.append(
            {"up": _("above its usual level"), "down": _("below its usual level"), "steady": _("no clear change")}[
                data.direction
            ]
        )
    if data.usual is not None:
        parts.append(_("usual %(usual)s") % {"usual": wording.percent(data.usual, language)})
    return f"{said}: {'; '.join(parts)}."


def _ending(data: Trend, language: str) -> str:
    _ = translate(language).gettext
    last = data.points[-1]
    if last.low is None or last.high is None:
        return _("too few posts to say at the end")
    interval = wording.between(last.low, last.high, language)
    if last.value is None:
        return _("at the end %(interval)s, too few authors for one value") % {"interval": interval}
    value = wording.percent(last.value, language)
    return _("at the end %(value)s, likely %(interval)s") % {"value": value, "interval": interval}


def weeks_in_words(data: Weeks, language: str = "en") -> str:
    """What the counts show: the stretch of time, the least and the most, the last week's and what is usual."""
    _ = translate(language).gettext
    if not data.points:
        return _("No posts.")
    posts = [point.posts for point in data.points]
    said = _("Posts in 7 days, from %(first)s to %(last)s: %(least)s to %(most)s; %(end)s at the end") % {
        "first": wording.month_day(data.points[0].day, language),
        "last": wording.month_day(data.points[-1].day, language),
        "least": wording.whole(min(posts), language),
        "most": wording.whole(max(posts), language),
        "end": wording.whole(posts[-1], language),
    }
    usual = usual_posts(data.low, data.high, language)
    return f"{said}; {usual}." if usual else f"{said}."


def usual_posts(low: int | None, high: int | None, language: str) -> str:
    """ "usually 44 to 81"; nothing where that cannot be said."""
    if low is None or high is None:
        return ""
    return translate(language).gettext("usually %(low)s to %(high)s") % {
        "low": wording.whole(low, language),
        "high": wording.whole(high, language),
    }


def of_week(place: int, point: WeekCount, data: Weeks, language: str) -> Told:
    """How many posts the days up to one day had."""
    catalogue = translate(language)
    words = catalogue.gettext("7 days up to %(day)s: %(posts)s") % {
        "day": wording.month_day(point.day, language),
        "posts": catalogue.ngettext("%(number)s post", "%(number)s posts", point.posts)
        % {"number": wording.whole(point.posts, language)},
    }
    usual = usual_posts(data.low, data.high, language)
    return Told(place, f"{words}; {usual}" if usual else words, point.posts)


def week_table(data: Weeks, language: str) -> Table:
    """A row for each day, newest first."""
    _ = translate(language).gettext
    rows = tuple(
        (wording.day(point.day, language), wording.whole(point.posts, language)) for point in reversed(data.points)
    )
    return Table((_("7 days up to"), _("Posts")), rows)


def columns_in_words(data: Columns, language: str = "en") -> str:
    """What columns show: how many there were, how many would be usual, and when most came."""
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    total = sum(column.posts for column in data.columns)
    if not data.columns:
        return _("No posts.")
    first, most = data.columns[0], max(data.columns, key=lambda column: column.posts)
    began, peak = first.start.astimezone(data.zone), most.start.astimezone(data.zone)
    said = ngettext("%(count)s post", "%(count)s posts", total) % {"count": wording.whole(total, language)}
    usual = sum(column.expected for column in data.columns)
    said += _(" since %(day)s %(hour)s; about %(usual)s would be usual") % {
        "day": wording.day(began.date(), language),
        "hour": wording.hour(began, language),
        "usual": wording.whole(usual, language),
    }
    if most.posts > 1:
        said += _("; most, %(count)s, in the %(hours)s hours from %(day)s %(clock)s") % {
            "count": wording.whole(most.posts, language),
            "hours": data.hours,
            "day": wording.day(peak.date(), language),
            "clock": wording.clock(peak, language),
        }
    return f"{said}."


def of_point(place: int, point: TrendPoint, language: str) -> Told:
    """Value, interval and number of authors of the days up to one day."""
    catalogue = translate(language)
    _ = catalogue.gettext
    said = _too_few_words(point, language)
    if point.value is not None and point.low is not None and point.high is not None:
        between = _("likely %(between)s") % {"between": wording.between(point.low, point.high, language)}
        said = f"{wording.percent(point.value, language)}, {between}"
    authors = catalogue.ngettext("%(number)s author", "%(number)s authors", point.authors) % {
        "number": wording.whole(point.authors, language)
    }
    words = _("7 days up to %(day)s: %(said)s; %(authors)s") % {
        "day": wording.month_day(point.day, language),
        "said": said,
        "authors": authors,
    }
    return Told(place, words, point.value, point.value is not None)


def _too_few_words(point: TrendPoint, language: str) -> str:
    _ = translate(language).gettext
    if point.low is None or point.high is None:
        return _("too few posts to say")
    interval = wording.between(point.low, point.high, language)
    return _("%(interval)s, too few authors for one value") % {"interval": interval}


def of_column(place: int, column: Column, data: Columns, language: str) -> Told:
    """How many came in one stretch, and how many are usual."""
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    began = column.start.astimezone(data.zone)
    words = _("%(hours)s hours from %(day)s %(hour)s: %(posts)s; usual: %(usual)s") % {
        "hours": data.hours,
        "day": wording.day(began.date(), language),
        "hour": wording.hour(began, language),
        "posts": ngettext("%(number)s post", "%(number)s posts", column.posts)
        % {"number": wording.whole(column.posts, language)},
        "usual": _amount(column.expected, language),
    }
    return Told(place + 0.5, words)


def _amount(number: float, language: str) -> str:
    return wording.whole(number, language) if number >= 1 else translate(language).gettext("fewer than 1")


def trend_table(data: Trend, language: str) -> Table:
    """A row for each day with posts, newest first."""
    _ = translate(language).gettext
    name = {"mistrust": _("Mistrust"), "trust": _("Trust"), "negative": _("Negative tone")}[data.measure]
    rows = tuple(
        (
            wording.day(point.day, language),
            wording.percent(point.value, language) if point.value is not None else "–",
            _("Too few posts to say")
            if point.low is None or point.high is None
            else wording.between(point.low, point.high, language),
            wording.whole(point.authors, language),
        )
        for point in reversed(data.points)
        if point.authors
    )
    return Table((_("7 days up to"), name, _("Likely"), _("Authors")), rows)


def column_table(data: Columns, language: str) -> Table:
    """A row for each stretch, newest first."""
    _ = translate(language).gettext
    rows = []
    for column in reversed(data.columns):
        began = column.start.astimezone(data.zone)
        when = f"{wording.day(began.date(), language)} {wording.hour(began, language)}"
        rows.append((when, wording.whole(column.posts, language), _amount(column.expected, language)))
    return Table((_("%(hours)s hours from") % {"hours": data.hours}, _("Posts"), _("Usual")), tuple(rows))
