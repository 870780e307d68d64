"""Concerns: what people raise, by how many raise it; for each its trend, people's words, and what was done about it.

After is never shown as because: the story only sets what was said beside what we did, in order."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from sqlmodel import Session, col, select

from config import clock, database
from config.permissions import Action
from config.translations import translate
from posts import actions, heard
from posts.tables import Post, UnitAction
from sentiment import alerts, brigades, chart_words, charts, digest_words, figures, quotes, wording
from sentiment.brigades import Brigade
from sentiment.figures import ConcernRow
from sentiment.tables import Alert
from sentiment.taxonomy import CONCERNS
from sentiment.trust import Show
from web import looks, pages, rulers
from web.desk import TheDesk
from web.guard import Who, needs
from web.problems import Trouble
from web.today import LABELS, FigureView, concern_view

router = APIRouter()
QUOTED = timedelta(days=7)
VOICES = 3
LEAST_TREND = 7  # days with anything to show; fewer make an empty picture
LONGEST_STORY = 30
DONE = ("published", "partly_published")
COMING = ("in_review", "approved", "scheduled")


@dataclass(frozen=True)
class Step:
    """One line of "You said, we did". `kind`: said, asked, done, not_done, did or next; `note` tells a post's state."""

    kind: str
    at: datetime
    words: str
    href: str
    note: str = ""


@router.get("/concerns", dependencies=[needs(Action.READ_FIGURES)])
def concerns_page(request: Request, found: TheDesk) -> Response:
    """Every concern of the last 7 whole days."""
    zone, language = found.settings.department.zone, pages.language_of(request)
    with database.reading(found.engine) as session:
        overview, rows = figures.town(session, clock.now(), zone)
    end = rulers.top(row.mistrust for row in rows)
    return pages.render(
        request,
        "concerns.html",
        concerns=[concern_view(row, end, language) for row in rows],
        scale=rulers.ruler("", None, None, end, language).marks,
        period=wording.days(overview.first, overview.last, language),
    )


@router.get("/concerns/{concern}", dependencies=[needs(Action.READ_FIGURES)])
def concern_page(request: Request, found: TheDesk, who: Who, concern: str) -> Response:
    """One concern. What people raised longer than 7 days ago has no figures, only its story."""
    if concern not in CONCERNS:
        raise Trouble(404, "There is no such concern", "", "All concerns are on their page.")
    zone, language, now = found.settings.department.zone, pages.language_of(request), clock.now()
    with database.reading(found.engine) as session:
        overview, row = figures.concern(session, now, zone, concern)
        voices = quotes.of_concerns(session, [concern], now - QUOTED, now, VOICES)[concern]
        raised = [alert for alert in alerts.all_alerts(session) if alert.concern == concern]
        together = brigades.about(session, concern, now - QUOTED, now)
        today = now.astimezone(zone).date()
        in_person = heard.counted(session, today - heard.SHOWN, today)
        posts = ours(session, concern) if who.may(Action.READ_POSTS) else []
        story = _story(raised, posts, actions.about(session, concern, LONGEST_STORY), now, zone, language)
    looks.note(found.engine, who, (quote.mention_id for quote in voices))
    period = wording.days(overview.first, overview.last, language)
    drawn = [charts.mistrust_about(row, overview), charts.tone_about(row, overview)] if row and sayable(row) else []
    trends = [one for one in drawn if sum(point.low is not None for point in one.points) >= LEAST_TREND]
    weeks = charts.weeks_about(row, overview) if row is not None and len(row.weeks) >= LEAST_TREND else None
    volume = row.volume if row is not None else None
    return pages.render(
        request,
        "concern.html",
        about=CONCERNS[concern],
        row=row,
        headline=headline(translate(language).gettext(CONCERNS[concern].name), row, language),
        figures=_figures(row, period, language) if row is not None else [],
        trends=[
            *(
                (one.measure, charts.trend(one, charts.PAGE, language), charts.trend(one, charts.PHONE, language))
                for one in trends
            ),
            *(
                ("posts", charts.weeks(one, charts.PAGE, language), charts.weeks(one, charts.PHONE, language))
                for one in ([weeks] if weeks is not None else [])
            ),
        ],
        count_ruler=rulers.count_ruler(translate(language).gettext("All posts about it"), volume, language)
        if volume is not None
        else None,
        usual_posts=chart_words.usual_posts(volume.usual_low, volume.usual_high, language)
        if volume is not None
        else "",
        since=digest_words.since(row, language) if row is not None else "",
        voices=voices,
        together=[same_text(one, row, now, zone, language) for one in together],
        open_alerts=[alert for alert in raised if alert.state in alerts.OPEN],
        story=story,
        labels=LABELS,
        period=period,
        told_us=next((one for one in in_person if one.concern == concern), None),
    )


def headline(name: str, row: ConcernRow | None, language: str) -> str:
    """The sentence that the page opens with; what cannot be said is said so."""
    _ = translate(language).gettext
    if row is None or not sayable(row):
        return _("%(name)s: too few posts to say.") % {"name": name}
    if row.change.direction == "up":
        said = _("%(name)s: mistrust is up.")
    elif row.change.direction == "down":
        said = _("%(name)s: mistrust is down.")
    elif row.moved is not None and row.moved.direction == "up":
        said = _("%(name)s: mistrust may be rising.")
    elif row.moved is not None:
        said = _("%(name)s: mistrust may be falling.")
    elif row.change.direction == "steady":
        said = _("%(name)s: no clear change in mistrust.")
    else:
        said = _("%(name)s: cannot say yet whether mistrust changed.")
    return said % {"name": name}


def same_text(found: Brigade, row: ConcernRow | None, now: datetime, zone: ZoneInfo, language: str) -> str:
    """How many accounts posted nearly the same text, and what that can do to the concern's figure at the most."""
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    when = digest_words.when(found.since.astimezone(zone), now.astimezone(zone).date(), language)
    said = [
        _("%(count)s accounts posted nearly the same text within an hour (%(when)s).")
        % {"count": found.together, "when": when}
    ]
    if found.accounts > found.together:
        said.append(_("In the last 7 days %(count)s accounts did.") % {"count": found.accounts})
    if found.new:
        said.append(_("Of these accounts %(count)s were less than 30 days old.") % {"count": found.new})
    if row is not None and sayable(row):
        points = found.points(row.authors)
        words = ngettext(
            "Each account counts once: together they move the mistrust shown here by %(count)s point at the most.",
            "Each account counts once: together they move the mistrust shown here by %(count)s points at the most.",
            points,
        )
        said.append(words % {"count": points})
    return " ".join(said)


def sayable(row: ConcernRow) -> bool:
    """Whether anything may be said of its mistrust."""
    return row.mistrust is not None and row.mistrust.show is not Show.NOTHING


def _figures(row: ConcernRow, period: str, language: str) -> list[FigureView]:
    """Mistrust and tone, on one scale."""
    _ = translate(language).gettext
    end = rulers.top([row.mistrust, row.negative])
    views = []
    for name, measure, share, usual in (
        (_("Posts voicing mistrust"), "mistrust", row.mistrust, row.usual),
        (_("Posts with a negative tone"), "neither", row.negative, row.usual_negative),
    ):
        base = [digest_words.authors_in_words(row.authors, language), period]
        if usual is not None and usual.show is Show.VALUE:
            base.append(_("usual %(level)s") % {"level": wording.percent(usual.value, language)})
        views.append(FigureView(name, measure, rulers.ruler(name, share, usual, end, language), " · ".join(base)))
    return views


def ours(session: Session, concern: str) -> list[Post]:
    """Our posts about a concern that went out or may yet."""
    about = select(Post).where(Post.concern == concern, col(Post.state).in_((*DONE, *COMING)))
    return list(session.exec(about.order_by(col(Post.id).desc()).limit(LONGEST_STORY)))


def _story(
    raised: list[Alert], ours: list[Post], asked: list[UnitAction], now: datetime, zone: ZoneInfo, language: str
) -> list[Step]:
    """What was said and what we did, newest first."""
    today = now.astimezone(zone).date()
    said = [
        Step(
            "said",
            alert.since,
            digest_words.alert(
                posts=alert.posts,
                authors=alert.authors,
                expected=alert.expected,
                by_place=alert.place_id is not None,
                since=alert.since.astimezone(zone),
                keyphrases=alert.keyphrases,
                today=today,
                language=language,
            ),
            f"/alerts/{alert.id}",
        )
        for alert in raised
        if alert.state != "not_a_concern"
    ]
    did = [
        Step(
            "did" if post.state in DONE else "next",
            post.due_at or post.updated_at,
            post.title,
            f"/posts/{post.id}",
            post.state,
        )
        for post in ours
    ]
    handed = [Step("asked", one.asked_at, f"{one.unit}: {one.wanted}", f"/outreach/actions/{one.id}") for one in asked]
    ended = [
        Step(one.state, one.closed_at, one.outcome, f"/outreach/actions/{one.id}")
        for one in asked
        if one.closed_at is not None
    ]
    return sorted(said + did + handed + ended, key=lambda step: step.at, reverse=True)[:LONGEST_STORY]
