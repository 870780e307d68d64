"""The department's accounts: adding them, what a network module needs to talk, and being signed out."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config.secrets import Keys
from config.settings import Settings
from networks import registry
from networks.network import Connection, Publisher, Rejected
from networks.tables import Account


def add(
    session: Session, *, network: str, name: str, handle: str, secret: str | None, keys: Keys, now: datetime
) -> Account:
    """Adds an account. Raises UnknownNetwork, and Rejected where nothing can be published."""
    if registry.network(network).publisher is None:
        raise Rejected(f"nothing can be published on {registry.network(network).label} yet")
    account = Account(
        network=network,
        name=name.strip(),
        handle=handle.strip().lstrip("@"),
        sealed_secret=keys.seal(secret) if secret else None,
        created_at=now,
    )
    session.add(account)
    session.flush()
    return account


def connected(session: Session) -> list[Account]:
    """Accounts that can publish now, by id."""
    return list(session.exec(select(Account).where(Account.state == "connected").order_by(col(Account.id))))


def connection(engine: sa.Engine, account: Account, keys: Keys, settings: Settings) -> Connection:
    """What the account's network module needs to talk."""
    return Connection(
        engine=engine,
        secret=keys.open(account.sealed_secret) if account.sealed_secret else None,
        account_id=account.id,
        allow_private=settings.fetch_private_addresses,
    )


def publisher(engine: sa.Engine, account: Account, keys: Keys, settings: Settings) -> Publisher:
    """The account's way to publish. Raises Rejected where there is none."""
    make = registry.network(account.network).publisher
    if make is None:
        raise Rejected(f"nothing can be published on {account.network}")
    return make(connection(engine, account, keys, settings))


def mark_signed_out(session: Session, account_id: int, reason: str) -> None:
    """The network does not know us any more: its posts wait until somebody connects the account again."""
    account = session.get_one(Account, account_id)
    account.state, account.state_reason = "signed_out", reason
    session.add(account)
