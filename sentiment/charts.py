"""The one chart module: trends and columns as SVG and PNG, with a sentence that says what they show.

Pages, mail and reports draw here. Values come from figures.py and alerts.py, the inking from drawing.py, the words from
chart_words.py; the rulers of pages are macros of their own."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from math import ceil
from typing import Any

import altair as alt

from config.translations import translate
from sentiment import chart_words, drawing, wording
from sentiment.chart_words import Columns, Trend, TrendPoint, Weeks, columns_in_words, trend_in_words, weeks_in_words
from sentiment.columns import Column
from sentiment.drawing import MAIL, MAIL_COLUMNS, PAGE, PAGE_COLUMNS, PHONE, PHONE_COLUMNS, Align, Chart, Size, Told
from sentiment.figures import ConcernRow, Overview
from sentiment.trust import GUARD_DAYS, Change, DayShare, Measure, Share, Show

__all__ = [
    "MAIL",
    "MAIL_COLUMNS",
    "PAGE",
    "PAGE_COLUMNS",
    "PHONE",
    "PHONE_COLUMNS",
    "Chart",
    "Column",
    "Columns",
    "Size",
    "Trend",
    "TrendPoint",
    "Weeks",
    "columns",
    "columns_in_words",
    "mistrust_about",
    "mistrust_in_town",
    "points",
    "tone_about",
    "trend",
    "trend_in_words",
    "weeks",
    "weeks_about",
    "weeks_in_words",
]

_COLOUR: Mapping[Measure, str] = {"mistrust": "mistrust", "trust": "trust", "negative": "neither"}


def points(series: Sequence[DayShare]) -> tuple[TrendPoint, ...]:
    """A series of figures.py as points: what may not be said is left out here, once for all charts."""
    return tuple(_point(one) for one in series)


def _point(one: DayShare) -> TrendPoint:
    share = one.share
    if share is None or share.show is Show.NOTHING:
        return TrendPoint(one.day, None, None, None, share.authors if share is not None else 0)
    return TrendPoint(one.day, share.value if share.show is Show.VALUE else None, share.low, share.high, share.authors)


def mistrust_in_town(found: Overview) -> Trend:
    """The town's mistrust as a Trend."""
    return _trend("mistrust", found.series, found.mistrust.usual, found.mistrust.change, found)


def mistrust_about(row: ConcernRow, found: Overview) -> Trend:
    """One concern's mistrust as a Trend; `found` gives the days that were compared."""
    return _trend("mistrust", row.spark, row.usual, row.change, found)


def tone_about(row: ConcernRow, found: Overview) -> Trend:
    """The same of one concern's negative tone."""
    return _trend("negative", row.tones, row.usual_negative, row.change_negative or Change("unknown"), found)


def weeks_about(row: ConcernRow, found: Overview) -> Weeks:
    """How many posts were about one concern, against what is usual."""
    volume = row.volume
    return Weeks(
        points=row.weeks,
        usual=volume.usual if volume is not None else None,
        low=volume.usual_low if volume is not None else None,
        high=volume.usual_high if volume is not None else None,
        usual_days=_usual_days(found),
        last_days=(found.first, found.last),
    )


def _usual_days(found: Overview) -> tuple[date, date] | None:
    until = found.first - timedelta(days=GUARD_DAYS + 1)
    return (until - timedelta(days=found.baseline_days - 1), until) if found.baseline_days else None


def _trend(measure: Measure, series: Sequence[DayShare], usual: Share | None, change: Change, found: Overview) -> Trend:
    return Trend(
        measure=measure,
        points=points(series),
        usual=usual.value if usual is not None and usual.show is Show.VALUE else None,
        usual_days=_usual_days(found),
        last_days=(found.first, found.last),
        direction=change.direction,
    )


@lru_cache(maxsize=64)
def trend(data: Trend, size: Size = PAGE, language: str = "en") -> Chart:
    """Line and 90% band where there is one value, hatched columns where there is only an interval, a gap where there is
    neither; the usual level dashed."""
    told = tuple(chart_words.of_point(place, point, language) for place, point in enumerate(data.points))
    return drawing.chart(
        _trend_layers(data, size, language, told),
        size,
        trend_in_words(data, language),
        _COLOUR[data.measure],
        told,
        chart_words.trend_table(data, language),
    )


@lru_cache(maxsize=64)
def weeks(data: Weeks, size: Size = PAGE, language: str = "en") -> Chart:
    """A line of exact counts; what is usual is an open box across, its middle dashed."""
    told = tuple(chart_words.of_week(place, point, data, language) for place, point in enumerate(data.points))
    layers = _week_layers(data, size, language, told)
    return drawing.chart(
        layers, size, weeks_in_words(data, language), "neither", told, chart_words.week_table(data, language)
    )


@lru_cache(maxsize=64)
def columns(data: Columns, size: Size = PAGE_COLUMNS, language: str = "en") -> Chart:
    """A column for each stretch, ink where it is over what is usual, and the usual level dashed across."""
    told = tuple(chart_words.of_column(place, column, data, language) for place, column in enumerate(data.columns))
    layers = _column_layers(data, size, language, told)
    return drawing.chart(
        layers, size, columns_in_words(data, language), "neither", told, chart_words.column_table(data, language)
    )


def _trend_layers(data: Trend, size: Size, language: str, told: Sequence[Told]) -> list[alt.Chart]:
    _ = translate(language).gettext
    last = max(0, len(data.points) - 1)
    seen = [point.high for point in data.points if point.high is not None] + [data.usual or 0.0]
    step = 0.1 if max(seen) <= 0.5 else 0.2
    top = step * max(2, ceil(max(seen) / step - 1e-9))
    foot = size.text * (3.9 if data.last_days else 1.8)
    x = alt.X(
        "x:Q", axis=None, scale=drawing.scale(min(0, last - 1), last, size.text * 3.2, size.width - size.text * 0.5)
    )
    y = alt.Y("y:Q", axis=None, scale=drawing.scale(0, top, size.height - foot, size.text * 1.5))
    colour = f"var(--{_COLOUR[data.measure]})"
    layers = drawing.grid([step * i for i in range(round(top / step) + 1)], y, size, language)

    hatched = [
        {"x": i - 0.28, "x2": i + 0.28, "y": point.low, "y2": point.high}
        for i, point in enumerate(data.points)
        if point.value is None and point.low is not None
    ]
    layers.append(drawing.layer(hatched).mark_rect(fill="url(#hatch)").encode(x=x, x2="x2", y=y, y2="y2"))
    shown = _segments(data.points)
    layers.append(
        drawing.layer(shown).mark_area(fill=colour, fillOpacity=0.2).encode(x=x, y=y, y2="y2", detail="segment:N")
    )
    if data.usual is not None:
        usual = drawing.layer([{"x": min(0, last - 1), "x2": last, "y": data.usual}])
        layers.append(
            usual.mark_rule(stroke="var(--ink)", strokeWidth=1.5, strokeDash=[6, 4]).encode(x=x, x2="x2", y=y)
        )
    line = drawing.layer(shown).mark_line(stroke=colour, strokeWidth=2.5, strokeJoin="round", strokeCap="round")
    layers.append(line.encode(x=x, y=alt.Y("value:Q", axis=None, scale=y["scale"]), detail="segment:N"))
    layers += _alone(shown, x, y, colour)
    layers += _too_few(data, size, x, y, data.usual or top / 2, _("too few"))
    if not data.points:
        said = drawing.text([{"y": top / 2, "t": _("Too few posts to say")}], size, align="center", dy=-7)
        layers.append(said.encode(x=alt.value(size.width / 2), y=y, text="t:N"))

    end = data.points[-1] if data.points else None
    if end is not None and end.low is not None and end.high is not None:
        words = wording.between(end.low, end.high, language)
        if end.value is not None:
            words = wording.percent(end.value, language)
        wide = ceil(0.6 * size.text * len(words) * len(data.points) / size.width)  # days that the words would stand on
        above = max(point.high for point in data.points[-wide:] if point.high is not None)
        if end.value is not None:
            ring = drawing.layer([{"x": last, "y": end.value}])
            layers.append(
                ring.mark_circle(
                    size=size.text * 6, fill="var(--surface)", stroke=colour, strokeWidth=2.5, opacity=1
                ).encode(x=x, y=y)
            )
        layers.append(
            drawing.text([{"y": above, "t": words}], size, weight="bold", dy=-6).encode(
                x=alt.value(size.width), y=y, text="t:N"
            )
        )
    layers += _days(data, last, size, x, size.height - foot, language)
    return layers + drawing.pointer(told, x, y, size, size.height - foot)


def _week_layers(data: Weeks, size: Size, language: str, told: Sequence[Told]) -> list[alt.Chart]:
    last = max(0, len(data.points) - 1)
    step, top = _whole_steps(max([point.posts for point in data.points] + [data.high or 0, 4]))
    foot = size.text * (3.9 if data.last_days else 1.8)
    x = alt.X(
        "x:Q", axis=None, scale=drawing.scale(min(0, last - 1), last, size.text * 3.2, size.width - size.text * 0.5)
    )
    y = alt.Y("y:Q", axis=None, scale=drawing.scale(0, top, size.height - foot, size.text * 1.5))
    layers = drawing.grid([step * i for i in range(top // step + 1)], y, size, language, shares=False)
    if data.usual is not None and data.low is not None and data.high is not None:
        box = drawing.layer([{"x": min(0, last - 1), "x2": last, "y": data.low, "y2": data.high}])
        layers.append(
            box.mark_rect(fill="var(--surface)", stroke="var(--ink-3)", strokeWidth=1).encode(
                x=x, x2="x2", y=y, y2="y2"
            )
        )
        usual = drawing.layer([{"x": min(0, last - 1), "x2": last, "y": data.usual}])
        layers.append(
            usual.mark_rule(stroke="var(--ink)", strokeWidth=1.5, strokeDash=[6, 4]).encode(x=x, x2="x2", y=y)
        )
    rows = [{"x": place, "y": point.posts} for place, point in enumerate(data.points)]
    line = drawing.layer(rows).mark_line(stroke="var(--ink)", strokeWidth=2.5, strokeJoin="round", strokeCap="round")
    layers.append(line.encode(x=x, y=y))
    if rows:
        dot = drawing.layer(rows[-1:]).mark_circle(size=size.text * 6, fill="var(--ink)", opacity=1)
        layers.append(dot.encode(x=x, y=y))
        said = [{"y": rows[-1]["y"], "t": wording.whole(rows[-1]["y"], language)}]
        layers.append(drawing.text(said, size, weight="bold", dy=-10).encode(x=alt.value(size.width), y=y, text="t:N"))
    layers += _days(data, last, size, x, size.height - foot, language)
    return layers + drawing.pointer(told, x, y, size, size.height - foot)


def _whole_steps(most: int) -> tuple[int, int]:
    """How far apart the levels of counts up to `most` lie, and where the last one is."""
    step = next((step for step in (2, 5, 10, 20, 50, 100, 200, 500, 1000) if most / step <= 3), ceil(most / 3))
    return step, step * ceil(most / step)


def _segments(series: Sequence[TrendPoint]) -> list[dict[str, Any]]:
    """The points with one value, numbered by unbroken run, so that no line is drawn across a gap."""
    found: list[dict[str, Any]] = []
    run = 0
    for index, point in enumerate(series):
        if point.value is None:
            run += 1
        else:
            found.append({"x": index, "y": point.low, "y2": point.high, "value": point.value, "segment": run})
    return found


def _alone(shown: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y, colour: str) -> list[alt.Chart]:
    """A value between two gaps makes no line: a dot on its interval."""
    runs = [row["segment"] for row in shown]
    lonely = [dict(row) for row in shown if runs.count(row["segment"]) == 1]
    return [
        drawing.layer(lonely).mark_rule(stroke=colour, strokeOpacity=0.2, strokeWidth=6).encode(x=x, y=y, y2="y2"),
        drawing.layer(lonely)
        .mark_circle(size=20, fill=colour, opacity=1)
        .encode(x=x, y=alt.Y("value:Q", axis=None, scale=y["scale"])),
    ]


def _too_few(data: Trend, size: Size, x: alt.X, y: alt.Y, level: float, words: str) -> list[alt.Chart]:
    """The words over every gap that is wide enough for them."""
    day = size.width / max(2, len(data.points))
    gaps: list[dict[str, Any]] = []
    start = 0
    for index, point in enumerate([*data.points, None]):
        if point is not None and point.low is None:
            continue
        if (index - start) * day > size.text * 4:
            gaps.append({"x": (start + index - 1) / 2, "y": level, "t": words})
        start = index + 1
    return [drawing.text(gaps, size, align="center", dy=-7).encode(x=x, y=y, text="t:N")]


def _days(data: Trend | Weeks, last: int, size: Size, x: alt.X, floor: float, language: str) -> list[alt.Chart]:
    """Dates under the drawing, and the two spans that were compared."""
    layers: list[alt.Chart] = []
    if not data.points:
        return layers
    marks: dict[int, Align] = {0: "left", last // 2: "center", last: "right"}  # of two on one day, the later
    for index, align in marks.items():
        date_of = [{"x": index, "t": wording.day(data.points[index].day, language)}]
        where: dict[str, Any] = {"y": alt.value(floor + size.text * 1.15), "text": "t:N"}
        if index == last:
            layers.append(drawing.text(date_of, size).encode(x=alt.value(size.width), **where))
        elif index == 0 or size.width > size.text * 24:
            layers.append(drawing.text(date_of, size, align=align).encode(x=x, **where))
    if data.last_days is None:
        return layers
    _ = translate(language).gettext
    spans: list[tuple[tuple[date, date], str, Align]] = [
        (data.last_days, _("last %(days)s days") % {"days": (data.last_days[1] - data.last_days[0]).days + 1}, "right")
    ]
    if data.usual_days is not None:
        length = (data.usual_days[1] - data.usual_days[0]).days + 1
        spans.append((data.usual_days, _("usual level: %(days)s days") % {"days": length}, "left"))
    first = data.points[0].day
    line = floor + size.text * 1.9
    for (start, end), words, align in spans:
        low, high = max(0, (start - first).days), min(last, (end - first).days)
        if high <= low:
            continue
        ends = drawing.layer([{"x": low, "x2": high}])
        layers.append(ends.mark_rule(stroke="var(--ink-3)").encode(x=x, x2="x2", y=alt.value(line)))
        ticks = drawing.layer([{"x": low}, {"x": high}]).mark_rule(stroke="var(--ink-3)")
        layers.append(ticks.encode(x=x, y=alt.value(line - 4), y2=alt.value(line + 4)))
        label = drawing.text([{"x": high if align == "right" else low, "t": words}], size, align=align)
        at = alt.value(size.width) if align == "right" else x
        layers.append(label.encode(x=at, y=alt.value(line + size.text * 1.35), text="t:N"))
    return layers


def _column_layers(data: Columns, size: Size, language: str, told: Sequence[Told]) -> list[alt.Chart]:
    many = len(data.columns)
    most = max([column.posts for column in data.columns] + [ceil(column.expected) for column in data.columns] + [4])
    step, top = _whole_steps(most)
    floor = size.height - size.text * 1.8
    x = alt.X("x:Q", axis=None, scale=drawing.scale(0, max(1, many), size.text * 2.4, size.width))
    y = alt.Y("y:Q", axis=None, scale=drawing.scale(0, top, floor, size.text * 1.5))
    layers = drawing.grid([step * i for i in range(top // step + 1)], y, size, language, shares=False)
    rows: list[dict[str, Any]] = [
        {"x": i + 0.16, "x2": i + 0.84, "y": column.posts, "over": column.over}
        for i, column in enumerate(data.columns)
        if column.posts
    ]
    for over, colour in ((False, "var(--ink-3)"), (True, "var(--ink)")):
        chosen = [row for row in rows if row["over"] is over]
        layers.append(drawing.layer(chosen).mark_rect(fill=colour).encode(x=x, x2="x2", y=y, y2=alt.value(floor)))
    steps = [{"x": i, "y": column.expected} for i, column in enumerate(data.columns)]
    steps += [{"x": many, "y": column.expected} for column in data.columns[-1:]]
    dashed = drawing.layer(steps).mark_line(
        interpolate="step-after", stroke="var(--ink)", strokeWidth=1.5, strokeDash=[6, 4]
    )
    layers.append(dashed.encode(x=x, y=y))
    days = [column.start.astimezone(data.zone).date() for column in data.columns]
    labels: list[dict[str, Any]] = [
        {"x": i, "t": wording.day(day, language)} for i, day in enumerate(days) if i == 0 or day != days[i - 1]
    ]
    room = size.text * 4
    apart: list[dict[str, Any]] = []
    for row in labels:
        left = row["x"] * size.width / max(1, many)
        if left > size.width - room or (apart and left - apart[-1]["x"] * size.width / max(1, many) < room):
            continue
        apart.append(row)
    layers.append(
        drawing.text(apart, size, align="left").encode(x=x, y=alt.value(floor + size.text * 1.15), text="t:N")
    )
    return layers + drawing.pointer(told, x, y, size, floor)
