"""Whether a post of Bluesky is gone, when the directory or its author's own server answers what it likes. The server is
ours (answering)."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from networks.bluesky.hearing import Looker
from networks.network import Connection
from tests.networks.answering import Answer, Answering

POST = "at://did:plc:{who}/app.bsky.feed.post/3k1"
GONE = Answer(400, {"error": "RecordNotFound"})


@pytest.fixture
def server() -> Iterator[Answering]:
    made = Answering({})
    Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize(
    "said",
    [
        [], "[" * 100_000, "text", 7, {"service": 7}, {"service": ["x"]}, {"service": [{"id": 1}]},
        {"service": [{"id": "#atproto_pds", "serviceEndpoint": "http://[::1"}]},
    ],
)  # fmt: skip
def test_one_author_s_strange_server_keeps_nobody_s_deletion_back(
    server: Answering, sqlite_engine: sa.Engine, said: Any
) -> None:
    home = {"service": [{"id": "#atproto_pds", "serviceEndpoint": server.address}]}
    server.answers |= {"GET /did:plc:odd": Answer(200, said), "GET /did:plc:nan": Answer(200, home), "GET /xrpc": GONE}
    connection = Connection(sqlite_engine, settings={"directory": server.address}, allow_private=True)
    asked = ["no address", POST.format(who="odd"), POST.format(who="nan")]
    assert Looker(connection).ask(asked).gone == {POST.format(who="nan")}
