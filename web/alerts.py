"""Alerts: what stood out, who has it, how it ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from config import clock, database
from config.permissions import Action
from config.translations import translate
from posts import actions
from sentiment import alert_details, alerts, digest_words, disclosure, hindsight, tuning, wording
from sentiment.emerging import Sensitivity
from sentiment.hindsight import Answer, Raised
from sentiment.tables import ALL, Alert, HeldBack
from sentiment.taxonomy import CONCERNS
from web import looks, pages
from web.desk import TheDesk
from web.fields import Id
from web.guard import Who, needs
from web.problems import Trouble
from web.today import LABELS, alert_view

router = APIRouter()
HELD_SHOWN = timedelta(days=30)
MUTED_AT_MOST = 90  # days
LISTED = 5  # alerts of one sensitivity; the others are counted


@dataclass(frozen=True)
class HindsightView:
    """What each sensitivity would have alerted: `levels` has each with its newest alerts (when, title), all of them
    counted, and how many are not listed; empty while the history is too short."""

    at: datetime
    days: str
    first: str
    levels: tuple[tuple[Sensitivity, int, tuple[tuple[datetime, str], ...], int], ...]


@router.get("/alerts", dependencies=[needs(Action.READ_FIGURES)])
def alerts_page(request: Request, found: TheDesk, who: Who) -> Response:
    """Open alerts as cards, those that are closed as a list."""
    zone, now, language = found.settings.department.zone, clock.now(), pages.language_of(request)
    with database.reading(found.engine) as session:
        every = alerts.all_alerts(session)
        opened = alert_details.of_each(session, [one for one in every if one.state in alerts.OPEN], zone)
        closed = [one for one in every if one.state not in alerts.OPEN]
        held, tuned = tuning.held_back(session, now - HELD_SHOWN), tuning.read(session, now)
        looked_back, looking_back = hindsight.read(session)
    views = [alert_view(detail, zone, now, language) for detail in opened]
    _ = pages.words(request).gettext
    looks.note(found.engine, who, (quote.mention_id for view in views for quote in view.detail.quotes))
    return pages.render(
        request,
        "alerts.html",
        views=views,
        closed=closed,
        labels=LABELS,
        held=[(one, disclosure.seen(one), _authors(one, language)) for one in held],
        level=tuned.department,
        own=_own(tuned, now),
        concern_options=sorted(((one.key, _(one.name)) for one in CONCERNS.values()), key=lambda one: one[1]),
        hindsight=_hindsight(looked_back, language) if looked_back is not None else None,
        looking_back=_under_way(looking_back, language),
    )


def _own(tuned: tuning.Tuning, now: datetime) -> list[tuple[str, str, str, datetime | None]]:
    """Concerns with a setting of their own: concern, name, level (empty: the department's), muted until."""
    muted = {key: until for key, until in tuned.muted_until.items() if tuned.muted(key, now)}
    return [
        (one.key, one.name, tuned.sensitivity.get(one.key, ""), muted.get(one.key))
        for one in CONCERNS.values()
        if one.key in tuned.sensitivity or one.key in muted
    ]


@dataclass(frozen=True)
class UnderWay:
    """How much of a hindsight is worked out: whole percent, none when nothing is asked for; and in words."""

    share: int | None
    words: str


@router.get("/alerts/hindsight", dependencies=[needs(Action.READ_FIGURES)])
def under_way(request: Request, found: TheDesk) -> UnderWay:
    """How far it is, for the bar on the page."""
    with database.reading(found.engine) as session:
        done = hindsight.read(session)[1]
    return _under_way(done, pages.language_of(request)) or UnderWay(None, "")


def _under_way(done: float | None, language: str) -> UnderWay | None:
    if done is None:
        return None
    words = translate(language).gettext(
        "It is being worked out, hour by hour of the month, beside the desk’s other work. %(share)s%% of it is done."
    )
    return UnderWay(int(100 * done), words % {"share": int(100 * done)})


def _hindsight(answer: Answer, language: str) -> HindsightView:
    first = answer.first or answer.last
    found = answer.raised or {}
    return HindsightView(
        at=answer.at,
        days=wording.days(min(first, answer.last), answer.last, language),
        first=wording.month_day(first, language) if answer.first is not None else "",
        levels=tuple(
            (level, len(raised), _newest(raised, language), max(0, len(raised) - LISTED))
            for level, raised in found.items()
        ),
    )


def _newest(raised: tuple[Raised, ...], language: str) -> tuple[tuple[datetime, str], ...]:
    newest = reversed(raised[-LISTED:])
    return tuple((one.at, digest_words.alert_title(one.title, one.concern, language)) for one in newest)


def _authors(one: HeldBack, language: str) -> str:
    seen = disclosure.seen(one)
    words = digest_words.authors_at_place if seen.by_place else digest_words.authors_in_words
    return words(seen.authors, language)


@router.get("/alerts/{alert_id}", dependencies=[needs(Action.READ_FIGURES)])
def alert_page(request: Request, found: TheDesk, who: Who, alert_id: Id) -> Response:
    """One alert with its evidence."""
    zone = found.settings.department.zone
    with database.reading(found.engine) as session:
        detail = alert_details.of_one(session, alert_id, zone)
        handed = actions.of_alert(session, alert_id)
        tuned, now = tuning.read(session, clock.now()), clock.now()
    if detail is None:
        raise Trouble(404, "There is no such alert", "It may be a number from another desk.")
    looks.note(found.engine, who, (quote.mention_id for quote in detail.quotes))
    view = alert_view(detail, zone, clock.now(), pages.language_of(request))
    concern = detail.alert.concern
    until = tuned.muted_until[concern] if tuned.muted(concern, now) else None
    return pages.render(request, "alert.html", view=view, labels=LABELS, actions=handed, muted_until=until)


@router.post("/alerts/sensitivity", dependencies=[needs(Action.TRIAGE)])
def set_sensitivity(
    found: TheDesk,
    who: Who,
    level: Annotated[Literal["fewer", "balanced", "more", ""], Form()] = "",
    concern: Annotated[str, Form(max_length=60)] = ALL,
) -> Response:
    """How readily the department is alerted, or of one concern; a concern without a level is as the department."""
    if concern not in (ALL, *CONCERNS):
        raise Trouble(404, "There is no such concern", "Nothing was changed.")
    with database.writing(found.engine) as session:
        tuning.set_sensitivity(session, concern, level or None, who.id, clock.now())
    return RedirectResponse("/alerts#h-ready", 303)


@router.post("/alerts/unmute", dependencies=[needs(Action.TRIAGE)])
def unmute(found: TheDesk, who: Who, concern: Annotated[str, Form(max_length=60)]) -> Response:
    """Ends a mute before its time."""
    if concern not in CONCERNS:
        raise Trouble(404, "There is no such concern", "Nothing was changed.")
    with database.writing(found.engine) as session:
        tuning.mute(session, concern, None, who.id, clock.now())
    return RedirectResponse("/alerts?said=unmuted#h-ready", 303)


@router.post("/alerts/hindsight", dependencies=[needs(Action.TRIAGE)])
def look_back(found: TheDesk, who: Who) -> Response:
    """Asks what each sensitivity would have alerted last month; it is worked out in the background."""
    with database.writing(found.engine) as session:
        hindsight.ask(session, who.id, clock.now())
    return RedirectResponse("/alerts#h-ready", 303)


@router.post("/alerts/{alert_id}/mute", dependencies=[needs(Action.TRIAGE)])
def mute(found: TheDesk, who: Who, alert_id: Id, days: Annotated[int, Form(ge=1, le=MUTED_AT_MOST)] = 7) -> Response:
    """No new alert of this one's concern for some days; what is found meanwhile is listed as held back."""
    now = clock.now()
    with database.writing(found.engine) as session:
        alert = session.get(Alert, alert_id)
        if alert is None:
            raise Trouble(404, "There is no such alert")
        tuning.mute(session, alert.concern, now + timedelta(days=days), who.id, now)
    return RedirectResponse(f"/alerts/{alert_id}?said=muted", 303)


@router.post("/alerts/{alert_id}/{act}", dependencies=[needs(Action.TRIAGE)])
def act_on(
    found: TheDesk, who: Who, alert_id: Id, act: Literal["take", "resolve", "not-a-concern", "reopen"]
) -> Response:
    """Takes an alert, closes it, or opens it again."""
    acts = {
        "take": alerts.take,
        "resolve": alerts.resolve,
        "not-a-concern": alerts.not_a_concern,
        "reopen": alerts.reopen,
    }
    with database.writing(found.engine) as session:
        if session.get(Alert, alert_id) is None:
            raise Trouble(404, "There is no such alert")
        try:
            acts[act](session, alert_id, who.id, clock.now())
        except alerts.WrongState as error:
            raise Trouble(409, "Someone was quicker", f"{error} Nothing was changed.") from error
    return RedirectResponse(f"/alerts/{alert_id}?said=alert-{act}", 303)
