"""An event as a calendar file (RFC 5545) that any calendar program takes in. A later file of the same event has a
higher SEQUENCE, so that a program replaces what it has; a cancelled one says so."""

import hashlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar

from posts import event_words
from posts.event_words import Facts
from posts.tables import Event

_PRODUCT = "-//Liaison//Events//EN"


def write(event: Event, facts: Facts, base_url: str, language: str, *, url: str = "") -> bytes:
    """The file. `facts`: what may be told; the same event gives the same bytes."""
    made = icalendar.Calendar()
    made.add("prodid", _PRODUCT)
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add_component(component(event, facts, base_url, language, url=url))
    made.add_missing_timezones()
    return bytes(made.to_ical())


def component(event: Event, facts: Facts, base_url: str, language: str, *, url: str = "") -> icalendar.Event:
    """The event itself, in its own zone, so that it keeps its hour when clocks change."""
    zone = ZoneInfo(event.time_zone)
    starts = event.starts_at.astimezone(zone)
    one = icalendar.Event()
    one.add("uid", f"event-{event.code}@{hashlib.blake2b(base_url.encode(), digest_size=8).hexdigest()}")
    one.add("sequence", event.revision)
    one.add("dtstamp", event.changed_at)
    one.add("last-modified", event.changed_at)
    one.add("dtstart", starts)
    one.add("dtend", _ends(event).astimezone(zone))
    one.add("summary", facts.name)
    one.add("location", facts.where)
    one.add("description", "\n".join(_lines(event, facts, language)))
    if url:
        one.add("url", url)
    one.add("status", "CANCELLED" if event.state == "cancelled" else "CONFIRMED")
    return one


def _ends(event: Event) -> datetime:
    return event.starts_at + timedelta(minutes=event.minutes)


def _lines(event: Event, facts: Facts, language: str) -> list[str]:
    reason = facts.reason if event.state == "cancelled" else ""
    return [line for line in (reason, facts.notes, *event_words.details(facts, language)) if line]
