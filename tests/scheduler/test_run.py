"""`liaison run` as a process: it opens, does its work by itself, drains on SIGTERM, and says when a port is taken. The
commands beside it are processes too, forked from one that has imported what they need."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from tests import killing

LIAISON = str(Path(sys.executable).with_name("liaison"))
LONGEST = 300  # seconds; a machine may have much else to do


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def until(holds: Callable[[], bool], seconds: float = LONGEST) -> bool:
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


def command(say: Connection, folder: Path, *words: str) -> None:
    """A command of `liaison` in that folder; says its exit code and what it told as errors."""
    os.chdir(folder)
    ended = CliRunner().invoke(cli.liaison, words)
    say.send((ended.exit_code, ended.stderr))


def done(folder: Path, *words: str) -> tuple[int, str]:
    """What came of a command: its exit code and what it told as errors."""
    with killing.at_work(command, folder, *words) as (_process, hear):
        assert hear.poll(LONGEST), words
        code, told = hear.recv()
        return int(code), str(told)


def to_itself(running: subprocess.Popen[str]) -> None:
    running.send_signal(signal.SIGTERM)


def to_its_group(running: subprocess.Popen[str]) -> None:
    """As `timeout` tells it, and some supervisors."""
    os.killpg(running.pid, signal.SIGTERM)


@pytest.mark.long
@pytest.mark.parametrize("tell", [to_itself, to_its_group])
def test_it_opens_reads_what_comes_in_and_drains_when_told(
    tmp_path: Path, tell: Callable[[subprocess.Popen[str]], None]
) -> None:
    port = free_port()
    environment = {**os.environ, "LIAISON_BASE_URL": f"http://127.0.0.1:{port}"}
    with subprocess.Popen(
        [LIAISON, "run", "--port", str(port)],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            assert until(lambda: answers(port))
            post = {"text": "Thank you officers", "posted_at": "2026-11-20T10:00:00Z"}
            (tmp_path / "export.jsonl").write_text(json.dumps(post))
            assert done(tmp_path, "import", "export.jsonl")[0] == 0
            assert until(lambda: scored(tmp_path / "data" / "liaison.db") == 1)
            code, told = done(tmp_path, "run", "--port", str(port))
            assert code == 1
            assert f"port {port} is in use" in told
        finally:
            tell(running)
        try:
            said = running.communicate(timeout=30)[1]
        finally:
            running.kill()  # one that hangs would hold the test up for ever
    assert running.returncode == 0
    assert f"Open http://127.0.0.1:{port}/first-run and give this code: " in said


@pytest.mark.long
def test_killed_while_it_reads_it_goes_on_where_it_was(tmp_path: Path, empty_store: Path) -> None:
    """With the real model, three batches; tests/sentiment/test_scoring.py kills readers of small batches many times."""
    posts = [{"text": f"Speeding on Elm Street, part {n}", "posted_at": "2026-11-20T10:00:00Z"} for n in range(1100)]
    (tmp_path / "export.jsonl").write_text("\n".join(map(json.dumps, posts)))
    store = tmp_path / "data" / "liaison.db"
    store.parent.mkdir()
    shutil.copy(empty_store, store)
    assert done(tmp_path, "import", "export.jsonl")[0] == 0
    with killing.at_work(command, tmp_path, "analyse"):
        assert until(lambda: scored(store) > 0)
    assert 0 < scored(store) < 1100
    assert done(tmp_path, "analyse")[0] == 0
    with sqlite3.connect(store) as connection:
        counted = connection.execute("select sum(posts) from hour_count where concern = ''").fetchone()[0]
        kept = connection.execute("select count(*) from mention where shown").fetchone()[0]
    assert (scored(store), counted) == (1100, kept)
