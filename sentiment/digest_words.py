"""The digest's sentences on figures, concerns, alerts and quotes: from numbers to words by rules. Pure.

Two rules hold everywhere: a direction is named only where the figures name one, and of two numbers in one sentence
each is rounded as the reader sees it, so that nobody who subtracts them finds another result."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from config.translations import translate
from sentiment import disclosure, wording
from sentiment.figures import ConcernRow, Figure, Overview, Volume
from sentiment.quotes import Quote
from sentiment.taxonomy import CONCERNS
from sentiment.trust import FROM_INTERVAL, LAST_DAYS, Change, Share, Show

STEADY_POINTS = 0.08  # "steady" says that a change of this size would have shown (the size that alarms are tuned to)
_QUOTE_LENGTH = 240
_PHRASES = 3
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class FigureWords:
    """One figure: the number, what it is, its interval, and below it the base. `wide`: the number is a range."""

    number: str
    name: str
    beside: str
    below: str
    wide: bool = False


@dataclass(frozen=True)
class QuoteWords:
    """Somebody's words, and where they stood; never who said them."""

    text: str
    language: str
    where: str


@dataclass(frozen=True)
class ConcernWords:
    """One concern: its name and how it stands, and the sentences. `path` leads to its alert."""

    heading: str
    body: str
    quote: QuoteWords | None
    path: str | None = None


def one_line(text: str) -> str:
    """Without line ends and control characters: titles and names come from people."""
    return _SPACE.sub(" ", text).strip()


def can_compare(found: Overview) -> bool:
    """Whether the town's mistrust can be held against its usual level."""
    return found.mistrust.change.direction != "unknown"


def of_a_week(found: Overview) -> bool:
    """Whether the figures are of the last 7 days, as all but a month's are."""
    return (found.last - found.first).days + 1 == LAST_DAYS


def trust(found: Overview, language: str) -> str:
    """The headline's first sentence."""
    _ = translate(language).gettext
    share = found.mistrust.share
    if share is None or share.show is Show.NOTHING:
        return _("Too few posts to say how trust stands.")
    if not found.baseline_days:
        return (
            _("Not enough days yet to say whether trust moved.")
            if of_a_week(found)
            else _("Not enough days before the month to say whether trust moved.")
        )
    mistrust, trust_ = found.mistrust.change, found.trust.change
    sentences = {
        ("up", "down"): _("Trust is down, mistrust is up."),
        ("down", "up"): _("Trust is up, mistrust is down."),
        ("up", "up"): _("Mistrust and trust are both up."),
        ("down", "down"): _("Mistrust and trust are both down."),
        ("unknown", "unknown"): _("Cannot say yet whether trust moved."),
        ("steady", "unknown"): _("No clear change in mistrust."),
    }
    both = (mistrust.direction, trust_.direction)
    if both in sentences:
        return sentences[both]
    if mistrust.direction in ("up", "down"):
        return _("Mistrust is up.") if mistrust.direction == "up" else _("Mistrust is down.")
    if trust_.direction in ("up", "down"):
        return _("Trust is up.") if trust_.direction == "up" else _("Trust is down.")
    return _("Trust is steady.") if _steady(mistrust) and _steady(trust_) else _("No clear change in trust.")


def _steady(change: Change) -> bool:
    """Steady is more than "no clear change": the interval leaves no room for a change of 8 points either."""
    if change.direction != "steady" or change.low is None or change.high is None:
        return False
    return change.low > -STEADY_POINTS and change.high < STEADY_POINTS


def figures(found: Overview, language: str) -> tuple[FigureWords, ...]:
    """Mistrust, trust, and all posts."""
    _ = translate(language).gettext
    named = ((found.mistrust, _("Posts voicing mistrust")), (found.trust, _("Posts voicing trust")))
    shares = [_figure(figure, name, found, language) for figure, name in named]
    return (*shares, _posts(found, language))


def _figure(figure: Figure, name: str, found: Overview, language: str) -> FigureWords:
    _ = translate(language).gettext
    share = figure.share
    period = wording.days(found.first, found.last, language)
    base = _("%(authors)s, %(days)s.") % {
        "authors": authors_in_words(share.authors if share else 0, language),
        "days": period,
    }
    if share is None or share.show is Show.NOTHING:
        shown = _("Shown from %(count)s.") % {"count": FROM_INTERVAL}
        return FigureWords("–", name, _("too few posts to say"), f"{base} {shown}")
    level = usual(figure.usual, language)
    interval = wording.between(share.low, share.high, language)
    if share.show is Show.INTERVAL:
        number = f"{wording.rounded(share.low)}–{wording.percent(share.high, language)}"
        return FigureWords(number, name, _("too few authors for one value"), f"{base} {level}", wide=True)
    moved = change(figure.change, share, figure.usual, language)
    below = f"{base} {level} {moved}".rstrip()
    return FigureWords(wording.percent(share.value, language), name, _("likely %(range)s") % {"range": interval}, below)


def authors_in_words(number: int, language: str) -> str:
    """As "412 authors"."""
    words = translate(language).ngettext("%(count)s author", "%(count)s authors", number)
    return words % {"count": wording.whole(number, language)}


def posts_in_words(number: int, language: str) -> str:
    """As "412 posts"."""
    words = translate(language).ngettext("%(count)s post", "%(count)s posts", number)
    return words % {"count": wording.whole(number, language)}


def authors_at_place(number: int, language: str) -> str:
    """As "at least 10 authors", or "fewer than 5 authors": no more is said by place."""
    _, shown = translate(language).gettext, disclosure.in_fives(number)
    words = _("at least %(count)s authors") if shown else _("fewer than %(count)s authors")
    return words % {"count": wording.whole(shown or disclosure.LEAST, language)}


def posts_at_place(number: int, language: str) -> str:
    """As "at least 10 posts", or "fewer than 5 posts": no more is said by place."""
    _, shown = translate(language).gettext, disclosure.in_fives(number)
    words = _("at least %(count)s posts") if shown else _("fewer than %(count)s posts")
    return words % {"count": wording.whole(shown or disclosure.LEAST, language)}


def usual(level: Share | None, language: str) -> str:
    """As "Usual 23%.", as sure as the level itself is."""
    _ = translate(language).gettext
    if level is None or level.show is Show.NOTHING:
        return _("Usual level not known yet.")
    if level.show is Show.INTERVAL:
        return _("Usually %(range)s.") % {"range": wording.between(level.low, level.high, language)}
    return _("Usual %(value)s.") % {"value": wording.percent(level.value, language)}


def change(moved: Change, share: Share, level: Share | None, language: str) -> str:
    """As "Up 11 points."; nothing where there is no clear change. The number is that of the two figures shown."""
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if moved.direction not in ("up", "down"):
        return ""
    up = moved.direction == "up"
    points = abs(wording.rounded(share.value) - wording.rounded(level.value)) if level is not None else 0
    if points == 0 or level is None or level.show is not Show.VALUE:
        return _("Up.") if up else _("Down.")
    words = (
        ngettext("Up %(count)s point.", "Up %(count)s points.", points)
        if up
        else ngettext("Down %(count)s point.", "Down %(count)s points.", points)
    )
    return words % {"count": points}


def _posts(found: Overview, language: str) -> FigureWords:
    _ = translate(language).gettext
    said = found.volume
    beside = _("usual number not known yet")
    below = _("By %(authors)s, %(days)s.") % {
        "authors": authors_in_words(found.authors, language),
        "days": wording.days(found.first, found.last, language),
    }
    if said.usual is not None and said.usual_low is not None and said.usual_high is not None:
        beside = _("usually %(low)s to %(high)s") % {
            "low": wording.whole(said.usual_low, language),
            "high": wording.whole(said.usual_high, language),
        }
        below = " ".join([below, _("Usual %(value)s.") % {"value": wording.whole(said.usual, language)}])
    return FigureWords(wording.whole(said.posts, language), _("All posts"), beside, below)


def unusual(volume: Volume) -> bool:
    """Whether there were more or fewer posts than in nine of ten ordinary weeks."""
    if volume.usual_low is None or volume.usual_high is None:
        return False
    return not volume.usual_low <= volume.posts <= volume.usual_high


def volume(said: Volume, language: str) -> str:
    """A sentence if the number of posts is unusual, else nothing."""
    _ = translate(language).gettext
    if not unusual(said) or said.usual_low is None or said.usual_high is None:
        return ""
    more = said.posts > said.usual_high
    words = (
        _("More posts than usual: %(posts)s, usually %(low)s to %(high)s.")
        if more
        else _("Fewer posts than usual: %(posts)s, usually %(low)s to %(high)s.")
    )
    return words % {
        "posts": wording.whole(said.posts, language),
        "low": wording.whole(said.usual_low, language),
        "high": wording.whole(said.usual_high, language),
    }


def in_one_line(found: Overview, language: str) -> str:
    """The town's mistrust in one line, for the preheader."""
    _ = translate(language).gettext
    share = found.mistrust.share
    if share is None or share.show is Show.NOTHING:
        return _("Too few posts to say how much mistrust there is.")
    interval = wording.between(share.low, share.high, language)
    if share.show is Show.INTERVAL:
        return _("Mistrust %(range)s.") % {"range": interval}
    words = _("Mistrust %(value)s, likely %(range)s.")
    said = words % {"value": wording.percent(share.value, language), "range": interval}
    return f"{said} {usual(found.mistrust.usual, language)}" if found.mistrust.usual else said


def moved(rows: Sequence[ConcernRow], language: str) -> str:
    """Which concerns' mistrust rose or fell, as one sentence."""
    _ = translate(language).gettext
    parts = []
    for direction, words in (
        ("up", _("Mistrust is up in: %(names)s.")),
        ("down", _("Mistrust is down in: %(names)s.")),
    ):
        names = [_(row.name) for row in rows if row.change.direction == direction]
        if names:
            parts.append(words % {"names": "; ".join(names)})
    return " ".join(parts)


def since(row: ConcernRow, language: str) -> str:
    """Since about when a concern's mistrust lies higher or lower than usual, with all that belongs to it; empty if it
    does not."""
    _ = translate(language).gettext
    if row.moved is None or row.mistrust is None or row.usual is None:
        return ""
    words = (
        _(
            "%(name)s: mistrust rose around %(day)s. "
            "%(value)s in the last 7 days (90%% interval %(range)s), usual %(level)s."
        )
        if row.moved.direction == "up"
        else _(
            "%(name)s: mistrust fell around %(day)s. "
            "%(value)s in the last 7 days (90%% interval %(range)s), usual %(level)s."
        )
    )
    return words % {
        "name": _(row.name),
        "day": wording.day(row.moved.around, language),
        "value": wording.percent(row.mistrust.value, language),
        "range": wording.between(row.mistrust.low, row.mistrust.high, language),
        "level": wording.percent(row.usual.value, language),
    }


def against(found: Overview, rows: Sequence[ConcernRow], language: str) -> str:
    """The figures and concerns against their baseline, in a sentence or two."""
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    days = found.baseline_days
    if not days and not of_a_week(found):
        return _("Usual levels need 14 days of posts before the month; fewer are kept.")
    if not days:
        return _("Usual levels need 14 days of posts; they follow by themselves.")
    words = ngettext("Against the last %(count)s day:", "Against the last %(count)s days:", days)
    if not of_a_week(found):
        words = ngettext("Against the %(count)s day before:", "Against the %(count)s days before:", days)
    words = words % {"count": days}
    if not can_compare(found) and not rows:
        return _("%(against)s too few posts to say.") % {"against": words}
    parts = []
    for figure, up, down in (
        (found.mistrust, _("mistrust up"), _("mistrust down")),
        (found.trust, _("trust up"), _("trust down")),
    ):
        if figure.change.direction in ("up", "down"):
            parts.append(up if figure.change.direction == "up" else down)
    for row in rows:
        words_ = _("mistrust up in “%(name)s”") if row.change.direction == "up" else _("mistrust down in “%(name)s”")
        parts.append(words_ % {"name": _(row.name)})
    parts.append(_("else no clear change") if parts else _("no clear change"))
    return f"{words} {', '.join(parts)}."


def state(row: ConcernRow, language: str) -> str:
    """How a concern stands, in a word or three."""
    _ = translate(language).gettext
    directions = {"up": _("up"), "down": _("down"), "steady": _("no clear change"), "unknown": _("cannot say yet")}
    return directions[row.change.direction]


def concern(row: ConcernRow, language: str) -> str:
    """A concern's mistrust with all that belongs to the figure."""
    _ = translate(language).gettext
    share = row.mistrust
    count = authors_in_words(row.authors, language)
    if share is None or share.show is Show.NOTHING:
        return _("%(authors)s: too few posts to say how much mistrust.") % {"authors": count}
    interval = wording.between(share.low, share.high, language)
    if share.show is Show.INTERVAL:
        words = _("Mistrust %(range)s; %(authors)s are too few for one value.")
        said = words % {"range": interval, "authors": count}
    else:
        words = _("Mistrust %(value)s, likely %(range)s, %(authors)s.")
        value = wording.percent(share.value, language)
        said = words % {"value": value, "range": interval, "authors": count}
        said = f"{said} {usual(row.usual, language)}"
    if not row.mostly:
        return said
    return " ".join([said, _("Mostly %(place)s.") % {"place": one_line(row.mostly)}])


def alert(
    *,
    posts: int,
    authors: int,
    expected: float,
    by_place: bool,
    since: datetime,
    keyphrases: Sequence[str],
    today: date,
    language: str,
) -> str:
    """What an alert saw: "17 posts by 14 authors since Monday; about 3 authors would be usual. Often in them: “crossing
    guard”."; at a place "At least 15 posts by at least 10 authors". `expected` is authors, `since` in the zone that is
    shown."""
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    said = _("%(posts)s by %(authors)s since %(when)s;") % {
        "posts": posts_at_place(posts, language) if by_place else posts_in_words(posts, language),
        "authors": authors_at_place(authors, language) if by_place else authors_in_words(authors, language),
        "when": when(since, today, language),
    }
    said = said[:1].upper() + said[1:]
    about = round(expected)
    if about == 0:
        said = " ".join([said, _("fewer than 1 would be usual.")])
    else:
        words = ngettext("about %(count)s author would be usual.", "about %(count)s authors would be usual.", about)
        said = f"{said} {words % {'count': wording.whole(about, language)}}"
    if not keyphrases:
        return said
    listed = ", ".join(f"“{one_line(phrase)}”" for phrase in keyphrases[:_PHRASES])
    return " ".join([said, _("Often in them: %(phrases)s.") % {"phrases": listed}])


def alert_title(title: str, concern: str, language: str) -> str:
    """An alert's title in the reader's language where it is one of our own sentences (alerts.py makes them in English);
    what names something new stays in the words of the posts."""
    _ = translate(language).gettext
    name = CONCERNS[concern].name if concern in CONCERNS else concern
    ours = re.fullmatch(rf"{re.escape(name)}(?: near (?P<place>.+))?: (?P<far>far )?more than usual", title)
    if ours is None:
        return one_line(title)
    words = {
        (True, True): _("%(concern)s near %(place)s: far more than usual"),
        (True, False): _("%(concern)s near %(place)s: more than usual"),
        (False, True): _("%(concern)s: far more than usual"),
        (False, False): _("%(concern)s: more than usual"),
    }[bool(ours["place"]), bool(ours["far"])]
    return one_line(words % {"concern": _(name), "place": ours["place"]})


def own_title(kind: str, title: str, concern: str, place: str | None, language: str) -> str:
    """The same without words of posts, which expire: for what leaves the desk or is kept longer, as chat rooms,
    programs and the subjects of mails. `kind` and `place` (its name) as of the alert."""
    if kind == "cell":
        return alert_title(title, concern, language)
    _ = translate(language).gettext
    name = _(CONCERNS[concern].name) if concern in CONCERNS else concern
    words = _("New: %(concern)s near %(place)s") if place else _("New: %(concern)s")
    return one_line(words % {"concern": name, "place": place})


def when(local: datetime, today: date, language: str) -> str:
    """An instant of the past as people say it after "since": the hour today, "Monday" within a week, else the date;
    with its article where the language has one."""
    catalogue = translate(language)
    days = (today - local.date()).days
    if days <= 0:  # an article may go by the hour: la 01:30, las 02:30
        said = catalogue.ngettext("%(clock)s", "%(clock)s", local.hour)
        return said % {"clock": wording.clock(local, language)}
    named = wording.weekday if days < 7 else wording.day
    return catalogue.pgettext("when", "%(day)s") % {"day": named(local.date(), language)}


def quote(said: Quote, network: str, zone: ZoneInfo, now: datetime, language: str) -> QuoteWords:
    """One quote, not too long, with its network, its day and how it was read."""
    _ = translate(language).gettext
    text = one_line(said.text)
    if len(text) > _QUOTE_LENGTH:
        text = text[:_QUOTE_LENGTH].rsplit(" ", 1)[0].rstrip(",;: ") + " …"
    stance = {"mistrust": _("Mistrust"), "trust": _("Trust")}.get(said.trust, _("Neither"))
    local = said.posted_at.astimezone(zone)
    today = now.astimezone(zone).date()
    days = wording.weekday if today - local.date() < timedelta(days=7) else wording.day
    where = f"{one_line(network)}, {days(local.date(), language)}. {stance}."
    return QuoteWords(text=f"“{text}”", language=said.language, where=where)
