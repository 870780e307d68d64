"""The weekly and the monthly report: figures in rows, each with its base, its interval and the queries it came from.
Pure; scheduler/jobs/reports.py gathers, report_files.py writes the forms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from config.translations import translate
from sentiment import charts, digest, digest_words, editions, unheard, wording
from sentiment.figures import Figure
from sentiment.morning import Morning
from sentiment.trust import Share, Show
from sentiment.unheard import Unheard


@dataclass(frozen=True)
class Statement:
    """One query as it was asked of the store. `part` names what it was asked for."""

    part: str
    sql: str
    parameters: str


@dataclass(frozen=True)
class Row:
    """One figure. `value`, `low`, `high`, `usual` are shares (0 to 1) or counts, none where too few stand behind them;
    `n` is authors, or posts where `unit` is posts or what networks count of ours. `made_by` names the part of the
    queries behind it."""

    section: str
    name: str
    unit: str  # share of authors | posts | hours | authors | views | likes | reposts | replies
    value: float | None
    low: float | None
    high: float | None
    usual: float | None
    n: int | None
    first: date
    last: date
    change: str
    made_by: str
    group: str = ""  # of which network or kind of post this is one of several figures
    note: str = ""  # in place of a value: that a network does not give it, or "at least 10 authors" of a place


@dataclass(frozen=True)
class Reached:
    """How posts of ours of one network or one kind fared. `name`: the network's label, or the kind's key; `read`: of so
    many posts something was told; `counts`: by unit the sum, and of how many posts it is; none: not given."""

    network: bool
    name: str
    read: int
    counts: Mapping[str, tuple[int, int] | None]


@dataclass(frozen=True)
class Report:
    """A report in words of one language. `headline` and `lead` are the digest's own sentences on the same figures."""

    department: str
    title: str
    covers: str
    made: str
    headline: str
    lead: str
    baseline: str
    rows: tuple[Row, ...]
    trend: charts.Trend | None
    alerts: tuple[str, ...]
    statements: tuple[Statement, ...]
    language: str
    at: datetime
    unheard: tuple[str, ...] = ()  # places and languages with far fewer voices than their share

    def sections(self) -> list[tuple[str, list[Row]]]:
        """The rows by section, in order."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.section, []).append(row)
        return list(found.items())


def grouped(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """The rows of a section by their group, in order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return list(found.items())


def compose(
    morning: Morning,
    mix: Sequence[tuple[str, int]],
    statements: Sequence[Statement],
    language: str,
    few: Sequence[Unheard] = (),
    reached: Sequence[Reached] = (),
) -> Report:
    """The report of a period; `mix` is how many posts of each category went out in it, `few` who was hardly heard,
    `reached` how what went out fared."""
    _ = translate(language).gettext
    found, content = morning.overview, digest.compose(morning, language)
    local = morning.at.astimezone(morning.zone)
    monthly = morning.edition is editions.Edition.MONTHLY
    last = found.last if monthly else local.date()  # of alerts and of our own posts, which go on to this moment
    rows = [
        _share(_("Town"), _("Posts voicing mistrust"), found.mistrust, found.first, found.last, language),
        _share(_("Town"), _("Posts voicing trust"), found.trust, found.first, found.last, language),
        _share(_("Town"), _("Negative tone"), found.negative, found.first, found.last, language),
        Row(
            _("Town"), _("All posts"), "posts", found.volume.posts, found.volume.usual_low, found.volume.usual_high,
            found.volume.usual, found.authors, found.first, found.last, "", "figures",
        ),
    ]  # fmt: skip
    for one in morning.concerns:
        figure = Figure("mistrust", one.mistrust, one.usual, one.change)
        rows.append(_share(_("Mistrust by concern"), _(one.name), figure, found.first, found.last, language))
    for alert in (*morning.new_alerts, *morning.open_alerts):
        title = digest_words.alert_title(alert.title, alert.concern, language)
        at_place = digest_words.authors_at_place(alert.authors, language) if alert.place is not None else ""
        authors, posts = (None, None) if at_place else (alert.authors, alert.posts)  # else fives would read as counts
        rows.append(
            Row(
                _("Alerts"), title, "authors", authors, None, None, alert.expected, posts,
                alert.since.astimezone(morning.zone).date(), last, "", "alerts", note=at_place,
            )
        )  # fmt: skip
    sent, answered = morning.sent, morning.answered
    hours = answered.half_within.total_seconds() / 3600 if answered.half_within is not None else None
    names = {"general": _("General"), "safety": _("Safety"),
             "urgent": _("Urgent safety update"), "event": _("Events"), "answer": _("Answers"),
             "you_said_we_did": _("You said, we did"), "success_story": _("Success story"),
             "recruiting": _("Recruiting")}  # fmt: skip
    ours = [
        (_("Posts published"), "posts", float(sent.posts), "published"),
        (_("Posts that failed"), "posts", float(sent.failed), "published"),
        *([(_("Posts on the practice board"), "posts", float(sent.practised), "published")] if sent.practised else []),
        (_("Mentions answered"), "posts", float(answered.mentions), "answered"),
        (_("Half of them answered within"), "hours", hours, "answered"),
        *((_("Published: %(kind)s") % {"kind": names.get(kind, kind)}, "posts", float(n), "mix") for kind, n in mix),
    ]
    for name, unit, value, made_by in ours:
        n = answered.mentions if unit == "hours" else None
        rows.append(Row(_("What we did"), name, unit, value, None, None, None, n, found.first, last, "", made_by))
    for reach in reached:
        group = _(reach.name) if reach.network else names.get(reach.name, reach.name)
        rows += _reach(reach, group, found.first, last, language)
    return Report(
        department=morning.department,
        title=_("Monthly report") if monthly else _("Weekly report"),
        covers=wording.days(found.first, found.last, language) + f" {found.last.year}",
        made=f"{wording.day_in_full(local.date(), language)}, {wording.hour(local, language)}",
        headline=content.headline,
        lead=content.scope,
        baseline=content.baseline,
        rows=tuple(rows),
        trend=charts.mistrust_in_town(found) if found.mistrust.share is not None and found.series else None,
        alerts=tuple(one.title for one in morning.new_alerts),
        statements=tuple(statements),
        language=language,
        at=morning.at,
        unheard=tuple(unheard.words(one, language) for one in few),
    )


def _reach(reached: Reached, group: str, first: date, last: date, language: str) -> Iterator[Row]:
    """Its figures: a count that is not given has no value and says so."""
    _ = translate(language).gettext
    section = _("Reach by network") if reached.network else _("Reach by kind of post")
    heads = {"views": _("Views"), "likes": _("Likes"), "reposts": _("Reposts"), "replies": _("Replies")}
    for unit, head in heads.items():
        given = reached.counts.get(unit)
        value, n = (float(given[0]), given[1]) if given is not None else (None, 0)
        note = "" if given is not None else _("not given") if reached.read else _("not read yet")
        name = f"{group}: {head}"
        yield Row(section, name, unit, value, None, None, None, n, first, last, "", "reach", group, note)


def _share(section: str, name: str, figure: Figure, first: date, last: date, language: str) -> Row:
    share, usual = figure.share, figure.usual
    shown = share.show if share is not None else Show.NOTHING
    _ = translate(language).gettext
    directions = {"up": _("up"), "down": _("down"), "steady": _("no clear change"), "unknown": _("cannot say yet")}
    return Row(
        section=section,
        name=name,
        unit="share of authors",
        value=share.value if share is not None and shown is Show.VALUE else None,
        low=share.low if share is not None and shown is not Show.NOTHING else None,
        high=share.high if share is not None and shown is not Show.NOTHING else None,
        usual=_shown(usual),
        n=share.authors if share is not None else 0,
        first=first,
        last=last,
        change=directions[figure.change.direction],
        made_by="figures",
    )


def _shown(usual: Share | None) -> float | None:
    return usual.value if usual is not None and usual.show is Show.VALUE else None


def words(row: Row, language: str) -> tuple[str, str, str]:
    """A row's value, interval and usual level as a reader sees them; a dash where nothing may be said."""
    if row.unit == "share of authors":
        value = wording.percent(row.value, language) if row.value is not None else "–"
        interval = wording.between(row.low, row.high, language) if row.low is not None and row.high is not None else "–"
        return value, interval, wording.percent(row.usual, language) if row.usual is not None else "–"
    if row.unit == "hours":
        return f"{wording.decimal(row.value, 1, language)} h" if row.value is not None else "–", "–", "–"
    number = wording.whole(row.value, language) if row.value is not None else row.note or "–"
    usual = wording.whole(row.usual, language) if row.usual is not None else "–"
    if row.low is not None and row.high is not None:  # of a count that was counted: where the usual one would lie
        usual += f" ({wording.whole(row.low, language)}–{wording.whole(row.high, language)})"
    return number, "–", usual
