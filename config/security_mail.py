"""Mail that tells a person that their way in was changed, so that a change by somebody else does not stay unseen."""

from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlmodel import Session

from config import letters
from config.settings import Settings
from config.tables import Person
from config.translations import LANGUAGES, translate


class Change(StrEnum):
    """What was changed."""

    PASSWORD = "password"  # noqa: S105  the name of a kind of mail  # nosec B105
    FACTOR_ON = "factor_on"
    FACTOR_OFF = "factor_off"
    FACTOR_RESET = "factor_reset"
    RECOVERY_USED = "recovery_used"
    LINK_MADE = "link_made"
    LINK_USED = "link_used"
    ADDRESS = "address"


def put(session: Session, person: Person, change: Change, settings: Settings, now: datetime) -> None:
    """Puts the mail into the outbox, in the transaction of the change."""
    message = written(person, change, settings, now)
    key = f"security:{person.id}:{change.value}:{now.isoformat()}"
    letters.put(session, message, key=key, kind="security", recipient=person.email, settings=settings, now=now)


def written(person: Person, change: Change, settings: Settings, now: datetime) -> EmailMessage:
    """The mail, in the person's language, with the time in their zone."""
    language = person.language if person.language in LANGUAGES else "en"
    _ = translate(language).gettext
    what = {
        Change.PASSWORD: _("Your password was changed"),
        Change.FACTOR_ON: _("Your second factor is in use"),
        Change.FACTOR_OFF: _("Your second factor was taken away"),
        Change.FACTOR_RESET: _("An administrator took your second factor away"),
        Change.RECOVERY_USED: _("One of your recovery codes was used"),
        Change.LINK_MADE: _("A link was made that signs somebody in as you"),
        Change.LINK_USED: _("A link signed somebody in as you"),
        Change.ADDRESS: _("The address that you sign in with was changed"),
    }[change]
    zone = ZoneInfo(person.time_zone)
    moment = format_datetime(now, "EEEE d MMMM, HH:mm z", tzinfo=zone, locale=f"{language}_US")
    message = EmailMessage()
    message["Subject"] = what
    words = _(
        "%(what)s at the desk of %(department)s, on %(moment)s.\n\n"
        "If you did this or asked for it, there is nothing to do. If not, tell an administrator at once: "
        "somebody else may be in your place."
    )
    message.set_content(words % {"what": what, "department": settings.department.name, "moment": moment} + "\n")
    return message
