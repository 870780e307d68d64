"""How anything is drawn: sizes, the grid, text, one inking; charts.py says what. Altair makes the drawing, vl-convert
renders it, offline and with a font of its own.

A chart is drawn once, its colours as the names of the look's tokens: pages let their style sheet fill them in, pictures
are coloured in light and in dark."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from types import MappingProxyType
from typing import Any, Literal

import altair as alt
import vl_convert

from sentiment import wording

Theme = Literal["light", "dark"]
Align = Literal["left", "center", "right"]

# The part of the look's tokens that charts use (web/static/tokens.css has all of them).
PALETTE: Mapping[Theme, Mapping[str, str]] = MappingProxyType(
    {
        "light": {
            "surface": "#ffffff",
            "ink": "#181c19",
            "ink-3": "#5b625c",
            "rule": "#d3d6cc",
            "edge": "#757c76",
            "mistrust": "#934a10",
            "trust": "#285a88",
            "neither": "#5b625c",
        },
        "dark": {
            "surface": "#1b1f1c",
            "ink": "#eceee8",
            "ink-3": "#9fa69e",
            "rule": "#373d38",
            "edge": "#7f8780",
            "mistrust": "#e6a56d",
            "trust": "#8ab8e0",
            "neither": "#9fa69e",
        },
    }
)
# vl-convert carries Liberation Sans, so the list ends well on a machine without any font.
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
_AT = "at"
_HATCH = "url(#hatch)"
_PART_NAMES = re.compile(r' (?:aria-[a-z]+|role)="[^"]*"')
_TOKEN = re.compile(r"var\(--([a-z0-9-]+)\)")


@dataclass(frozen=True)
class Size:
    """Width and height of a drawing and its text, in CSS pixels; pictures have twice as many."""

    width: int
    height: int
    text: int


PAGE = Size(860, 300, 13)
PHONE = Size(340, 260, 13)
MAIL = Size(536, 250, 16)  # shown at two thirds on a phone, where its text is still 10 px
PAGE_COLUMNS = Size(860, 150, 13)
PHONE_COLUMNS = Size(320, 130, 13)
MAIL_COLUMNS = Size(536, 150, 16)


@dataclass(frozen=True)
class Table:
    """What a chart draws, as a table: its columns' names and its rows in words."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


NO_TABLE = Table((), ())


@dataclass(frozen=True)
class Told:
    """What is said of one place of a drawing when somebody points at it. `y`: where its ring stands; `sure`: there are
    enough authors for one value."""

    x: float
    words: str
    y: float | None = None
    sure: bool = True


@dataclass(frozen=True)
class Chart:
    """A drawing. `svg` takes its colours from the page's tokens (--ink, --mistrust, …) and has no ground of its own;
    `png(theme)` is a picture of twice the size on the theme's ground. `alt` says in words what is to be seen, `table`
    all of it. `spec` is what it was drawn from, as JSON that may stand in a script element: Vega-Lite whose parameter
    `at` is the place pointed at, and whose usermeta has its size and, in `told`, x, words and sure of each place."""

    svg: str
    alt: str
    size: Size
    spec: str
    table: Table

    def coloured(self, theme: Theme) -> str:
        """The drawing for a place without our style sheet, on the theme's ground."""
        colours = PALETTE[theme]
        ground = f'<rect width="100%" height="100%" fill="{colours["surface"]}"/>'
        head, rest = self.svg.split(">", 1)
        return f"{head}>{ground}{_TOKEN.sub(lambda token: colours[token[1]], rest)}"

    def png(self, theme: Theme = "light") -> bytes:
        return vl_convert.svg_to_png(self.coloured(theme), scale=2)

    @cached_property
    def pictures(self) -> Mapping[Theme, bytes]:
        """Light and dark."""
        return {"light": self.png("light"), "dark": self.png("dark")}


def grid(levels: Sequence[float], y: alt.Y, size: Size, language: str, *, shares: bool = True) -> list[alt.Chart]:
    """A line across for each level, its number above it on the left: percent, or counts."""
    across = {"x": alt.value(0), "x2": alt.value(size.width)}
    rows = [
        {"y": level, "t": wording.percent(level, language) if shares else wording.whole(level, language)}
        for level in levels
    ]
    return [
        layer(rows[1:]).mark_rule(stroke="var(--rule)").encode(y=y, **across),
        layer(rows[:1]).mark_rule(stroke="var(--edge)").encode(y=y, **across),
        text(rows, size, align="left", dy=-3).encode(x=alt.value(0), y=y, text="t:N"),
    ]


def layer(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """A layer over a few rows of its own, which still needs a mark."""
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))


def text(
    rows: Sequence[Mapping[str, Any]],
    size: Size,
    *,
    align: Align = "right",
    weight: Literal["normal", "bold"] = "normal",
    dy: float = 0,
) -> alt.Chart:
    """Words at each row; bold ones in ink, others softer. The caller encodes x, y and text."""
    colour = "var(--ink)" if weight == "bold" else "var(--ink-3)"
    words: alt.Chart = layer(rows).mark_text(
        align=align, baseline="alphabetic", dy=dy, font=FONT, fontSize=size.text, fontWeight=weight, fill=colour
    )
    return words


def scale(low: float, high: float, start: float, end: float) -> alt.Scale:
    """From values `low` to `high` to pixels `start` to `end`."""
    return alt.Scale(domain=[low, high], range=[start, end], nice=False, zero=False, clamp=False)


def pointer(told: Sequence[Told], x: alt.X, y: alt.Y, size: Size, floor: float) -> list[alt.Chart]:
    """A line and a ring where somebody points: the place numbered by the parameter `at`, none in a picture."""
    rows = [{"x": one.x, "y": one.y, "i": place} for place, one in enumerate(told)]
    line = layer(rows).mark_rule(stroke="var(--ink)").encode(x=x, y=alt.value(size.text), y2=alt.value(floor))
    rings = layer([row for row in rows if row["y"] is not None])
    ring = rings.mark_circle(size=size.text * 6, fill="var(--ink)", opacity=1).encode(x=x, y=y)
    return [one.transform_filter(f"datum.i === {_AT}") for one in (line, ring)]


def chart(
    layers: Sequence[alt.Chart], size: Size, words: str, colour: str, told: Sequence[Told] = (), table: Table = NO_TABLE
) -> Chart:
    """Renders the layers, the first lowest; layers without rows are left out. `colour` is the hatching's token."""
    kept = [one for one in layers if one.data.values]
    places = [{"x": one.x, "words": one.words, "sure": one.sure} for one in told]
    drawing = (
        alt.layer(*kept)
        .add_params(alt.param(name=_AT, value=-1))
        .properties(width=size.width, height=size.height, padding=0, autosize=alt.AutoSizeParams(type="none"))
        .properties(usermeta={"told": places, "width": size.width, "height": size.height})
        .configure(background="transparent", aria=False)
        .configure_view(stroke=None)
    )
    spec = drawing.to_dict()
    head, rest = vl_convert.vegalite_to_svg(spec).split(">", 1)
    hatch = (
        f'<defs><pattern id="hatch-{colour}" width="5" height="5" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate(-45)"><line x2="5" y1="2.5" y2="2.5" stroke="var(--{colour})"'
        ' stroke-width="1.5"/></pattern></defs>'
    )
    # a pattern's id is one of the whole page, so it names its colour; the sentence on the drawing says all, so that
    # its parts need no names of their own
    rest = _PART_NAMES.sub("", rest).replace(_HATCH, f"url(#hatch-{colour})")
    return Chart(
        svg=f'{head} role="img" aria-label="{escape(words)}">{hatch}{rest}',
        alt=words,
        size=size,
        spec=json.dumps(spec, separators=(",", ":"))
        .replace("<", "\\u003c")
        .replace("url(#hatch)", f"url(#hatch-{colour})"),
        table=table,
    )
