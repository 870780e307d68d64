"""The example of docs/add-a-network.md works as it says, against a small server of ours."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa

from networks.network import Connection, OutcomeUnknown, Outgoing, Receipt, Rejected, SignInExpired, Unavailable
from tests.networks import noticeboard
from tests.networks.noticeboard import Board

AT = "2026-11-24T12:00:00+00:00"
ROOT = Path(__file__).parents[2]


class Server(ThreadingHTTPServer):
    """Keeps notes by key; `lose` drops the next answer after the request was applied."""

    notes: dict[str, dict[str, str]]
    lose: bool


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path.startswith("/notes"):
            note = {"id": "7", "text": "Who patrols Elm Street?", "at": AT, "by": "nan"}
            return self._answer(200, [note] if self.path.endswith("after=0") else [])
        key = self.path.rpartition("/")[2]
        return self._answer(200 if key in self.server.notes else 404, self.server.notes.get(key, {}))

    def do_PUT(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["content-length"])))["text"]
        if "refuse" in text:
            return self._answer(422, {"why": "not here"})
        key = self.path.rpartition("/")[2]
        note = {"id": str(len(self.server.notes) + 1), "text": text, "at": AT, "url": f"https://board.example/{key}"}
        self.server.notes.setdefault(key, note)
        return self._answer(200, self.server.notes[key])

    def _answer(self, status: int, body: object) -> None:
        if self.headers["authorization"] != "Bearer token":
            status, body = 401, {}
        if self.server.lose:
            self.server.lose = False
            self.close_connection = True
            return
        said = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as found:
        found.notes, found.lose = {}, False
        thread = Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def board(server: Server, sqlite_engine: sa.Engine, secret: str = "token") -> Board:  # noqa: S107
    settings = {"server": f"http://127.0.0.1:{server.server_address[1]}"}
    return Board(Connection(sqlite_engine, settings, secret, allow_private=True))


def test_a_page_of_mentions_ends_with_its_cursor(server: Server, sqlite_engine: sa.Engine) -> None:
    page = board(server, sqlite_engine).mentions(None)
    assert ([found.text for found in page.mentions], page.cursor) == (["Who patrols Elm Street?"], "7")
    assert board(server, sqlite_engine).mentions(page.cursor).mentions == []


def test_a_post_whose_answer_is_lost_is_found_by_its_key(server: Server, sqlite_engine: sa.Engine) -> None:
    post = Outgoing(key="k1", text="We do, from Monday.")
    assert board(server, sqlite_engine).find(post) is None
    server.lose = True
    with pytest.raises(OutcomeUnknown):
        board(server, sqlite_engine).publish(post)
    found = board(server, sqlite_engine).find(post)
    assert isinstance(found, Receipt)
    assert (found.remote_id, found.url, len(server.notes)) == ("1", "https://board.example/k1", 1)


def test_each_refusal_has_its_error(server: Server, sqlite_engine: sa.Engine) -> None:
    with pytest.raises(Rejected):
        board(server, sqlite_engine).publish(Outgoing(key="k2", text="refuse this"))
    with pytest.raises(SignInExpired):
        board(server, sqlite_engine, "an old token").publish(Outgoing(key="k3", text="Hello"))
    gone = board(server, sqlite_engine)
    server.shutdown()
    server.server_close()
    with pytest.raises(Unavailable):
        gone.publish(Outgoing(key="k4", text="Hello"))


def test_the_page_for_developers_shows_this_very_module() -> None:
    page = (ROOT / "docs/add-a-network.md").read_text()
    assert Path(noticeboard.__file__).read_text().strip() in page
