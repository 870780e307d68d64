"""What a source may be made of."""

from datetime import datetime

import pytest
import sqlalchemy as sa

from config import database
from config.secrets import Keys
from listeners import joined, sources
from networks import accounts
from networks.network import Rejected


@pytest.fixture
def board(engine: sa.Engine, keys: Keys, now: datetime) -> int:
    with database.writing(engine) as session:
        made = accounts.add(session, network="practice", name="Board", handle="", secret=None, keys=keys, now=now)
    return made.id or 0


def refused(engine: sa.Engine, network: str, account_id: int, now: datetime) -> str:
    with database.writing(engine) as session, pytest.raises(Rejected) as error:
        sources.add(
            session, network=network, name="Ours", settings={"query": "elm"}, every_seconds=60, now=now,
            account_id=account_id,
        )  # fmt: skip
    return str(error.value)


def test_a_source_listens_by_an_account_of_its_own_network(engine: sa.Engine, board: int, now: datetime) -> None:
    for network in ("mastodon", "feed"):
        assert refused(engine, network, board, now).startswith(f"account {board} is on Practice board, not on ")


def test_a_removed_account_listens_to_nothing(engine: sa.Engine, board: int, now: datetime) -> None:
    with database.writing(engine) as session:
        joined.remove(session, board, None, now)
    assert refused(engine, "practice", board, now) == f"there is no account {board}"
