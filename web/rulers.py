"""A figure on its ruler: where bar, ring and tick stand, and the words beside them; six weeks of it as a spark. Pure;
templates only place it.

Bar: 90% interval. Ring: value. Tick: the usual level. From 30 authors bar and ring; from 10 to 29 a hatched bar; under
10 an empty ruler."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil

from config.translations import translate
from sentiment import chart_words, wording
from sentiment.figures import Volume
from sentiment.trust import DayShare, Share, Show

STEP = 0.2  # between the marks under a ruler
LEAST_TOP = 0.6
SPARK_DAYS = 14  # fewer days with a value are not a trend


@dataclass(frozen=True)
class Ruler:
    """Positions in percent of the ruler's width. `show`: value, interval or nothing."""

    show: str
    low: float
    width: float
    value: float
    usual: float | None
    marks: tuple[tuple[float, str], ...]  # position, label
    words: str  # "24%", "18 to 47%", "Too few posts to say"
    beside: str  # "likely 21 to 27%"
    label: str  # all of it, for those who do not see it


def top(shares: Iterable[Share | None]) -> float:
    """The end of a ruler on which all these fit."""
    highest = max((share.high for share in shares if share is not None and share.show is not Show.NOTHING), default=0.0)
    return min(1.0, max(LEAST_TOP, round(ceil(highest / STEP - 1e-9) * STEP, 1)))


def ruler(name: str, share: Share | None, usual: Share | None, end: float, language: str) -> Ruler:
    """One share on a ruler from 0 to `end`."""
    _ = translate(language).gettext
    marks = tuple((round(100 * at * STEP / end, 1), f"{round(at * STEP * 100)}") for at in range(round(end / STEP) + 1))
    level = usual.value if usual is not None and usual.show is Show.VALUE else None
    place = round(100 * level / end, 1) if level is not None else None
    if share is None or share.show is Show.NOTHING:
        words = _("Too few posts to say")
        return Ruler("nothing", 0, 0, 0, None, marks, words, "", f"{name}: {words}")
    low, width = round(100 * share.low / end, 1), round(100 * (share.high - share.low) / end, 1)
    between = wording.between(share.low, share.high, language)
    if share.show is Show.INTERVAL:
        label = _("%(name)s: between %(between)s, too few authors for one value") % {"name": name, "between": between}
        return Ruler("interval", low, width, 0, place, marks, between, "", label)
    value = wording.percent(share.value, language)
    beside = _("likely %(between)s") % {"between": between}
    label = f"{name}: {value}, {beside}"
    if level is not None:
        label += ", " + _("usual %(level)s") % {"level": wording.percent(level, language)}
    return Ruler("value", low, width, round(100 * share.value / end, 1), place, marks, value, beside, label)


@dataclass(frozen=True)
class CountRuler:
    """A count, exact, on a ruler from 0: where it stands, and the open box of what is usual. Positions in percent."""

    value: float
    low: float
    width: float
    usual: float
    marks: tuple[tuple[float, str], ...]
    label: str


def count_ruler(name: str, found: Volume, language: str) -> CountRuler | None:
    """Posts against the posts of ordinary weeks; none while there are too few of those."""
    if found.usual is None or found.usual_low is None or found.usual_high is None:
        return None
    most = max(found.posts, found.usual_high, 4)
    step = next((size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500) if most / size <= 4), ceil(most / 4))
    end = step * ceil(most / step)
    usual = chart_words.usual_posts(found.usual_low, found.usual_high, language)
    return CountRuler(
        value=round(100 * found.posts / end, 1),
        low=round(100 * found.usual_low / end, 1),
        width=round(100 * (found.usual_high - found.usual_low) / end, 1),
        usual=round(100 * found.usual / end, 1),
        marks=tuple((round(100 * at / end, 1), wording.whole(at, language)) for at in range(0, end + 1, step)),
        label=f"{name}: {wording.whole(found.posts, language)}; {usual}",
    )


@dataclass(frozen=True)
class Spark:
    """SVG paths in a box of 100 by 100, 0 at its foot. `bands`: 90% intervals; `lines`: values; `last`: the height of
    the ring at the right end, none where the last day has no single value."""

    bands: tuple[str, ...]
    lines: tuple[str, ...]
    last: float | None


def spark(series: Sequence[DayShare], end: float) -> Spark | None:
    """A trend small enough for a table, on a scale from 0 to `end`; none when there are not enough days. As in the
    large chart, days of too few authors have only their interval, or are a gap."""
    shares = [one.share if one.share is not None and one.share.show is not Show.NOTHING else None for one in series]
    if sum(share is not None and share.show is Show.VALUE for share in shares) < SPARK_DAYS:
        return None
    step = 100 / (len(shares) - 1)

    def at(place: int, share: float) -> str:
        return f"{place * step:.1f} {100 - 100 * min(share, end) / end:.1f}"

    bands, lines = [], []
    for shown, run in groupby(enumerate(shares), lambda one: one[1] is not None):
        days = [(place, share) for place, share in run if share is not None]
        if shown and len(days) > 1:
            over = [at(place, share.high) for place, share in days]
            under = [at(place, share.low) for place, share in reversed(days)]
            bands.append("M" + " L".join(over + under) + "Z")
    for valued, run in groupby(enumerate(shares), lambda one: one[1] is not None and one[1].show is Show.VALUE):
        days = [(place, share) for place, share in run if share is not None]
        if valued and len(days) > 1:
            lines.append("M" + " L".join(at(place, share.value) for place, share in days))
    newest = shares[-1]
    last = 100 - 100 * min(newest.value, end) / end if newest is not None and newest.show is Show.VALUE else None
    return Spark(tuple(bands), tuple(lines), None if last is None else round(last, 1))
