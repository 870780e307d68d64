"""The second factor: a code from an app (TOTP, RFC 6238), and recovery codes for the day when the app is gone.

The app's secret is sealed, recovery codes are hashed. Each code is taken once: an app's code of one half minute never
again, a recovery code never again at all. What a person sees of it is the pages' affair."""

import hmac
import re
import secrets as randomness
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import pyotp
import segno
import sqlalchemy as sa
from sqlmodel import Session, col, delete, func, or_, select, update

from config import addresses, throttle
from config.permissions import Role
from config.secrets import Keys
from config.tables import FactorRule, PersonRole, RecoveryCode, SecondFactor

STEP = 30  # seconds
DRIFT = 1  # steps that a clock may be off, either way
CODES = 10
TRIES_FROM_EVERYWHERE = 40  # wrong codes of an app for one person within the window; a recovery code is taken even then
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 5 bits each, none that looks like another
_PARTS = 4  # of four letters: 80 bits


class Used(StrEnum):
    """Which kind of code was right."""

    APP = "app"
    RECOVERY = "recovery"


def is_on(session: Session, person_id: int) -> bool:
    found = session.get(SecondFactor, person_id)
    return found is not None and found.sealed_secret is not None


def on_for(session: Session) -> frozenset[int]:
    """Ids of the people who have one."""
    query = select(SecondFactor.person_id).where(col(SecondFactor.sealed_secret).is_not(None))
    return frozenset(session.exec(query))


def begin(session: Session, person_id: int, keys: Keys, now: datetime) -> None:
    """A new secret that waits to be confirmed; one in use stays so until then."""
    found = session.get(SecondFactor, person_id) or SecondFactor(person_id=person_id, begun_at=now)
    found.sealed_pending, found.begun_at = keys.seal(pyotp.random_base32()), now
    session.add(found)


def pending(session: Session, person_id: int, keys: Keys) -> str | None:
    """The secret that waits to be confirmed, base32."""
    found = session.get(SecondFactor, person_id)
    return keys.open(found.sealed_pending) if found is not None and found.sealed_pending is not None else None


def confirm(session: Session, person_id: int, code: str, keys: Keys, now: datetime) -> list[str] | None:
    """Puts the waiting secret in use if `code` is of it; fresh recovery codes, or none when the code is wrong."""
    found = session.get(SecondFactor, person_id)
    if found is None or found.sealed_pending is None:
        return None
    step = _step_of(keys.open(found.sealed_pending), code, now)
    if step is None:
        return None
    found.sealed_secret, found.sealed_pending = found.sealed_pending, None
    found.confirmed_at, found.last_step = now, step
    session.add(found)
    return new_recovery_codes(session, person_id, keys)


def new_recovery_codes(session: Session, person_id: int, keys: Keys) -> list[str]:
    """Ten codes, to be shown once; earlier ones are void."""
    session.exec(delete(RecoveryCode).where(col(RecoveryCode.person_id) == person_id))
    codes = [_fresh_code() for _ in range(CODES)]
    session.add_all([RecoveryCode(person_id=person_id, code_hash=_hashed(keys, person_id, code)) for code in codes])
    session.flush()
    return codes


def recovery_codes_left(session: Session, person_id: int) -> int:
    query = select(func.count()).where(RecoveryCode.person_id == person_id, col(RecoveryCode.used_at).is_(None))
    return session.exec(query).one()


def check(session: Session, person_id: int, code: str, address: str, keys: Keys, now: datetime) -> Used | None:
    """Which kind of code it was, used up now; none when wrong. Writes a failure row when wrong, so the caller commits
    either way. Raises throttle.TooManyTries."""
    from_here, from_everywhere = f"factor {person_id} {addresses.one_place(address)}", f"factor {person_id}"
    throttle.look(session, from_here, keys, now)
    digits = re.sub(r"\s", "", code)
    if re.fullmatch(r"[0-9]{6}", digits):
        throttle.look(session, from_everywhere, keys, now, TRIES_FROM_EVERYWHERE)
        used = Used.APP if _use_app_code(session, person_id, digits, keys, now) else None
    else:
        used = Used.RECOVERY if _use_recovery_code(session, person_id, code, keys, now) else None
    if used is None:
        throttle.count(session, from_here, keys, now)
        throttle.count(session, from_everywhere, keys, now)
    else:
        throttle.clear(session, from_here, keys)
    return used


def remove(session: Session, person_id: int) -> bool:
    """Takes the factor, what waits and the recovery codes away; whether there was one in use."""
    was_on = is_on(session, person_id)
    session.exec(delete(RecoveryCode).where(col(RecoveryCode.person_id) == person_id))
    session.exec(delete(SecondFactor).where(col(SecondFactor.person_id) == person_id))
    session.expire_all()
    return was_on


def required(session: Session) -> frozenset[Role]:
    """The roles that come in only with a second factor."""
    return frozenset(Role(role) for role in session.exec(select(FactorRule.role)))


def require(session: Session, roles: Iterable[Role]) -> None:
    """It is asked of these roles and no others."""
    session.exec(delete(FactorRule))
    session.add_all([FactorRule(role=role.value) for role in sorted(set(roles))])
    session.flush()


def lacking(person_id: Any) -> sa.ColumnElement[bool]:
    """In a question about people: whether the roles of one (a column with their id) ask for it, and they have none."""
    asked = select(FactorRule.role).join(PersonRole, col(PersonRole.role) == col(FactorRule.role))
    theirs = select(SecondFactor.person_id).where(col(SecondFactor.sealed_secret).is_not(None))
    return sa.and_(
        asked.where(col(PersonRole.person_id) == person_id).exists(),
        ~theirs.where(col(SecondFactor.person_id) == person_id).exists(),
    )


def address(secret: str, email: str, department: str) -> str:
    """What an app reads from the square: otpauth://totp/…"""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=email, issuer_name=f"Liaison, {department}")


def drawing(words: str, title: str) -> str:
    """`words` as a QR code, SVG, made here: the secret goes to nobody else."""
    made: str = segno.make(words, error="m", micro=False).svg_inline(
        scale=4, border=4, dark="#000", light="#fff", title=title, omitsize=True
    )
    return made


def _fresh_code() -> str:
    return "-".join("".join(randomness.choice(_LETTERS) for _ in range(4)) for _ in range(_PARTS))


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The half minute whose code this is, of those that are near enough."""
    made = pyotp.TOTP(secret, interval=STEP)
    digits = re.sub(r"\s", "", code)
    present = int(now.timestamp()) // STEP
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(made.generate_otp(step).encode(), digits.encode("utf-8", "replace")):
            return step
    return None


def _use_app_code(session: Session, person_id: int, digits: str, keys: Keys, now: datetime) -> bool:
    found = session.get(SecondFactor, person_id)
    step = _step_of(keys.open(found.sealed_secret), digits, now) if found and found.sealed_secret else None
    if step is None:
        return False
    taken = session.exec(  # of two at once only one gets it
        update(SecondFactor)
        .where(
            col(SecondFactor.person_id) == person_id,
            or_(col(SecondFactor.last_step).is_(None), col(SecondFactor.last_step) < step),
        )
        .values(last_step=step)
    )
    return taken.rowcount == 1


def _use_recovery_code(session: Session, person_id: int, code: str, keys: Keys, now: datetime) -> bool:
    used = session.exec(
        update(RecoveryCode)
        .where(
            col(RecoveryCode.code_hash) == _hashed(keys, person_id, code),
            col(RecoveryCode.person_id) == person_id,
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=now)
    )
    return used.rowcount == 1


def _hashed(keys: Keys, person_id: int, code: str) -> bytes:
    plain = re.sub(r"[^A-Z0-9]", "", code.upper())
    return keys.hash("recovery", f"{person_id} {plain}")
