"""Events: what the department invites to, from the idea to what was heard there. Their posts follow them
(posts.event_posts); what the public reads of them is posts.event_file's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from types import MappingProxyType
from typing import Any

from sqlmodel import Session, col, select

from config import audit, clock
from config.phrases import Phrase
from posts import workflow
from posts.event_words import Facts
from posts.tables import Event, Partner
from posts.workflow import EditConflict, WrongState

KINDS = ("town_hall", "workshop", "coffee", "open_day", "other")
SPOKEN = ("en", "es", "ar", "fr", "ht", "ko", "pt", "ru", "so", "tl", "vi", "zh")
LONGEST_LINE, LONGEST = 200, 1000  # characters
LONGEST_TIME = timedelta(days=3)
MOST_PEOPLE = 100_000
MOST_PARTNERS = 20


@dataclass(frozen=True)
class Given:
    """An event as a form or a program gives it; `wall_time` is naive, `languages` are codes of SPOKEN."""

    name: str
    kind: str
    wall_time: datetime
    time_zone: str
    minutes: int
    where: str
    access: str = ""
    languages: tuple[str, ...] = ()
    capacity: int | None = None
    partners: str = ""
    notes: str = ""
    partner_ids: tuple[int, ...] = ()  # of the directory


def make(session: Session, given: Given, person_id: int, now: datetime) -> Event:
    """A new event, known to nobody yet. Raises WrongState for what is missing, or lies in the past."""
    _check(given)
    starts = workflow.instant(given.wall_time, given.time_zone)
    if starts <= now:
        raise WrongState("It begins in the past; choose a day to come.", "day", "hour")
    made = Event(
        code=token_urlsafe(9),
        **_columns(session, given),
        starts_at=starts,
        made_by=person_id,
        made_at=now,
        changed_at=now,
    )
    session.add(made)
    session.flush()
    _note(session, made, "make", person_id, now, name=made.name, starts=starts.isoformat(), where=made.where)
    return made


def write(session: Session, event_id: int, revision: int, given: Given, person_id: int, now: datetime) -> Event:
    """Saves over `revision`; what is the same moves nothing. Its posts are not touched: posts.event_posts does that.
    Raises EditConflict if somebody saved since, WrongState for what cannot be or once it is cancelled."""
    found = locked(session, event_id)
    if found.state != "planned":
        raise WrongState("This event is cancelled; make a new one.")
    if found.revision != revision:
        raise EditConflict("Someone changed this event since you opened it.")
    _check(given)
    columns = _columns(session, given, found.held_with)
    changed = {name: value for name, value in columns.items() if getattr(found, name) != value}
    starts = workflow.instant(given.wall_time, given.time_zone)
    if starts != found.starts_at and starts <= now:
        raise WrongState("It begins in the past; choose a day to come.", "day", "hour")
    if changed:
        for name, value in changed.items():
            setattr(found, name, value)
        found.starts_at = starts
        _moved(session, found, "change", person_id, now, changed=sorted(changed), starts=starts.isoformat())
    return found


def call_off(session: Session, event_id: int, reason: str, person_id: int, now: datetime) -> Event:
    """It does not take place; its posts are not touched. Raises WrongState when it is cancelled or over."""
    found = locked(session, event_id)
    if found.state != "planned":
        raise WrongState("This event is cancelled already.")
    if over(found, now):
        raise WrongState("This event is over.")
    if len(reason) > LONGEST_LINE:
        raise WrongState(Phrase("The reason has %(most)s characters at most.", most=LONGEST_LINE), "reason")
    found.state, found.reason = "cancelled", reason.strip()
    _moved(session, found, "cancel", person_id, now, reason=found.reason)
    return found


def locked(session: Session, event_id: int) -> Event:
    """The event, for changing. Raises WrongState if there is none."""
    query = select(Event).where(Event.id == event_id).with_for_update().execution_options(populate_existing=True)
    found = session.exec(query).one_or_none()
    if found is None:
        raise WrongState("There is no such event.")
    return found


def facts(event: Event) -> Facts:
    """What the public is told of it."""
    return Facts(
        name=event.name,
        starts=event.wall_time,
        where=event.where,
        access=event.access,
        languages=tuple(event.languages),
        capacity=event.capacity,
        partners=", ".join(filter(None, (*event.held_with.values(), event.partners))),
        notes=event.notes,
        reason=event.reason,
    )


def ends_at(event: Event) -> datetime:
    return event.starts_at + timedelta(minutes=event.minutes)


def over(event: Event, now: datetime) -> bool:
    return ends_at(event) <= now


def begun(event: Event, now: datetime) -> bool:
    return event.starts_at <= now


def coming(session: Session, now: datetime) -> list[Event]:
    """Those that are not over, cancelled ones among them, the next first."""
    query = select(Event).where(col(Event.starts_at) > now - LONGEST_TIME).order_by(col(Event.starts_at), col(Event.id))
    return [event for event in session.exec(query) if not over(event, now)]


def past(session: Session, now: datetime, limit: int = 100) -> list[Event]:
    """Those that are over, the last first."""
    query = select(Event).where(col(Event.starts_at) <= now).order_by(col(Event.starts_at).desc(), col(Event.id).desc())
    return [event for event in session.exec(query.limit(limit)) if over(event, now)]


def between(session: Session, start: datetime, end: datetime) -> list[Event]:
    """Those that begin from `start` to before `end`, by time."""
    query = select(Event).where(col(Event.starts_at) >= start, col(Event.starts_at) < end)
    return list(session.exec(query.order_by(col(Event.starts_at), col(Event.id))))


def by_code(session: Session, code: str) -> Event | None:
    """The event of a public address."""
    return session.exec(select(Event).where(Event.code == code)).first()


def _check(given: Given) -> None:
    empty = [name for name, text in (("name", given.name), ("where", given.where)) if not text.strip()]
    if empty:
        raise WrongState("Say what it is called and where it is.", *empty)
    if given.kind not in KINDS:
        raise WrongState("Choose what kind of event it is.", "kind")
    if given.time_zone not in clock.zones():
        raise WrongState(f"{given.time_zone!r} is no time zone, such as America/New_York.", "time_zone")
    if not 1970 < given.wall_time.year < 2200:
        raise WrongState("Choose a day of this century.", "day")
    if not timedelta(minutes=5) <= timedelta(minutes=given.minutes) <= LONGEST_TIME:
        raise WrongState("It takes five minutes to three days.", "minutes")
    if given.capacity is not None and not 1 <= given.capacity <= MOST_PEOPLE:
        raise WrongState("Say for how many people there is room, or leave it empty.", "capacity")
    if not set(given.languages) <= set(SPOKEN):
        raise WrongState("Choose the languages from the list.")
    for name in ("name", "where", "access", "partners"):
        _check_length(getattr(given, name), LONGEST_LINE, name)
    _check_length(given.notes, LONGEST, "notes")


def _check_length(text: str, longest: int, name: str) -> None:
    if len(text.strip()) > longest:
        raise WrongState(Phrase("Shorter, please: %(most)s characters at most.", most=longest), name)


def held_with(session: Session, partner_id: int) -> list[Event]:
    """Events that this partner holds or held with us, the last first."""
    every = session.exec(select(Event).order_by(col(Event.starts_at).desc()))
    return [event for event in every if str(partner_id) in event.held_with]


def _columns(session: Session, given: Given, before: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """`before`: partners that are chosen already keep the name that was told, and stay although they left."""
    new = [number for number in dict.fromkeys(given.partner_ids) if str(number) not in before]
    there = {
        one.id or 0: one.name
        for one in session.exec(select(Partner).where(col(Partner.id).in_(new), col(Partner.active)))
    }
    if set(new) - set(there) or len(given.partner_ids) > MOST_PARTNERS:
        raise WrongState("Choose partners of the directory.")
    return {
        "held_with": {str(number): before.get(str(number)) or there[number] for number in given.partner_ids},
        "name": given.name.strip(),
        "kind": given.kind,
        "wall_time": given.wall_time,
        "time_zone": given.time_zone,
        "minutes": given.minutes,
        "where": given.where.strip(),
        "access": given.access.strip(),
        "languages": [code for code in SPOKEN if code in given.languages],
        "capacity": given.capacity,
        "partners": given.partners.strip(),
        "notes": given.notes.strip(),
    }


def _moved(session: Session, event: Event, move: str, person_id: int, now: datetime, **detail: object) -> None:
    event.revision += 1
    event.changed_at = now
    session.add(event)
    session.flush()
    _note(session, event, move, person_id, now, **detail)


def _note(session: Session, event: Event, move: str, person_id: int, now: datetime, **detail: object) -> None:
    audit.record(session, now, person_id, f"event.{move}", f"event:{event.id}", detail)
