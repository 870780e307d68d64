"""Trouble with a source told once, by mail to who can mend it, and its end too, with what was missed and caught up."""

from datetime import datetime, timedelta
from email.message import EmailMessage

import sqlalchemy as sa
from sqlmodel import Session

from config import database, letters, people, phrases
from config.permissions import Role
from config.settings import Settings
from config.translations import LANGUAGES, translate
from listeners import gaps, health
from listeners.health import Known
from listeners.tables import Source, SourceGap

PATIENCE = timedelta(minutes=15)  # that a failing source may mend itself in


def look(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Counts what was caught up, and tells the administrators of new trouble and of its end; how many mails."""
    with database.reading(engine) as session:
        seen = health.overview(session, now)
        recent = gaps.latest(session, now - gaps.COUNTED)
        changed = [known for known in seen if _trouble(known, now) != known.source.trouble]
    if not changed and not recent:
        return 0
    sent = 0
    with database.writing(engine) as session:
        gaps.count(session, now)
        for known in changed:
            sent += _tell(session, known, settings, now)
    return sent


def _trouble(known: Known, now: datetime) -> str:
    """What people are to know of: not what mends itself within minutes, nor a sign-in that ended, told elsewhere."""
    if known.health.state not in health.TROUBLE or (known.account is not None and known.account.state != "connected"):
        return ""
    if known.source.trouble:  # one trouble that becomes another is still the same trouble
        return known.source.trouble
    last = known.source.last_ok_at
    patient = known.health.state != "silent" and last is not None and now - last < PATIENCE
    return "" if patient else known.health.state


def _tell(session: Session, known: Known, settings: Settings, now: datetime) -> int:
    source = session.get_one(Source, known.source.id)
    trouble, since = _trouble(known, now), source.trouble_since
    source.trouble, source.trouble_since = trouble, now if trouble else None
    session.add(source)
    if not trouble and known.health.state != "ok":
        return 0  # switched off, or signed out, which is told elsewhere: it is not heard again
    sent = 0
    for person in people.with_role(session, Role.ADMINISTRATOR):
        key = f"source:{source.id}:{'begins' if trouble else 'ends'}:{(since or now):%Y%m%d%H%M%S}:{person.id}"
        language = person.language if person.language in LANGUAGES else "en"
        message = _begins(known, settings, language) if trouble else _ends(session, known, settings, language)
        sent += letters.put(
            session, message, key=key, kind="source", recipient=person.email, settings=settings, now=now
        )
    return sent


def _begins(known: Known, settings: Settings, language: str) -> EmailMessage:
    _ = translate(language).gettext
    subject = {
        "failing": _("The source “%(name)s” cannot be reached"),
        "behind": _("The source “%(name)s” is behind"),
        "silent": _("The source “%(name)s” is silent"),
    }[known.health.state] % {"name": _one_line(known.source.name)}
    words = _(
        "%(subject)s: %(why)s.\n\n"
        "Liaison keeps trying by itself and goes on from where it was. While this lasts, the figures may miss what was "
        "said there. You will get one more mail when it is over.\n\n"
        "How it is now: %(link)s"
    )
    about = {"subject": subject, "why": phrases.told(known.health.words, _), "link": f"{settings.base_url}/sources"}
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(words % about + "\n")
    return message


def _ends(session: Session, known: Known, settings: Settings, language: str) -> EmailMessage:
    _ = translate(language).gettext
    zone = settings.department.zone
    counted = [session.get_one(SourceGap, gap.id) for gap in known.gaps[:3]]  # known.gaps: as it was before this look
    report = [f"  {health.in_words(gap, lambda moment: moment.astimezone(zone), language)}" for gap in counted]
    subject = _("The source “%(name)s” is heard again") % {"name": _one_line(known.source.name)}
    parts = [f"{subject}: {phrases.told(known.health.words, _)}."]
    if report:
        parts.append("\n".join([_("What was missed, and what came in later:"), *report]))
    parts.append(_("All sources: %(link)s") % {"link": f"{settings.base_url}/sources"})
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content("\n\n".join(parts) + "\n")
    return message


def _one_line(name: str) -> str:
    return " ".join(name.split())
