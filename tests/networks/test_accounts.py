"""Accounts in the store, on both databases: kept sealed, the same one again, forgotten; what a module may keep."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts, joining
from networks.network import Keeper, Rate, Rejected, SignedIn
from networks.tables import Account

SIGNED = SignedIn("did:plc:1", "rivertonpd.example", "Riverton PD", {"service": "pds.example"}, "app-password", "jwt-1")


def connect(engine: sa.Engine, keys: Keys, now: datetime, signed: SignedIn = SIGNED, again: int | None = None) -> int:
    with database.writing(engine) as session:
        return accounts.connect(session, "bluesky", signed, keys, now, again).id or 0


def stored(engine: sa.Engine, number: int) -> Account:
    with database.reading(engine) as session:
        return session.get_one(Account, number)


def keeper_of(engine: sa.Engine, number: int, keys: Keys, settings: Settings) -> Keeper:
    keeper = accounts.connection(engine, stored(engine, number), keys, settings).keeper
    assert keeper is not None
    return keeper


def test_the_same_account_again_is_the_same_and_is_connected(engine: sa.Engine, keys: Keys, now: datetime) -> None:
    first = connect(engine, keys, now)
    with database.writing(engine) as session:
        accounts.mark_signed_out(session, first, "revoked", now)
        accounts.mark_signed_out(session, first, "revoked once more", now + timedelta(hours=1))
    out = stored(engine, first)
    assert (out.state, out.state_reason, out.state_at) == ("signed_out", "revoked", now)
    renamed = SignedIn("did:plc:1", "police.riverton.example", "Other name", {}, "new", None)
    assert connect(engine, keys, now, renamed) == first
    found = stored(engine, first)
    assert (found.state, found.handle, found.name, found.sealed_session) == (
        "connected", "police.riverton.example", "Riverton PD", None,
    )  # fmt: skip


def test_what_is_secret_is_sealed_and_opened_for_the_module_alone(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    number = connect(engine, keys, now)
    found = stored(engine, number)
    assert b"app-password" not in (found.sealed_secret or b"")
    assert b"jwt-1" not in (found.sealed_session or b"")
    given = accounts.connection(engine, found, keys, settings, {"query": "riverton"})
    assert (given.secret, given.remote_id, dict(given.settings)) == (
        "app-password", "did:plc:1", {"service": "pds.example", "query": "riverton"},
    )  # fmt: skip


def test_a_renewed_session_is_kept_but_not_for_an_account_that_was_removed(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    number = connect(engine, keys, now)
    keeper = keeper_of(engine, number, keys, settings)
    keeper.keep_session("jwt-2")
    assert keeper.session() == "jwt-2"
    with database.writing(engine) as session:
        accounts.disconnect(session, number, now)
    keeper.keep_session("jwt-3")
    found = stored(engine, number)
    assert (keeper.session(), found.sealed_secret, found.sealed_session) == (None, None, None)


def test_a_rate_is_noted_now_and_then_and_at_once_when_little_is_left(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_rate_noted", {})
    number = connect(engine, keys, now)
    keeper, resets = keeper_of(engine, number, keys, settings), now + timedelta(minutes=5)
    noted = []
    for seconds, left in ((0, 290), (5, 280), (10, 50), (15, 49), (45, 270)):
        with clock.at(now + timedelta(seconds=seconds)):
            keeper.rate(Rate(300, left, resets))
        noted.append(stored(engine, number).rate_remaining)
    assert noted == [290, 290, 50, 49, 270]


def test_a_sign_in_on_a_page_ends_once_for_who_began_it_where_it_was_begun(
    engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        person(session, "Sam")
    with database.writing(engine) as session:
        joining.begin(
            session, "state", network="mastodon", person_id=1, browser="cookie", account_id=None, kept="client",
            given={"server": "town.example"}, keys=keys, now=now,
        )  # fmt: skip
    soon = now + timedelta(minutes=14)
    for state, person_id, browser, at in (
        ("other", 1, "cookie", soon), ("state", 2, "cookie", soon), ("state", 1, "another", soon),
        ("state", 1, "cookie", now + joining.WAITS),
    ):  # fmt: skip
        with pytest.raises(Rejected), database.writing(engine) as session:
            joining.take(session, state, person_id, browser, keys, at)
    with database.writing(engine) as session:
        taken = joining.take(session, "state", 1, "cookie", keys, soon)
    assert taken == joining.Joining("mastodon", None, "client", {"server": "town.example"})
    with pytest.raises(Rejected), database.writing(engine) as session:
        joining.take(session, "state", 1, "cookie", keys, soon)
