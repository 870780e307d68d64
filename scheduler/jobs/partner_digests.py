"""The week's counts for partners that agreed to get them: Monday mornings, by mail, each once.

Counts only, in whole fives: no text, no place, no name. What was published and what is coming is public anyway."""

from datetime import datetime, timedelta
from email.message import EmailMessage

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database, letters
from config.secrets import Keys
from config.settings import Settings
from config.tables import OutboxMessage
from config.translations import LANGUAGES, translate
from posts import event_public, event_words, events, partners, queue
from posts.event_words import Facts
from posts.tables import Event, Partner
from sentiment import disclosure, figures, wording
from sentiment.figures import ConcernRow, Overview
from sentiment.taxonomy import CONCERNS

MONDAY, MORNING = 0, 8  # weekday and hour of the department's calendar
MOST = 5  # concerns, and events
WEEK = timedelta(days=7)


def put_due(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> int:
    """Puts what is due into the outbox; how many mails."""
    here = now.astimezone(settings.department.zone)
    if here.weekday() != MONDAY or here.hour < MORNING:
        return 0
    with database.reading(engine) as session:
        readers = {f"partner-digest:{one.id}:{here:%Y%m%d}": one for one in partners.digest_readers(session)}
        there = session.exec(select(OutboxMessage.key).where(col(OutboxMessage.key).in_(list(readers)))).all()
        due = {key: one for key, one in readers.items() if key not in there}
        if not due:
            return 0
        overview, rows = figures.town(session, now, settings.department.zone)
        sent = queue.published_between(session, now - WEEK, now).posts
        coming = _public(session, now)
    put = 0
    with database.writing(engine) as session:
        for key, one in due.items():
            recipient = partners.reach(one, keys).email
            if not recipient:  # taken out before that ended the mails
                continue
            address = f"{settings.base_url.rstrip('/')}/partner/stop/{partners.stop_token(keys, one.id or 0)}"
            message = write(one, overview, rows, sent, coming, address, settings)
            put += letters.put(
                session, message, key=key, kind="partner", recipient=recipient, settings=settings, now=now, keys=keys
            )
    return put


def _public(session: Session, now: datetime) -> list[tuple[Event, Facts]]:
    """Events to come that the public was told of, with what was approved of them."""
    planned = [event for event in events.coming(session, now) if event.state == "planned"]
    told = ((event, event_public.told(session, event)) for event in planned)
    return [(event, facts) for event, facts in told if facts is not None][:MOST]


def write(
    partner: Partner,
    overview: Overview,
    rows: list[ConcernRow],
    sent: int,
    coming: list[tuple[Event, Facts]],
    address: str,
    settings: Settings,
) -> EmailMessage:
    """One partner's mail. `sent`: posts of the week; `address`: where it is stopped. Pure."""
    language = next((one for one in partner.languages if one in LANGUAGES), settings.department.language)
    catalogue = translate(language)
    _, ngettext, name = catalogue.gettext, catalogue.ngettext, settings.department.name
    days = wording.days(overview.first, overview.last, language)
    told = [(row, disclosure.in_fives(row.authors)) for row in rows]
    most = [
        _("• %(concern)s: at least %(people)d people") % {"concern": _(CONCERNS[row.concern].name), "people": people}
        for row, people in told
        if people
    ][:MOST]
    words = [_("What people said in public to %(name)s, %(days)s.") % {"name": name, "days": days}]
    words.append("\n".join(most) if most else _("Too few people to be counted without being found."))
    words.append(
        ngettext("%(name)s published one post.", "%(name)s published %(number)d posts.", sent)
        % {"name": name, "number": sent}
    )
    if coming:
        told_of = [event_public.as_now(event, facts, language) for event, facts in coming]
        listed = "\n".join(
            f"• {one.name}: {event_words.day(one, language)}, {event_words.hour(one, language)}, {one.where}"
            for one in told_of
        )
        heading = _("Coming up:")
        words.append(f"{heading}\n{listed}")
    words.append(
        _(
            "Counts only, in whole fives; they are no poll. You have this mail because you agreed to it. "
            "Stop it here: %(address)s"
        )
        % {"address": address}
    )
    message = EmailMessage()
    message["Subject"] = _("The week, %(days)s: %(name)s") % {"days": days, "name": " ".join(name.split())}
    message["List-Unsubscribe"] = f"<{address}>"
    if address.startswith("https://"):  # RFC 8058 asks for https
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("\n\n".join(words) + "\n")
    return message
