"""An import killed with SIGKILL ten times, then run once more: every line there once, counts and side file exact."""

import json
import random
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import func, select

from config import database
from config.secrets import Keys
from config.settings import Settings
from listeners import archive_import
from listeners.tables import Mention

LINES, KILLS = 4000, 10
# The real import; only its batches are smaller, so that a kill meets many of them.
WORKER = """
import sys
from datetime import datetime
from pathlib import Path
from config import database, secrets
from config.settings import Settings
from listeners import archive_import
archive_import.BATCH = 50
print("ready", flush=True)
archive_import.import_file(
    database.connect(sys.argv[1]), Path(sys.argv[2]), settings=Settings(data_dir=Path(sys.argv[3])),
    keys=secrets.for_tests(), now=datetime.fromisoformat(sys.argv[4]),
)
"""


def test_ten_kills_lose_nothing_and_double_nothing(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    path = tmp_path / "export.jsonl"
    with path.open("w", encoding="utf-8") as out:
        for number in range(LINES):
            post = {"id": number, "text": f"Post {number}", "posted_at": "2026-11-20T10:00:00Z"}
            out.write("broken\n" if number % 100 == 7 else json.dumps(post) + "\n")
    command = [
        sys.executable, "-c", WORKER, str(sqlite_engine.url), str(path), str(settings.data_dir), now.isoformat()
    ]  # fmt: skip
    chance, reached = random.Random(3), []
    for _ in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:
            assert worker.stdout is not None
            worker.stdout.readline()
            before = _stored(sqlite_engine)
            while worker.poll() is None and _stored(sqlite_engine) == before:
                time.sleep(0.002)  # however slow the machine is, the kill meets the import at work
            time.sleep(chance.uniform(0, 0.03))
            worker.kill()
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
