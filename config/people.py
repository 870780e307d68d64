"""People of the desk: their roles, and how passwords are kept. To compare one is passwords' affair; sign-ins and tokens
are in sign_ins."""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlmodel import Session, col, delete, select

from config import database, mailboxes
from config.permissions import Role
from config.phrases import Phrase
from config.tables import Person, PersonRole

MINIMUM_PASSWORD = 12
LOOKED_AT = 72  # characters: zxcvbn's time grows with the length, and a longer password is no easier to guess
SAFELY_UNGUESSABLE = 3  # of 0 to 4: over 10**8 guesses
_TURN = 7_041_995  # database.take_turn
_hasher = PasswordHasher()


def _(message: str) -> str:
    """Marks a sentence for the catalogue; pages translate it."""
    return message


STRENGTHS = (  # of zxcvbn's 0 to 4
    _("Very easy to guess"),
    _("Easy to guess"),
    _("Could be guessed"),
    _("Hard to guess"),
    _("Very hard to guess"),
)


class PersonError(ValueError):
    """A name, e-mail or password that cannot be taken; the message is a Phrase about that field, and says why."""

    def __init__(self, words: str, field: str) -> None:
        super().__init__(Phrase.about(words, field))


def too_short() -> PersonError:
    """What is said of a password that is too short, or is none."""
    words = _("A password needs at least %(minimum)s characters.")
    return PersonError(Phrase(words, minimum=MINIMUM_PASSWORD), "password")


def add_person(
    session: Session,
    *,
    name: str,
    email: str,
    password: str | None,
    roles: Iterable[Role],
    time_zone: str,
    now: datetime,
    language: str = "en",
) -> Person:
    """Adds a person. Raises PersonError when the e-mail cannot be written to or is taken, or the password too short."""
    called, address = _called(name), _reached(session, email)
    person = Person(
        name=called,
        email=address,
        password_hash=hash_password(password, (called, address)) if password else None,
        language=language,
        time_zone=time_zone,
        created_at=now,
    )
    session.add(person)
    session.flush()
    set_roles(session, person, roles)
    return person


def rename(session: Session, person: Person, name: str, email: str) -> None:
    """They are called so, sign in with this address and get their mail there, from now on. Raises PersonError as
    add_person does, and then changes nothing."""
    called, address = _called(name), _reached(session, email, person.id)
    person.name, person.email = called, address
    session.add(person)
    session.flush()


def _called(name: str) -> str:
    if not name.strip():
        raise PersonError(_("A person needs a name."), "name")
    return name.strip()


def _reached(session: Session, email: str, person_id: int | None = None) -> str:
    """The address as it is kept. `person_id`: who has it already, if anybody may."""
    try:
        address = mailboxes.checked(email).lower()
    except mailboxes.BadAddress as error:
        raise PersonError(Phrase(error.sentence, given=email), "email") from error
    there = by_email(session, address)
    if there is not None and there.id != person_id:
        raise PersonError(Phrase(_("%(email)s is here already."), email=address), "email")
    return address


def hash_password(password: str, about: Iterable[str] = ()) -> str:
    """argon2id. `about`: name and e-mail, of which it must not be made. Raises PersonError when it is too short or easy
    to guess (zxcvbn, Wheeler 2016; offline)."""
    if len(re.sub(" +", " ", password)) < MINIMUM_PASSWORD:
        raise too_short()
    score = strength(password, about)
    if score < SAFELY_UNGUESSABLE:
        sentence = _(
            "This password is easy to guess: %(score)s of 4, and %(needed)s are needed. A sentence of several words is "
            "hard to guess and easy to keep."
        )
        raise PersonError(Phrase(sentence, score=score, needed=SAFELY_UNGUESSABLE), "password")
    return _hasher.hash(password)


def strength(password: str, about: Iterable[str] = ()) -> int:
    """How hard a password is to guess, 0 to 4 (zxcvbn, Wheeler 2016; offline)."""
    if not password:
        return 0  # zxcvbn stumbles over nothing
    known = [part for words in about for part in re.split(r"[\s@._-]+", words.lower()) if len(part) > 1]
    from zxcvbn import zxcvbn  # its word lists take half a second and 80 MB, which only a new password needs

    return int(zxcvbn(password[:LOOKED_AT], ["liaison", "police", *known])["score"])


def take_turn(session: Session) -> None:
    """Until the transaction ends, no other looks who administers: of two who took that away from each other at once,
    each would see the other."""
    database.take_turn(session, _TURN)


def set_roles(session: Session, person: Person, roles: Iterable[Role]) -> None:
    """The person's roles are these and no others."""
    session.exec(delete(PersonRole).where(col(PersonRole.person_id) == person.id))
    for role in sorted(set(roles)):
        session.add(PersonRole(person_id=known_id(person), role=role.value))
    session.flush()


def known_id(person: Person) -> int:
    """The id of a person that is stored."""
    if person.id is None:
        raise ValueError(f"{person.name} is not stored yet")
    return person.id


def roles_of(session: Session, person_id: int) -> frozenset[Role]:
    rows = session.exec(select(PersonRole.role).where(PersonRole.person_id == person_id))
    return frozenset(Role(row) for row in rows)


def roles_of_all(session: Session) -> dict[int, frozenset[Role]]:
    """Everybody's roles, by person id; who has none is left out."""
    found: dict[int, set[Role]] = {}
    for row in session.exec(select(PersonRole)):
        found.setdefault(row.person_id, set()).add(Role(row.role))
    return {person_id: frozenset(roles) for person_id, roles in found.items()}


def by_email(session: Session, email: str) -> Person | None:
    return session.exec(select(Person).where(Person.email == email.strip().lower())).one_or_none()


def all_people(session: Session) -> list[Person]:
    return list(session.exec(select(Person).order_by(Person.name)))


def with_roles(session: Session) -> list[tuple[Person, frozenset[Role]]]:
    """Everybody by name, with their roles, in one question."""
    rows = session.exec(
        select(Person, PersonRole.role)
        .outerjoin(PersonRole, col(PersonRole.person_id) == Person.id)
        .order_by(Person.name, col(Person.id))
    )
    found: dict[int, tuple[Person, set[Role]]] = {}
    for person, role in rows:
        found.setdefault(known_id(person), (person, set()))[1].update([Role(role)] if role else [])
    return [(person, frozenset(roles)) for person, roles in found.values()]


def active_with(everybody: Iterable[tuple[Person, frozenset[Role]]], role: Role) -> dict[int, str]:
    """Of these the active ones who have the role: their names, by id."""
    return {known_id(person): person.name for person, roles in everybody if person.active and role in roles}


def with_role(session: Session, role: Role) -> list[Person]:
    """Active people with this role, by id."""
    query = (
        select(Person)
        .join(PersonRole)
        .where(PersonRole.role == role.value, col(Person.active))
        .order_by(col(Person.id))
    )
    return list(session.exec(query))


@cache
def _nobodys_hash() -> str:
    """Checked when nobody has that e-mail, so that the answer takes as long and tells nothing. Costs 64 MB, so only a
    process that signs people in makes it."""
    return _hasher.hash("nobody has this password")


def is_password(stored: str | None, password: str) -> bool:
    """Whether this is the password that was stored; takes as long where there is none."""
    nobodys = _nobodys_hash()  # made whoever asks: the first sign-in of a process takes as long for all
    try:
        _hasher.verify(stored or nobodys, password)
    except VerifyMismatchError:
        return False
    return stored is not None


def hashed_anew(stored: str, password: str) -> str | None:
    """The right password's hash of today's strength; none where it has that already."""
    return _hasher.hash(password) if _hasher.check_needs_rehash(stored) else None
