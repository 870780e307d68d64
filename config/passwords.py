"""A password compared with the one that is kept, and guessing slowed.

Argon2 takes a third of a second and 64 MB. It runs between two short transactions, never inside one: the store has one
writer, and posts that are due would wait for whoever tries passwords. Few are compared at once."""

import secrets as randomness
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from threading import BoundedSemaphore

import sqlalchemy as sa
from sqlmodel import Session

from config import addresses, audit, database, people, throttle
from config.secrets import Keys
from config.tables import Person

AT_ONCE = 3
WAITING = 8  # of the 40 threads that serve pages
FROM_ONE_PLACE = 100  # wrong ones for all accounts within the window: a whole department sits behind one address
OF_ONE_ACCOUNT = 25  # wrong ones for one account, from wherever: a hundred an hour (ASVS 2.2.1)
NOTED = 50  # wrong passwords from one address in a quarter of an hour that the audit log tells of; more say no more

_room = BoundedSemaphore(AT_ONCE + WAITING)
_turn = BoundedSemaphore(AT_ONCE)


class Busy(Exception):
    """So many passwords are being compared that this one was not; a few seconds later there is room."""


def mark(email: str, keys: Keys) -> str:
    """What a browser keeps in which this person has signed in: guessing elsewhere does not keep them out of it."""
    name = randomness.token_urlsafe(12)
    return f"{name}.{_marked(name, email, keys)}"


def strangers_tries(email: str, address: str, browsers_mark: str, keys: Keys) -> Mapping[str, int]:
    """What the wrong tries of a sign-in are counted under, and how many each may have. A browser that bears the
    person's mark is counted by itself alone, so that nobody locks a colleague out (OWASP, device cookies)."""
    name, _, signed = browsers_mark.partition(".")
    if name and randomness.compare_digest(signed.encode(), _marked(name, email, keys).encode()):
        return {f"browser {name}": throttle.TRIES}
    known, place = email.strip().lower(), addresses.one_place(address)
    return {
        f"{known} {place}": throttle.TRIES,
        f"from {place}": FROM_ONE_PLACE,
        f"account {known}": OF_ONE_ACCOUNT,
    }


def own_tries(email: str, address: str) -> Mapping[str, int]:
    """As strangers_tries, of somebody signed in who is asked once more."""
    return {f"again {email.lower()} {addresses.one_place(address)}": throttle.TRIES}


def check(
    engine: sa.Engine, email: str, password: str, tries: Mapping[str, int], address: str, keys: Keys, now: datetime
) -> Person | None:
    """The person, or none; as long for an e-mail that nobody has. What was wrong is counted, and stands in the audit
    log. Raises throttle.TooManyTries, Busy."""
    with _one_of_few():
        with database.reading(engine) as session:
            for subject, most in tries.items():
                throttle.look(session, subject, keys, now, most)
            person = people.by_email(session, email)
        stored = person.password_hash if person is not None and person.active else None
        right = people.is_password(stored, password)
        anew = people.hashed_anew(stored, password) if right and stored is not None else None
        with database.writing(engine) as session:
            there = session.get(Person, person.id) if person is not None and right else None
            if there is None or not there.active or there.password_hash != stored:  # changed while it was compared
                _note_wrong(session, person, tries, address, keys, now)
                return None
            there.password_hash = anew or stored
            session.add(there)
            throttle.clear(session, next(iter(tries)), keys)
            return there


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _room.acquire(blocking=False):
        raise Busy
    try:
        with _turn:
            yield
    finally:
        _room.release()


def _marked(name: str, email: str, keys: Keys) -> str:
    return keys.hash("browser", f"{name} {email.strip().lower()}").hex()


def _note_wrong(
    session: Session, person: Person | None, tries: Mapping[str, int], address: str, keys: Keys, now: datetime
) -> None:
    """An entry of the audit log: at whose door, or at nobody's; a name that nobody has may be a password typed into the
    wrong field, so it is not kept. From one address only so many are told: the log is kept for ever."""
    for subject in tries:
        throttle.count(session, subject, keys, now)
    noted = f"noted {addresses.one_place(address)}"
    try:
        throttle.look(session, noted, keys, now, NOTED)
    except throttle.TooManyTries:
        return
    throttle.count(session, noted, keys, now)
    subject = f"person:{person.id}" if person is not None else "nobody"
    audit.record(session, now, None, "sign_in.wrong_password", subject, {}, address)
