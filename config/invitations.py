"""An invitation by mail: an address that works once, within its time, to choose one's own password with. The address
is sealed while it waits in the outbox."""

from datetime import datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlmodel import Session, col, select

from config import letters, people, sign_ins
from config.secrets import Keys
from config.settings import Settings
from config.tables import OneTimeCode, Person
from config.translations import LANGUAGES, translate

PURPOSE = "invitation"
LIFETIME = timedelta(days=7)


def make(session: Session, person: Person, settings: Settings, keys: Keys, now: datetime) -> str:
    """The address; earlier ones of this person are void."""
    number = people.known_id(person)
    sign_ins.void_links(session, number)
    code = sign_ins.new_code(session, PURPOSE, number, keys, now, LIFETIME)
    return f"{settings.base_url.rstrip('/')}/sign-in/link/{code}"


def send(session: Session, person: Person, by: str, settings: Settings, keys: Keys, now: datetime) -> None:
    """Makes a new address and puts the mail with it into the outbox. `by`: the name of who invites."""
    link = make(session, person, settings, keys, now)
    message = written(person, by, link, settings, now)
    key = f"invitation:{keys.hash('token', link).hex()}"
    letters.put(
        session, message, key=key, kind="invitation", recipient=person.email, settings=settings, now=now, keys=keys
    )


def open_until(session: Session, now: datetime) -> dict[int, datetime]:
    """Until when whose invitation waits, by person id."""
    query = select(OneTimeCode).where(
        OneTimeCode.purpose == PURPOSE, col(OneTimeCode.used_at).is_(None), OneTimeCode.expires_at > now
    )
    return {row.person_id: row.expires_at for row in session.exec(query) if row.person_id is not None}


def written(person: Person, by: str, link: str, settings: Settings, now: datetime) -> EmailMessage:
    """The mail, in the person's language."""
    language = person.language if person.language in LANGUAGES else "en"
    _ = translate(language).gettext
    until = format_date((now + LIFETIME).astimezone(ZoneInfo(person.time_zone)), "EEEE d MMMM", locale=language)
    message = EmailMessage()
    message["Subject"] = _("Your place at the desk of %(department)s") % {"department": settings.department.name}
    words = _(
        "%(by)s invites you, %(name)s, to the social media desk of %(department)s.\n\n"
        "Choose your password here, until %(until)s:\n\n%(link)s\n\n"
        "The address works once. Nobody but you should have it: do not pass this mail on. "
        "If you did not expect it, leave it alone."
    )
    values = {"by": by, "name": person.name, "department": settings.department.name, "until": until, "link": link}
    message.set_content(words % values + "\n")
    return message
