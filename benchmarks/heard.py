"""From a post on a real AT Protocol network (its own servers, on loopback) until its row is scored: `liaison run` as a
process, the network read from its firehose, one post after the other."""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

import sqlalchemy as sa
from sqlmodel import col, select

from config import clock, database
from config.settings import Settings
from listeners import rules, sources
from listeners.tables import Mention, Source
from networks.jetstream.line import FIREHOSE
from sentiment.tables import Score
from tests.live import bluesky_network, processes

PATIENCE = 60.0  # seconds for one post
WARM = 180.0  # seconds until the model is loaded


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--posts", type=int, default=100)
    posts = asked.parse_args().posts
    with tempfile.TemporaryDirectory(prefix="liaison-heard-", ignore_cleanup_errors=True) as name:
        folder, started = Path(name), list[processes.Running]()
        (folder / "network").mkdir()
        with bluesky_network.running(folder / "network", started) as network:
            took = sorted(measured(network, folder, posts))
    marks = quantiles(took, n=20)
    print(
        json.dumps(
            {
                "benchmark": "heard",
                "posts": len(took),
                "p50_seconds": round(marks[9], 2),
                "p95_seconds": round(marks[18], 2),
                "longest": round(took[-1], 2),
            }
        )
    )


def measured(network: bluesky_network.Network, folder: Path, posts: int) -> list[float]:
    """Seconds for each post."""
    settings = Settings(data_dir=folder / "desk", fetch_private_addresses=True)
    settings.data_dir.mkdir()
    engine = database.connect(settings.database)
    database.migrate(engine)
    with database.writing(engine) as session:
        rules.add(session, "Road", "orrery")
        chosen = {
            "kind": "everything",
            "servers": network.pds.replace("http", "ws", 1) + FIREHOSE,
            "directory": network.plc,
        }
        number = sources.add(
            session, network="bluesky", name="All", settings=chosen, every_seconds=10, now=clock.now()
        ).id
    environment = {
        **os.environ,
        "LIAISON_DATA_DIR": str(settings.data_dir),
        "LIAISON_SECRET_KEY": secrets.token_hex(16),
        "LIAISON_FETCH_PRIVATE_ADDRESSES": "true",
    }
    ines = network.create("ines")
    command = [sys.executable, "-m", "cli", "run", "--port", str(processes.free_port())]
    with (folder / "run.log").open("w") as log, subprocess.Popen(command, env=environment, stderr=log) as run:
        try:
            while not _reading(engine, number or 0):
                network.post(ines, "anything at all")
                time.sleep(0.5)
            _one(engine, network, ines, 0, WARM)
            return [_one(engine, network, ines, turn) for turn in range(1, posts + 1)]
        finally:
            run.terminate()
            run.wait(30)


def _reading(engine: sa.Engine, number: int) -> bool:
    with database.reading(engine) as session:
        return session.get_one(Source, number).position_at is not None


def _one(
    engine: sa.Engine,
    network: bluesky_network.Network,
    ines: bluesky_network.Person,
    turn: int,
    patience: float = PATIENCE,
) -> float:
    text = f"orrery {turn}: the lamp on the road is out again"
    network.post(ines, text)
    began = time.monotonic()
    query = select(Score.mention_id).join(Mention, col(Mention.id) == col(Score.mention_id)).where(Mention.text == text)
    while time.monotonic() - began < patience:
        with database.reading(engine) as session:
            if session.exec(query).first() is not None:
                return time.monotonic() - began
        time.sleep(0.02)
    raise TimeoutError(f"post {turn} was not scored within {patience} s")


if __name__ == "__main__":
    main()
