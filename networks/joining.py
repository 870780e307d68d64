"""Sign-ins on a network's own page: what we need when the person comes back, kept once and for a while.

The page and the exchange of codes are the network module's; what becomes of the sign-in is networks.accounts'."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete

from config.secrets import Keys
from networks.network import Rejected
from networks.tables import PendingSignIn

WAITS = timedelta(minutes=15)


@dataclass(frozen=True)
class Joining:
    """A sign-in that somebody began: on which network, for which account (none: a new one), what the module kept
    (secret), and what was typed, secrets aside."""

    network: str
    account_id: int | None
    kept: str
    given: Mapping[str, str]


def new_state() -> str:
    """A state that nobody guesses, for the network to hand back."""
    return secrets.token_urlsafe(32)


def begin(
    session: Session,
    state: str,
    *,
    network: str,
    person_id: int,
    browser: str,
    account_id: int | None,
    kept: str,
    given: Mapping[str, str],
    keys: Keys,
    now: datetime,
) -> None:
    """Keeps what we need when the person comes back. `browser`: what that browser alone holds, its sign-in's cookie."""
    session.exec(delete(PendingSignIn).where(col(PendingSignIn.expires_at) <= now))
    session.add(
        PendingSignIn(
            state=_hashed(state, browser, keys),
            network=network,
            person_id=person_id,
            account_id=account_id,
            sealed_kept=keys.seal(json.dumps([kept, dict(given)])),
            expires_at=now + WAITS,
        )
    )


def take(session: Session, state: str, person_id: int, browser: str, keys: Keys, now: datetime) -> Joining:
    """What was kept, once, and only for who began it, in the browser where it was begun. Raises Rejected."""
    found = session.get(PendingSignIn, _hashed(state, browser, keys))
    if found is None or found.person_id != person_id or found.expires_at <= now:
        raise Rejected(
            "This sign-in was not begun here, was used already, or took longer than 15 minutes; begin again."
        )
    session.delete(found)
    kept, given = json.loads(keys.open(found.sealed_kept))
    return Joining(found.network, found.account_id, kept, given)


def _hashed(state: str, browser: str, keys: Keys) -> bytes:
    return keys.hash("sign_in", f"{state} {browser}")
