"""The digest and what delivers it: a digest over a million mentions, 500 people's digests built and handed over, from
an alert's tick to the mail server's acceptance, a sender killed 50 times, a mail server that is away for an hour.

Each part by its name: `python -m benchmarks.digest size|people|alert|crash|away`; all of them without a name."""

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from benchmarks import mail_crash
from config import clock, database, people
from config.permissions import Role
from config.settings import Settings
from config.tables import Person
from scheduler import delivery
from scheduler.jobs import alerting, digests
from sentiment.tables import ALL, Alert
from sentiment.taxonomy import CONCERNS
from tests.scheduler.postbox import free_port
from tests.sentiment import street

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MENTIONS = 1_000_000
KEPT = 60  # days of author-days
AUTHOR_EVERY = 8  # mentions an author


def store(folder: Path, mentions: int, over: int) -> str:
    """A store of so many mentions, spread over so many days up to NOW, scored and counted; its address. Rows are made
    with numpy and written by sqlite3 itself: the desk's own intake is measured elsewhere."""
    url = f"sqlite:///{folder}/liaison.db"
    engine = database.connect(url)
    database.migrate(engine)
    with database.writing(engine) as session:
        person = people.add_person(
            session,
            name="Chief",
            email="chief@town.example",
            password=None,
            roles=[Role.ANALYST],
            time_zone="America/New_York",
            now=NOW - timedelta(days=400),
        )
        person.digest_hour = 7
        session.add(person)
        street.say(session, [street.Said(NOW - timedelta(days=1), "first")])  # the source, and a row to go by
        session.execute(sa.text("INSERT INTO place (id, name, other_names, kind) VALUES (7, 'Elm Street', '[]', '')"))
    engine.dispose()
    chance = np.random.default_rng(1)
    ago = chance.uniform(0, over, mentions)  # days
    author = chance.integers(0, max(1, mentions // AUTHOR_EVERY), mentions)
    concern = chance.integers(0, len(CONCERNS), mentions)
    mistrust = chance.beta(1, 3, mentions)
    keys = list(CONCERNS)
    raw = sqlite3.connect(folder / "liaison.db")
    raw.execute("PRAGMA synchronous=OFF")
    raw.row_factory = sqlite3.Row
    for table in ("mention", "score"):
        row = dict(raw.execute(f"SELECT * FROM {table} LIMIT 1").fetchone())
        name = "id" if table == "mention" else "mention_id"
        first = row[name]

        def rows(row: dict[str, Any] = row, table: str = table, first: int = first, name: str = name) -> Any:
            for number in range(mentions):
                if table == "mention":
                    row["posted_at"] = row["received_at"] = _stamp(NOW - timedelta(days=float(ago[number])))
                    row["key"], row["author"] = (
                        (number + 1000).to_bytes(16, "big"),
                        int(author[number]).to_bytes(16, "big"),
                    )
                    row["text"] = "A post about nothing much at all" if ago[number] < 30 else None
                row[name] = first + 1 + number
                yield tuple(row.values())

        marks = ",".join("?" * len(row))
        raw.executemany(f"INSERT INTO {table} ({','.join(row)}) VALUES ({marks})", rows())
    raw.executemany(
        "INSERT INTO mention_concern (mention_id, concern, posted_at) VALUES (?, ?, ?)",
        (
            (number + 2, keys[concern[number]], _stamp(NOW - timedelta(days=float(ago[number]))))
            for number in range(mentions)
        ),
    )
    recent = np.flatnonzero((ago > 0.5) & (ago < KEPT))
    days: dict[tuple[bytes, str, str], list[float]] = {}
    for number in recent:
        day = (NOW - timedelta(days=float(ago[number]))).date().isoformat()
        for key in (ALL, keys[concern[number]]):
            cell = days.setdefault((int(author[number]).to_bytes(16, "big"), day, key), [0, 0.0])
            cell[0] += 1
            cell[1] += float(mistrust[number])
    raw.executemany(
        "INSERT OR IGNORE INTO author_day (author, day, concern, place_id, network, language, posts, mistrust, trust,"
        " negative, positive) VALUES (?, ?, ?, 7, 'x', 'en', ?, ?, ?, ?, ?)",
        (
            (one, day, key, posts, total, total / 3, total / 2, total / 4)
            for (one, day, key), (posts, total) in days.items()
        ),
    )
    hour = _stamp(NOW - timedelta(days=over))
    raw.execute(
        "INSERT OR IGNORE INTO hour_count (hour, concern, place_id, network, language, posts, mistrust, trust,"
        f" negative, positive) VALUES ('{hour}', '{ALL}', 0, 'x', 'en', 1, 0, 0, 0, 0)"
    )
    raw.commit()
    raw.execute("ANALYZE")
    raw.close()
    return url


def _stamp(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def most_memory() -> float:
    """Of this process, in MB. Not getrusage's, which begins with that of the parent."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


ONE = """
import json, sys, time
from pathlib import Path
from benchmarks.digest import NOW, most_memory
from config import database, people, secrets
from config.settings import Settings
from scheduler.jobs import digests, sums
from sentiment import charts  # drawing is loaded before: the desk has it loaded
engine = database.connect(sys.argv[1])
settings, keys = Settings(data_dir=Path(sys.argv[2])), secrets.for_tests()
with database.reading(engine) as session:
    person = people.by_email(session, "chief@town.example")
    session.connection().exec_driver_sql("SELECT 1")
if sys.argv[3:] == ["sums"]:  # the desk's own job, in a process of its own as there
    began = time.perf_counter()
    kept = sums.keep(engine, settings, NOW)
    mb = most_memory()
    print(json.dumps({"sums_kept": kept, "sums_seconds": round(time.perf_counter() - began, 1), "sums_mb": round(mb)}))
    sys.exit()
before = most_memory()
took = []
for _ in range(3):
    began = time.perf_counter()
    made, _message = digests.previewed(engine, settings, keys, person, NOW)
    took.append(time.perf_counter() - began)
after = most_memory()
print(json.dumps({"first": round(took[0], 2), "again": round(min(took[1:]), 2), "mb": round(after),
                  "mb_before": round(before), "subject": made.subject}))
"""


def size(mentions: int = MENTIONS) -> dict[str, object]:
    """One digest over so many mentions: in 60 days, and in two years. The job that keeps the sums runs before, as every
    two minutes in the desk; its first run, which adds everything up, is given too."""
    found: dict[str, object] = {}
    for name, over in (("within 60 days", KEPT), ("over two years", 730)):
        with tempfile.TemporaryDirectory() as folder:
            url = store(Path(folder), mentions, over)
            told: dict[str, object] = {}
            for part in (["sums"], []):
                command = [sys.executable, "-c", ONE, url, folder, *part]
                ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                told |= json.loads(ran.stdout.splitlines()[-1])
            found[name] = told
    return found


def people_(number: int = 500, mentions: int = 20_000) -> dict[str, object]:
    """That many people's digests, due in the same minute: built, and taken by a real SMTP server."""
    with tempfile.TemporaryDirectory() as folder:
        url = store(Path(folder), mentions, KEPT)
        engine = database.connect(url)
        with database.writing(engine) as session:
            for index in range(number - 1):
                person = people.add_person(
                    session,
                    name=f"Reader {index}",
                    email=f"reader-{index}@town.example",
                    password=None,
                    roles=[Role.ANALYST],
                    time_zone="America/New_York",
                    now=NOW - timedelta(days=400),
                    language=("en", "es")[index % 2],
                )
                person.digest_hour = 7
                session.add(person)
        counted = mail_crash.Counted()
        server = Controller(counted, hostname="127.0.0.1", port=free_port())
        server.start()
        mail_crash.LOST, kept = 0.0, mail_crash.LOST
        settings = _settings(folder, server)
        try:
            began, worked = time.perf_counter(), time.process_time()
            with clock.at(NOW):
                put = digests.put_due(engine, settings, NOW)
            built = time.perf_counter() - began
            sent = 0
            while sent < put:
                sent += delivery.deliver_all(engine, settings)
            whole = time.perf_counter() - began
        finally:
            mail_crash.LOST = kept
            server.stop()
            engine.dispose()
    return {
        "people": put,
        "built_seconds": round(built, 1),
        "built_and_taken_seconds": round(whole, 1),
        "cpu_seconds": round(time.process_time() - worked, 1),  # the mail server's own among them
        "taken": len(set(counted.accepted)),
    }


def alert(times: int = 40) -> dict[str, object]:
    """From the tick that told of an alert to the server's acceptance, with the delivery tick of the desk (2 s)."""
    took = []
    with tempfile.TemporaryDirectory() as folder:
        url = store(Path(folder), 20_000, KEPT)
        engine = database.connect(url)
        counted = mail_crash.Counted()
        server = Controller(counted, hostname="127.0.0.1", port=free_port())
        server.start()
        mail_crash.LOST, kept = 0.0, mail_crash.LOST
        settings = _settings(folder, server)
        with database.writing(engine) as session:
            officer = people.add_person(
                session,
                name="Ana",
                email="ana@town.example",
                password=None,
                roles=[Role.OFFICER],
                time_zone="UTC",
                now=NOW,
            )
            officer.digest_hour = None
            session.add(officer)
            chief = session.get_one(Person, 1)
            chief.digest_hour = None
            session.add(chief)
        chance = np.random.default_rng(2)
        try:
            for index in range(times):
                moment = NOW + timedelta(hours=index)
                with database.writing(engine) as session:
                    session.add(_alert(moment))
                before = len(counted.accepted)
                began = time.perf_counter()
                with clock.at(moment):
                    alerting.tell(engine, settings, moment)
                time.sleep(float(chance.uniform(0, 2)))  # until the next delivery tick
                with clock.at(moment):
                    delivery.deliver_all(engine, settings)
                took.append(time.perf_counter() - began)
                if len(counted.accepted) != before + 1:
                    raise RuntimeError("the alert was not told once")
        finally:
            mail_crash.LOST = kept
            server.stop()
            engine.dispose()
    ordered = sorted(took)
    return {
        "alerts": times,
        "p50_seconds": round(statistics.median(ordered), 2),
        "p95_seconds": round(ordered[int(0.95 * len(ordered))], 2),
    }


def _alert(at: datetime) -> Alert:
    return Alert(
        kind="cell",
        concern="traffic_safety",
        title="Traffic and road safety: far more than usual",
        raised_at=at,
        since=at,
        updated_at=at,
        window_hours=24,
        posts=17,
        authors=14,
        expected=3.1,
        p_value=1e-6,
        state="new",
    )


def away(mails: int = 300) -> dict[str, object]:
    """A mail server that is away for an hour, on a private clock that moves by the delivery's ticks of a minute."""
    with tempfile.TemporaryDirectory() as folder:
        engine = database.connect(f"sqlite:///{folder}/liaison.db")
        database.migrate(engine)
        counted = mail_crash.Counted()
        server = Controller(counted, hostname="127.0.0.1", port=free_port())
        server.start()
        settings = _settings(folder, server)
        server.stop()
        port = settings.smtp_url.get_secret_value().rpartition(":")[2] if settings.smtp_url else "0"
        with clock.at(NOW):
            for number in range(mails):
                mail_crash._put(engine, number)
        mail_crash.LOST, kept = 0.0, mail_crash.LOST
        minute, done = 0, 0
        try:
            while done < mails and minute < 180:
                if minute == 60:
                    server = Controller(counted, hostname="127.0.0.1", port=int(port))
                    server.start()
                for _ in range(10):
                    done += delivery.deliver_due(engine, settings, NOW + timedelta(minutes=minute), limit=50).sent
                minute += 1
        finally:
            mail_crash.LOST = kept
            server.stop()
            engine.dispose()
    return {
        "mails": mails,
        "taken": len(set(counted.accepted)),
        "doubled": len(counted.accepted) - len(set(counted.accepted)),
        "minutes_after_return": minute - 1 - 60,
    }


def _settings(folder: str, server: Controller) -> Settings:
    port = server.port
    return Settings(
        data_dir=Path(folder),
        smtp_url=SecretStr(f"smtp://127.0.0.1:{port}"),
        mail_from="Liaison <desk@town.example>",
        secret_key=SecretStr("a benchmark's own"),
    )


PARTS: dict[str, Callable[[], object]] = {
    "size": size,
    "people": people_,
    "alert": alert,
    "crash": lambda: asdict(mail_crash.run(kills=50, mails=500, seed=1)),
    "away": away,
}


def main() -> None:
    """Prints one JSON line for each part."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("parts", nargs="*", choices=[*PARTS, []])
    for name in asked.parse_args().parts or PARTS:
        print(json.dumps({name: PARTS[name]()}), flush=True)


if __name__ == "__main__":
    main()
