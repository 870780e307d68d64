"""Who is asking: browser sign-ins, codes that work once, API tokens. Only hashes of them are stored."""

import secrets as randomness
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

import sqlalchemy as sa
from sqlmodel import Session, col, delete, select, update

from config import second_factor
from config.permissions import Action, Role
from config.secrets import Keys
from config.tables import ApiToken, CalendarFeed, OneTimeCode, Person, PersonRole, SignIn, SignInFailure

LIFETIME = timedelta(hours=12)  # of a sign-in; a working day
REMEMBERED = timedelta(days=30)  # after their end
SAMPLE_TOWN = "sample_town"  # of a link into `liaison demo`, made at its terminal: there is no one else to be
BREAK_GLASS = "break_glass"  # the purpose of a link from the terminal, which works though passwords are off
HALFWAY = timedelta(minutes=10)  # between the first and the second factor
_SEEN_EVERY = timedelta(minutes=5)  # seen_at is written this seldom, so that reading a page is no write


class Way(StrEnum):
    """How somebody came in."""

    PASSWORD = "password"  # noqa: S105  the name of a way in  # nosec B105
    LINK = "link"
    SAMPLE_TOWN = "sample_town"
    SSO = "sso"


@dataclass(frozen=True)
class SignedIn:
    """Somebody in a browser, with their roles. `unnoted`: it is a while since the use of the sign-in was noted."""

    person: Person
    roles: frozenset[Role]
    by: Way
    unnoted: bool
    lacks_factor: bool  # their roles ask for a second factor that they have not


@dataclass(frozen=True)
class TokenHeld:
    """The person behind a live API token, with their roles and its scopes. `unnoted`: as of a sign-in."""

    person: Person
    roles: frozenset[Role]
    scopes: frozenset[Action]
    unnoted: bool


def open_sign_in(
    session: Session,
    person_id: int,
    keys: Keys,
    now: datetime,
    address: str = "",
    browser: str = "",
    by: Way = Way.PASSWORD,
) -> str:
    """Signs a browser in; the cookie's token."""
    token = randomness.token_urlsafe(32)
    session.add(
        SignIn(
            token_hash=keys.hash("token", token),
            person_id=person_id,
            created_at=now,
            seen_at=now,
            expires_at=now + LIFETIME,
            address=address[:64],
            browser=browser[:200],
            by=by.value,
        )
    )
    session.flush()
    return token


def who(session: Session, token: str, keys: Keys, now: datetime) -> SignedIn | None:
    """The active person whose live sign-in this is. Every request asks this, so it is one question, and only reads."""
    rows = session.execute(_signed_in(), {"token": keys.hash("token", token), "now": now}).all()
    if not rows:
        return None
    sign_in, person, _, lacks_factor = rows[0]
    roles = frozenset(Role(role) for _, _, role, _ in rows if role)
    return SignedIn(person, roles, Way(sign_in.by), sign_in.seen_at < now - _SEEN_EVERY, bool(lacks_factor))


@cache
def _signed_in() -> sa.Executable:
    """Put together once, for that takes longer than asking."""
    return (
        sa.select(SignIn, Person, col(PersonRole.role), second_factor.lacking(col(SignIn.person_id)))
        .join(Person, col(Person.id) == SignIn.person_id)
        .outerjoin(PersonRole, col(PersonRole.person_id) == SignIn.person_id)
        .where(
            col(SignIn.token_hash) == sa.bindparam("token"), SignIn.expires_at > sa.bindparam("now"), col(Person.active)
        )
    )


def still_open(session: Session, hashes: Iterable[bytes], now: datetime) -> frozenset[bytes]:
    """Which of these sign-ins, by the hashes of their tokens, are live, of people who may come in."""
    found = (
        select(SignIn.token_hash)
        .join(Person, col(Person.id) == SignIn.person_id)
        .where(col(SignIn.token_hash).in_(list(hashes)), SignIn.expires_at > now, col(Person.active))
    )
    return frozenset(session.exec(found))


def end_all(session: Session, person_id: int, keys: Keys, but: str = "") -> int:
    """Signs a person out everywhere, except where the cookie is `but`, and makes links and half-done sign-ins void; how
    many browsers were signed out."""
    void_links(session, person_id)
    ended = delete(SignIn).where(col(SignIn.person_id) == person_id, col(SignIn.token_hash) != keys.hash("token", but))
    return session.exec(ended).rowcount


def now_by_password(session: Session, token: str, keys: Keys) -> None:
    """Who came by a link has chosen a password of their own: from now on this sign-in counts as one by it."""
    here = update(SignIn).where(col(SignIn.token_hash) == keys.hash("token", token))
    session.exec(here.values(by=Way.PASSWORD.value))


def open_of(session: Session, person_id: int, now: datetime) -> list[SignIn]:
    """Where a person is signed in, the one last seen first."""
    query = select(SignIn).where(SignIn.person_id == person_id, SignIn.expires_at > now)
    return list(session.exec(query.order_by(col(SignIn.seen_at).desc())))


def end_one(session: Session, person_id: int, token_hash: bytes) -> bool:
    """Signs one browser of this person out; whether it was signed in."""
    ended = delete(SignIn).where(col(SignIn.person_id) == person_id, col(SignIn.token_hash) == token_hash)
    return session.exec(ended).rowcount == 1


def hash_in(which: str) -> bytes:
    """The hash that a page's form names; empty, which is nobody's, for what is none."""
    try:
        return bytes.fromhex(which)
    except ValueError:
        return b""


def void_links(session: Session, person_id: int) -> None:
    """Links and invitations of this person work no more."""
    session.exec(delete(OneTimeCode).where(col(OneTimeCode.person_id) == person_id, col(OneTimeCode.used_at).is_(None)))


def open_half(session: Session, person_id: int, by: Way, keys: Keys, now: datetime) -> str:
    """A sign-in that waits for its second factor; the code that goes on with it."""
    return new_code(session, f"half_{by.value}", person_id, keys, now, HALFWAY)


def half(session: Session, code: str, keys: Keys, now: datetime) -> tuple[Person, Way] | None:
    """Whose half-done sign-in this is, and how they came; uses nothing up."""
    row = session.get(OneTimeCode, keys.hash("token", code))
    if row is None or row.used_at is not None or row.expires_at <= now or not row.purpose.startswith("half_"):
        return None
    person = session.get(Person, row.person_id)
    return (person, Way(row.purpose.removeprefix("half_"))) if person is not None and person.active else None


def use_half(session: Session, code: str, by: Way, keys: Keys, now: datetime) -> bool:
    """Uses the half-done sign-in up; of two at once only one gets it."""
    return use_code(session, code, f"half_{by.value}", keys, now) is not None


def seen(session: Session, token: str, keys: Keys, now: datetime) -> None:
    """Notes that a sign-in is in use, at most every few minutes."""
    session.exec(
        update(SignIn)
        .where(col(SignIn.token_hash) == keys.hash("token", token), col(SignIn.seen_at) < now - _SEEN_EVERY)
        .values(seen_at=now)
    )


def close(session: Session, token: str, keys: Keys) -> None:
    """Signs a browser out."""
    session.exec(delete(SignIn).where(col(SignIn.token_hash) == keys.hash("token", token)))


def new_code(
    session: Session, purpose: str, person_id: int | None, keys: Keys, now: datetime, lifetime: timedelta
) -> str:
    """A code that works once: purpose "first_run" (no person), "sign_in", "invitation", or "half_…" (open_half)."""
    code = randomness.token_urlsafe(18)
    session.add(
        OneTimeCode(
            code_hash=keys.hash("token", code),
            purpose=purpose,
            person_id=person_id,
            expires_at=now + lifetime,
        )
    )
    session.flush()
    return code


def use_code(session: Session, code: str, purpose: str, keys: Keys, now: datetime) -> OneTimeCode | None:
    """The code's row if it was live, and used up now; of two at once only one gets it."""
    used = session.exec(
        update(OneTimeCode)
        .where(
            col(OneTimeCode.code_hash) == keys.hash("token", code),
            col(OneTimeCode.purpose) == purpose,
            col(OneTimeCode.used_at).is_(None),
            col(OneTimeCode.expires_at) > now,
        )
        .values(used_at=now)
    )
    if used.rowcount != 1:
        return None
    return session.get(OneTimeCode, keys.hash("token", code), populate_existing=True)


def code_is_live(session: Session, code: str, purpose: str, keys: Keys, now: datetime) -> bool:
    """Whether `use_code` would take it; uses nothing up."""
    row = session.get(OneTimeCode, keys.hash("token", code))
    return row is not None and row.purpose == purpose and row.used_at is None and row.expires_at > now


def owner_of(session: Session, code: str, keys: Keys) -> Person | None:
    """Whose code this is, if they may come in."""
    row = session.get(OneTimeCode, keys.hash("token", code))
    person = session.get(Person, row.person_id) if row is not None and row.person_id is not None else None
    return person if person is not None and person.active else None


def new_token(
    session: Session,
    person_id: int,
    name: str,
    scopes: Iterable[Action],
    keys: Keys,
    now: datetime,
    lifetime: timedelta,
) -> str:
    """An API token, shown once. It may do what is in its scopes and its person's roles both."""
    token = "lia_" + randomness.token_urlsafe(32)
    session.add(
        ApiToken(
            person_id=person_id,
            name=name,
            token_hash=keys.hash("token", token),
            scopes=sorted(scope.value for scope in scopes),
            created_at=now,
            expires_at=now + lifetime,
        )
    )
    session.flush()
    return token


def token_holder(session: Session, token: str, keys: Keys, now: datetime) -> TokenHeld | None:
    """The active person behind a live token. Every request of a program asks this, so it is one question, and only
    reads."""
    rows = session.exec(
        select(ApiToken, Person, PersonRole.role)
        .join(Person, col(Person.id) == ApiToken.person_id)
        .outerjoin(PersonRole, col(PersonRole.person_id) == ApiToken.person_id)
        .where(
            ApiToken.token_hash == keys.hash("token", token),
            col(ApiToken.revoked_at).is_(None),
            ApiToken.expires_at > now,
            col(Person.active),
        )
    ).all()
    if not rows:
        return None
    row, person, _ = rows[0]
    unnoted = row.used_at is None or row.used_at < now - _SEEN_EVERY
    roles = frozenset(Role(role) for _, _, role in rows if role)
    return TokenHeld(person, roles, frozenset(Action(scope) for scope in row.scopes), unnoted)


def live_tokens(session: Session, now: datetime) -> dict[int, list[ApiToken]]:
    """Everybody's live tokens, by person id, oldest first."""
    found: dict[int, list[ApiToken]] = {}
    live = select(ApiToken).where(col(ApiToken.revoked_at).is_(None), ApiToken.expires_at > now)
    for row in session.exec(live.order_by(col(ApiToken.id))):
        found.setdefault(row.person_id, []).append(row)
    return found


def revoke_token(session: Session, person_id: int, token_id: int, now: datetime) -> bool | None:
    """Ends a token of this person; whether it was live, none if they have no such token."""
    token = session.get(ApiToken, token_id)
    if token is None or token.person_id != person_id:
        return None
    if token.revoked_at is not None:
        return False
    token.revoked_at = now
    session.add(token)
    return True


def revoke_tokens(session: Session, person_id: int, now: datetime) -> int:
    """Ends all tokens of a person; how many."""
    live = update(ApiToken).where(col(ApiToken.person_id) == person_id, col(ApiToken.revoked_at).is_(None))
    return session.exec(live.values(revoked_at=now)).rowcount


def end_programs(session: Session, person_id: int, now: datetime) -> int:
    """Ends what reads in a person's name without a browser, API tokens and the calendar feed; how many. Whoever was in
    their place may have made one."""
    feeds = session.exec(delete(CalendarFeed).where(col(CalendarFeed.person_id) == person_id)).rowcount
    return revoke_tokens(session, person_id, now) + feeds


def token_seen(session: Session, token: str, keys: Keys, now: datetime) -> None:
    """Notes that a token is in use."""
    session.exec(update(ApiToken).where(col(ApiToken.token_hash) == keys.hash("token", token)).values(used_at=now))


def forget(session: Session, now: datetime) -> int:
    """Removes sign-ins and codes that ended a month ago, and wrong passwords of yesterday; how many. That somebody came
    in is in the audit log."""
    gone = session.exec(delete(SignIn).where(col(SignIn.expires_at) < now - REMEMBERED)).rowcount
    gone += session.exec(delete(OneTimeCode).where(col(OneTimeCode.expires_at) < now - REMEMBERED)).rowcount
    return gone + session.exec(delete(SignInFailure).where(col(SignInFailure.at) < now - timedelta(days=1))).rowcount
