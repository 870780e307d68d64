"""A link that signs somebody in once without their password: for who forgot it, and from the terminal. Whoever has it
can be that person, so it goes to its owner alone where there is a mail server, and its owner is told of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from babel.dates import format_date
from sqlmodel import Session, col, delete, or_, select

from config import letters, people, security_mail, sign_ins
from config.secrets import Keys
from config.security_mail import Change
from config.settings import Settings
from config.tables import OneTimeCode, Person
from config.translations import LANGUAGES, translate

PURPOSE = "sign_in"
LIFETIME = timedelta(days=7)
_TOLD = (PURPOSE, sign_ins.BREAK_GLASS)  # an invitation is no news to who accepted it


def make(session: Session, person: Person, settings: Settings, keys: Keys, now: datetime) -> str:
    """The address, to be handed over by a person where no mail server is set; earlier ones are void."""
    security_mail.put(session, person, Change.LINK_MADE, settings, now)
    return _address(session, person, settings, keys, now)


def send(session: Session, person: Person, by: str, settings: Settings, keys: Keys, now: datetime) -> None:
    """Makes a new address and puts the mail with it into the outbox, sealed. `by`: the name of who makes it."""
    link = _address(session, person, settings, keys, now)
    message = written(person, by, link, settings, now)
    key = f"sign_in_link:{keys.hash('token', link).hex()}"
    letters.put(
        session, message, key=key, kind="sign_in_link", recipient=person.email, settings=settings, now=now, keys=keys
    )


def to_tell(session: Session, person_id: int, now: datetime) -> Sequence[OneTimeCode]:
    """Links that let somebody in as this person and that they have not seen, and those that still can."""
    return session.exec(select(OneTimeCode).where(*_theirs(person_id, now)).order_by(col(OneTimeCode.expires_at))).all()


def any_to_tell(person_id: int, now: datetime) -> sa.ColumnElement[bool]:
    """Whether there is one, within a question that is asked anyhow."""
    return select(OneTimeCode.code_hash).where(*_theirs(person_id, now)).exists()


def _theirs(person_id: int, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    there = or_(col(OneTimeCode.used_at).is_not(None), col(OneTimeCode.expires_at) > now)
    return col(OneTimeCode.person_id) == person_id, col(OneTimeCode.purpose).in_(_TOLD), there


def seen(session: Session, person_id: int) -> None:
    """The person knows of the links that were used; that they were stays in the audit log."""
    used = (col(OneTimeCode.used_at).is_not(None), col(OneTimeCode.purpose).in_(_TOLD))
    session.exec(delete(OneTimeCode).where(col(OneTimeCode.person_id) == person_id, *used))


def written(person: Person, by: str, link: str, settings: Settings, now: datetime) -> EmailMessage:
    """The mail, in the person's language."""
    language = person.language if person.language in LANGUAGES else "en"
    _ = translate(language).gettext
    until = format_date((now + LIFETIME).astimezone(ZoneInfo(person.time_zone)), "EEEE d MMMM", locale=language)
    message = EmailMessage()
    message["Subject"] = _("Your link to the desk of %(department)s") % {"department": settings.department.name}
    words = _(
        "%(by)s made a link for you, %(name)s, that signs you in without your password:\n\n%(link)s\n\n"
        "It works once, until %(until)s. Choose a new password then, under your account. Nobody but you should have "
        "it: do not pass this mail on. If you did not ask for it, tell another administrator."
    )
    values = {"by": by, "name": person.name, "until": until, "link": link}
    message.set_content(words % values + "\n")
    return message


def _address(session: Session, person: Person, settings: Settings, keys: Keys, now: datetime) -> str:
    number = people.known_id(person)
    sign_ins.void_links(session, number)
    code = sign_ins.new_code(session, PURPOSE, number, keys, now, LIFETIME)
    return f"{settings.base_url.rstrip('/')}/sign-in/link/{code}"
