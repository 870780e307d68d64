"""Reminders of actions: three days before, on the day, and each week that it is late, each once, in the morning."""

from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlmodel import Session

from config import database, people
from config.permissions import Role
from config.settings import Settings
from config.tables import Person
from config.translations import LANGUAGES
from posts import action_mail, actions
from posts.tables import UnitAction

log = structlog.get_logger(__name__)
MORNING = 8  # the hour of the department's day from which reminders go out


def look(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Puts what is due into the outbox; how many mails."""
    here = now.astimezone(settings.department.zone)
    if here.hour < MORNING:
        return 0
    with database.reading(engine) as session:
        standing = [(one, actions.reminder(one.due_on, here.date())) for one in actions.open_ones(session)]
    due = [(one, which) for one, which in standing if which is not None]
    if not due:
        return 0
    sent = 0
    for one, which in due:
        try:
            with database.writing(engine) as session:
                sent += _remind(session, one, which, settings, now)
        except Exception as error:  # one that cannot be reminded of must not silence the others
            log.error("action_not_reminded", action=one.id, kind=type(error).__name__, error=str(error))
    return sent


def _remind(session: Session, action: UnitAction, which: str, settings: Settings, now: datetime) -> int:
    asker = session.get_one(Person, action.asked_by)
    told = [asker] if asker.active else people.with_role(session, Role.OFFICER)  # who left is stood in for
    link = f"{settings.base_url.rstrip('/')}/outreach/actions/{action.id}"
    sent = 0
    for person in told:
        language = person.language if person.language in LANGUAGES else "en"
        message = action_mail.reminder(action, which, language, link=link)
        sent += action_mail.put(session, action, which, person.email, message, settings, now)
    if action.unit_mail:
        reply_to = told[0].email if told else ""
        message = action_mail.reminder(action, which, settings.department.language, reply_to=reply_to)
        sent += action_mail.put(session, action, which, action.unit_mail, message, settings, now)
    return sent
