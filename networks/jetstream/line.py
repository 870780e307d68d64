"""The line to a Jetstream server: opened at one of several, resumed where the last one stopped, left when it is silent.

The kept cursor names the server, its number and the time, for numbers of v2 mean something on their own server only;
elsewhere, and on v1, the time less a few seconds is asked for, and intake knows what it has seen."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from threading import Event
from urllib.parse import urlencode, urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

from config import clock
from networks import fetching
from networks.fetching import NotFetched
from networks.jetstream.firehose import Firehose
from networks.jetstream.frames import LARGEST, POST, Frames, StreamEnded, unpacker
from networks.network import Burst, Connection, Rejected, Unavailable

SERVERS = (
    "wss://jetstream2.us-east.bsky.network/subscribe "
    "wss://jetstream1.us-east.bsky.network/subscribe "
    "wss://jetstream2.us-west.bsky.network/subscribe "
    "wss://jetstream1.us-west.bsky.network/subscribe"
)
V2 = "/xrpc/network.bsky.jetstream.subscribeEvents"
FIREHOSE = "/xrpc/com.atproto.sync.subscribeRepos"
DICTIONARY = "/xrpc/network.bsky.jetstream.getZstdDictionary"
REWIND = timedelta(seconds=5)
SILENCE = 30.0  # seconds without a frame: the whole network is never silent that long
BURST = 1.0  # seconds
MOST, MOST_BYTES = 2000, 16 << 20  # frames of a burst, and what they hold
LATE = timedelta(
    minutes=5
)  # a first event so much after the cursor, and still of the past: v1 went on without saying so


@dataclass(frozen=True)
class Place:
    """Where a line stands: on which server, its number there, and the time of the last event (microseconds, UTC)."""

    server: str
    number: int
    time_us: int


def stream(
    connection: Connection, cursor: str | None, wanted: Callable[[str, str | None], bool], stop: Event
) -> Iterator[Burst]:
    """Bursts until `stop` is set. A line that breaks is opened again at the next server, from the last burst on; when
    none of them brings anything, raises Unavailable, or Rejected where an address cannot be."""
    servers = (connection.settings.get("servers", "").strip() or SERVERS).split()
    place = _place(cursor)
    turn = servers.index(place.server) if place is not None and place.server in servers else 0
    broken = 0
    while not stop.is_set():
        server = servers[turn % len(servers)]
        try:
            for found in _read(connection, server, place, wanted, stop):
                place, broken = _place(found.cursor), 0
                yield found
        except (Unavailable, Rejected, StreamEnded) as error:
            turn, broken = turn + 1, broken + 1
            if broken > len(servers):  # each once more after the one that broke
                raise error if isinstance(error, Rejected) else Unavailable(str(error)) from error


def _read(
    connection: Connection, server: str, place: Place | None, wanted: Callable[[str, str | None], bool], stop: Event
) -> Iterator[Burst]:
    host = urlsplit(server).hostname
    try:
        yield from _listen(connection, server, place, wanted, stop)
    except InvalidURI as error:
        raise Rejected(f"{server} is no address of a stream") from error
    except (ConnectionClosed, InvalidHandshake, OSError, EOFError) as error:
        raise Unavailable(f"{host} hung up: {error or type(error).__name__}") from error


def _listen(
    connection: Connection, server: str, place: Place | None, wanted: Callable[[str, str | None], bool], stop: Event
) -> Iterator[Burst]:
    version = {V2: 2, FIREHOSE: 0}.get(urlsplit(server).path, 1)
    number, dictionary = _dictionary(connection, server, version)
    unpack = unpacker(dictionary) if number else None
    frames = Firehose(version, wanted) if version == 0 else Frames(version, wanted, unpack)
    line, refused = _open(connection, server, version, place, number)
    asked = None if place is None else datetime.fromtimestamp(place.time_us / 1e6, UTC)
    opened = clock.now()
    with line:
        came: list[bytes | str] = []
        until, quiet, held = time.monotonic() + BURST, time.monotonic() + SILENCE, 0
        while not stop.is_set():
            broke: ConnectionClosed | None = None
            try:
                came.append(line.recv(timeout=max(0.0, until - time.monotonic())))
                quiet, held = time.monotonic() + SILENCE, held + len(came[-1])
            except ConnectionClosed as error:  # what had come by then counts
                broke = error
            except TimeoutError:
                if time.monotonic() >= quiet:
                    raise Unavailable(f"{urlsplit(server).hostname} says nothing") from None
            if broke is None and time.monotonic() < until and len(came) < MOST and held < MOST_BYTES:
                continue
            frames.feed(came)
            came.clear()
            held, until = 0, time.monotonic() + BURST
            clamped = frames.clamped() or refused
            found = frames.burst(clock.now())
            if found is None:
                refused = clamped
                if broke is not None:
                    raise broke
                continue
            if asked is not None:
                late = version == 1 and found.position - asked > LATE and found.position < opened - REWIND
                elsewhere = version == 0 and place is not None and place.server != server
                found = replace(found, lost=(asked, found.position) if clamped or late or elsewhere else None)
                asked, refused = None, ""
            at = int(found.position.timestamp() * 1e6)
            yield replace(found, cursor=json.dumps(asdict(Place(server, int(found.cursor), at))))
            if broke is not None:
                raise broke


def _open(
    connection: Connection, server: str, version: int, place: Place | None, dictionary: int
) -> tuple[ClientConnection, str]:
    """The line, and why the server had to leave something out: v2 refuses a number that is too old."""
    host = urlsplit(server).hostname
    try:
        return _dial(connection, server, version, _cursor(server, version, place), dictionary), ""
    except InvalidStatus as refused:
        said = refused.response.body.decode("utf-8", "replace")[:200]
        if version == 2 and place is not None and "CursorTooOld" in said:
            return _dial(connection, server, version, _by_time(place), dictionary), said
        if refused.response.status_code == 429 or refused.response.status_code >= 500:
            raise
        raise Rejected(f"{host} refused ({refused.response.status_code}): {said}") from refused


def _dial(connection: Connection, server: str, version: int, cursor: int | None, dictionary: int) -> ClientConnection:
    parts = urlsplit(server)
    try:
        port = parts.port or (443 if parts.scheme == "wss" else 80)
    except ValueError:
        port = 0
    if parts.scheme not in ("ws", "wss") or not parts.hostname or not port:
        raise Rejected(f"{server} is no address of a stream; it begins with wss://")
    try:
        host = parts.hostname
        addresses = [host] if connection.allow_private else fetching.public_addresses(host, port)
        line = fetching.first_open(
            addresses, lambda address, most: socket.create_connection((address, port), timeout=min(most, 10))
        )
    except (NotFetched, UnicodeError) as error:
        raise Rejected(str(error)) from error
    asked: list[tuple[str, str]] = [] if cursor is None else [("cursor", str(cursor))]
    if version == 1:
        asked += [("wantedCollections", POST), ("compress", "true")]
    elif version == 2:
        asked += [("kinds", "commit"), ("kinds", "account"), ("collections", POST)]
        asked += [("zstdDictionary", str(dictionary))] if dictionary else []
    return connect(
        f"{server}?{urlencode(asked)}",
        sock=line,
        subprotocols=["xrpc.v1.json"] if version == 2 else None,  # type: ignore[list-item]
        compression=None,
        max_size=LARGEST,
        open_timeout=10,
        close_timeout=2,
        user_agent_header=fetching.AGENT,
    )


def _cursor(server: str, version: int, place: Place | None) -> int | None:
    if place is None:
        return None
    if version == 1 or server != place.server:
        return None if version == 0 else _by_time(place)
    return place.number


def _by_time(place: Place) -> int:
    return place.time_us - int(REWIND.total_seconds() * 1e6)


def _place(cursor: str | None) -> Place | None:
    try:
        return Place(**json.loads(cursor)) if cursor else None
    except (ValueError, TypeError):
        return None  # not one of ours: from now on


def _dictionary(connection: Connection, server: str, version: int) -> tuple[int, bytes]:
    """The dictionary and its number: v1's is fixed, v2's is the server's present one; 0 where it gives none, and frames
    come as they are."""
    if version == 0:
        return 0, b""
    if version == 1:
        body = (files(__package__) / "subscribe_v1.zdict").read_bytes()
        return int.from_bytes(body[4:8], "little"), body
    parts = urlsplit(server)
    secure = "https" if parts.scheme == "wss" else "http"
    try:
        found = fetching.fetch(f"{secure}://{parts.netloc}{DICTIONARY}", {}, allow_private=connection.allow_private)
    except (NotFetched, Unavailable):
        return 0, b""
    body = found.body
    if found.status != 200 or body[:4] != b"\x37\xa4\x30\xec":
        return 0, b""
    return int.from_bytes(body[4:8], "little"), body
