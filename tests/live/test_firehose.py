"""The AT Protocol's own firehose, from a real server: posts of anybody, edits and deletions, into the store."""

from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners import rules, sources
from listeners.streams import Streams
from listeners.tables import Mention, Source
from networks.jetstream.line import FIREHOSE
from scheduler.jobs import deletions, edits
from tests.live import department as departments
from tests.live.bluesky_network import Network
from tests.live.department import Department
from tests.live.waiting import wait_until

pytestmark = pytest.mark.live


@pytest.fixture
def department(sqlite_engine: sa.Engine, keys: Keys, settings: Settings, person: Callable[..., Person]) -> Department:
    return departments.made(sqlite_engine, keys, settings, person)


def texts(department: Department) -> list[str | None]:
    with database.reading(department.engine) as session:
        return list(session.exec(select(Mention.text).order_by(col(Mention.id))))


def test_what_anybody_posts_edits_and_deletes_on_the_network_is_followed(
    bluesky: Network, department: Department
) -> None:
    engine, keys, settings = department.engine, department.keys, department.settings
    omar = bluesky.create("omar")
    server = bluesky.pds.replace("http", "ws", 1) + FIREHOSE
    with database.writing(engine) as session:
        rules.add(session, "Road", 'orrery (police OR "river rd")')
        chosen = {"kind": "everything", "servers": server, "directory": bluesky.plc}
        number = sources.add(
            session, network="bluesky", name="All", settings=chosen, every_seconds=10, now=clock.now()
        ).id
    streams = Streams(engine, settings, keys, partial(edits.apply, engine, settings, keys))
    streams.keep()
    try:
        before = bluesky.post(omar, "The first word on the line")

        def listening() -> bool:
            bluesky.post(omar, "Anything at all")
            with database.reading(engine) as session:
                return session.get_one(Source, number).position_at is not None

        wait_until(listening, "the firehose to be read")
        kept = bluesky.post(omar, "Police by the orrery, thanks @riverton")
        away = bluesky.post(omar, "An orrery on River Rd")
        bluesky.post(omar, "An orrery at home")
        wait_until(lambda: len(texts(department)) == 2, "two posts to be stored")
        assert texts(department) == ["Police by the orrery, thanks @…", "An orrery on River Rd"]
        record = bluesky.record(kept)
        assert record is not None
        did, collection, rkey = kept.removeprefix("at://").split("/")
        bluesky.call(
            "com.atproto.repo.putRecord",
            by=omar,
            json={
                "repo": did,
                "collection": collection,
                "rkey": rkey,
                "record": {**record["value"], "text": "Police by the old orrery"},
            },
        )
        wait_until(lambda: texts(department)[0] == "Police by the old orrery", "the edit")
        bluesky.delete(omar, away)
        wait_until(
            lambda: deletions.follow(engine, settings, keys, clock.now()) == 1, "the deletion to be told and followed"
        )
        assert texts(department) == ["Police by the old orrery"]
        assert before.startswith("at://")
    finally:
        streams.stop()
