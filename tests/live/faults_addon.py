"""Inside mitmproxy: scripted faults between a client and a real server, and a record of what came by.
It is told what to do, and asked what it saw, over HTTP at the proxy's own port under /_faults; fault_proxy.py does
both. Runs in an environment of its own that holds mitmproxy.
"""

import asyncio
import base64
import json
import os
import socket
import struct
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from mitmproxy import ctx, http  # type: ignore[import-not-found]

UPSTREAM = os.environ["UPSTREAM"]
HERE = os.environ["HERE"]

_script: list[dict[str, Any]] = []  # what is still to happen, in the order it was asked for
_record: list[dict[str, Any]] = []  # every request, in the order it came
_later: set[asyncio.Task[None]] = set()  # kept, or they would be swept away before they run


async def request(flow: http.HTTPFlow) -> None:
    path = flow.request.path
    if path.startswith("/_faults"):
        flow.response = _control(flow)
        return
    fault = _take(f"{flow.request.method} {path}")
    entry: dict[str, Any] = {
        "method": flow.request.method,
        "path": path,
        "headers": {name.lower(): value for name, value in flow.request.headers.items()},
        "body": base64.b64encode(flow.request.raw_content or b"").decode(),
        "fault": fault["kind"] if fault else "",
        "reached": False,
        "status": None,
    }
    _record.append(entry)
    flow.metadata["entry"], flow.metadata["fault"] = entry, fault
    seconds = fault["seconds"] if fault else 0
    match entry["fault"]:
        case "429":
            reply = json.dumps({"error": "RateLimitExceeded", "message": "Too many requests"})
            flow.response = http.Response.make(
                429, reply, {"content-type": "application/json", "retry-after": "1", **_rates(remaining=0, seconds=1)}
            )
        case "html-502":
            page = "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
            flow.response = http.Response.make(502, page, {"content-type": "text/html"})
        case "reset":
            _reset(flow)
        case "slow":
            await asyncio.sleep(seconds)
            entry["reached"] = flow.client_conn.connected  # mitmproxy drops what nobody waits for any more
        case "late":
            _later.add(asyncio.create_task(_send_late(flow.request.copy(), entry, seconds)))
            flow.kill()
        case _:
            entry["reached"] = True


async def responseheaders(flow: http.HTTPFlow) -> None:
    # a stream of events is passed on as it comes
    if flow.response.headers.get("content-type", "").startswith("text/event-stream"):
        flow.response.stream = True


async def response(flow: http.HTTPFlow) -> None:
    entry, fault = flow.metadata.get("entry"), flow.metadata.get("fault")
    if entry is None or not entry["reached"]:
        return
    entry["status"] = flow.response.status_code
    match entry["fault"]:
        case "slow-reply":
            await asyncio.sleep(fault["seconds"])
        case "lost-reply":
            flow.kill()
        case "500-after":
            reply = json.dumps({"error": "InternalServerError", "message": "Internal Server Error"})
            flow.response = http.Response.make(500, reply, {"content-type": "application/json"})
        case "rates":
            flow.response.headers.update(_rates(remaining=fault["remaining"], seconds=fault["seconds"]))
    _lead_back_here(flow.response)


def _control(flow: http.HTTPFlow) -> http.Response:
    match flow.request.path:
        case "/_faults/next":
            _script.append(json.loads(flow.request.content))
        case "/_faults/clear":
            _script.clear()
            _record.clear()
    return http.Response.make(200, json.dumps({"record": _record, "script": _script}))


def _take(request_line: str) -> dict[str, Any] | None:
    for fault in _script:
        if fault["part"] in request_line:
            fault["times"] -= 1
            if fault["times"] <= 0:
                _script.remove(fault)
            return fault
    return None


def _rates(remaining: int, seconds: float) -> dict[str, str]:
    """Rate headers as a PDS writes them (RateLimit-*, an epoch) and as Mastodon does (X-RateLimit-*, ISO 8601)."""
    reset = datetime.now(UTC) + timedelta(seconds=seconds)
    return {
        "ratelimit-limit": "300",
        "ratelimit-remaining": str(remaining),
        "ratelimit-reset": str(int(time.time() + seconds + 0.999)),
        "ratelimit-policy": "300;w=300",
        "x-ratelimit-limit": "300",
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": reset.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
    }


def _reset(flow: http.HTTPFlow) -> None:
    """Ends the client's connection with a TCP reset, as a crashed neighbour does; a plain close would look orderly."""
    handler = ctx.master.addons.get("proxyserver").connections.get(flow.client_conn.id)
    for connection, pair in getattr(handler, "transports", {}).items():
        if connection.id == flow.client_conn.id and pair.writer is not None:
            at = pair.writer.get_extra_info("socket")
            at.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            pair.writer.transport.abort()
    flow.kill()


async def _send_late(request: http.Request, entry: dict[str, Any], seconds: float) -> None:
    """What a network does with a request that it held while the client went away."""

    def send() -> int:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        at = urlsplit(UPSTREAM)
        connection = HTTPConnection(at.hostname or "", at.port, timeout=30)
        connection.request(request.method, request.path, request.raw_content, headers)
        status = connection.getresponse().status
        connection.close()
        return status

    await asyncio.sleep(seconds)
    entry["reached"] = True
    entry["status"] = await asyncio.to_thread(send)


def _lead_back_here(response: http.Response) -> None:
    """A client that follows the server's own address (a PDS in a DID document, a next page) must not pass us by."""
    for name in ("link", "location"):
        if name in response.headers:
            response.headers[name] = response.headers[name].replace(UPSTREAM, HERE)
    if response.headers.get("content-type", "").startswith("application/json"):
        body = response.content or b""
        pointing, here = f'"serviceEndpoint":"{UPSTREAM}"'.encode(), f'"serviceEndpoint":"{HERE}"'.encode()
        if pointing in body:
            response.content = body.replace(pointing, here)
