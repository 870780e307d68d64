"""The digests that are due: each edition at each person's hour and zone, once however often this runs.

A digest's key is the person, the edition and the local date; the outbox takes a key once. mornings.py gathers,
rendering holds no transaction, the message is then put in the outbox for scheduler.delivery."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, select

from config import database, mail_preferences, outbox, people, secrets
from config.permissions import Action, may
from config.secrets import Keys
from config.settings import Settings
from config.tables import MailPreference, OutboxMessage, Person
from posts.workflow import instant
from scheduler import digest_mail
from scheduler.jobs import mornings
from sentiment import digest
from sentiment.editions import Edition, Rhythm
from sentiment.morning import Morning

log = structlog.get_logger(__name__)
# After a standstill that long an edition is no news; the next one tells it.
TOO_LATE = {
    Edition.DAILY: timedelta(hours=12),
    Edition.WEEKLY: timedelta(hours=36),
    Edition.MONTHLY: timedelta(hours=72),
}


class NobodyGetsOne(LookupError):
    """There is no person whose digest could be made."""


@dataclass(frozen=True)
class Due:
    """One edition for one person, with its outbox key; `day` is the person's, on which it is due."""

    person: Person
    preference: MailPreference
    edition: Edition
    key: str
    day: date


def put_due(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Puts the digests that are due at `now` in the outbox; how many. What all have in common is gathered once."""
    with database.reading(engine) as session:
        due = find_due(session, now)
    if not due:
        return 0
    keys, town = secrets.load(settings), mornings.Town(settings, now)
    added = 0
    for one in due:
        try:
            with database.reading(engine) as session:
                morning = town.morning(session, one.person, one.preference, one.edition, one.key, due=one.day)
            message = write(morning, one.person, settings, keys, now)[1]
        except Exception as error:  # one digest that cannot be made must not keep the others
            log.error("digest_not_made", person=one.person.id, kind=type(error).__name__, error=str(error))
            continue
        with database.writing(engine) as session:
            added += outbox.put(
                session, key=one.key, kind="digest", recipient=one.person.email, message=message, now=now
            )
    return added


def find_due(session: Session, now: datetime) -> list[Due]:
    """The editions that should be there by `now` and are not."""
    chosen, roles = mail_preferences.of_all(session), people.roles_of_all(session)
    nothing_chosen = MailPreference(person_id=0)
    found = []
    for person in people.all_people(session):
        number = people.known_id(person)
        if not person.active or not may(roles.get(number, ()), Action.READ_FIGURES):
            continue
        preference = chosen.get(number, nothing_chosen)
        for rhythm in rhythms(person, preference):
            day = due_day(rhythm, person.time_zone, person.created_at, now)
            if day is not None:
                found.append(Due(person, preference, rhythm.edition, key(number, rhythm.edition, day), day))
    if not found:
        return []
    there = set(session.exec(select(OutboxMessage.key).where(col(OutboxMessage.key).in_([one.key for one in found]))))
    return [one for one in found if one.key not in there]


def rhythms(person: Person, preference: MailPreference) -> list[Rhythm]:
    """Which editions the person wants, and when."""
    hour = person.digest_hour
    found = [Rhythm(Edition.DAILY, hour)] if hour is not None else []
    other = mail_preferences.USUAL_HOUR if hour is None else hour
    if preference.weekly_on is not None:
        found.append(Rhythm(Edition.WEEKLY, other, preference.weekly_on))
    if preference.monthly:
        found.append(Rhythm(Edition.MONTHLY, other))
    return found


def due_day(rhythm: Rhythm, zone: str, since: datetime, now: datetime) -> date | None:
    """The local date of the latest edition due by `now`, if it is still news and was due after `since`. An hour that
    the clocks skip counts as long after midnight as if it were there; of an hour that comes twice, the first."""
    late = TOO_LATE[rhythm.edition]
    today = now.astimezone(ZoneInfo(zone)).date()
    for back in range(late.days + 2):
        day = today - timedelta(days=back)
        if not rhythm.falls_on(day):
            continue
        due = instant(datetime(day.year, day.month, day.day, rhythm.hour), zone)  # noqa: DTZ001  a wall time
        if due <= now < due + late and since <= due:
            return day
    return None


def key(person_id: int, edition: Edition, day: date) -> str:
    """The outbox key: "digest:3:2026-11-24", "digest:3:weekly:2026-11-23"."""
    if edition is Edition.DAILY:
        return f"digest:{person_id}:{day.isoformat()}"
    return f"digest:{person_id}:{edition}:{day.isoformat()}"


def preview(
    engine: sa.Engine,
    settings: Settings,
    folder: Path,
    email: str | None,
    now: datetime,
    edition: Edition = Edition.DAILY,
) -> Path:
    """Writes a person's digest as it would be sent now into `folder`; the .eml. Raises NobodyGetsOne."""
    with database.reading(engine) as session:
        here = people.all_people(session)
        if email is not None:
            person = people.by_email(session, email)
        else:
            person = next((found for found in here if found.digest_hour is not None), None)
    if person is None:
        if email is not None:
            raise NobodyGetsOne(f"nobody here has the e-mail {email}")
        cure = "name somebody with --for" if here else "add a person with `liaison user add`"
        raise NobodyGetsOne(f"nobody gets a digest yet; {cure}")
    made, message = previewed(engine, settings, secrets.load(settings), person, now, edition)
    return digest_mail.write_preview(made, message, folder)


def previewed(
    engine: sa.Engine, settings: Settings, keys: Keys, person: Person, now: datetime, edition: Edition = Edition.DAILY
) -> tuple[digest_mail.DigestParts, EmailMessage]:
    """A person's digest as it would be sent now. The key has no date in it: the same minute gives the same parts."""
    number = people.known_id(person)
    with database.reading(engine) as session:
        preference = mail_preferences.of(session, number)
        made = mornings.Town(settings, now).morning(
            session, person, preference, edition, f"digest:{number}:{edition}:preview"
        )
    return write(made, person, settings, keys, now)


def write(
    morning: Morning, person: Person, settings: Settings, keys: Keys, now: datetime
) -> tuple[digest_mail.DigestParts, EmailMessage]:
    """The parts and the message of one person's digest."""
    made = digest_mail.render(digest.compose(morning, person.language), settings.base_url, person.language)
    token = mail_preferences.stop_token(keys, people.known_id(person), morning.edition.value)
    message = digest_mail.message(
        made,
        key=morning.key,
        sender=settings.mail_from,
        recipient=person.email,
        recipient_name=person.name,
        base_url=settings.base_url,
        now=now,
        unsubscribe=f"{settings.base_url.rstrip('/')}/stop/{token}",
        one_click=settings.base_url.startswith("https://"),  # RFC 8058 asks for https
    )
    return made, message
