"""What a person wants by mail, and one address that ends it: the link in a digest works without signing in."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from config.secrets import Keys
from config.tables import MailPreference, Person

Kind = Literal["daily", "weekly", "monthly", "alerts"]
KINDS: tuple[Kind, ...] = ("daily", "weekly", "monthly", "alerts")
USUAL_HOUR = 7  # of weekly and monthly editions for who gets no daily one
MINUTES = 24 * 60


@dataclass(frozen=True)
class Quiet:
    """A stretch of each local day, in minutes after midnight; it may run over midnight. Equal ends: none."""

    start: int
    end: int

    def holds(self, local: datetime) -> bool:
        """Whether it is quiet at that local time."""
        minute = local.hour * 60 + local.minute
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def of(session: Session, person_id: int) -> MailPreference:
    """What the person chose, or what holds for who chose nothing; not added to the session."""
    return session.get(MailPreference, person_id) or MailPreference(person_id=person_id)


def of_all(session: Session) -> dict[int, MailPreference]:
    """By person id, of those who chose."""
    return {found.person_id: found for found in session.exec(select(MailPreference))}


def quiet(preference: MailPreference) -> Quiet | None:
    """The person's quiet hours, if they have any."""
    start, end = preference.quiet_from, preference.quiet_until
    return Quiet(start, end) if start is not None and end is not None and start != end else None


def is_quiet(preference: MailPreference, zone: ZoneInfo, now: datetime) -> bool:
    """Whether alerts wait for this person at `now`."""
    found = quiet(preference)
    return found is not None and found.holds(now.astimezone(zone))


def stop_token(keys: Keys, person_id: int, kind: Kind) -> str:
    """The last part of the address that ends one kind of mail for one person. It holds for good: mails are kept."""
    return f"{person_id}-{kind}-{_mark(keys, person_id, kind)}"


def read_stop_token(keys: Keys, token: str) -> tuple[int, Kind] | None:
    """Whose mail of which kind the token ends; none if we did not make it."""
    number, _, rest = token.partition("-")
    name, _, mark = rest.partition("-")
    kind = next((kind for kind in KINDS if kind == name), None)
    if kind is None or not number.isascii() or not number.isdecimal() or len(number) > 10:
        return None
    known = hmac.compare_digest(mark.encode(), _mark(keys, int(number), kind).encode())
    return (int(number), kind) if known else None


def stop(session: Session, person_id: int, kind: Kind) -> bool:
    """Ends one kind of mail; whether it was going on."""
    person = session.exec(select(Person).where(col(Person.id) == person_id)).one_or_none()
    if person is None:
        return False
    found = session.get(MailPreference, person_id) or MailPreference(person_id=person_id)
    if kind == "daily":
        went_on, person.digest_hour = person.digest_hour is not None, None
    elif kind == "weekly":
        went_on, found.weekly_on = found.weekly_on is not None, None
    elif kind == "monthly":
        went_on, found.monthly = found.monthly, False
    else:
        went_on, found.alerts = found.alerts is not False, False
    session.add(person)
    session.add(found)
    return went_on


def _mark(keys: Keys, person_id: int, kind: str) -> str:
    return keys.hash("stop mail", f"{person_id} {kind}").hex()
