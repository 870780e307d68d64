"""`liaison run` as a process: it opens, does its work by itself, drains on SIGTERM, and says when a port is taken."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

LIAISON = str(Path(sys.executable).with_name("liaison"))


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def until(holds: Callable[[], bool], seconds: float = 40) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return False


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def scored(store: Path) -> int:
    with sqlite3.connect(store) as connection:
        return int(connection.execute("select count(*) from mention where scored_at is not null").fetchone()[0])


def test_it_opens_reads_what_comes_in_and_drains_when_told(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "LIAISON_BASE_URL": f"http://127.0.0.1:{port}"}
    with subprocess.Popen(
        [LIAISON, "run", "--port", str(port)], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            assert until(lambda: answers(port))
            post = {"text": "Thank you officers", "posted_at": "2026-11-20T10:00:00Z"}
            (tmp_path / "export.jsonl").write_text(json.dumps(post))
            subprocess.run([LIAISON, "import", "export.jsonl"], cwd=tmp_path, check=True, capture_output=True)
            assert until(lambda: scored(tmp_path / "data" / "liaison.db") == 1)
            taken = subprocess.run(
                [LIAISON, "run", "--port", str(port)], cwd=tmp_path, capture_output=True, text=True, timeout=60
            )
            assert taken.returncode == 1
            assert f"port {port} is in use" in taken.stderr
        finally:
            running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=30)[1]
    assert running.returncode == 0
    assert f"Open http://127.0.0.1:{port}/first-run and give this code: " in said


def test_killed_while_it_reads_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """With the real model, three batches; tests/sentiment/test_scoring.py kills readers of small batches many times."""
    posts = [{"text": f"Speeding on Elm Street, part {n}", "posted_at": "2026-11-20T10:00:00Z"} for n in range(1100)]
    (tmp_path / "export.jsonl").write_text("\n".join(map(json.dumps, posts)))
    subprocess.run([LIAISON, "import", "export.jsonl"], cwd=tmp_path, check=True, capture_output=True)
    store = tmp_path / "data" / "liaison.db"
    with subprocess.Popen([LIAISON, "analyse"], cwd=tmp_path, stderr=subprocess.DEVNULL) as reading:
        assert until(lambda: scored(store) > 0, seconds=180)
        reading.kill()
    assert 0 < scored(store) < 1100
    subprocess.run([LIAISON, "analyse"], cwd=tmp_path, check=True, capture_output=True)
    with sqlite3.connect(store) as connection:
        counted = connection.execute("select sum(posts) from hour_count where concern = ''").fetchone()[0]
        kept = connection.execute("select count(*) from mention where shown").fetchone()[0]
    assert (scored(store), counted) == (1100, kept)
