"""An account from its first sign-in to its removal: kept and listened to, tested, removed with its sources.

Signing in itself, and keeping secrets, is networks.accounts' affair; pages, API and commands call these."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, select

from config import audit, database
from config.secrets import Keys
from config.settings import Settings
from listeners import mentions, sources
from listeners.tables import Source
from networks import accounts, registry
from networks.network import Rejected, SignedIn, SignInExpired
from networks.tables import Account


def keep(
    session: Session,
    network: str,
    signed: SignedIn,
    person_id: int | None,
    keys: Keys,
    now: datetime,
    *,
    account_id: int | None = None,
    address: str = "",
) -> tuple[Account, bool]:
    """Keeps a sign-in and listens to mentions of the account; the account, and whether it is new.

    `account_id`: the very account that is to be connected again; Rejected for another."""
    same = select(Account.state).where(Account.network == network, Account.remote_id == signed.remote_id)
    before = session.exec(same).first()
    account = accounts.connect(session, network, signed, keys, now, account_id)
    known = sources_of(session, account)
    for source in known:
        if before == "removed":  # which had switched it off
            sources.switch(session, source.id or 0, True, now)
        else:
            sources.look_now(session, source.id or 0, now)
    mentions = next((kind for kind in registry.network(network).kinds if kind.name == "mentions"), None)
    if mentions is not None and not any(source.settings.get("kind") == "mentions" for source in known):
        sources.add(
            session, network=network, name=_free_name(session, account), settings={"kind": "mentions"},
            every_seconds=mentions.every_seconds, now=now, account_id=account.id,
        )  # fmt: skip
    detail = {"network": network, "handle": signed.handle}
    act = "account.connect" if before in (None, "removed") else "account.reconnect"
    audit.record(session, now, person_id, act, f"account:{account.id}", detail, address)
    return account, before in (None, "removed")


def test(
    engine: sa.Engine,
    account_id: int,
    person_id: int | None,
    keys: Keys,
    settings: Settings,
    now: datetime,
    address: str = "",
) -> Account:
    """Asks the network who we are there, outside any transaction; what it tells is kept. Raises NetworkError: after
    SignInExpired the account is signed out, after anything else nothing was changed."""
    with database.reading(engine) as session:
        account = known(session, account_id)
    ask = registry.network(account.network).test
    if ask is None:
        raise Rejected(f"an account on {registry.network(account.network).label} needs no test")
    try:
        told = ask(accounts.connection(engine, account, keys, settings))
    except SignInExpired as ended:
        with database.writing(engine) as session:
            accounts.mark_signed_out(session, account_id, str(ended), now)
        raise
    with database.writing(engine) as session:
        account = known(session, account_id)
        account.handle, account.settings = told.handle, {**account.settings, **told.settings}
        account.ends_at = told.ends_at
        accounts.mark_ok(account, now)
        session.add(account)
        audit.record(session, now, person_id, "account.test", f"account:{account_id}", {}, address)
    return account


def set_budget(
    session: Session, account_id: int, dollars: Decimal | None, person_id: int | None, now: datetime
) -> None:
    """The account's dollars a month (none: no limit). Its sources look at once: the old budget may have put them off
    until next month."""
    account = known(session, account_id)
    accounts.set_budget(session, account_id, dollars, person_id, now)
    for source in sources_of(session, account):
        sources.look_now(session, source.id or 0, now)


def remove(session: Session, account_id: int, person_id: int | None, now: datetime, address: str = "") -> Account:
    """Forgets the account's secrets and stops its sources; what it published stays in the records. What its sources
    heard goes at the next purge where the network asks that deletions be followed: nobody can ask there any more."""
    account = known(session, account_id)
    accounts.disconnect(session, account_id, now)
    for source in sources_of(session, account):
        sources.switch(session, source.id or 0, False, now)
        if registry.network(source.network).policy.deletion_hours is not None:
            mentions.end(session, source.id or 0, now)
    detail = {"network": account.network, "handle": account.handle}
    audit.record(session, now, person_id, "account.remove", f"account:{account_id}", detail, address)
    return account


def known(session: Session, account_id: int) -> Account:
    """An account that was not removed. Raises Rejected."""
    account = session.get(Account, account_id)
    if account is None or account.state == "removed":
        raise Rejected("there is no such account")
    return account


def sources_of(session: Session, account: Account) -> list[Source]:
    """What listens by this account, by name."""
    return list(session.exec(select(Source).where(Source.account_id == account.id).order_by(Source.name)))


def _free_name(session: Session, account: Account) -> str:
    name = f"@{account.handle}, {registry.network(account.network).label}"
    return name if sources.by_name(session, name) is None else f"{name} ({account.id})"
