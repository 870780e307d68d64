"""The daily digest's content: the words, made by rules from the figures. Pure; no model writes prose.

The digest job gathers a `Morning`; scheduler/digest_mail.py renders what comes out. digest_words.py has the sentences
on figures. A sentence is never more certain than the interval behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import log

from config.translations import translate
from sentiment import charts, digest_words, editions, trust, waiting, wording
from sentiment.digest_words import ConcernWords, FigureWords, QuoteWords
from sentiment.editions import Edition
from sentiment.figures import ConcernRow
from sentiment.morning import AlertNews, Answered, Morning, Sent
from sentiment.quotes import Quote
from sentiment.taxonomy import CONCERNS
from sentiment.trust import Show
from sentiment.waiting import (
    AlertWaits,
    ApprovalsWait,
    ChangesAsked,
    DecisionsWait,
    MentionsWait,
    SignInEnds,
    SourceTrouble,
    Waiting,
    WaitingWords,
)

__all__ = [
    "AlertNews",
    "AlertWaits",
    "Answered",
    "ApprovalsWait",
    "ChangesAsked",
    "DecisionsWait",
    "DigestContent",
    "Edition",
    "MentionsWait",
    "Morning",
    "Sent",
    "SignInEnds",
    "SourceTrouble",
    "Waiting",
    "WaitingWords",
    "compose",
    "one_quote_each",
]

MOST_CONCERNS = 3
MOST_LASTING = 2
NEWS = "feed"  # the network that news come in by


@dataclass(frozen=True)
class DigestContent:
    """One person's digest in one language. `quiet` is the short form: without picture and concerns."""

    key: str
    recipient: str
    department: str
    day: date  # the last day covered
    at: datetime  # in the recipient's zone
    dated: str  # "Tuesday 24 November, 07:00 ET. Covers Monday 23 November."
    scope: str  # what the person chose to read about; empty: everything
    subject: str
    preheader: str
    headline: str
    lead: str
    figures: tuple[FigureWords, ...]
    trend: charts.Trend | None
    concerns: tuple[ConcernWords, ...]
    events_heading: str
    since_yesterday: tuple[str, ...]
    baseline: str
    waiting: tuple[WaitingWords, ...]
    rhythm: str  # how often one gets it
    quiet: bool


def compose(morning: Morning, language: str = "en") -> DigestContent:
    """The digest of one person and morning."""
    _ = translate(language).gettext
    local = morning.at.astimezone(morning.zone)
    found = morning.overview
    quiet = _quiet(morning)
    headline, subject = (_headline(morning, quiet, language, own=own) for own in (False, True))
    edition, hour = morning.edition, wording.hour(local, language)
    return DigestContent(
        key=morning.key,
        recipient=morning.recipient,
        department=morning.department,
        day=found.last,
        at=local,
        dated=_("%(today)s, %(hour)s. Covers %(day)s.")
        % {
            "today": wording.day_in_full(local.date(), language),
            "hour": hour,
            "day": editions.covers(edition, found.first, found.last, language),
        },
        scope=_scope(morning, language),
        subject=f"{editions.short_date(edition, local.date(), found.first, found.last, language)}: {subject}",
        preheader=_preheader(morning, language),
        headline=headline,
        lead=_lead(morning, quiet, language),
        figures=digest_words.figures(found, language),
        trend=charts.mistrust_in_town(found) if not quiet and found.mistrust.share is not None else None,
        concerns=() if quiet else _concerns(morning, language),
        events_heading=editions.events_heading(edition, found.last, language),
        since_yesterday=(_sent(morning.sent, language), _answered(morning.answered, language)),
        baseline=_baseline(morning, language),
        waiting=tuple(waiting.in_words(one, morning.zone, local.date(), language) for one in morning.waiting),
        rhythm=editions.rhythm(edition, local.date(), hour, language),
        quiet=quiet,
    )


def one_quote_each(found: Mapping[str, Sequence[Quote]]) -> dict[str, Quote]:
    """Of each concern's quotes the first that no other concern has; a resident's before the news'."""
    chosen: dict[str, Quote] = {}
    for concern, candidates in found.items():
        used = {quote.mention_id for quote in chosen.values()}
        left = [quote for quote in candidates if quote.mention_id not in used]
        if left:
            chosen[concern] = min(left, key=lambda quote: quote.network == NEWS)
    return chosen


def _scope(morning: Morning, language: str) -> str:
    """What the person chose to read about, in a sentence; nothing where they read about all."""
    _ = translate(language).gettext
    said = []
    if morning.only_concerns:
        names = [_(CONCERNS[key].name) for key in morning.only_concerns if key in CONCERNS]
        said.append(_("Concerns you chose: %(names)s.") % {"names": "; ".join(names)})
    if morning.only_places:
        names = [digest_words.one_line(name) for name in morning.only_places]
        said.append(_("All figures are of posts that name: %(names)s.") % {"names": "; ".join(names)})
        said.append(_("Counts are rounded down to whole fives, so that nobody is found in them."))
    return " ".join(said)


def _moved(morning: Morning) -> list[ConcernRow]:
    """Concerns whose mistrust rose or fell beyond its interval."""
    return [row for row in morning.concerns if row.change.direction in ("up", "down")]


def _lasting(morning: Morning) -> list[ConcernRow]:
    """Concerns whose mistrust has been higher or lower than usual for some days, most clearly so first: past a limit at
    which chance alone tells of any of them as seldom as the limit of one concern tells of that one (Bonferroni)."""
    if not digest_words.of_a_week(morning.overview):
        return []
    could = [row for row in morning.concerns if row.mistrust is not None and row.mistrust.show is Show.VALUE]
    limit = trust.CUSUM_LIMIT + log(max(1, len(could)))
    lasting = [(row.moved.ratio, row) for row in could if row.moved is not None and row.moved.ratio > limit]
    return [row for _, row in sorted(lasting, key=lambda one: -one[0])][:MOST_LASTING]


def _quiet(morning: Morning) -> bool:
    found = morning.overview
    told = [figure.change.direction for figure in found.figures] + [row.change.direction for row in morning.concerns]
    alerts = (*morning.new_alerts, *morning.open_alerts)
    moved = "up" in told or "down" in told or _lasting(morning)
    return not alerts and not moved and not digest_words.unusual(found.volume)


def _new(morning: Morning) -> Sequence[AlertNews]:
    """The new alerts that nobody has closed yet."""
    return [alert for alert in morning.new_alerts if not alert.closed]


def _leading(morning: Morning) -> Sequence[AlertNews]:
    """The alerts that the headline is about: the new ones that stand, else those that still grow."""
    return _new(morning) or [alert for alert in morning.open_alerts if alert.growing]


def _headline(morning: Morning, quiet: bool, language: str, *, own: bool) -> str:
    """`own`: in our own words only."""
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    said = [digest_words.trust(morning.overview, language)]
    alerts = _leading(morning)
    if len(alerts) == 1:
        said.append(_about(alerts[0], morning, language, own=own))
    elif _new(morning):
        number = len(alerts)
        said.append(ngettext("%(count)s alert is new.", "%(count)s alerts are new.", number) % {"count": number})
    elif alerts:
        number = len(alerts)
        said.append(ngettext("%(count)s alert grows.", "%(count)s alerts grow.", number) % {"count": number})
    elif quiet and digest_words.can_compare(morning.overview):
        said.append(_("Nothing unusual."))
    return " ".join(said)


def _about(alert: AlertNews, morning: Morning, language: str, *, own: bool) -> str:
    """The one alert as a sentence; of an older one it says since when."""
    _ = translate(language).gettext
    title = _title(alert, language)
    if own:
        title = digest_words.own_title(alert.kind, alert.title, alert.concern, alert.place, language)
    title = title.rstrip(". ")
    if alert in morning.new_alerts:
        return f"{title}." if own or alert.kind == "cell" else _("%(title)s is new.") % {"title": title}
    today = morning.at.astimezone(morning.zone).date()
    since = digest_words.when(alert.since.astimezone(morning.zone), today, language)
    return _("%(title)s since %(when)s.") % {"title": title, "when": since}


def _lead(morning: Morning, quiet: bool, language: str) -> str:
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    found = morning.overview
    said: list[str] = []
    alerts = (*morning.new_alerts, *morning.open_alerts)
    alerted = {alert.concern for alert in alerts}
    lasting = _lasting(morning)
    others = [row for row in _moved(morning) if row.concern not in alerted and row not in lasting]
    volume = digest_words.volume(found.volume, language)
    if not found.baseline_days:
        said.append(
            _("There are not enough days of posts yet to say what is usual.")
            if digest_words.of_a_week(found)
            else _("There were not enough days of posts before the month to say what is usual.")
        )
    elif others:
        said.append(digest_words.moved(others, language))
    elif digest_words.can_compare(found) and not volume and not lasting:
        said.append(
            _("Nothing moved beyond what chance explains.")
            if quiet
            else _("Nothing else moved beyond what chance explains.")
        )
    said += [digest_words.since(row, language) for row in lasting]
    if volume:
        said.append(volume)
    older = len(_new(morning)) + len(morning.open_alerts) - len(_leading(morning))
    if older:
        words = ngettext("%(count)s older alert is still open.", "%(count)s older alerts are still open.", older)
        said.append(words % {"count": older})
    said.append(_today(morning, language))
    return " ".join(said)


def _today(morning: Morning, language: str) -> str:
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    out, waits = morning.going_out, waiting.how_many(morning.waiting)
    if morning.held and morning.gone_out:
        today = ngettext(
            "%(count)s more post is due today and is held", "%(count)s more posts are due today and are held", out
        )
    elif morning.held:
        today = ngettext("%(count)s post is due today and is held", "%(count)s posts are due today and are held", out)
    elif morning.gone_out:
        today = ngettext("%(count)s more post goes out today", "%(count)s more posts go out today", out)
    else:
        today = ngettext("%(count)s post goes out today", "%(count)s posts go out today", out)
    today %= {"count": out}
    for_you = ngettext("%(count)s thing waits for you", "%(count)s things wait for you", waits) % {"count": waits}
    if not out:
        today = _("No more posts go out today") if morning.gone_out else _("No post goes out today")
    if not waits:
        for_you = _("nothing waits for you")
    return f"{today}; {for_you}."


def _preheader(morning: Morning, language: str) -> str:
    ngettext = translate(language).ngettext
    said = [digest_words.in_one_line(morning.overview, language)]
    if number := len(_new(morning)):
        said.append(ngettext("%(count)s new alert.", "%(count)s new alerts.", number) % {"count": number})
    elif morning.open_alerts:
        number = len(morning.open_alerts)
        said.append(ngettext("%(count)s open alert.", "%(count)s open alerts.", number) % {"count": number})
    waits = waiting.how_many(morning.waiting)
    if waits:
        words = ngettext("%(count)s thing waits for you.", "%(count)s things wait for you.", waits)
        said.append(words % {"count": waits})
    return " ".join(said)


def _concerns(morning: Morning, language: str) -> tuple[ConcernWords, ...]:
    """Up to three: those with an alert, new ones first, closed ones last; then those that moved, then those that most
    authors raise."""
    every = (*_new(morning), *morning.open_alerts, *(alert for alert in morning.new_alerts if alert.closed))
    alerts: dict[str, AlertNews] = {}
    for alert in every:
        alerts.setdefault(alert.concern, alert)
    rows = {row.concern: row for row in morning.concerns}
    shown = [row for row in morning.concerns if row.mistrust is not None and row.mistrust.show is not Show.NOTHING]
    order = [*alerts, *(row.concern for row in _moved(morning)), *(row.concern for row in shown)]
    found = []
    for key in dict.fromkeys(order):
        if key not in CONCERNS:
            continue
        about, row = alerts.get(key), rows.get(key)
        body = [_alert(about, morning, language)] if about else []
        body += [digest_words.concern(row, language)] if row else []
        found.append(
            ConcernWords(
                heading=_heading(key, about, row, language),
                body=" ".join(body),
                quote=_quote(morning, key, language),
                path=about.path if about else None,
            )
        )
    return tuple(found[:MOST_CONCERNS])


def _heading(key: str, alert: AlertNews | None, row: ConcernRow | None, language: str) -> str:
    _ = translate(language).gettext
    name = _(CONCERNS[key].name)
    if alert is None:
        return f"{name}: {digest_words.state(row, language) if row else _('cannot say yet')}"
    title = _title(alert, language)
    return title if alert.kind == "cell" else f"{name}: {title}"


def _title(alert: AlertNews, language: str) -> str:
    return digest_words.alert_title(alert.title, alert.concern, language)


def _alert(alert: AlertNews, morning: Morning, language: str) -> str:
    _ = translate(language).gettext
    said = digest_words.alert(
        posts=alert.posts,
        authors=alert.authors,
        expected=alert.expected,
        by_place=alert.place is not None,
        since=alert.since.astimezone(morning.zone),
        keyphrases=alert.keyphrases,
        today=morning.at.astimezone(morning.zone).date(),
        language=language,
    )
    return said + _(" It was closed.") if alert.closed else said


def _quote(morning: Morning, concern: str, language: str) -> QuoteWords | None:
    quote = morning.quotes.get(concern)
    if quote is None:
        return None
    network = translate(language).gettext(morning.networks.get(quote.network, quote.network.capitalize()))
    return digest_words.quote(quote, network, morning.zone, morning.at, language)


def _sent(sent: Sent, language: str) -> str:
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    parts = []
    if sent.posts:
        posts = ngettext("%(count)s post", "%(count)s posts", sent.posts) % {"count": sent.posts}
        on = ngettext("%(count)s network", "%(count)s networks", sent.networks) % {"count": sent.networks}
        parts.append(_("Sent: %(posts)s on %(networks)s") % {"posts": posts, "networks": on})
    else:
        parts.append(_("Sent: nothing"))
    if sent.practised:
        words = ngettext("%(count)s on the practice board", "%(count)s on the practice board", sent.practised)
        parts.append(words % {"count": sent.practised})
    if sent.failed:
        parts.append(ngettext("%(count)s failed", "%(count)s failed", sent.failed) % {"count": sent.failed})
    if sent.missed:
        words = ngettext("%(count)s missed its time", "%(count)s missed their time", sent.missed)
        parts.append(words % {"count": sent.missed})
    if sent.unconfirmed:
        words = ngettext("%(count)s not confirmed yet", "%(count)s not confirmed yet", sent.unconfirmed)
        parts.append(words % {"count": sent.unconfirmed})
    said = "; ".join(parts)
    if sent.posts and not (sent.failed or sent.missed or sent.unconfirmed):
        return _("%(sent)s, all confirmed.") % {"sent": said}
    return f"{said}."


def _answered(answered: Answered, language: str) -> str:
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not answered.mentions:
        return _("Answered: no mentions.")
    number = answered.mentions
    said = ngettext("Answered: %(count)s mention", "Answered: %(count)s mentions", number) % {"count": number}
    if answered.half_within is None:
        return f"{said}."
    length = wording.span(answered.half_within)
    words = _("%(said)s, after %(length)s.") if number == 1 else _("%(said)s; half within %(length)s.")
    return words % {"said": said, "length": length}


def _baseline(morning: Morning, language: str) -> str:
    _ = translate(language).gettext
    found = morning.overview
    said = [digest_words.against(found, _moved(morning), language)]
    said += [_("“%(title)s” was closed.") % {"title": _title(one, language)} for one in morning.gone_quiet]
    return " ".join(said)
