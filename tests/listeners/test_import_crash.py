"""An import killed with SIGKILL ten times, then run once more: every line there once, counts and side file exact."""

import json
import random
import time
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import func, select

from config import database, secrets
from config.secrets import Keys
from config.settings import Settings
from listeners import archive_import
from listeners.tables import Mention
from tests import killing

LINES, KILLS = 4000, 10


def import_it(say: Connection, url: str, path: Path, data: Path, now: datetime) -> None:
    """The real import; only its batches are smaller, so that a kill meets many of them."""
    archive_import.BATCH = 50
    say.send_bytes(b"ready")
    archive_import.import_file(
        database.connect(url), path, settings=Settings(data_dir=data), keys=secrets.for_tests(), now=now
    )


@pytest.mark.long
def test_ten_kills_lose_nothing_and_double_nothing(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    path = tmp_path / "export.jsonl"
    with path.open("w", encoding="utf-8") as out:
        for number in range(LINES):
            post = {"id": number, "text": f"Post {number}", "posted_at": "2026-11-20T10:00:00Z"}
            out.write("broken\n" if number % 100 == 7 else json.dumps(post) + "\n")
    work = str(sqlite_engine.url), path, settings.data_dir, now
    chance, reached = random.Random(3), []
    for _ in range(KILLS):
        with killing.at_work(import_it, *work) as (worker, hear):
            killing.heard(hear)
            before = _stored(sqlite_engine)
            while worker.is_alive() and _stored(sqlite_engine) == before:
                time.sleep(0.002)  # however slow the machine is, the kill meets the import at work
            time.sleep(chance.uniform(0, 0.03))
        reached.append(_stored(sqlite_engine))
    assert reached == sorted(reached)
    assert any(0 < number < LINES - LINES // 100 for number in reached)  # else no kill met the import at work
    counts = archive_import.import_file(sqlite_engine, path, settings=settings, keys=keys, now=now)
    broken = LINES // 100
    assert (_stored(sqlite_engine), counts.refused) == (LINES - broken, {"not JSON": broken})
    assert counts.read == LINES
    assert counts.side_file is not None
    kept = [json.loads(line)["line"] for line in counts.side_file.read_text().splitlines()]
    assert kept == [number + 1 for number in range(LINES) if number % 100 == 7]


def _stored(engine: sa.Engine) -> int:
    with database.reading(engine) as session:
        total, different = session.exec(select(func.count(), func.count(func.distinct(Mention.key)))).one()
    assert total == different
    return total
