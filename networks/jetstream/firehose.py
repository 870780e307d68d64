"""The firehose of a server or relay of the AT Protocol itself (`com.atproto.sync.subscribeRepos`): what a Jetstream is
made from. For networks without a Jetstream; heavier to read, and its cursor means something on its own server only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import libipld
import msgspec

from networks.jetstream.frames import POST, Account, Frames, Record, StreamEnded, moment

_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, msgspec.MsgspecError)


@dataclass
class Firehose(Frames):
    """As Frames; each frame is a header and a body in DAG-CBOR, a commit's records in a CAR inside."""

    _at: tuple[int, datetime] | None = None

    def feed(self, frames: Iterable[bytes | str]) -> None:
        """Takes frames. One that cannot be read is counted and never stops the others. Raises StreamEnded."""
        for frame in frames:
            self._read += 1
            try:
                header, body = libipld.decode_dag_cbor_multi(frame if isinstance(frame, bytes) else frame.encode())
                if header["op"] == -1:
                    raise StreamEnded(f"{body.get('error')}: {body.get('message')}")
                self._take(header.get("t"), body)
            except _UNREADABLE:
                self._refused += 1

    def _take(self, kind: str | None, body: dict[str, Any]) -> None:
        if kind == "#info":
            self._clamped = f"{body.get('name')} {body.get('message') or ''}".strip()
            return
        at = moment(body["time"])
        if at is None:
            raise ValueError("a frame without its time")
        if kind == "#commit":
            posts = [one for one in body["ops"] if one["path"].startswith(f"{POST}/")]
            blocks = libipld.decode_car(body["blocks"])[1] if any(one["action"] != "delete" for one in posts) else {}
            for one in posts:
                record = blocks.get(one["cid"]) if one.get("cid") is not None else None
                self._post(body["repo"], one["action"], one["path"].split("/")[1], _record(record), at)
        elif kind == "#account":
            self._closed(body["did"], Account(bool(body.get("active", True)), str(body.get("status") or "")))
        self._at = int(body["seq"]), at

    def _place(self) -> tuple[int, datetime] | None:
        return self._at


def _record(record: Any) -> Record | None:
    if not isinstance(record, dict):
        return None
    kept = {name: record[name] for name in ("text", "createdAt", "langs", "reply") if name in record}
    embedded = record.get("embed")
    quoted = embedded.get("record") if isinstance(embedded, dict) else None
    if isinstance(quoted, dict):
        kept["embed"] = {"record": {name: quoted[name] for name in ("uri", "record") if name in quoted}}
    return msgspec.json.decode(msgspec.json.encode(kept), type=Record)
