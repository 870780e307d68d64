"""A question that is a poll where a network has one: read back, counted with its n, told in the answer."""

import json
from collections.abc import Callable
from datetime import date, datetime

import pytest
import sqlalchemy as sa

from config import database
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
            session.add(
                Target(
                    post_id=1, account_id=2, state="published", due_at=now, next_try_at=now, key="k", content_hash="h",
                    text="Where?", options={"poll": "Elm St | Oak Ln"},
                    remote_id=f"11@{server.address.removeprefix('http://')}",
                )
            )  # fmt: skip
        assert polls.read(sqlite_engine, own, keys, now) == 1
        assert polls.read(sqlite_engine, own, keys, now) == 0  # closed: not asked again
    with database.writing(sqlite_engine) as session:
        ((_, counted),) = questions.poll_counts(session, asked)
        assert (questions.voted(counted), counted.choices) == (40, [["Elm St", 30], ["Oak Ln", 12]])
        post = questions.give_back(session, asked, "A sign on Elm Street.", [1], 1, now)
        assert "In our poll on Mastodon (n = 40): Elm St: 30; Oak Ln: 12." in post.message
