"""Frames of a Jetstream, decoded as little as will do: most of what flows by is likes and follows, and most posts are
about something else. Bytes are looked at first, then a post's text; only what is wanted is read whole."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import zstandard

from networks.network import Burst, NetworkError, RemoteMention

POST = "app.bsky.feed.post"
LARGEST = 1 << 20  # bytes of a frame, unpacked
GONE = frozenset({"deleted", "takendown", "suspended", "deactivated"})
_QUOTED = b'"app.bsky.feed.post"'  # a like names a post in an address, never as a string of its own
_ACCOUNT = b'account"'  # v1's kind, or the end of v2's type
_INFO = b"#info"
_ERROR = re.compile(rb'^\s*\{\s*"\$type"\s*:\s*"error"')
_TIME_US = re.compile(rb'"time_us"\s*:\s*(\d+)')
_SEQ = re.compile(rb'"seq"\s*:\s*(\d+)')
_TIME = re.compile(rb'"time"\s*:\s*"([^"]+)"')


class StreamEnded(NetworkError):
    """The server said that it sends no more; the message is its own."""


class Record(msgspec.Struct):
    """A post's record, as far as it is read."""

    text: Any = ""
    createdAt: msgspec.Raw = msgspec.Raw()  # noqa: N815 - the network's name
    langs: msgspec.Raw = msgspec.Raw()
    reply: msgspec.Raw = msgspec.Raw()
    embed: msgspec.Raw = msgspec.Raw()


class _Commit(msgspec.Struct):
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    record: Record | None = None


class Account(msgspec.Struct):
    """How an account stands."""

    active: bool = True
    status: str = ""


class _V1(msgspec.Struct):
    did: str
    time_us: int
    kind: str = ""
    commit: _Commit | None = None
    account: Account | None = None


class _Payload(msgspec.Struct, rename={"type": "$type"}):
    type: str
    seq: int = 0
    did: str = ""
    time: str = ""
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    record: Record | None = None
    account: Account | None = None
    name: str = ""
    message: str = ""


class _V2(msgspec.Struct, rename={"type": "$type"}):
    type: str
    payload: _Payload | None = None
    error: str = ""
    message: str = ""


_v1 = msgspec.json.Decoder(_V1)
_v2 = msgspec.json.Decoder(_V2)


@dataclass
class Frames:
    """Gathers frames into bursts. `version`: 1 or 2. `unpack`: undoes the compression, where there is one
    (`unpacker`)."""

    version: int
    wanted: Callable[[str, str | None], bool]
    unpack: Callable[[bytes], bytes] | None = None
    _mentions: list[RemoteMention] = field(default_factory=list)
    _edited: list[RemoteMention] = field(default_factory=list)
    _deleted: list[str] = field(default_factory=list)
    _left: list[str] = field(default_factory=list)
    _read: int = 0
    _refused: int = 0
    _last: bytes = b""
    _clamped: str = ""

    def feed(self, frames: Iterable[bytes | str]) -> None:
        """Takes frames. One that cannot be read is counted and never stops the others. Raises StreamEnded.

        Most frames end at the first two looks; the loop is kept short for them."""
        unpack, second, raw, quoted, account = self.unpack or bytes, self.version == 2, self._last, _QUOTED, _ACCOUNT
        for frame in frames:
            self._read += 1
            try:
                raw = unpack(frame)  # type: ignore[arg-type]  # text is caught below
            except (zstandard.ZstdError, MemoryError):
                self._refused += 1
                continue
            except TypeError:  # a frame of text is never packed
                raw = str(frame).encode()
            if quoted in raw or account in raw or (second and _rare(raw)):
                self._last = raw
                self._whole(raw)
        self._last = raw

    def _whole(self, raw: bytes) -> None:
        try:
            if self.version == 1:
                self._first_wire(_v1.decode(raw))
            else:
                self._second_wire(_v2.decode(raw))
        except (msgspec.DecodeError, msgspec.ValidationError, ValueError, OverflowError, RecursionError):
            self._refused += 1

    @property
    def read(self) -> int:
        """Frames since the last burst."""
        return self._read

    def burst(self, now: datetime) -> Burst | None:
        """What came since the last burst; none when nothing did that moves the cursor."""
        place = self._place()
        if place is None:
            return None
        number, at = place
        found = Burst(
            cursor=str(number),
            position=min(at, now),
            mentions=self._mentions,
            edited=self._edited,
            deleted=self._deleted,
            left=self._left,
            read=self._read,
            refused=self._refused,
        )
        self._mentions, self._edited, self._deleted, self._left = [], [], [], []
        self._read = self._refused = 0
        return found

    def clamped(self) -> str:
        """What the server said of a cursor that it could not go back to (v2's OutdatedCursor), once."""
        said, self._clamped = self._clamped, ""
        return said

    def _place(self) -> tuple[int, datetime] | None:
        """The number and time of the last frame that has them."""
        number = (_TIME_US if self.version == 1 else _SEQ).search(self._last)
        if number is None:
            return None
        try:
            if self.version == 1:
                return int(number[1]), datetime.fromtimestamp(int(number[1]) / 1e6, UTC)
            time = _TIME.search(self._last)
            return int(number[1]), moment(time[1].decode() if time else "") or datetime.fromtimestamp(0, UTC)
        except (ValueError, OverflowError, OSError):
            return None

    def _first_wire(self, event: _V1) -> None:
        if event.commit is not None and event.commit.collection == POST:
            at = datetime.fromtimestamp(event.time_us / 1e6, UTC)
            self._post(event.did, event.commit.operation, event.commit.rkey, event.commit.record, at)
        elif event.account is not None:
            self._closed(event.did, event.account)

    def _second_wire(self, frame: _V2) -> None:
        if frame.type == "error":
            raise StreamEnded(f"{frame.error}: {frame.message}".strip(": "))
        event = frame.payload
        if event is None:
            return
        if event.type.endswith("#info"):
            self._clamped = f"{event.name} {event.message}".strip()
        elif event.collection == POST:
            self._post(event.did, event.operation, event.rkey, event.record, moment(event.time))
        elif event.account is not None:
            self._closed(event.did, event.account)

    def _closed(self, did: str, account: Account) -> None:
        if not account.active and account.status in GONE:
            self._left.append(did)

    def _post(self, did: str, operation: str, rkey: str, record: Record | None, at: datetime | None) -> None:
        if operation == "delete":
            self._deleted.append(f"at://{did}/{POST}/{rkey}")
            return
        if record is None or not isinstance(record.text, str) or at is None:
            self._refused += 1
            return
        language = _language(record.langs)
        if operation == "update":  # whatever it says now: the old words must go where they were taken
            self._edited.append(_mention(did, rkey, record, language, at))
        elif record.text and self.wanted(record.text, language):
            self._mentions.append(_mention(did, rkey, record, language, at))


def _rare(raw: bytes) -> bool:
    return _INFO in raw[:200] or _ERROR.match(raw) is not None


def _mention(did: str, rkey: str, record: Record, language: str | None, at: datetime) -> RemoteMention:
    """A post's own time is what its author's device says: it holds only when it is not after the network's."""
    written = moment(_decoded(record.createdAt))
    return RemoteMention(
        remote_id=f"at://{did}/{POST}/{rkey}",
        text=record.text,
        posted_at=written if written is not None and at - timedelta(days=1) < written < at else at,
        author_id=did,
        language=language,
        url=f"https://bsky.app/profile/{did}/post/{rkey}",
        root_id=_root(record),
    )


def _language(langs: msgspec.Raw) -> str | None:
    found = _decoded(langs)
    first = found[0] if isinstance(found, list) and len(found) == 1 else None  # several: it does not tell which
    return first.split("-")[0].lower()[:3] if isinstance(first, str) and first else None


def _root(record: Record) -> str | None:
    """The first post of the thread that this one answers in, else the post that it quotes."""
    reply, embed = _decoded(record.reply), _decoded(record.embed)
    for start, path in ((reply, ("root", "uri")), (embed, ("record", "uri")), (embed, ("record", "record", "uri"))):
        found = start
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, str) and f"/{POST}/" in found:
            return found
    return None


def _decoded(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw) if bytes(raw) else None
    except (msgspec.DecodeError, RecursionError):
        return None


def moment(value: Any) -> datetime | None:
    """An instant in UTC; none for anything else, a time without a zone included."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None


def unpacker(dictionary: bytes) -> Callable[[bytes], bytes]:
    """Undoes zstd with its dictionary, a frame at a time; ZstdError for a broken frame, another dictionary, and what
    would grow beyond LARGEST."""
    known = zstandard.ZstdCompressionDict(dictionary)
    unpacking = zstandard.ZstdDecompressor(dict_data=known, max_window_size=1 << 23)

    def unpack(frame: bytes) -> bytes:
        if zstandard.frame_content_size(frame) > LARGEST:  # a frame that names its size has all of it, limit or not
            raise zstandard.ZstdError("the frame is too large")
        return unpacking.decompress(frame, max_output_size=LARGEST)

    return unpack
