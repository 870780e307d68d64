"""Publishing on the practice board, killed with SIGKILL ten times: each post there once, none lost, none twice."""

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import func, select

from config import clock, database, secrets
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import practice
from posts import claims
from posts.claims import Claim
from posts.pools import Pools
from posts.tables import Target
from scheduler.jobs import publishing as job
from tests import killing
from tests.posts.conftest import set_up

POSTS, KILLS = 20, 10
_claim = claims.claim


def publish(say: Connection, url: str, data: Path) -> None:
    """The real tick and pools; only the lease is short, so that a look-up need not wait two minutes."""
    claims.LEASE = timedelta(seconds=2)
    engine, settings, keys = database.connect(url), Settings(data_dir=data), secrets.for_tests()
    pools = Pools(engine, settings, keys)
    claims.claim = _two_at_once
    say.send_bytes(b"ready")
    while True:
        job.tick(engine, settings, keys, pools, clock.now())
        time.sleep(0.02)


def _two_at_once(engine: sa.Engine, keys: Keys, now: datetime, limit: int = 2) -> list[Claim]:
    return _claim(engine, keys, now, limit=min(2, limit))


@pytest.mark.long
def test_ten_kills_lose_nothing_and_double_nothing(
    sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person], tmp_path: Path
) -> None:
    desk = set_up(sqlite_engine, keys, datetime.now(UTC), person)
    for number in range(POSTS):
        desk.approved(f"Notice {number}", after=timedelta())
    chance = random.Random(7)
    work = str(sqlite_engine.url), tmp_path / "data"
    for _ in range(KILLS):
        with killing.at_work(publish, *work) as (_worker, hear):
            killing.heard(hear)
            time.sleep(chance.uniform(0.0, 0.12))
    with killing.at_work(publish, *work):
        until = time.monotonic() + 180
        while not _all_published(sqlite_engine) and time.monotonic() < until:
            time.sleep(0.1)
    with database.reading(sqlite_engine) as session:
        board = Counter((post.account_id, post.text) for post in practice.board(session, limit=1000))
    expected = {(account, f"Notice {number}") for account in desk.accounts for number in range(POSTS)}
    assert board == Counter(dict.fromkeys(expected, 1))
    assert _all_published(sqlite_engine)


def _all_published(engine: sa.Engine) -> bool:
    with database.reading(engine) as session:
        return session.exec(select(func.count()).where(Target.state != "published")).one() == 0
