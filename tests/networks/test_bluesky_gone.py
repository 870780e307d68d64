"""Whether a post of Bluesky is gone, when the directory or its author's own server answers what it likes. The server is
ours (answering)."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from networks.bluesky import hearing
from networks.bluesky.hearing import Looker
from networks.network import Connection
from tests.networks.answering import Answer, Answering
from tests.networks.test_what_errors_mean import answering

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


def test_a_server_that_does_not_answer_is_asked_once_in_a_go(server: Answering, sqlite_engine: sa.Engine) -> None:
    home = {"service": [{"id": "#atproto_pds", "serviceEndpoint": server.address}]}
    with answering({"GET /xrpc": Answer(0)}) as away:
        elsewhere = {"service": [{"id": "#atproto_pds", "serviceEndpoint": away.address}]}
        for number in range(3):
            server.answers[f"GET /did:plc:{number}"] = Answer(200, elsewhere)
        server.answers |= {"GET /did:plc:nan": Answer(200, home), "GET /xrpc": GONE}
        connection = Connection(sqlite_engine, settings={"directory": server.address}, allow_private=True)
        told = Looker(connection).ask([*(POST.format(who=number) for number in range(3)), POST.format(who="nan")])
    assert (set(told.gone), len(away.asked)) == ({POST.format(who="nan")}, 1)


def test_a_look_that_takes_long_leaves_the_rest_for_later(
    server: Answering, sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = {"service": [{"id": "#atproto_pds", "serviceEndpoint": server.address}]}
    server.answers |= {"GET /did:plc:": Answer(200, home), "GET /xrpc": GONE}
    monkeypatch.setattr(hearing, "A_LOOK", 0.0)
    connection = Connection(sqlite_engine, settings={"directory": server.address}, allow_private=True)
    first, *rest = (POST.format(who=number) for number in range(3))
    told = Looker(connection).ask([first, *rest])
    assert (set(told.gone), set(told.unasked)) == ({first}, set(rest))
