"""How a page is made: one `render`, which gives every template who asks, what waits, the hold, and how to write times.

Templates extend base.html with the blocks `title` and `main`. Times are shown in the person's own zone, zone named."""

import gettext
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import sqlalchemy as sa
from babel import negotiate_locale
from babel.dates import format_date, format_datetime, format_time, get_day_names, get_month_names, get_timezone_location
from babel.numbers import format_currency
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col, func, select

from config import clock, database, holds, phrases, templates
from config.permissions import Action
from config.tables import Person
from config.translations import LANGUAGES, translate
from listeners import mentions as listeners_mentions
from listeners.tables import Mention
from posts import reasons
from posts.tables import Post, Target
from sentiment import digest_words, vega, wording
from sentiment.tables import Alert, HeldBack
from web import csrf, guard, rights
from web.desk import Desk
from web.notices import notice

FOLDER = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
MOST_COUNTED = 1000  # beside the navigation: from here it says "and more", and a million rows are not looked through


_LINKED = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)\]'\"]|(?<![\w@#/.])(?:@[\w-]+(?:[.@-]\w+)*|#\w*[^\W\d]\w*)")
_FULL_DAY = {"en": "EEEE d MMMM y", "es": "EEEE d 'de' MMMM 'de' y"}


@dataclass(frozen=True)
class Counts:
    """The numbers beside the navigation."""

    mentions: int = 0  # new, and shown
    alerts: int = 0  # nobody has them yet
    approvals: int = 0  # wait for somebody, and not by this person


@dataclass(frozen=True)
class Tape:
    """The hold in force, for the tape across every page."""

    placed_at: datetime
    by: str
    reason: str
    waiting: int  # posts that keep their place meanwhile


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page. Besides `values` a template has: visitor (none when signed out), may("write_posts"), csrf, hold (Tape
    or none), counts, department, now, zone, language, path, said (a notice or none), static("desk.css"), and the
    filters moment, day, short_day, clock, number, initials. Times are in `zone`: the person's, or the one given."""
    found: Desk = request.app.state.desk
    who: guard.Visitor | None = getattr(request.state, "visitor", None)
    language, zone = _language_and_zone(request)
    tape, counts = _around(found, who)
    around: dict[str, Any] = {
        "visitor": who,
        "may": lambda action: who is not None and who.may(action),
        "csrf": csrf.token(found.keys, guard.seed(request, found)),
        "hold": tape,
        "counts": counts,
        "department": found.settings.department,
        "crest": found.settings.department.crest is not None,
        "shows_transparency": found.settings.public_transparency,
        "now": clock.now(),
        "zone": zone,
        "language": language,
        "path": request.url.path,
        "is_public": False,  # a page for the public, without the desk around it; its template says so
        "said": notice(request.query_params.get("said", ""), translate(language).gettext),
    }
    hidden = values.keys() & (around.keys() | _named_by_the_frame(language)) - {"zone"}
    if hidden:  # a page's own value would stand where the frame has its own: answers of people as a notice, say
        raise TypeError(f"{template}: {', '.join(sorted(hidden))} is the frame's")
    if "labels" in values:
        values["labels"] = {name: told(request, words) for name, words in values["labels"].items()}
    match values.get("wrong"):  # a room said it, alone or with the form that it is about; Compose has its own
        case str() as sentence:
            values |= _refused(request, "", sentence)
        case (str() as at, str() as sentence):
            values |= _refused(request, at, sentence)
    page = _environment(language).get_template(template).render(around | values)
    return HTMLResponse(page, status)


@cache
def _named_by_the_frame(language: str) -> frozenset[str]:
    """What base.html sets for itself: it is drawn around a page's block, so it would overwrite the page's own value."""
    tree = _environment(language).parse((FOLDER / "base.html").read_text())
    targets = [one.target for one in tree.find_all(jinja2.nodes.Assign)]
    return frozenset(one.name for one in targets if isinstance(one, jinja2.nodes.Name))


def _refused(request: Request, at: str, sentence: str) -> dict[str, Any]:
    return {"wrong": told(request, sentence), "wrong_at": at, "amiss": getattr(sentence, "fields", ())}


def macros(request: Request, template: str) -> Any:
    """A template of macros, to draw a part of a page by itself: `macros(request, "post_parts.html").meter(check)`."""
    language, zone = _language_and_zone(request)
    crest = request.app.state.desk.settings.department.crest is not None
    around = {"language": language, "zone": zone, "crest": crest}
    return _environment(language).get_template(template).make_module(around)


def words(request: Request) -> gettext.NullTranslations:
    """The translations of the language this person reads: `_ = words(request).gettext`."""
    language, _ = _language_and_zone(request)
    return translate(language)


def told(request: Request, words: str) -> str:
    """What a room said when it refused something, in the reader's language where the catalogue has it."""
    return _told({"language": language_of(request)}, words)


def language_of(request: Request) -> str:
    """The language in which this person reads, signed in or not."""
    return _language_and_zone(request)[0]


def zone_of(request: Request) -> ZoneInfo:
    """The zone in which this person reads times; the department's when signed out."""
    return _language_and_zone(request)[1]


def _language_and_zone(request: Request) -> tuple[str, ZoneInfo]:
    """A person's own; of whoever is not signed in, the first language of their browser that we have, or else the
    department's, and the department's zone."""
    who: guard.Visitor | None = getattr(request.state, "visitor", None)
    if who is None:
        department = request.app.state.desk.settings.department
        wanted = [one.partition(";")[0].strip() for one in request.headers.get("Accept-Language", "").split(",")]
        language = negotiate_locale(wanted, LANGUAGES, sep="-") or department.language
        return (language if language in LANGUAGES else "en"), department.zone
    language = who.person.language if who.person.language in LANGUAGES else "en"
    return language, ZoneInfo(who.person.time_zone)


def _around(found: Desk, who: guard.Visitor | None) -> tuple[Tape | None, Counts]:
    """Hold and counts. A page that tells of a store that does not answer must not ask it again and fail."""
    if who is None:
        return None, Counts()
    try:
        with database.reading(found.engine) as session:
            return _asked(session, who)
    except DatabaseError:
        return None, Counts()


def _asked(session: Session, who: guard.Visitor) -> tuple[Tape | None, Counts]:
    """Every page asks for these: one question, of what this person may see."""
    rights = tuple(
        action for action in (Action.READ_MENTIONS, Action.READ_FIGURES, Action.APPROVE_POSTS) if who.may(action)
    )
    row = dict(session.connection().execute(_question(rights), {"me": who.id}).one()._mapping)
    placed_at, reason, name, waiting = (row.pop(key) for key in ("placed_at", "reason", "by", "posts"))
    tape = Tape(placed_at, name or "", reason, waiting) if placed_at is not None else None
    return tape, Counts(**row)


@cache
def _question(rights: tuple[Action, ...]) -> sa.Executable:
    """Put together once for people with the same rights, for that takes longer than asking."""
    waits: dict[str, Any] = {
        "posts": select(func.count(func.distinct(Target.post_id))).where(
            col(Target.state).in_(("waiting", "retry")), holds.any_in_force()
        )
    }
    if Action.READ_MENTIONS in rights:
        new = select(Mention.id).where(Mention.state == "new", *listeners_mentions.listed()).limit(MOST_COUNTED)
        waits["mentions"] = select(func.count()).select_from(new.subquery())
    if Action.READ_FIGURES in rights:
        waits["alerts"] = select(func.count()).select_from(Alert).where(Alert.state == "new")
    if Action.APPROVE_POSTS in rights:
        waits["approvals"] = select(func.count()).where(Post.state == "in_review", Post.author_id != sa.bindparam("me"))
    counts = sa.select(*(count.scalar_subquery().label(name) for name, count in waits.items())).subquery()
    hold = holds.first_in_force()
    columns: list[Any] = [*counts.c, hold.c.placed_at, hold.c.reason, col(Person.name).label("by")]
    return sa.select(*columns).select_from(
        counts.outerjoin(hold, sa.true()).outerjoin(Person, col(Person.id) == hold.c.placed_by)
    )


@cache
def _environment(language: str) -> jinja2.Environment:
    made = templates.environment(FOLDER, language)
    made.filters.update(moment=_moment, day=_day, short_day=_short_day, clock=_clock, number=_number, initials=initials)
    made.filters.update(counted=_counted, dollars=_dollars, told=jinja2.pass_context(_told), alert_title=_alert_title)
    made.filters.update(marked=marked, why=_why)
    made.filters.update(wall=_wall, clock_face=_clock_face, clock_plain=_clock_plain)
    made.filters.update(day_plain=_day_plain, month_name=_month_name, span=_span, city=_city)
    made.globals.update(static=static, vega=f"/vega.js?v={vega.VERSION}")
    made.globals.update(right_words=rights.RIGHTS, role_words=rights.ROLES)
    return made


@cache
def static(name: str) -> str:
    """The address of a static file; its content is in the address, so browsers may keep it for good."""
    path = STATIC / name
    version = blake2b(path.read_bytes(), digest_size=6).hexdigest() if path.is_file() else "0"
    return f"/static/{name}?v={version}"


def marked(text: str) -> Markup:
    """A post's words with links, mentions and hashtags coloured, as networks show them."""
    inked, at = Markup(), 0
    for found in _LINKED.finditer(text):
        inked += text[at : found.start()] + Markup('<span class="lnk">{}</span>').format(found[0])
        at = found.end()
    return inked + text[at:]


def initials(name: str) -> str:
    """ "Ada Okafor" gives AO."""
    parts = [part for part in name.split() if part]
    return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper() if parts else "?"


def _time_tag(value: datetime, shown: str) -> Markup:
    instant = clock.utc(value).isoformat(timespec="seconds")  # put together by hand: a calendar has a thousand of these
    return Markup(f'<time datetime="{instant}">{escape(shown)}</time>')  # noqa: S704  (digits, and what is escaped)  # nosec B704


@jinja2.pass_context
def _moment(context: jinja2.runtime.Context, value: datetime) -> Markup:
    """Tue 24 Nov, 08:10 ET"""
    zone, language = context["zone"], context["language"]
    local = clock.utc(value).astimezone(zone)
    return _time_tag(value, f"{_weekday_and_day(local, language)}, {local:%H:%M} {zone_name(value, zone, language)}")


@jinja2.pass_context
def _clock(context: jinja2.runtime.Context, value: datetime) -> Markup:
    """08:10; the page says the zone once"""
    instant = clock.utc(value)
    return _time_tag(instant, f"{instant.astimezone(context['zone']).time():%H:%M}")


@jinja2.pass_context
def _wall(context: jinja2.runtime.Context, value: datetime) -> str:
    """Tue 24 Nov, 08:10, of a wall time whose zone stands beside it"""
    return f"{_weekday_and_day(value, context['language'])}, {value:%H:%M}"


@jinja2.pass_context
def _clock_face(context: jinja2.runtime.Context, value: time) -> str:
    """08:10, of a wall time without a day"""
    return str(format_time(value, "HH:mm", locale=context["language"]))


@jinja2.pass_context
def _day(context: jinja2.runtime.Context, value: datetime | date) -> Markup:
    """Tuesday 24 November 2026"""
    if not isinstance(value, datetime):
        shown = format_date(value, _FULL_DAY[context["language"]], locale=context["language"])
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), shown)
    local = value.astimezone(context["zone"])
    return _time_tag(value, format_date(local, _FULL_DAY[context["language"]], locale=context["language"]))


@jinja2.pass_context
def _short_day(context: jinja2.runtime.Context, value: datetime) -> Markup:
    """Tue 24 Nov"""
    return _time_tag(value, _weekday_and_day(value.astimezone(context["zone"]), context["language"]))


def _weekday_and_day(local: datetime, language: str) -> str:
    """Babel's "EEE d MMM", put together by hand, for a list has dozens of these."""
    days, months = _short_names(language)
    return f"{days[local.weekday()]} {local.day} {months[local.month]}"


@cache
def _short_names(language: str) -> tuple[Mapping[int, str], Mapping[int, str]]:
    return get_day_names("abbreviated", locale=language), get_month_names("abbreviated", locale=language)


@jinja2.pass_context
def _clock_plain(context: jinja2.runtime.Context, value: datetime) -> str:
    """08:10, for a field"""
    return f"{value.astimezone(context['zone']):%H:%M}"


@jinja2.pass_context
def _day_plain(context: jinja2.runtime.Context, value: date) -> str:
    """Tuesday 24 November, of a day of the department's calendar"""
    return wording.day_in_full(value, context["language"])


@jinja2.pass_context
def _span(context: jinja2.runtime.Context, first: date, last: date) -> str:
    """5–12 Dec, of days of the department's calendar"""
    return wording.days(first, last, context["language"])


@jinja2.pass_context
def _month_name(context: jinja2.runtime.Context, value: date) -> str:
    """November"""
    return str(format_date(value, "LLLL", locale=context["language"])).capitalize()


@jinja2.pass_context
def _number(context: jinja2.runtime.Context, value: float, places: int = 0) -> str:
    """1,234; 0.5 with one place, and 0,5 where the language writes it so; a whole number stays whole"""
    return wording.decimal(value, places, context["language"])


@jinja2.pass_context
def _dollars(context: jinja2.runtime.Context, value: float) -> str:
    """$1,234.50"""
    return str(format_currency(value, "USD", locale=f"{context['language']}_US"))


@jinja2.pass_context
def _counted(context: jinja2.runtime.Context, value: int) -> str:
    """1,000+, of what is counted no further"""
    return f"{_number(context, value)}{'+' if value >= MOST_COUNTED else ''}"


def _told(context: Mapping[str, Any], words: str) -> str:
    return phrases.told(words, translate(context["language"]).gettext)


@jinja2.pass_context
def _why(context: jinja2.runtime.Context, words: str) -> str:
    """Why a target stands as it does"""
    return reasons.read(words).told(translate(context["language"]).gettext)


@jinja2.pass_context
def _alert_title(context: jinja2.runtime.Context, one: Alert | HeldBack) -> str:
    """What an alert is called, in the reader's language"""
    return digest_words.alert_title(one.title, one.concern, context["language"])


@jinja2.pass_context
def _city(context: jinja2.runtime.Context, name: str) -> str:
    """New York, of America/New_York"""
    return city(ZoneInfo(name), context["language"])


def city(zone: ZoneInfo, language: str) -> str:
    """The city that a zone is named for, in the reader's language."""
    return str(get_timezone_location(zone, locale=wording.locale(language), return_city=True))


def zone_name(value: datetime, zone: ZoneInfo, language: str) -> str:
    """The zone's short name at that instant, as people of the language write it in the United States: EST; UTC+1 where
    it has no letters."""
    quarter = clock.utc(value).replace(second=0, microsecond=0)
    return _zone_name(quarter - timedelta(minutes=quarter.minute % 15), zone, language)


@lru_cache(maxsize=4096)
def _zone_name(quarter: datetime, zone: ZoneInfo, language: str) -> str:
    """Clocks change at a quarter of an hour."""
    return str(format_datetime(quarter, "z", tzinfo=zone, locale=f"{language}_US"))
