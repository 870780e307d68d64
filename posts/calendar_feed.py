"""Outgoing posts and events as a calendar (RFC 5545) that any calendar program subscribes to; and its secret address.

Titles, times and states only: never what somebody else wrote, nor who wrote what."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Calendar, Event
from sqlmodel import Session, col, select

from config import people
from config.permissions import Action, may
from config.secrets import Keys
from config.tables import CalendarFeed, Person
from config.translations import translate
from posts import event_file, events, queue
from posts.queue import QueueRow
from posts.tables import Event as OurEvent

PAST = timedelta(days=31)
AHEAD = timedelta(days=366)
LENGTH = timedelta(minutes=15)  # what a post takes up on a calendar
REFRESH = timedelta(minutes=15)
_PRODUCT = "-//Liaison//Outgoing posts//EN"


@dataclass(frozen=True)
class Reader:
    """Whose feed it is: titles are in their language, links lead into their desk."""

    base_url: str
    department: str
    language: str


def new_address(session: Session, person_id: int, keys: Keys, now: datetime) -> str:
    """A new secret for the person's feed, shown once; an earlier one stops working."""
    token = secrets.token_urlsafe(32)
    kept = session.get(CalendarFeed, person_id) or CalendarFeed(person_id=person_id, token_hash=b"", created_at=now)
    kept.token_hash, kept.created_at, kept.read_at = keys.hash("calendar", token), now, None
    session.add(kept)
    return token


def revoke(session: Session, person_id: int) -> bool:
    """Ends the person's feed; whether there was one."""
    kept = session.get(CalendarFeed, person_id)
    if kept is not None:
        session.delete(kept)
    return kept is not None


def reader_of(session: Session, token: str, keys: Keys) -> tuple[Person, CalendarFeed] | None:
    """Whose feed this secret opens; none for one that is wrong or revoked, or of somebody who left or may not read
    posts."""
    kept = session.exec(select(CalendarFeed).where(CalendarFeed.token_hash == keys.hash("calendar", token))).first()
    person = session.get(Person, kept.person_id) if kept is not None else None
    if kept is None or person is None or not person.active:
        return None
    return (person, kept) if may(people.roles_of(session, kept.person_id), Action.READ_POSTS) else None


def read(session: Session, reader: Reader, now: datetime) -> bytes:
    """The calendar of what went out in the last month and is planned for the next year, and of events then."""
    start, end = now - PAST, now + AHEAD
    return write(queue.going_out(session, start, end), reader, events.between(session, start, end))


def write(rows: Iterable[QueueRow], reader: Reader, held: Iterable[OurEvent] = ()) -> bytes:
    """The calendar of these posts and events. The same ones give the same bytes: a program sees whether it changed."""
    _ = translate(reader.language).gettext
    made = Calendar()
    made.add("prodid", _PRODUCT)
    made.add("version", "2.0")
    made.add("x-wr-calname", _("Posts of %(department)s") % {"department": reader.department})
    made.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", REFRESH)
    for row in rows:
        made.add_component(_event(row, reader))
    for event in held:
        url = f"{reader.base_url.rstrip('/')}/outreach/events/{event.id}"
        made.add_component(event_file.component(event, events.facts(event), reader.base_url, reader.language, url=url))
    made.add_missing_timezones()
    return bytes(made.to_ical())


def _event(row: QueueRow, reader: Reader) -> Event:
    _ = translate(reader.language).gettext
    words = {
        "draft": _("draft"),
        "in_review": _("waits for approval"),
        "missed": _("missed"),
        "cancelled": _("cancelled"),
    }
    state = words.get(row.state, "")
    title = row.title or _("A post without a title")
    event = Event()
    event.add("uid", f"post-{row.post_id}@{hashlib.blake2b(reader.base_url.encode(), digest_size=8).hexdigest()}")
    event.add("dtstamp", row.due_at)
    event.add("dtstart", row.due_at)
    event.add("dtend", row.due_at + LENGTH)
    event.add("summary", f"{title} ({state})" if state else title)
    event.add("description", _("On: %(networks)s") % {"networks": ", ".join(row.networks)} if row.networks else "")
    event.add("url", f"{reader.base_url.rstrip('/')}/posts/{row.post_id}")
    event.add("status", "TENTATIVE" if state else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    return event


def seen(session: Session, person_id: int, now: datetime) -> None:
    """Notes that the feed was read."""
    kept = session.exec(select(CalendarFeed).where(col(CalendarFeed.person_id) == person_id)).one_or_none()
    if kept is not None:
        kept.read_at = now
        session.add(kept)
