"""Today: what is new, how sure we are, what waits, what goes out. Opens with a sentence; the figures are its proof."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from babel.dates import format_timedelta
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session, col

from config import clock, database, people, sign_in_links
from config.permissions import Action, Role
from config.settings import Settings
from config.sign_ins import Way
from config.tables import MailPreference, Person
from config.translations import translate
from networks import accounts
from networks.registry import NETWORKS
from scheduler import status
from scheduler.jobs import mornings
from sentiment import alert_details, alerts, charts, digest, digest_words, wording
from sentiment.alert_details import AlertDetail
from sentiment.charts import Chart
from sentiment.editions import Edition
from sentiment.figures import ConcernRow, Overview
from sentiment.tables import Alert
from sentiment.trust import Change, Show
from sentiment.waiting import WaitingWords
from web import looks, pages, rulers
from web.desk import TheDesk
from web.guard import Visitor, Who, needs
from web.rulers import Ruler, Spark

router = APIRouter()
MOST_ALERTS = 3
LOOKED_EVERY = timedelta(minutes=5)  # last_looked_at is written this seldom
LABELS = {name: network.label for name, network in NETWORKS.items()}


@dataclass(frozen=True)
class FigureView:
    name: str
    measure: str
    ruler: Ruler
    base: str


@dataclass(frozen=True)
class ConcernView:
    row: ConcernRow
    ruler: Ruler
    change: str
    spark: Spark | None


@dataclass(frozen=True)
class AlertView:
    detail: AlertDetail
    said: str
    chart: Chart | None
    phone: Chart | None
    alt: str
    title: str
    counted: str  # which posts the alert's number is of
    drawn: int  # posts in the chart, which counts others


@dataclass(frozen=True)
class TakenView:
    """An alert that somebody has: one line instead of a card. `by`: none when it is the reader's own."""

    alert: Alert
    by: str | None
    said: str


@dataclass(frozen=True)
class WaitingView:
    link: str
    rest: str
    path: str
    icon: str  # a symbol of symbols.html
    go: str  # what one does there


@dataclass(frozen=True)
class Step:
    """A thing that a new desk needs."""

    name: str
    why: str
    path: str
    done: bool


@router.get("/", dependencies=[needs(Action.OWN_ACCOUNT)])
def today(request: Request, found: TheDesk, who: Who) -> Response:
    """The first page. Whoever may not read figures is shown what they may read."""
    if not who.may(Action.READ_FIGURES):
        return RedirectResponse("/account", 303)
    now = clock.now()
    language = pages.language_of(request)
    with database.reading(found.engine) as session:
        page = gather(session, found.settings, who, now, language)
    _looked(found.engine, who.person, now)
    looks.note(found.engine, who, (quote.mention_id for view in page["alert_views"] for quote in view.detail.quotes))
    zone = pages.zone_of(request)
    return pages.render(
        request, "today.html", where=f"{pages.city(zone, language)} ({pages.zone_name(now, zone, language)})", **page
    )


def gather(session: Session, settings: Settings, who: Visitor, now: datetime, language: str) -> dict[str, Any]:
    """Everything on the page; reads only."""
    zone = settings.department.zone
    town, everything = mornings.Town(settings, now), MailPreference(person_id=who.id)
    morning = town.morning(
        session, who.person, everything, Edition.DAILY, f"today:{who.id}", roles=who.roles, brief=True
    )
    content = digest.compose(morning, language)
    overview = morning.overview
    rows = list(morning.concerns)
    end = rulers.top(row.mistrust for row in rows)
    opened = [alert for alert in town.alerts(session) if alert.state in alerts.OPEN and alert.raised_at <= now]
    new = [alert for alert in opened if alert.state == "new"]
    shown = alert_details.of_each(session, new[:MOST_ALERTS], zone)
    taken = [alert for alert in opened if alert.state == "taken"]
    takers = [town.taken_by(session, alert) if alert.taken_by != who.id else None for alert in taken]
    trend = charts.mistrust_in_town(overview)
    look = town.look(session, who.person)
    return {
        "headline": content.headline,
        "lead": content.lead,
        "waiting": [waiting_view(one, language) for one in content.waiting],
        "figures": _figures(overview, language),
        "alert_views": [alert_view(detail, zone, now, language) for detail in shown],
        "more_alerts": max(0, len(new) - MOST_ALERTS),
        "taken": [_taken(alert, by, zone, now, language) for alert, by in zip(taken, takers, strict=True)],
        "trend": charts.trend(trend, charts.PAGE, language) if overview.authors else None,
        "trend_phone": charts.trend(trend, charts.PHONE, language) if overview.authors else None,
        "concerns": [concern_view(row, end, language) for row in rows],
        "scale": rulers.ruler("", None, None, end, language).marks,
        "period": wording.days(overview.first, overview.last, language),
        "plan": town.going_out(session),
        "any_mentions": bool(overview.authors) or look.any_mentions,
        "any_sources": look.any_sources,
        "upkeep": _upkeep(settings, look, now, language) if who.may(Action.MANAGE) else [],
        "steps": _steps(session, settings, look, language)
        if who.may(Action.MANAGE) and not (overview.authors or look.any_mentions)
        else [],
        "links": sign_in_links.to_tell(session, who.id, now) if look.any_links else [],
        "by_link": who.by is Way.LINK,
        "last_looked": who.person.last_looked_at,
        "labels": LABELS,
    }


def _upkeep(settings: Settings, look: mornings.Look, now: datetime, language: str) -> list[str]:
    """What an administrator should see to, though nothing is broken yet."""
    _ = translate(language).gettext
    said = []
    if settings.smtp_url is None:
        said.append(_("No mail server is set: digests, alerts and invitations wait here."))
    if look.backup_at is None:
        said.append(_("No backup was made yet."))
    elif now - look.backup_at > status.BACKUP:
        age = format_timedelta(now - look.backup_at, threshold=1.5, locale=language)
        said.append(_("The last backup is %(age)s old.") % {"age": age})
    return said


def _steps(session: Session, settings: Settings, look: mornings.Look, language: str) -> list[Step]:
    """What a new desk needs, in the order in which it is of use."""
    _ = translate(language).gettext
    active = [roles for person, roles in people.with_roles(session) if person.active]
    somebody_else = len(active) > 1 and any(Role.APPROVER in roles for roles in active)
    source = _("Posts that mention you, the local paper’s feed; or an export of another tool, with “liaison import”.")
    second = _("Nobody approves a post of their own: somebody else has to be an approver.")
    mail = _("Until then digests, alerts and invitations wait here. Set LIAISON_SMTP_URL.")
    backup = _("Let “liaison backup” run every night, and keep the secret key apart.")
    return [
        Step(
            _("An account to post from"),
            _("The practice board is one to learn on."),
            "/accounts",
            bool(accounts.kept(session)),
        ),
        Step(_("A source to listen to"), source, "/sources", look.any_sources),
        Step(_("A second person"), second, "/people", somebody_else),
        Step(_("A mail server"), mail, "/status", settings.smtp_url is not None),
        Step(_("A backup each night"), backup, "/status", look.backup_at is not None),
    ]


def _figures(overview: Overview, language: str) -> list[FigureView]:
    _ = translate(language).gettext
    end = rulers.top(figure.share for figure in overview.figures)
    names = {
        "mistrust": _("Posts voicing mistrust"),
        "trust": _("Posts voicing trust"),
        "negative": _("Posts with a negative tone"),
    }
    period = wording.days(overview.first, overview.last, language)
    views = []
    for figure in overview.figures:
        parts = [digest_words.authors_in_words(figure.share.authors if figure.share else 0, language), period]
        if figure.usual is not None and figure.usual.show is Show.VALUE:
            parts.append(_("usual %(level)s") % {"level": wording.percent(figure.usual.value, language)})
        elif not overview.baseline_days:
            parts.append(_("not enough days yet for a usual level"))
        measure = "neither" if figure.name == "negative" else figure.name
        name = names[figure.name]
        views.append(
            FigureView(name, measure, rulers.ruler(name, figure.share, figure.usual, end, language), " · ".join(parts))
        )
    return views


def concern_view(row: ConcernRow, end: float, language: str) -> ConcernView:
    """A concern as a row of the table."""
    _ = translate(language).gettext
    if row.mistrust is None or row.mistrust.show is Show.NOTHING:
        change = _("Shown from 10 authors")
    else:
        change = change_words(row.change, language)
    trend = rulers.spark(row.spark, end) if row.mistrust is not None and row.mistrust.show is not Show.NOTHING else None
    return ConcernView(row, rulers.ruler(row.name, row.mistrust, row.usual, end, language), change, trend)


def change_words(change: Change, language: str) -> str:
    """A change against the usual level, in the reader's language."""
    translation = translate(language)
    if change.direction in ("up", "down") and change.points is not None:
        number = max(1, round(abs(change.points) * 100))
        if change.direction == "up":
            words = translation.ngettext("Up %(count)s point", "Up %(count)s points", number)
        else:
            words = translation.ngettext("Down %(count)s point", "Down %(count)s points", number)
        return words % {"count": number}
    if change.direction == "steady":
        return translation.gettext("No clear change")
    return translation.gettext("Cannot say yet")


def alert_view(detail: AlertDetail, zone: ZoneInfo, now: datetime, language: str) -> AlertView:
    """An alert as a card: what, in words and as columns."""
    alert = detail.alert
    said = digest_words.alert(
        posts=detail.posts,
        authors=detail.authors,
        expected=detail.expected,
        by_place=detail.place_name is not None,
        since=alert.since.astimezone(zone),
        keyphrases=alert.keyphrases,
        today=now.astimezone(zone).date(),
        language=language,
    )
    data = charts.Columns(tuple(detail.columns), zone)
    chart = charts.columns(data, charts.MAIL_COLUMNS, language) if detail.columns else None
    title = digest_words.alert_title(alert.title, alert.concern, language)
    phone = charts.columns(data, charts.PHONE_COLUMNS, language) if detail.columns else None
    drawn = sum(column.posts for column in detail.columns)
    alt = chart.alt if chart else ""
    return AlertView(detail, said, chart, phone, alt, title, _counted(detail, language), drawn)


def _counted(detail: AlertDetail, language: str) -> str:
    """Which posts an alert counts: more than its concern's at a place, fewer where something is new."""
    _ = translate(language).gettext
    if detail.alert.kind == "emerging":
        return _("Counted: posts that say much the same, whichever concern each was read as.")
    if detail.place_name is not None:
        return _("Counted: posts near %(place)s that belong together, whichever concern each was read as.") % {
            "place": detail.place_name
        }
    return _("Counted: posts that raise this concern, in the whole town.")


def waiting_view(one: WaitingWords, language: str) -> WaitingView:
    """What waits, with a sign for its kind; the words after the link begin a line of their own."""
    _ = translate(language).gettext
    kinds = {
        "alerts": ("i-bell", _("Take it")),
        "mentions": ("i-inbox", _("Answer")),
        "approvals": ("i-check", _("Read")),
        "queue": ("i-warn", _("Decide")),
        "compose": ("i-turn", _("Revise")),
        "posts": ("i-warn", _("Look")),
        "sources": ("i-plug", _("Look")),
        "channels": ("i-warn", _("Look")),
        "outreach": ("i-turn", _("Look")),
    }
    room = one.path.split("?")[0].strip("/").split("/")[0]
    icon, go = kinds.get(room, ("i-bell", _("Look")))
    rest = one.rest.lstrip(" .,:;")
    return WaitingView(one.link, rest[:1].upper() + rest[1:], one.path, icon, go)


def _taken(alert: Alert, by: str | None, zone: ZoneInfo, now: datetime, language: str) -> TakenView:
    said = digest_words.alert(
        posts=alert.posts,
        authors=alert.authors,
        expected=alert.expected,
        by_place=alert.place_id is not None,
        since=alert.since.astimezone(zone),
        keyphrases=(),
        today=now.astimezone(zone).date(),
        language=language,
    )
    return TakenView(alert, by, said)


def _looked(engine: sa.Engine, person: Person, now: datetime) -> None:
    if person.last_looked_at is not None and now - person.last_looked_at < LOOKED_EVERY:
        return
    with database.writing(engine) as session:
        session.exec(sa.update(Person).where(col(Person.id) == person.id).values(last_looked_at=now))
