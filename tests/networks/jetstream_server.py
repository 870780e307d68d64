"""A Jetstream of ours: no real one can be had on loopback. It speaks v1's /subscribe and v2's subscribeEvents as the
published lexicons and dictionary say, keeps what it is given, and misbehaves on request."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

import zstandard
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

V1 = "/subscribe"
V2 = "/xrpc/network.bsky.jetstream.subscribeEvents"
DICTIONARY = "/xrpc/network.bsky.jetstream.getZstdDictionary"
NAMED = "network.bsky.jetstream.subscribeEvents"
ZDICT = (files("networks.jetstream") / "subscribe_v1.zdict").read_bytes()
POST = "app.bsky.feed.post"


@dataclass(frozen=True)
class Told:
    """One event, whatever the wire. `what`: commit's operation, or account's status."""

    did: str
    what: str
    at: datetime
    collection: str = POST
    rkey: str = ""
    record: dict[str, Any] | None = None

    def v1(self) -> dict[str, Any]:
        frame: dict[str, Any] = {"did": self.did, "time_us": int(self.at.timestamp() * 1e6)}
        if not self.rkey:
            return {**frame, "kind": "account", "account": {"active": False, "did": self.did, "status": self.what}}
        commit = {"rev": "r", "operation": self.what, "collection": self.collection, "rkey": self.rkey}
        return {**frame, "kind": "commit", "commit": commit | ({"record": self.record} if self.record else {})}

    def v2(self, seq: int) -> dict[str, Any]:
        payload: dict[str, Any] = {"seq": seq, "did": self.did, "time": self.at.isoformat().replace("+00:00", "Z")}
        if not self.rkey:
            account = {"active": False, "did": self.did, "seq": 1, "status": self.what, "time": payload["time"]}
            return _message("account", {**payload, "account": account})
        commit = {"rev": "r", "operation": self.what, "collection": self.collection, "rkey": self.rkey}
        return _message("commit", {**payload, **commit} | ({"record": self.record} if self.record else {}))


def _message(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"$type": "message", "payload": {"$type": f"{NAMED}#{kind}", **payload}}


def post(number: int, text: str, at: datetime, did: str = "did:plc:ana", **more: Any) -> Told:
    record = {"$type": POST, "text": text, "createdAt": at.isoformat(), "langs": ["en"], **more}
    return Told(did, "create", at, rkey=f"k{number}", record=record)


def like(number: int, at: datetime) -> Told:
    record = {"$type": "app.bsky.feed.like", "subject": {"uri": f"at://did:plc:bo/{POST}/k{number}", "cid": "c"}}
    return Told("did:plc:cy", "create", at, "app.bsky.feed.like", f"l{number}", record)


@dataclass
class Network:
    """What the server holds, and how it behaves. `floor`: how many of the first events it has forgotten."""

    events: list[Told] = field(default_factory=list)
    floor: int = 0
    faults: list[bytes | str] = field(default_factory=list)  # sent raw before anything else
    silent: bool = False
    refuse: int = 0  # so many openings are answered 429
    hang_up_after: int = 0  # frames; 0: never
    unpacked: bool = False  # offers no dictionary
    asked: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def tell(self, *events: Told) -> None:
        with self.changed:
            self.events += events
            self.changed.notify_all()

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append(request.path)
        parts = urlsplit(request.path)
        query = parse_qs(parts.query)
        if parts.path == DICTIONARY:
            if self.unpacked:
                return connection.respond(HTTPStatus.NOT_FOUND, '{"error":"DictionaryNotFound"}')
            answer = connection.respond(HTTPStatus.OK, "")
            answer.body = ZDICT
            answer.headers["Content-Length"] = str(len(ZDICT))  # replaced below: headers may repeat
            del answer.headers["Content-Length"]
            answer.headers["Content-Length"] = str(len(ZDICT))
            return answer
        if self.refuse:
            self.refuse -= 1
            return connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "slow down")
        cursor = int(query.get("cursor", ["0"])[0])
        if parts.path == V2 and 0 < cursor < 10**15 and cursor <= self.floor:
            return connection.respond(HTTPStatus.BAD_REQUEST, json.dumps({"error": "CursorTooOld", "message": "1"}))
        return None

    def talk(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        parts = urlsplit(request.path)
        query = parse_qs(parts.query)
        second = parts.path == V2
        packed = "zstdDictionary" in query if second else query.get("compress") == ["true"]
        pack = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(ZDICT)).compress if packed else None
        try:
            for fault in self.faults:
                connection.send(fault)
            if self.silent:
                connection.recv()
                return
            self._send(connection, second, pack, query.get("cursor", [None])[0])
        except ConnectionClosed:
            return

    def _send(self, connection: ServerConnection, second: bool, pack: Any, cursor: str | None) -> None:
        place, sent = self._start(second, cursor), 0
        if second and cursor is not None and int(cursor) >= 10**15 and place < self.floor:
            frame = json.dumps(_message("info", {"name": "OutdatedCursor", "message": f"from {self.floor + 1}"}))
            connection.send(pack(frame.encode()) if pack else frame)
        place = max(place, self.floor)
        while True:
            with self.changed:
                if place >= len(self.events):
                    self.changed.wait(0.05)
                waiting = self.events[place:]
            if not waiting:
                connection.ping()
            for told in waiting:
                place += 1
                frame = json.dumps(told.v2(place) if second else told.v1(), separators=(",", ":"))
                connection.send(pack(frame.encode()) if pack else frame)
                sent += 1
                if sent == self.hang_up_after:
                    connection.socket.close()
                    return

    def _start(self, second: bool, cursor: str | None) -> int:
        if cursor is None:
            return len(self.events)
        number = int(cursor)
        if second and number < 10**15:
            return number - 1
        at = datetime.fromtimestamp(number / 1e6, UTC)
        return next((place for place, told in enumerate(self.events) if told.at >= at), len(self.events))


@contextmanager
def running(network: Network, port: int = 0) -> Iterator[str]:
    """The server's address without a path, while the block lasts."""
    server: Server = serve(network.talk, "127.0.0.1", port, process_request=network.answer, compression=None)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
    finally:
        server.shutdown()
        thread.join(5)
