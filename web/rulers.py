"""A figure on its ruler: where bar, ring and tick stand, and the words beside them. Pure; templates only place it.

Bar: 90% interval. Ring: value. Tick: the usual level. From 30 authors bar and ring; from 10 to 29 a hatched bar; under
10 an empty ruler."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from config.translations import translate
from sentiment import wording
from sentiment.trust import Share, Show

STEP = 0.2  # between the marks under a ruler
LEAST_TOP = 0.6


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
    return min(1.0, max(LEAST_TOP, ceil(highest / STEP - 1e-9) * STEP))


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
