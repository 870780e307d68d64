"""Mentions a second through the whole import (parse, seal, hash, mask, store) against one ORM insert a mention.

Both write the same rows into SQLite files of their own with the same settings, one after the other in one run."""

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from config import clock, database, secrets
from config.settings import Settings
from listeners import archive_import, intake, sources
from listeners.tables import Mention
from networks.network import RemoteMention

MENTIONS, BASELINE = 50_000, 2_000
TEXT = "The police came to Elm Street at {n} and @somebody said thank you, more or less, in about twenty words of text"
AT = datetime(2026, 11, 20, 10, tzinfo=UTC)


def store(folder: Path, name: str) -> sa.Engine:
    engine = database.connect(f"sqlite:///{folder / name}")
    database.migrate(engine)
    return engine


def ours(folder: Path, settings: Settings) -> float:
    path = folder / "export.jsonl"
    with path.open("w", encoding="utf-8") as out:
        for n in range(MENTIONS):
            post = {"id": n, "text": TEXT.format(n=n), "posted_at": AT.isoformat(), "author": f"a{n % 900}"}
            out.write(json.dumps(post) + "\n")
    engine = store(folder, "ours.db")
    started = time.perf_counter()
    counts = archive_import.import_file(engine, path, settings=settings, keys=secrets.for_tests(), now=clock.now())
    taken = time.perf_counter() - started
    if counts.new != MENTIONS:
        raise RuntimeError(f"{counts.new} of {MENTIONS} came in")
    return MENTIONS / taken


def one_by_one(folder: Path, settings: Settings) -> float:
    engine = store(folder, "baseline.db")
    with database.writing(engine) as session:
        source = sources.add(session, network="archive", name="x", settings={}, every_seconds=0, now=clock.now())
    found = [("archive", RemoteMention(str(n), TEXT.format(n=n), AT, f"a{n % 900}")) for n in range(BASELINE)]
    rows = intake.prepare(found, source, intake.EVERYTHING, secrets.for_tests(), settings, clock.now())
    started = time.perf_counter()
    for row in rows:
        with database.writing(engine) as session:
            session.add(Mention(**row))
    return BASELINE / (time.perf_counter() - started)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(data_dir=folder / "data")
        quick, slow = ours(folder, settings), one_by_one(folder, settings)
    figures = {
        "benchmark": "intake",
        "mentions_a_second": round(quick),
        "orm_a_second": round(slow),
        "ratio": round(quick / slow, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
