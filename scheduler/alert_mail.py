"""An alert as a short mail, in the digest's frame: what, how sure, the columns, three quotes, where.

sentiment/alerts.py gives the detail; digest_mail.message makes the message, the alert job puts it into the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from config.settings import Settings
from config.translations import LANGUAGES, translate
from scheduler import digest_mail
from scheduler.digest_mail import DigestParts
from sentiment import charts, digest_words, disclosure, wording
from sentiment.alert_details import AlertDetail
from sentiment.digest_words import QuoteWords

_SURE_DAYS = 30  # past this "once in so many days" says no more than "hardly ever"


@dataclass(frozen=True)
class AlertContent:
    """An alert in words of one language."""

    key: str
    department: str
    dated: str
    title: str
    own_title: str  # in our own words only
    said: str
    sure: str
    quotes: tuple[QuoteWords, ...]
    where: str
    columns: charts.Columns
    beside: str  # of what the columns are: not of the alert's own posts
    path: str


def compose(
    detail: AlertDetail,
    *,
    key: str,
    department: str,
    zone: ZoneInfo,
    now: datetime,
    path: str,
    networks: Mapping[str, str] | None = None,
    language: str = "en",
    phrases: bool = True,
) -> AlertContent:
    """The words. `zone` is the recipient's; `networks` gives a network's name for people to read; `phrases`: whether
    to name what is often in the posts."""
    _ = translate(language).gettext
    alert, local = detail.alert, now.astimezone(zone)
    names = {name: _(label) for name, label in (networks or {}).items()}
    said = digest_words.alert(
        posts=detail.posts,
        authors=detail.authors,
        expected=detail.expected,
        by_place=detail.place_name is not None,
        since=alert.since.astimezone(zone),
        keyphrases=alert.keyphrases if phrases else (),
        today=local.date(),
        language=language,
    )
    return AlertContent(
        key=key,
        department=department,
        dated=_("%(day)s, %(hour)s. A new alert.")
        % {"day": wording.day_in_full(local.date(), language), "hour": wording.hour(local, language)},
        title=digest_words.alert_title(alert.title, alert.concern, language),
        own_title=digest_words.own_title(alert.kind, alert.title, alert.concern, detail.place_name, language),
        said=said,
        sure=_sure(detail.once_in_days, language),
        quotes=tuple(
            digest_words.quote(one, names.get(one.network, one.network.capitalize()), zone, now, language)
            for one in detail.quotes
        ),
        where=_where(detail, names, language),
        columns=charts.Columns(tuple(detail.columns), zone),
        beside=_("Another count beside it: posts read as “%(concern)s” in the whole town, over two days.")
        % {"concern": _(detail.concern_name)},
        path=path,
    )


def render(
    content: AlertContent,
    base_url: str,
    language: str = "en",
    *,
    others: Sequence[AlertContent] = (),
    escalated: bool = False,
) -> DigestParts:
    """The mail's parts, for digest_mail.message. `others`: told in the same mail, briefly. `escalated`: it goes to
    supervisors, since nobody has taken it."""
    _ = translate(language).gettext
    chart = charts.columns(content.columns, charts.MAIL_COLUMNS, language) if content.columns.columns else None
    words = _("Nobody has it yet: %(title)s") if escalated else _("Alert: %(title)s")
    subject = words % {"title": content.own_title}  # the outbox keeps it longer than posts are kept
    if others:
        more = translate(language).ngettext("%(count)s more", "%(count)s more", len(others)) % {"count": len(others)}
        subject = f"{subject} (+ {more})"
    return digest_mail.parts(
        "alert", subject, content.key, chart, base_url, language, alert=content, others=others, escalated=escalated
    )


def call(detail: AlertDetail, key: str, reason: str, settings: Settings, now: datetime) -> tuple[str, dict[str, Any]]:
    """What a program or chat room is told, in the department's language: a subject, and the JSON of
    docs/for-administrators/mail-and-webhooks.md. Figures and our own sentences only: other people's words expire, and
    those in a chat room do not."""
    department = settings.department
    language = department.language if department.language in LANGUAGES else "en"
    _ = translate(language).gettext
    content = compose(
        detail,
        key=key,
        department=department.name,
        zone=department.zone,
        now=now,
        path=f"/alerts/{detail.alert.id}",
        language=language,
        phrases=False,
    )
    alert = detail.alert
    words = _("Nobody has it yet: %(title)s") if reason == "escalated" else _("Alert: %(title)s")
    return words % {"title": content.own_title}, {
        "event": f"alert.{reason}",
        "delivery": key,
        "alert": alert.id,
        "title": content.own_title,
        "words": f"{content.said} {content.sure}",
        "concern": alert.concern,
        "place": detail.place_name,
        "posts": detail.posts,
        "authors": detail.authors,
        "rounded_down_to": disclosure.LEAST if detail.place_name is not None else 1,
        "expected_authors": round(detail.expected, 2),
        "window_hours": alert.window_hours,
        "p_value": disclosure.seen(alert).p_value,
        "since": alert.since.isoformat(),
        "raised_at": alert.raised_at.isoformat(),
        "url": f"{settings.base_url.rstrip('/')}{content.path}",
        "test": False,
    }


def _sure(once_in_days: float, language: str) -> str:
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if once_in_days > _SURE_DAYS:
        return _("Chance alone hardly ever brings so many.")
    days = max(1, round(once_in_days))
    words = ngettext(
        "Chance alone brings so many about once a day.",
        "Chance alone brings so many about once in %(count)s days.",
        days,
    )
    return words % {"count": days}


def _where(detail: AlertDetail, names: Mapping[str, str], language: str) -> str:
    said: list[str] = []
    if detail.places:
        said.append(
            _listed([(name, digest_words.authors_at_place(number, language)) for name, number in detail.places])
        )
    if detail.networks:
        posts = [
            (
                names.get(name, name.capitalize()),
                digest_words.posts_at_place(number, language)
                if detail.place_name is not None
                else digest_words.posts_in_words(number, language),
            )
            for name, number in detail.networks
        ]
        said.append(_listed(posts))
    return " ".join(said)


def _listed(counted: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{digest_words.one_line(name)} ({number})" for name, number in counted) + "."
