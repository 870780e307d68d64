"""Sign-ins on a network's own page: what we need when the person comes back, kept once and for a while."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete

from config.secrets import Keys
from networks.network import Rejected
from networks.tables import PendingSignIn

WAITS = timedelta(minutes=15)


@dataclass(frozen=True)
class Joining:
    """A sign-in that somebody began: on which network, for which account (none: a new one), and what was kept."""

    network: str
    account_id: int | None
    kept: str


def new_state() -> str:
    """A state that nobody guesses, for the network to hand back."""
    return secrets.token_urlsafe(32)


def begin(
    session: Session,
    state: str,
    *,
    network: str,
    person_id: int,
    account_id: int | None,
    kept: str,
    keys: Keys,
    now: datetime,
) -> None:
    """Keeps what we need when the person comes back."""
    session.exec(delete(PendingSignIn).where(col(PendingSignIn.expires_at) <= now))
    session.add(
        PendingSignIn(
            state=keys.hash("sign_in", state),
            network=network,
            person_id=person_id,
            account_id=account_id,
            sealed_kept=keys.seal(kept),
            expires_at=now + WAITS,
        )
    )


def take(session: Session, state: str, person_id: int, keys: Keys, now: datetime) -> Joining:
    """What was kept, once, and only for who began it. Raises Rejected."""
    found = session.get(PendingSignIn, keys.hash("sign_in", state))
    if found is None or found.person_id != person_id or found.expires_at <= now:
        raise Rejected(
            "This sign-in was not begun here, was used already, or took longer than 15 minutes; begin again."
        )
    session.delete(found)
    return Joining(found.network, found.account_id, keys.open(found.sealed_kept))
