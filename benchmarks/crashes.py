"""A publisher killed at random moments, on five networks that lose replies: what came of each post, read back there.

Servers: the AT Protocol's PDS and a Mastodon API behind a proxy that loses replies, and an X, a Facebook and an
Instagram of ours (tests/), which show posts late, hold posts of the same words, and lose replies themselves."""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

from sqlmodel import col, func, select

from benchmarks.publishing import KEYS, Town, town
from config import clock, database
from networks import pictures
from posts import drafts
from posts import pictures as kept
from posts.tables import Attempt, Target
from posts.workflow import TargetState
from tests.live import bluesky_network, department, fault_proxy, mastodon_server, processes
from tests.networks import meta_server, x_server
from tests.posts.test_pictures import photo

FASTER = 20  # every pause of the publisher, and every delay of ours, is so much shorter than in use
LOST = 0.1  # of replies
WORDS = (Path(__file__).parent.parent / "sentiment" / "plain_words.txt").read_text(encoding="utf-8").split()[:3000]
LOOKS = 5  # that could not tell, after which a person is asked
SETTLED = (TargetState.PUBLISHED, TargetState.FAILED, TargetState.MISSED, TargetState.CANCELLED)

# The real tick and pools, with shorter pauses.
PUBLISHER = f"""
import sys, time
from datetime import timedelta
from pathlib import Path
from config import clock, database, secrets
from config.settings import Settings
import networks.bluesky.sending, networks.mastodon.sending, networks.x.sending
import networks.facebook.sending, networks.instagram.sending
from posts import claims, publishing
from posts.pools import Pools
from scheduler.jobs import publishing as job
def short(module, *names):
    for name in names:
        setattr(module, name, getattr(module, name) / {FASTER})
short(claims, "LEASE", "PREPARING")
short(publishing, "SHORTEST_PAUSE", "FIRST_PAUSE", "LONGEST_PAUSE")
publishing.LOOK_UP_PAUSES = tuple(pause / {FASTER} for pause in publishing.LOOK_UP_PAUSES[:5])
short(networks.mastodon.sending, "SETTLED")
for sending in (networks.x.sending, networks.facebook.sending):
    short(sending, "SETTLED")
short(networks.instagram.sending, "SHOWN", "ASKED")
store, folder = sys.argv[1:]
engine, keys = database.connect(store), secrets.for_tests()
settings = Settings(data_dir=Path(folder), fetch_private_addresses=True, late_limit_minutes=100000,
                    base_url="https://desk.town.example")
pools = Pools(engine, settings, keys)
print("ready", flush=True)
while True:
    job.tick(engine, settings, keys, pools, clock.now())
    time.sleep(0.1)
"""


@dataclass(frozen=True)
class Place:
    """An account on one network: what is there (texts, read back from the network), how to lose its next reply."""

    network: str
    account: int
    texts: Callable[[], list[str]]
    lose: Callable[[], None]
    lost: Callable[[], int]  # replies so far
    needs_picture: bool = False


def _places(found: Town, folder: Path, stack: ExitStack, chance: random.Random) -> list[Place]:
    started: list[processes.Running] = []
    proxies = stack.enter_context(fault_proxy.running(_room(folder, "proxies"), started))
    bluesky = stack.enter_context(bluesky_network.running(_room(folder, "bluesky"), started))
    mastodon = stack.enter_context(mastodon_server.running(_room(folder, "mastodon"), started))
    desk = department.Department(found.engine, KEYS, found.settings, found.officer, found.approver)
    return [
        _on_bluesky(desk, bluesky, proxies.before(bluesky.pds)),
        _on_mastodon(desk, mastodon, proxies.before(mastodon.url)),
        _on_x(found, stack, chance),
        *_on_meta(found, stack, chance),
    ]


def _room(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def _on_bluesky(desk: department.Department, network: bluesky_network.Network, proxy: fault_proxy.Proxy) -> Place:
    who = network.create("dept")
    account, _ = department.on_bluesky(desk, network, who, proxy.url)
    return Place(
        "bluesky",
        account,
        lambda: [one["value"]["text"] for one in network.feed(who.did)],
        lambda: proxy.next("lost-reply", "repo.putRecord"),
        lambda: sum(one.fault == "lost-reply" for one in proxy.asked("repo.putRecord")),
    )


def _on_mastodon(desk: department.Department, server: mastodon_server.Server, proxy: fault_proxy.Proxy) -> Place:
    who = server.create("dept")
    account = department.on_mastodon(desk, server, who, proxy.url)
    return Place(
        "mastodon",
        account,
        lambda: [one["text"] for one in server.statuses(who)],
        lambda: proxy.next("lost-reply", "POST /api/v1/statuses"),
        lambda: sum(one.fault == "lost-reply" for one in proxy.asked("POST /api/v1/statuses")),
    )


class _LateX(x_server.XServer):
    """Shows posts after up to a minute, on a clock as much faster as the publisher's pauses are shorter."""

    chance: random.Random
    lost = 0

    @property
    def now(self) -> datetime:
        return clock.now()

    @now.setter
    def now(self, moment: datetime) -> None:
        pass

    def handle_error(self, *_: object) -> None:
        """A publisher that was killed does not listen any more."""

    def write(self, text: str, **more: Any) -> x_server.XPost:
        more["delay"] = timedelta(seconds=60 * self.chance.random() / FASTER)
        return super().write(text, **more)

    def lose(self) -> None:
        self.lost += 1
        self.faults.setdefault("POST /2/tweets", []).append(x_server.Fault(0, applied=True))


def _on_x(found: Town, stack: ExitStack, chance: random.Random) -> Place:
    server = stack.enter_context(_LateX(clock.now()))
    server.chance = random.Random(chance.random())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    stack.callback(server.shutdown)
    number = x_server.account_on(server, found.engine, KEYS, found.settings).account_id or 0

    def texts() -> list[str]:
        waiting = sum(len(left) for left in server.faults.values())
        server.lost -= waiting  # nobody asked any more
        server.faults.clear()
        return server.said()

    return Place("x", number, texts, server.lose, lambda: server.lost)


class _LateMeta(meta_server.MetaServer):
    """As late, for Facebook and Instagram."""

    chance: random.Random
    lost: Counter[str]

    @property
    def now(self) -> datetime:
        return clock.now()

    @now.setter
    def now(self, moment: datetime) -> None:
        pass

    def handle_error(self, *_: object) -> None:
        """A publisher that was killed does not listen any more."""

    def add(self, kind: str, text: str, author: str, **more: Any) -> meta_server.Thing:
        if kind in ("post", "ig_media"):
            more["delay"] = timedelta(seconds=60 * self.chance.random() / FASTER)
        return super().add(kind, text, author, **more)

    def lose(self, asked: str) -> None:
        self.lost[asked] += 1
        self.faults.setdefault(asked, []).append(meta_server.Fault(0, applied=True))


def _on_meta(found: Town, stack: ExitStack, chance: random.Random) -> list[Place]:
    server = stack.enter_context(_LateMeta(clock.now()))
    server.chance, server.lost = random.Random(chance.random()), Counter()
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    stack.callback(server.shutdown)

    def place(network: str, asked: str, kind: str) -> Place:
        number = meta_server.account_on(server, network, found.engine, KEYS, found.settings).account_id or 0

        def texts() -> list[str]:
            server.lost[asked] -= len(server.faults.pop(asked, ()))  # nobody asked any more
            return server.said(kind)

        needs = network == "instagram"
        return Place(network, number, texts, lambda: server.lose(asked), lambda: server.lost[asked], needs)

    return [place("facebook", "POST feed", "post"), place("instagram", "POST media_publish", "ig_media")]


def crash(kills: int, targets: int, chance: random.Random, seconds: float = 0) -> dict[str, object]:
    """Kills the publisher so often while so many targets go out, then lets one live to the end; what is there after."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = town(folder, 0)
        stack.callback(found.engine.dispose)
        places = _places(found, folder, stack, chance)
        end = clock.now() + timedelta(seconds=seconds or kills * 1.2)
        number = _schedule(found, places, targets, clock.now(), end, chance)
        stop = Event()
        losing = Thread(target=_lose, args=(places, chance, stop), daemon=True)
        losing.start()
        began = time.monotonic()
        for _ in range(kills):
            _killed(found, folder, chance.uniform(0, chance.choice((0.4, 2.0))))  # often while calls are under way
        stop.set()
        losing.join()
        handed = _to_the_end(found, folder)
        told = {place.network: _judged(found, place, handed) for place in places}
        total = Counter[str]()
        for each in told.values():
            total.update(each)
        minutes = round((time.monotonic() - began) / 60, 1)
        return {"targets": number, "kills": kills, "minutes": minutes, "networks": told, "all": dict(total)}


def _schedule(
    found: Town, places: list[Place], targets: int, start: datetime, end: datetime, chance: random.Random
) -> int:
    """Posts at random times, each for every account in words of its own; how many targets."""
    for number in range(targets // len(places)):
        now = clock.now()
        due = start + (end - start) * chance.random()
        words = {one.account: f"{number}: {' '.join(chance.sample(WORDS, 12))} ({one.network})" for one in places}
        with database.writing(found.engine) as session:
            post = drafts.create(session, found.officer, f"Post {number}", (), now, wordings=words)
            if any(place.needs_picture for place in places):
                kept.add(session, post.id or 0, found.officer, pictures.read(photo(), "A cup of coffee"), now)
            drafts.schedule(session, post.id or 0, found.officer, due.replace(tzinfo=None), "UTC", now)
            drafts.submit(session, post.id or 0, found.officer, now)
            session.flush()
            drafts.approve(session, post.id or 0, found.approver, post.content_hash, now)
    return targets // len(places) * len(places)


def _lose(places: list[Place], chance: random.Random, stop: Event) -> None:
    """One reply in ten is lost, on each network."""
    while not stop.wait(0.25):
        for place in places:
            if chance.random() < LOST:
                place.lose()


def _start(found: Town, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PUBLISHER, str(found.engine.url), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if process.stdout is None or process.stdout.readline().strip() != "ready":
        raise RuntimeError("the publisher did not start")
    return process


def _killed(found: Town, folder: Path, after: float) -> None:
    with _start(found, folder) as process:
        time.sleep(after)
        process.send_signal(signal.SIGKILL)


def _to_the_end(found: Town, folder: Path, seconds: float = 240) -> set[int]:
    """Lets a publisher live until every target is settled, or only a person can settle it; those."""
    until = time.monotonic() + seconds
    process = _start(found, folder)
    try:
        while time.monotonic() < until:
            with database.reading(found.engine) as session:
                open_ones = session.exec(
                    select(Target.id, Target.state).where(col(Target.state).not_in([one.value for one in SETTLED]))
                ).all()
                looked = dict(
                    session.exec(
                        select(Attempt.target_id, func.count(col(Attempt.id)))
                        .where(Attempt.kind == "find", Attempt.outcome == "unknown")  # begun, to its end, and in vain
                        .group_by(col(Attempt.target_id))
                    ).all()
                )
            stuck = {one or 0 for one, state in open_ones if state == "unknown" and looked.get(one or 0, 0) >= LOOKS}
            if len(stuck) == len(open_ones):
                return stuck
            time.sleep(0.5)
    finally:
        with process:
            process.kill()
    raise RuntimeError(f"{len(open_ones)} targets were not settled in {seconds} s")


def _judged(found: Town, place: Place, handed: set[int]) -> dict[str, int]:
    """What is there against what should be: exactly one of each, but for those that a person is asked about."""
    there = Counter(place.texts())
    with database.reading(found.engine) as session:
        rows = session.exec(select(Target).where(Target.account_id == place.account)).all()
        sent = session.exec(
            select(func.count(col(Attempt.id)))
            .join(Target, col(Target.id) == col(Attempt.target_id))
            .where(Target.account_id == place.account, Attempt.kind == "publish")
        ).one()
        cut = session.exec(
            select(func.count(col(Attempt.id)))
            .join(Target, col(Target.id) == col(Attempt.target_id))
            .where(Target.account_id == place.account, col(Attempt.detail).startswith("no receipt before"))
        ).one()
    asked = [row for row in rows if row.id in handed]
    return {
        "targets": len(rows),
        "attempts": sent,
        "cut_off": cut,
        "published": sum(row.state == TargetState.PUBLISHED for row in rows),
        "doubled": sum(count > 1 for count in there.values()),
        "lost": sum(there[row.text] == 0 for row in rows if row not in asked),
        "not_published_but_there": sum(
            there[row.text] > 0 and row.state != TargetState.PUBLISHED for row in rows if row not in asked
        ),
        "handed_to_a_person": len(asked),
        "replies_lost": place.lost(),
    }
