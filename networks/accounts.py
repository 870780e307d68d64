"""The department's accounts: connecting them, what a network module needs to talk, how they are, being signed out.

An account is signed out when its network says so, or when renewing its sign-in failed again and again for an hour;
anything else passes. Its posts wait meanwhile (posts.publishing asks only for connected accounts)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Lock

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import audit, clock, database
from config.secrets import Keys
from config.settings import Settings
from networks import registry
from networks.network import Connection, Limits, Publisher, Rate, RateLimited, Rejected, SignedIn, Witness
from networks.tables import Account, Spending

RENEWALS = 3  # that failed in a row, over at least RENEWING, before an account counts as signed out
RENEWING = timedelta(hours=1)
OK_EVERY = timedelta(minutes=1)
RATE_EVERY = timedelta(seconds=30)  # between two notes of a rate, unless little is left
LITTLE = 0.2  # of a rate
_renewing: dict[int, Lock] = {}
_rate_noted: dict[int, datetime] = {}
_locks = Lock()


def add(
    session: Session, *, network: str, name: str, handle: str, secret: str | None, keys: Keys, now: datetime
) -> Account:
    """Adds an account that needs no sign-in. Raises UnknownNetwork, and Rejected where nothing can be published."""
    if registry.network(network).publisher is None:
        raise Rejected(f"nothing can be published on {registry.network(network).label} yet")
    account = Account(
        network=network,
        name=name.strip(),
        handle=handle.strip().lstrip("@"),
        sealed_secret=keys.seal(secret) if secret else None,
        state_at=now,
        created_at=now,
    )
    session.add(account)
    session.flush()
    return account


def connect(
    session: Session, network: str, signed: SignedIn, keys: Keys, now: datetime, account_id: int | None = None
) -> Account:
    """Keeps a sign-in: of a new account, or again of one that we have (`account_id`: that very one).

    Raises Rejected when somebody signed in with another account than the one to be connected again."""
    query = select(Account).where(Account.network == network, Account.remote_id == signed.remote_id)
    known = session.exec(query.order_by(col(Account.id))).first()
    if account_id is not None and (known is None or known.id != account_id):
        raise Rejected(f"that was the account {signed.handle}; sign in with the one that is to be connected again")
    account = known or Account(network=network, name=signed.name.strip() or signed.handle, created_at=now)
    account.handle, account.remote_id, account.settings = signed.handle, signed.remote_id, dict(signed.settings)
    account.sealed_secret = keys.seal(signed.secret) if signed.secret else None
    account.sealed_session = keys.seal(signed.session) if signed.session else None
    account.state, account.state_reason, account.state_at = "connected", "", now
    account.ends_at = signed.ends_at
    session.add(account)
    mark_ok(account, now)
    session.flush()
    return account


def disconnect(session: Session, account_id: int, now: datetime) -> Account | None:
    """Forgets an account's secrets; what it published stays in the records. None when there is no such account."""
    account = session.get(Account, account_id)
    if account is None:
        return None
    account.sealed_secret = account.sealed_session = None
    account.state, account.state_reason, account.state_at = "removed", "", now
    session.add(account)
    return account


def connected(session: Session) -> list[Account]:
    """Accounts that can publish now, by id."""
    return list(session.exec(select(Account).where(Account.state == "connected").order_by(col(Account.id))))


def kept(session: Session) -> list[Account]:
    """Every account that was not removed, by name."""
    return list(session.exec(select(Account).where(Account.state != "removed").order_by(Account.name, col(Account.id))))


def handles(session: Session) -> list[str]:
    """What our accounts are called, for showing them unmasked: the whole handle, and its first part."""
    found = [account.handle for account in session.exec(select(Account)) if account.handle]
    return [*found, *(handle.split("@")[0] for handle in found if "@" in handle)]


def own_ids(session: Session) -> frozenset[tuple[str, str]]:
    """(network, id there) of our accounts."""
    return frozenset((one.network, one.remote_id) for one in session.exec(select(Account)) if one.remote_id)


def limits(account: Account) -> Limits | None:
    """How its network counts and what it takes, on its server; none where nothing can be published."""
    return registry.network(account.network).limits_for(account.settings)


def connection(
    engine: sa.Engine, account: Account, keys: Keys, settings: Settings, more: Mapping[str, str] | None = None
) -> Connection:
    """What the account's network module needs to talk; `more`: settings of a source, over the account's own."""
    return Connection(
        engine=engine,
        settings={**account.settings, **(more or {})},
        secret=keys.open(account.sealed_secret) if account.sealed_secret else None,
        account_id=account.id,
        allow_private=settings.fetch_private_addresses,
        remote_id=account.remote_id,
        handle=account.handle,
        keeper=_Keeper(engine, account.id, keys) if account.id is not None else None,
    )


def publisher(engine: sa.Engine, account: Account, keys: Keys, settings: Settings) -> Publisher:
    """The account's way to publish. Raises Rejected where there is none."""
    make = registry.network(account.network).publisher
    if make is None:
        raise Rejected(f"nothing can be published on {account.network}")
    return make(connection(engine, account, keys, settings))


def witness(engine: sa.Engine, account: Account, keys: Keys, settings: Settings) -> Witness | None:
    """Who can tell by this account what was deleted on its network; none where nobody can."""
    make = registry.network(account.network).witness
    return make(connection(engine, account, keys, settings)) if make is not None else None


def mark_ok(account: Account, now: datetime) -> None:
    """The network answered us as this account."""
    account.last_ok_at, account.renewals_failed, account.renewals_failing_since = now, 0, None


def note_ok(session: Session, account_id: int, now: datetime) -> None:
    """The same, for whoever hears it often: written once a minute."""
    account = session.get_one(Account, account_id)
    if account.last_ok_at is None or account.renewals_failed or now - account.last_ok_at >= OK_EVERY:
        mark_ok(account, now)
        session.add(account)


def mark_signed_out(session: Session, account_id: int, reason: str, now: datetime) -> None:
    """The network does not know us any more: its posts wait until somebody connects the account again."""
    account = session.get_one(Account, account_id)
    if account.state != "connected":
        return
    account.state, account.state_reason, account.state_at = "signed_out", reason, now
    session.add(account)
    audit.record(session, now, None, "account.signed_out", f"account:{account_id}", {"reason": reason})


def note_failed_renewal(session: Session, account_id: int, reason: str, now: datetime) -> None:
    """Renewing the sign-in failed and may work again; signed out only after RENEWALS of them over RENEWING."""
    account = session.get_one(Account, account_id)
    account.renewals_failed += 1
    account.renewals_failing_since = account.renewals_failing_since or now
    session.add(account)
    if account.renewals_failed >= RENEWALS and now - account.renewals_failing_since >= RENEWING:
        mark_signed_out(session, account_id, f"the sign-in could not be renewed for an hour: {reason}", now)


def spent(session: Session, account_id: int, now: datetime) -> Decimal:
    """Dollars of this month so far."""
    query = select(sa.func.sum(Spending.dollars)).where(
        Spending.account_id == account_id, Spending.month == f"{now:%Y-%m}"
    )
    return session.exec(query).one() or Decimal(0)


@dataclass(frozen=True)
class Money:
    """What an account cost this month, and is heading for at the month's end; in dollars."""

    spent: Decimal
    heading_for: Decimal
    budget: Decimal | None

    @property
    def nearly(self) -> bool:
        """Four fifths of the budget are gone."""
        return self.budget is not None and self.spent >= self.budget * 4 / 5

    @property
    def over(self) -> bool:
        """Nothing more is read until next month; posts go out all the same."""
        return self.budget is not None and self.spent >= self.budget


def money(session: Session, account: Account, now: datetime) -> Money | None:
    """None where the network does not charge."""
    if not registry.network(account.network).charges:
        return None
    so_far = spent(session, account.id or 0, now)
    begun = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    share = Decimal((now - begun) / (_next_month(now) - begun))
    heading = so_far / max(share, Decimal("0.03"))  # the first day says little
    return Money(so_far, heading, account.monthly_budget)


def set_budget(
    session: Session, account_id: int, dollars: Decimal | None, person_id: int | None, now: datetime
) -> None:
    """The dollars a month after which nothing more is read there; none: no limit."""
    account = session.get_one(Account, account_id)
    account.monthly_budget = dollars
    session.add(account)
    detail = {"dollars": None if dollars is None else str(dollars)}
    audit.record(session, now, person_id, "account.budget", f"account:{account_id}", detail)


def _next_month(now: datetime) -> datetime:
    return (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)


class _Keeper:
    """An account's changing state, in the store."""

    def __init__(self, engine: sa.Engine, account_id: int, keys: Keys) -> None:
        self._engine, self._account_id, self._keys = engine, account_id, keys

    def session(self) -> str | None:
        with database.reading(self._engine) as session:
            account = session.get(Account, self._account_id)
        return self._keys.open(account.sealed_session) if account is not None and account.sealed_session else None

    def keep_session(self, session: str) -> None:
        sealed = self._keys.seal(session)
        with database.writing(self._engine) as store:
            account = store.get_one(Account, self._account_id)
            if account.state == "removed":
                return
            account.sealed_session = sealed
            store.add(account)

    @contextmanager
    def renewing(self) -> Iterator[None]:
        with _locks:
            lock = _renewing.setdefault(self._account_id, Lock())
        with lock:
            yield

    def rate(self, rate: Rate) -> None:
        now = clock.now()
        with _locks:
            noted = _rate_noted.get(self._account_id)
            if noted is not None and now - noted < RATE_EVERY and rate.remaining >= LITTLE * rate.limit:
                return
            _rate_noted[self._account_id] = now
        with database.writing(self._engine) as store:
            account = store.get_one(Account, self._account_id)
            account.rate_limit, account.rate_remaining = rate.limit, rate.remaining
            account.rate_resets_at = rate.resets_at
            store.add(account)

    def spend(self, dollars: Decimal, what: str) -> None:
        month = f"{clock.now():%Y-%m}"
        with database.writing(self._engine) as store:
            found = store.get(Spending, (self._account_id, month, what), with_for_update=True)
            if found is None:
                found = Spending(account_id=self._account_id, month=month, what=what, dollars=Decimal(0))
            found.dollars += dollars
            store.add(found)

    def check_budget(self) -> None:
        now = clock.now()
        with database.reading(self._engine) as store:
            account = store.get_one(Account, self._account_id)
            if account.monthly_budget is not None and spent(store, self._account_id, now) >= account.monthly_budget:
                raise RateLimited(_next_month(now))
