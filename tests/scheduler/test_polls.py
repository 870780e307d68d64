"""A question that is a poll where a network has one: read back, counted with its n, told in the answer."""

import json
from collections.abc import Callable
from datetime import date, datetime

import pytest
import sqlalchemy as sa

from config import database, secrets
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts
from networks.tables import Account
from posts import drafts, questions
from posts.tables import Target
from scheduler.jobs import polls
from tests.networks.answering import Answer
from tests.networks.test_mastodon import NOON, status
from tests.networks.test_what_errors_mean import answering

TODAY = date(2026, 11, 24)


@pytest.fixture
def asked(sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person], now: datetime) -> int:
    """A question on two accounts, of which the second has polls."""
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", Role.OFFICER)
        for network, secret in (("practice", None), ("mastodon", json.dumps({"token": "t"}))):
            accounts.add(session, network=network, name="PD", handle="", secret=secret, keys=keys, now=now)
        made = questions.ask(
            session, 1, now, text="Where?", language="en", closes_on=date(2026, 12, 4), today=TODAY,
            accounts=iter([1, 2]), base_url="https://desk.example", choices=["Elm St", "Oak Ln", ""],
        )  # fmt: skip
        return made.id or 0


def out(account_id: int, address: str, now: datetime) -> Target:
    """The question as it went out by this account on the server there."""
    return Target(
        post_id=1, account_id=account_id, state="published", due_at=now, next_try_at=now, key=f"k{account_id}",
        content_hash="h", text="Where?", options={"poll": "Elm St | Oak Ln"},
        remote_id=f"11@{address.removeprefix('http://')}",
    )  # fmt: skip


def test_only_accounts_that_have_polls_carry_one(sqlite_engine: sa.Engine, asked: int) -> None:
    with database.reading(sqlite_engine) as session:
        content = drafts.content_of(session, drafts.read(session, 1))
    assert content.options == {1: {}, 2: {"poll": "Elm St | Oak Ln", "poll_days": "7"}}


def test_what_people_chose_is_counted_until_it_is_closed(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, asked: int, now: datetime
) -> None:
    choices = [{"title": "Elm St", "votes_count": 30}, {"title": "Oak Ln", "votes_count": 12}]
    poll = {"options": choices, "voters_count": 40, "expired": True}
    whole = {**status("11", "Where?", NOON), "poll": poll}
    own = settings.model_copy(update={"fetch_private_addresses": True})
    with answering({"GET /api/v1/statuses/11": Answer(200, whole)}) as server:
        with database.writing(sqlite_engine) as session:
            session.get_one(Account, 2).settings = {"home": server.address}
            session.add(out(2, server.address, now))
        assert polls.read(sqlite_engine, own, keys, now) == 1
        assert polls.read(sqlite_engine, own, keys, now) == 0  # closed: not asked again
    with database.writing(sqlite_engine) as session:
        ((_, counted),) = questions.poll_counts(session, asked)
        assert (questions.voted(counted), counted.choices) == (40, [["Elm St", 30], ["Oak Ln", 12]])
        post = questions.give_back(session, asked, "A sign on Elm Street.", [1], 1, now)
        assert "In our poll on Mastodon (n = 40): Elm St: 30; Oak Ln: 12." in post.message


def test_an_account_whose_key_is_lost_or_whose_sign_in_ended_stops_no_other_poll(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, asked: int, now: datetime
) -> None:
    poll = {"options": [{"title": "Elm St", "votes_count": 3}], "voters_count": 3, "expired": False}
    whole = {**status("11", "Where?", NOON), "poll": poll}
    own = settings.model_copy(update={"fetch_private_addresses": True})
    revoked = Answer(401, {"error": "The access token was revoked"})
    here = answering({"GET /api/v1/statuses/11": Answer(200, whole)})
    with here as server, answering({"GET /api/v1/statuses/11": revoked}) as ended:
        with database.writing(sqlite_engine) as session:
            for number, address in ((3, server.address), (4, ended.address), (2, server.address)):
                account = session.get(Account, number) or accounts.add(
                    session, network="mastodon", name="PD", handle="", secret='{"token": "t"}', keys=keys, now=now
                )
                account.settings = {"home": address}
                session.add(account)
                session.add(out(number, address, now))
                session.flush()
            session.get_one(Account, 3).sealed_secret = secrets.derive("a lost key").seal('{"token": "t"}')
        assert polls.read(sqlite_engine, own, keys, now) == 1
    with database.reading(sqlite_engine) as session:
        states = [session.get_one(Account, number).state for number in (2, 3, 4)]
        assert states == ["connected", "connected", "signed_out"]
        ((_, counted),) = questions.poll_counts(session, asked)
        assert counted.choices == [["Elm St", 3]]
