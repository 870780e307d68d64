"""Whatever happens on the way, a post is on the network once: shown by reading the network back.

On Bluesky always one in the end, by itself. On Mastodon one, or nobody knows until an officer decides; never two."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks.mastodon import sending
from posts import claims, decide, publishing
from posts.pools import Pools
from posts.tables import Attempt
from scheduler.jobs import publishing as job
from tests.live import department as departments
from tests.live.bluesky_network import Network
from tests.live.department import Department
from tests.live.fault_proxy import Faults, Kind, Proxy
from tests.live.mastodon_server import Server
from tests.live.waiting import wait_until
from tests.posts.test_pictures import photo

pytestmark = pytest.mark.live
FAULTS: tuple[Kind, ...] = ("lost-reply", "late", "429", "reset", "html-502", "500-after", "slow")
STEPS = ("claimed", "uploaded", "sent", "answered", "recorded")
_number = count(1)


@dataclass(frozen=True)
class Place:
    """An account on one network behind the fault proxy, and how to read back what it says there."""

    name: str
    department: Department
    account: int
    proxy: Proxy
    writes: str  # what the request line of a publishing call holds
    uploads: str
    texts: Callable[[], list[str]]


@pytest.fixture(params=["bluesky", "mastodon"])
def place(
    request: pytest.FixtureRequest,
    sqlite_engine: sa.Engine,
    keys: Keys,
    settings: Settings,
    person: Callable[..., Person],
    faults: Faults,
) -> Place:
    department = departments.made(sqlite_engine, keys, settings, person)
    if request.param == "bluesky":
        network: Network = request.getfixturevalue("bluesky")
        who, proxy = network.create("dept"), faults.before(network.pds)
        account, _ = departments.on_bluesky(department, network, who, proxy.url)

        def texts() -> list[str]:
            return [one["value"]["text"] for one in network.feed(who.did)]

        proxy.clear()
        return Place("bluesky", department, account, proxy, "repo.putRecord", "uploadBlob", texts)
    server: Server = request.getfixturevalue("mastodon")
    person_there, proxy = server.create("dept"), faults.before(server.url)
    account = departments.on_mastodon(department, server, person_there, proxy.url)
    proxy.clear()
    return Place(
        "mastodon", department, account, proxy, "POST /api/v1/statuses", "POST /api/v2/media",
        lambda: [one["text"] for one in server.statuses(person_there)],
    )  # fmt: skip


def run_until(place: Place, number: int, states: set[str], seconds: float = 30) -> str:
    """Ticks as the scheduler does until the post's target is in one of the states; which."""
    pools = Pools(place.department.engine, place.department.settings, place.department.keys)

    def look() -> str | None:
        job.tick(place.department.engine, place.department.settings, place.department.keys, pools, clock.now())
        (target,) = place.department.targets(number)
        return target.state if target.state in states else None

    try:
        return wait_until(look, f"the post to be in {states}", seconds)
    finally:
        pools.drain(10)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for, and a lease after which absence is believed."""
    monkeypatch.setattr(claims, "LEASE", timedelta(seconds=10))
    monkeypatch.setattr(publishing, "LOOK_UP_PAUSES", (timedelta(seconds=0.2), timedelta(seconds=1)))
    monkeypatch.setattr(publishing, "FIRST_PAUSE", timedelta(seconds=0.5))
    monkeypatch.setattr(publishing, "SHORTEST_PAUSE", timedelta(seconds=0.5))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_while_publishing_leaves_one_post(place: Place, fault: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"The market opens at nine, {fault}, {next(_number)}"
    place.proxy.next(fault, place.writes)
    number = place.department.approved(text, place.account)
    sure = {"published"} if place.name == "bluesky" or fault not in ("reset", "html-502") else {"unknown"}
    state = run_until(place, number, sure)
    assert place.texts() == ([text] if state == "published" else [])
    if state == "unknown":  # nothing was applied, and after a while that is sure: it is sent again by itself
        monkeypatch.setattr(sending, "SETTLED", timedelta())
        run_until(place, number, {"published"})
        assert place.texts() == [text]
    assert next(one.fault for one in place.proxy.asked(place.writes)) == fault


# The real tick and pools in a process of its own; it kills itself at the step that is named.
WORKER = """
import os, signal, sys, time
from datetime import timedelta
from pathlib import Path
from config import clock, database, secrets
from config.settings import Settings
import networks.bluesky.sending, networks.mastodon.sending  # loaded before a lease runs
from posts import claims, pools as pools_module, publishing
from posts.pools import Pools
from scheduler.jobs import publishing as job
store, step = sys.argv[1:]
claims.LEASE = timedelta(seconds=2)
publishing.LOOK_UP_PAUSES = (timedelta(seconds=0.2), timedelta(seconds=1))
engine = database.connect(store)
settings = Settings(data_dir=Path(store.removeprefix("sqlite:///")).parent / "data", fetch_private_addresses=True)
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
real_record = publishing.record
def record(engine, outcomes):
    # published, and not given back: a lease of two seconds is soon half over
    sent = any(one.result == "published" for one in outcomes)
    if sent and step == "answered": die()
    found = real_record(engine, outcomes)
    if sent and step == "recorded": die()
    return found
publishing.record = record
if step == "claimed": publishing.call = die
pools = Pools(engine, settings, secrets.for_tests())
while True:
    job.tick(engine, settings, secrets.for_tests(), pools, clock.now())
    time.sleep(0.05)
"""


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_of_publishing_it_leaves_one_post(place: Place, step: str) -> None:
    text = f"Coffee with officers, {step}, {next(_number)}"
    held = {"sent": place.writes, "uploaded": place.uploads}.get(step)
    if held is not None:
        place.proxy.next("slow-reply", held, seconds=60)
    number = place.department.approved(text, place.account, (photo(), "Cups on a table"))
    command = [sys.executable, "-c", WORKER, str(place.department.engine.url)]
    with subprocess.Popen([*command, step]) as worker:
        try:
            if held is not None:
                place.proxy.applied(held)
                worker.kill()
            assert worker.wait(30) == -9
        finally:
            worker.kill()
    there = [text] if step in ("sent", "answered", "recorded") else []
    assert place.texts() == there
    with subprocess.Popen([*command, "none"]) as worker:
        try:
            state = _settled(place, number)
        finally:
            worker.kill()
    if state == "unknown":  # Mastodon, and it was never sent: an officer looks, and decides
        assert (place.name, there, place.texts()) == ("mastodon", [], [])
        with database.writing(place.department.engine) as session:
            (target,) = place.department.targets(number)
            target_id = target.id or 0
            wait_until(lambda: _is_free(place, number), "the look-up to end")
            decide.decide(session, target_id, place.department.officer, "send_again", clock.now())
        assert run_until(place, number, {"published"}) == "published"
    assert place.texts() == [text]


def _settled(place: Place, number: int) -> str:
    """Published, or looked up three times without an answer."""

    def look() -> str | None:
        (target,) = place.department.targets(number)
        looked = select(Attempt).where(Attempt.target_id == target.id, Attempt.kind == "find")
        with database.reading(place.department.engine) as session:
            # begun, to their end, and in vain: on a slow machine two seconds' lease may be over before one begins
            vain = [one for one in session.exec(looked) if one.outcome == "unknown" and "lease" not in one.detail]
        if target.state == "published" or (target.state == "unknown" and len(vain) >= 3):
            return target.state
        return None

    return wait_until(look, "the post to be settled", 60)


def _is_free(place: Place, number: int) -> bool:
    (target,) = place.department.targets(number)
    return target.lease_until is None or target.lease_until <= clock.now()


def test_a_thread_survives_a_lost_reply_in_its_middle(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "LOOK_UP_PAUSES", (timedelta(seconds=0.2),))
    parts = [f"Part {part} of {next(_number)}" for part in "abc"]
    number = place.department.approved("\n---\n".join(parts), place.account)
    pools = Pools(place.department.engine, place.department.settings, place.department.keys)
    asked = len(place.proxy.asked(place.writes))

    def look() -> bool:
        if len(place.proxy.asked(place.writes)) == asked + 1:
            place.proxy.next("lost-reply", place.writes)
        job.tick(place.department.engine, place.department.settings, place.department.keys, pools, clock.now())
        return {target.state for target in place.department.targets(number)} == {"published"}

    try:
        wait_until(look, "the thread to be out", 40)
    finally:
        pools.drain(10)
    assert sorted(place.texts()) == parts
