"""Mail about actions: to the unit that is asked, and to whoever asked, as its day comes and goes."""

from datetime import date, datetime
from email.message import EmailMessage

from babel.dates import format_date
from sqlmodel import Session

from config import letters
from config.settings import Settings
from config.translations import LANGUAGES, translate
from posts.tables import UnitAction


def put(
    session: Session,
    action: UnitAction,
    which: str,
    recipient: str,
    message: EmailMessage,
    settings: Settings,
    now: datetime,
) -> bool:
    """One mail about an action into the outbox; False when it was there already. A new day has reminders of its own."""
    key = f"action:{action.id}:{action.due_on:%Y%m%d}:{which}:{recipient}"
    return letters.put(session, message, key=key, kind="action", recipient=recipient, settings=settings, now=now)


def asked(action: UnitAction, department: str, by: str, reply_to: str, language: str) -> EmailMessage:
    """To the unit, when it is asked. Replies go to the officer."""
    _ = translate(language).gettext
    message = EmailMessage()
    message["Subject"] = _("Asked of %(unit)s until %(day)s") % _values(action, language)
    message["Reply-To"] = reply_to
    words = _(
        "%(by)s of %(department)s asks %(unit)s for this, until %(day)s:\n\n%(wanted)s\n\n"
        "What people said:\n\n%(said)s\n\n"
        "Please answer this mail with what came of it; the public is told."
    )
    message.set_content(words % {**_values(action, language), "by": by, "department": department} + "\n")
    return message


def reminder(action: UnitAction, which: str, language: str, *, link: str = "", reply_to: str = "") -> EmailMessage:
    """As posts.actions.reminder says. `link`: to the desk, for people of it; `reply_to`: for the unit."""
    _ = translate(language).gettext
    subject = {
        "soon": _("Due on %(day)s: %(unit)s"),
        "today": _("Due today: %(unit)s"),
    }.get(which, _("Late since %(day)s: %(unit)s"))
    message = EmailMessage()
    message["Subject"] = subject % _values(action, language)
    if reply_to:
        message["Reply-To"] = reply_to
    words = _("Asked of %(unit)s until %(day)s:\n\n%(wanted)s\n\nWhat people said:\n\n%(said)s")
    last = (
        _("Say what came of it, or give it another day: %(link)s") % {"link": link}
        if link
        else _("Please answer this mail with what came of it, or with the day by which it will be done.")
    )
    message.set_content(f"{words % _values(action, language)}\n\n{last}\n")
    return message


def _values(action: UnitAction, language: str) -> dict[str, str]:
    unit = " ".join(action.unit.split())  # a subject is one line, whatever was kept
    return {"unit": unit, "day": _day(action.due_on, language), "wanted": action.wanted, "said": action.said}


def _day(day: date, language: str) -> str:
    return str(format_date(day, "EEEE d MMMM", locale=language if language in LANGUAGES else "en"))
