"""Publishing under fire: many posts due in one second, a full calendar, a hold, and a process that is killed.

The crash test asks real servers on loopback (the AT Protocol's own PDS, a Mastodon API) through a proxy that loses
replies, and servers of our own for X, Facebook and Instagram, which say so. Run alone: `python -m benchmarks.publishing
crash --kills 100 --targets 300 --seed 1`. All pauses of the killed process are a twentieth of what they are in use, the
delay of the networks' lists with them."""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import select

from config import clock, database, holds, people, secrets
from config.permissions import Role
from config.settings import Settings
from networks import accounts
from networks.network import Outgoing, Receipt
from posts import claims, drafts, publishing
from posts.pools import Pools
from posts.tables import Post, Target
from scheduler.jobs import publishing as job
from tests.live import processes

CALL = 0.02  # seconds that a network takes over a call
KEYS = secrets.for_tests()


@dataclass
class Instant:
    """A network that takes so many seconds over everything, and notes when each call began."""

    seconds: float = CALL
    begun: list[datetime] = field(default_factory=list)

    def publish(self, outgoing: Outgoing) -> Receipt:
        outgoing.proceed()
        self.begun.append(clock.now())
        time.sleep(self.seconds)
        return Receipt(outgoing.key, None, clock.now())

    def find(self, outgoing: Outgoing) -> Receipt | None:
        return None

    def remove(self, remote_id: str) -> None:
        return None


@dataclass(frozen=True)
class Town:
    """A store with an officer, an approver and some accounts."""

    engine: sa.Engine
    settings: Settings
    officer: int
    approver: int
    accounts: tuple[int, ...]


def town(folder: Path, places: int) -> Town:
    settings = Settings(data_dir=folder)
    engine = database.connect(settings.database)
    database.migrate(engine)
    now = clock.now()
    with database.writing(engine) as session:
        made = [
            people.known_id(
                people.add_person(
                    session,
                    name=name,
                    email=f"{name}@town.example",
                    password=None,
                    roles=[role],
                    time_zone="UTC",
                    now=now,
                )
            )
            for name, role in (("ana", Role.OFFICER), ("luc", Role.APPROVER))
        ]
        ours = [
            accounts.add(session, network="practice", name=f"Account {n}", handle="", secret=None, keys=KEYS, now=now)
            for n in range(places)
        ]
        return Town(engine, settings, made[0], made[1], tuple(one.id or 0 for one in ours))


def approved(found: Town, due: datetime, text: str) -> int:
    """A post for every account, approved by the second person."""
    now = clock.now()
    with database.writing(found.engine) as session:
        post = drafts.create(session, found.officer, text, found.accounts, now)
        drafts.schedule(session, post.id or 0, found.officer, due.replace(tzinfo=None), "UTC", now)
        drafts.submit(session, post.id or 0, found.officer, now)
        drafts.approve(session, post.id or 0, found.approver, post.content_hash, now)
        return post.id or 0


def burst(targets: int = 1000, places: int = 10) -> dict[str, float]:
    """Seconds from the time due to the start of the call, when all are due in the same second."""
    with tempfile.TemporaryDirectory() as folder:
        found = town(Path(folder), places)
        due = clock.now() + timedelta(seconds=4 + targets / 150)
        for number in range(targets // places):
            approved(found, due, f"Post number {number}, of {number * 7919} words")
        network = Instant()
        pools = Pools(found.engine, found.settings, KEYS, open_account=lambda *_: network)
        while len(network.begun) < targets:
            job.tick(found.engine, found.settings, KEYS, pools, clock.now())
            time.sleep(0.5)
        pools.drain(30)
        late = sorted((begun - due).total_seconds() for begun in network.begun)
        p99, after = late[int(len(late) * 0.99)], _one_by_one(targets)
        return {
            "targets": len(late), "p50_s": late[len(late) // 2], "p99_s": p99, "one_by_one_p99_s": after,
            "ratio": round(after / p99, 1),
        }  # fmt: skip


def _one_by_one(targets: int, tried: int = 100) -> float:
    """The baseline: claim one, call, record, and only then the next; from so many tried, when the last would begin."""
    with tempfile.TemporaryDirectory() as folder:
        found = town(Path(folder), 10)
        due = clock.now() + timedelta(seconds=3)
        for number in range(tried // 10):
            approved(found, due, f"Post number {number}, of {number * 7919} words")
        time.sleep(max(0.0, (due - clock.now()).total_seconds()))
        network, started = Instant(), time.perf_counter()
        while taken := claims.claim(found.engine, KEYS, clock.now(), limit=1):
            publishing.run(found.engine, taken[0], network, clock.now)
        return round((time.perf_counter() - started) / tried * targets * 0.99, 1)


def ticks(targets: int = 100_000, times: int = 300) -> dict[str, float]:
    """Milliseconds of a tick with so many targets scheduled and none due; the share of a CPU that a tick each second
    takes."""
    with tempfile.TemporaryDirectory() as folder:
        found = town(Path(folder), 10)
        later = clock.now() + timedelta(days=30)
        number = approved(found, later, "The first of many")
        with database.writing(found.engine) as session:
            post = session.get_one(Post, number)
            row = session.exec(select(Target).where(Target.post_id == number)).all()[0]
            many_posts = [{**post.model_dump(exclude={"id"}), "id": 10 + n} for n in range(targets // 10)]
            session.connection().execute(sa.insert(Post), many_posts)
            pattern, rows = row.model_dump(exclude={"id"}), []
            for n in range(targets):
                at = later + timedelta(seconds=n)
                place = {"post_id": 10 + n // 10, "account_id": found.accounts[n % 10], "key": f"{n:032x}"}
                rows.append({**pattern, **place, "due_at": at, "next_try_at": at})
            session.connection().execute(sa.insert(Target), rows)
        pools = Pools(found.engine, found.settings, KEYS, open_account=lambda *_: Instant())
        taken = []
        began = time.process_time()
        for _ in range(times):
            started = time.perf_counter()
            job.tick(found.engine, found.settings, KEYS, pools, clock.now())
            taken.append((time.perf_counter() - started) * 1000)
        taken.sort()
        cpu = (time.process_time() - began) / times
        return {"targets": targets, "p50_ms": taken[times // 2], "p99_ms": taken[int(times * 0.99)], "cpu_share": cpu}


def held(targets: int = 200) -> dict[str, float]:
    """Seconds after a hold was committed at which the last call began, while calls were under way."""
    with tempfile.TemporaryDirectory() as folder:
        found = town(Path(folder), 10)
        due = clock.now() + timedelta(seconds=3)
        for number in range(targets // 10):
            approved(found, due, f"Post number {number}, of {number * 7919} words")
        network = Instant(seconds=0.3)  # so that most still wait when the hold comes
        pools = Pools(found.engine, found.settings, KEYS, open_account=lambda *_: network)
        while len(network.begun) < targets // 4:
            job.tick(found.engine, found.settings, KEYS, pools, clock.now())
            time.sleep(0.05)
        with database.writing(found.engine) as session:
            holds.place(session, found.officer, "Something happened", clock.now())
        placed = clock.now()
        pools.drain(20)
        last = max((begun - placed).total_seconds() for begun in network.begun)
        return {"begun": len(network.begun), "of": targets, "last_call_after_s": max(0.0, last)}


def idle(seconds: int = 60) -> dict[str, float]:
    """The share of one CPU that a whole desk takes that has nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "LIAISON_DATA_DIR": folder}
        command = [sys.executable, "-m", "cli", "run", "--port", str(processes.free_port())]
        desk = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(20)
            before = _cpu(desk.pid)
            time.sleep(seconds)
            return {"seconds": seconds, "cpu_share": round((_cpu(desk.pid) - before) / seconds, 4)}
        finally:
            desk.terminate()
            desk.wait()


def _cpu(parent: int) -> float:
    """Seconds of CPU of a process and its children (Linux)."""
    total = 0
    for folder in Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if folder.name == str(parent) or fields[1] == str(parent):
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def main() -> int:
    asked = argparse.ArgumentParser(description="Publishing under fire.")
    asked.add_argument("part", nargs="?", choices=("burst", "ticks", "hold", "idle", "crash"))
    asked.add_argument("--kills", type=int, default=100)
    asked.add_argument("--targets", type=int, default=300)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()

    def crashes() -> dict[str, object]:
        from benchmarks import crashes as harness

        return harness.crash(given.kills, given.targets, random.Random(given.seed))

    parts: dict[str, Callable[[], object]] = {
        "burst": burst,
        "ticks": ticks,
        "hold": held,
        "idle": idle,
        "crash": crashes,
    }
    wanted = [given.part] if given.part else list(parts)
    told = {name: parts[name]() for name in wanted}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"benchmark": "publishing", **told, "cores": os.cpu_count(), "memory_mb": memory}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
