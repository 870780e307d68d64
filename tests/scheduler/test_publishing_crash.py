"""Publishing on the practice board, killed with SIGKILL ten times: each post there once, none lost, none twice."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import func, select

from config import database
from config.secrets import Keys
from config.tables import Person
from networks import practice
from posts.tables import Target
from tests.posts.conftest import set_up

POSTS, KILLS = 20, 10
# The real tick and pools; only the lease is short, so that a look-up need not wait two minutes.
WORKER = """
import sys, time
from datetime import timedelta
from pathlib import Path
from config import clock, database, secrets
from config.settings import Settings
from posts import claims
from posts.pools import Pools
from scheduler.jobs import publishing as job
claims.LEASE = timedelta(seconds=2)
engine, settings, keys = database.connect(sys.argv[1]), Settings(data_dir=Path(sys.argv[2])), secrets.for_tests()
pools = Pools(engine, settings, keys)
real = claims.claim
claims.claim = lambda engine, keys, now, room: real(engine, keys, now, limit=min(2, room))
print("ready", flush=True)
while True:
    job.tick(engine, settings, keys, pools, clock.now())
    time.sleep(0.02)
"""


def test_ten_kills_lose_nothing_and_double_nothing(
    sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person], tmp_path: Path
) -> None:
    desk = set_up(sqlite_engine, keys, datetime.now(UTC), person)
    for number in range(POSTS):
        desk.approved(f"Notice {number}", after=timedelta())
    chance = random.Random(7)
    command = [sys.executable, "-c", WORKER, str(sqlite_engine.url), str(tmp_path / "data")]
    for _ in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:
            assert worker.stdout is not None
            worker.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.12))
            worker.kill()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as worker:
        until = time.monotonic() + 180
        while not _all_published(sqlite_engine) and time.monotonic() < until:
            time.sleep(0.1)
        worker.kill()
    with database.reading(sqlite_engine) as session:
        board = Counter((post.account_id, post.text) for post in practice.board(session, limit=1000))
    expected = {(account, f"Notice {number}") for account in desk.accounts for number in range(POSTS)}
    assert board == Counter(dict.fromkeys(expected, 1))
    assert _all_published(sqlite_engine)


def _all_published(engine: sa.Engine) -> bool:
    with database.reading(engine) as session:
        return session.exec(select(func.count()).where(Target.state != "published")).one() == 0
