"""Our own lists as CSV, filtered as their pages are; of mentions the figures only, day by day, never a text and never
an author. Who took which stands in the audit log. All our posts are web.finding's affair."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from config import clock, database, people, second_factor
from config.permissions import Action
from listeners import health, places
from networks import accounts
from posts import actions, events, glossary, heard, partners, questions, queue, reach, resources
from sentiment import alerts, digest_words, disclosure, figures, inbox
from sentiment.trust import Share, Show
from web import pages, sheets
from web.actions import known_place
from web.channels import STATES, log_lines
from web.desk import Desk, TheDesk
from web.guard import Who, needs
from web.mentions import TheAsked
from web.queue import midnight
from web.records import log_query

router = APIRouter()
MOST_ENTRIES = 20_000  # of the audit log in one file; the records package has it whole


@router.get("/mentions.csv", dependencies=[needs(Action.READ_MENTIONS)])
def mentions(found: TheDesk, who: Who, given: TheAsked) -> Response:
    """How many of a list's mentions were posted on each day, by trust and tone. Of a place in whole fives."""
    now, zone = clock.now(), found.settings.department.zone
    asked = given.kept()
    filters = given.filters(who, now)
    today = now.astimezone(zone).date()
    back = int(asked["days"] or found.settings.retention_days)
    days = [today - timedelta(days=number) for number in range(back, -1, -1)]
    told = disclosure.in_fives if filters.place_id else int
    with database.reading(found.engine) as session:
        counted = inbox.by_day(session, filters, [midnight(day, zone) for day in days])
    labels = ("mentions", "mistrust", "neither", "trust", "negative", "neutral", "positive")
    rows = [(day.isoformat(), *(told(one[label]) for label in labels)) for day, one in zip(days, counted, strict=True)]
    return sheets.handed_out(found, who, "mentions", ("day", *labels), rows, asked)


@router.get("/concerns.csv", dependencies=[needs(Action.READ_FIGURES)])
def concerns(found: TheDesk, who: Who) -> Response:
    """The last 7 whole days by concern; shares are 0 to 1, and as much of them as the page says."""
    with database.reading(found.engine) as session:
        overview, known = figures.town(session, clock.now(), found.settings.department.zone)
    heads = ("concern", "authors", "mistrust", "low_90", "high_90", "usual", "change", "first_day", "last_day")
    period = (overview.first.isoformat(), overview.last.isoformat())
    rows = [
        (row.concern, row.authors, *_share(row.mistrust), _share(row.usual)[0], row.change.direction, *period)
        for row in known
    ]
    return sheets.handed_out(found, who, "concerns", heads, rows)


@router.get("/alerts.csv", dependencies=[needs(Action.READ_FIGURES)])
def alerts_(request: Request, found: TheDesk, who: Who) -> Response:
    """Alerts, the newest first; counts at a place in whole fives."""
    heads = ("number", "raised_at", "since", "state", "severity", "concern", "place", "title", "posts", "authors")
    language = pages.language_of(request)
    with database.reading(found.engine) as session:
        rows = [
            (
                one.id,
                _local(found, one.raised_at),
                _local(found, one.since),
                one.state,
                one.severity,
                one.concern,
                place or "",
                digest_words.alert_title(one.title, one.concern, language),
                disclosure.seen(one).posts,
                disclosure.seen(one).authors,
                disclosure.seen(one).expected,
                _local(found, one.closed_at),
            )
            for one, place, _taker in alerts.named(session)
        ]
    return sheets.handed_out(found, who, "alerts", (*heads, "expected_authors", "closed_at"), rows)


@router.get("/outreach/actions.csv", dependencies=[needs(Action.READ_FIGURES)])
def actions_(found: TheDesk, who: Who) -> Response:
    """What units were asked for: what is open, the next due first, then what has ended."""
    heads = ("number", "state", "concern", "place", "unit", "said", "wanted", "due_on", "asked_at", "closed_at")
    with database.reading(found.engine) as session:
        named = {one.id: one.name for one in places.all_places(session)}
        rows = [
            (
                one.id,
                one.state,
                one.concern,
                named.get(one.place_id, ""),
                one.unit,
                one.said,
                one.wanted,
                one.due_on.isoformat(),
                _local(found, one.asked_at),
                _local(found, one.closed_at),
                one.outcome,
                one.post_id,
            )
            for one in (*actions.open_ones(session), *actions.closed_ones(session))
        ]
    return sheets.handed_out(found, who, "actions", (*heads, "outcome", "post"), rows)


@router.get("/outreach/events.csv", dependencies=[needs(Action.READ_POSTS)])
def events_(found: TheDesk, who: Who) -> Response:
    """Events to come, the next first, then those that are over."""
    heads = ("number", "state", "kind", "name", "starts_at", "minutes", "where", "access", "languages", "places")
    now = clock.now()
    with database.reading(found.engine) as session:
        rows = [
            (
                one.id,
                one.state,
                one.kind,
                one.name,
                _local(found, one.starts_at),
                one.minutes,
                one.where,
                one.access,
                " ".join(one.languages),
                one.capacity,
            )
            for one in (*events.coming(session, now), *events.past(session, now))
        ]
    return sheets.handed_out(found, who, "events", heads, rows)


@router.get("/outreach/partners.csv", dependencies=[needs(Action.READ_POSTS)])
def partners_(
    found: TheDesk, who: Who, place: str = "", language: str = "", kind: str = "", silent: bool = False
) -> Response:
    """The directory, without whom to write to: that is sealed, and shown to officers alone."""
    now = clock.now()
    with database.reading(found.engine) as session:
        known = partners.listed(session, place_id=known_place(session, place), language=language, kind=kind)
        named = {one.id: one.name for one in places.all_places(session)}
    rows = [
        (
            row.partner.id,
            row.partner.name,
            row.partner.kind,
            named.get(row.partner.place_id, ""),
            " ".join(row.partner.languages),
            _local(found, row.last),
        )
        for row in known
        if row.silent(now) or not silent
    ]
    asked = {"place": place, "language": language, "kind": kind, "silent": "yes" if silent else ""}
    heads = ("number", "name", "kind", "place", "languages", "last_contact")
    return sheets.handed_out(found, who, "partners", heads, rows, asked)


@router.get("/outreach/heard.csv", dependencies=[needs(Action.READ_FIGURES)])
def heard_(found: TheDesk, who: Who) -> Response:
    """What was heard in person in four weeks: people by concern, never their words."""
    today = clock.now().astimezone(found.settings.department.zone).date()
    with database.reading(found.engine) as session:
        counted = heard.counted(session, today - heard.SHOWN, today)
    rows = [(one.concern, one.people, one.mistrust, one.trust, one.notes) for one in counted]
    return sheets.handed_out(found, who, "heard", ("concern", "people", "mistrust", "trust", "notes"), rows)


@router.get("/outreach/questions.csv", dependencies=[needs(Action.READ_FIGURES)])
def questions_(found: TheDesk, who: Who) -> Response:
    """What the public was asked, how many answered, and what we answered."""
    heads = ("number", "question", "language", "asked_at", "last_day", "answers", "our_answer")
    with database.reading(found.engine) as session:
        rows = [
            (
                one.id,
                one.text,
                one.language,
                _local(found, one.asked_at),
                one.closes_on.isoformat(),
                number,
                one.answer,
            )
            for one, number in questions.with_numbers(session)
        ]
    return sheets.handed_out(found, who, "questions", heads, rows)


@router.get("/outreach/glossary.csv", dependencies=[needs(Action.READ_POSTS)])
def glossary_(found: TheDesk, who: Who) -> Response:
    """How we say each term in another language."""
    with database.reading(found.engine) as session:
        rows = [(one.id, one.term, one.language, one.wording) for one in glossary.kept(session)]
    return sheets.handed_out(found, who, "glossary", ("number", "term", "language", "wording"), rows)


@router.get("/outreach/resources.csv", dependencies=[needs(Action.READ_POSTS)])
def resources_(found: TheDesk, who: Who) -> Response:
    """Where people find help."""
    heads = ("number", "kind", "name", "telephone", "address", "note", "language", "changed_at")
    with database.reading(found.engine) as session:
        rows = [
            (one.id, one.kind, one.name, one.phone, one.address, one.note, one.language, _local(found, one.changed_at))
            for one in resources.kept(session)
        ]
    return sheets.handed_out(found, who, "resources", heads, rows)


@router.get("/accounts.csv", dependencies=[needs(Action.READ_POSTS)])
def accounts_(found: TheDesk, who: Who) -> Response:
    """Every account and how it is; never its secrets nor its settings. Money: dollars of this month."""
    heads = ("number", "network", "name", "handle", "state", "since", "why", "last_answer_at", "sign_in_ends_at")
    now = clock.now()
    with database.reading(found.engine) as session:
        waiting, watches = queue.waiting_by_account(session), reach.watches(session)
        rows = []
        for one in accounts.kept(session):
            money, watch = accounts.money(session, one, now), watches.get(one.id or 0)
            rows.append(
                (
                    one.id,
                    one.network,
                    one.name,
                    one.handle,
                    one.state,
                    _local(found, one.state_at),
                    one.state_reason,
                    _local(found, one.last_ok_at),
                    _local(found, one.ends_at),
                    money.spent if money is not None else None,
                    one.monthly_budget,
                    waiting.get(one.id or 0, 0),
                    _local(found, watch.last_ok_at) if watch is not None else "",
                    (watch.last_error or "") if watch is not None else "",
                )
            )
    more = ("spent", "budget", "posts_waiting", "reach_read_at", "reach_error")
    return sheets.handed_out(found, who, "accounts", (*heads, *more), rows)


@router.get("/sources.csv", dependencies=[needs(Action.MANAGE)])
def sources_(found: TheDesk, who: Who) -> Response:
    """Every source and how it is; never its address, which may hold a key."""
    heads = ("number", "network", "name", "kind", "account", "enabled", "every_seconds", "state", "words", "last_ok_at")
    now = clock.now()
    with database.reading(found.engine) as session:
        _, known = health.with_accounts(session, now)
        rows = [
            (
                one.source.id,
                one.source.network,
                one.source.name,
                one.source.settings.get("kind", ""),
                one.account.name if one.account is not None else "",
                "yes" if one.source.enabled else "no",
                one.source.every_seconds,
                one.health.state,
                one.health.words,
                _local(found, one.source.last_ok_at),
                one.rate.read,
                one.rate.new,
            )
            for one in known
        ]
    return sheets.handed_out(found, who, "sources", (*heads, "read_in_24_h", "new_in_24_h"), rows)


@router.get("/people.csv", dependencies=[needs(Action.MANAGE_PEOPLE)])
def people_(found: TheDesk, who: Who) -> Response:
    """Everybody here with their roles; nothing by which anybody comes in."""
    heads = ("number", "name", "email", "roles", "active", "language", "time_zone", "second_factor", "since")
    with database.reading(found.engine) as session:
        with_factor = second_factor.on_for(session)
        rows = [
            (
                one.id,
                one.name,
                one.email,
                " ".join(sorted(roles)),
                "yes" if one.active else "no",
                one.language,
                one.time_zone,
                "yes" if one.id in with_factor else "no",
                _local(found, one.created_at),
            )
            for one, roles in people.with_roles(session)
        ]
    return sheets.handed_out(found, who, "people", heads, rows)


@router.get("/channels/log.csv", dependencies=[needs(Action.MANAGE)])
def deliveries_(found: TheDesk, who: Who, state: Annotated[str, Query(max_length=10)] = "") -> Response:
    """What was to be delivered, newest first, `state` chosen as on its page; never the messages themselves."""
    heads = ("number", "at", "kind", "recipient", "subject", "state", "tries", "due_at", "why")
    with database.reading(found.engine) as session:
        rows = [
            (
                one.number,
                _local(found, one.at),
                one.kind,
                one.recipient,
                one.subject,
                one.state,
                one.tries,
                _local(found, one.due_at),
                one.why,
            )
            for one in log_lines(session, state, None, MOST_ENTRIES)
        ]
    asked = {"state": state if state in STATES else ""}
    return sheets.handed_out(found, who, "deliveries", heads, rows, asked)


@router.get("/records/log.csv", dependencies=[needs(Action.READ_AUDIT)])
def log(found: TheDesk, who: Who, action: Annotated[str, Query(max_length=60)] = "") -> Response:
    """The newest entries of the audit log, `action` chosen as on its page."""
    with database.reading(found.engine) as session:
        names = {one.id: one.name for one in people.all_people(session)}
        rows = [
            (
                entry.id,
                _local(found, entry.at),
                entry.action,
                entry.subject,
                names.get(entry.person_id, "") if entry.person_id else "Liaison",
                entry.address,
                "; ".join(f"{key}: {value}" for key, value in entry.detail.items() if value not in (None, "")),
            )
            for entry in session.exec(log_query(action, None, MOST_ENTRIES))
        ]
    heads = ("number", "at", "action", "subject", "by", "address", "detail")
    return sheets.handed_out(found, who, "audit-log", heads, rows, {"action": action})


def _local(found: Desk, at: datetime | None) -> str:
    """A time in the department's zone."""
    return at.astimezone(found.settings.department.zone).isoformat(timespec="minutes") if at is not None else ""


def _share(share: Share | None) -> tuple[float | None, float | None, float | None]:
    """Value and 90% interval, where there are authors enough to say so."""
    shown = share.show if share is not None else Show.NOTHING
    if share is None or shown is Show.NOTHING:
        return None, None, None
    value = round(share.value, 3) if shown is Show.VALUE else None
    return value, round(share.low, 3), round(share.high, 3)
