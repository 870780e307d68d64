"""Idempotency-Key on writes of the API (draft-ietf-httpapi-idempotency-key-header): the same request sent again,
because its answer was lost, is done once and answered alike for a day.

The key belongs to who sends it, the method and the address; with another query or body, or other rights than then,
it is refused. Only what succeeded or was refused for good is kept, and nothing of a stranger: who asks is found before
anything is read or answered. After a failure of ours the same key may be tried again. scheduler.jobs.expiry removes
what is over."""

from contextlib import suppress
from datetime import timedelta

import structlog
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config import clock, database, kept_replies
from config.tables import KeptReply
from networks import pictures
from web import problems
from web.desk import Desk
from web.guard import Visitor, find_visitor
from web.problems import Trouble

log = structlog.get_logger(__name__)
LARGEST_REQUEST = pictures.LARGEST_UPLOAD + 1_000_000  # bytes
LONGEST_KEY = 255
LARGEST_REPLY = 1024 * 1024  # bytes; what is larger is not kept, and done again
STUCK = timedelta(minutes=5)  # a first request that is still at work after this died
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class OnceOnly:
    """Answers a repeated write of /api/v1 from what was kept."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self.app = app
        self.desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" else None
        if given is None or scope["method"] not in WRITES or not scope["path"].startswith("/api/v1/"):
            await self.app(scope, receive, send)
            return
        if not 0 < len(given) <= LONGEST_KEY:
            await self._tell(Trouble(400, "This Idempotency-Key cannot be used", "1 to 255 characters."), scope, send)
            return
        who = await run_in_threadpool(self._visitor, Request(scope))
        if who is None:
            await self.app(scope, receive, send)  # which says what is missing
            return
        messages = await _whole(receive)
        if messages is None:
            await self._tell(
                Trouble(413, "That is more than one request may bring", "Nothing was changed."), scope, send
            )
            return
        key = self._hash(scope, given)
        body = b"".join(message.get("body", b"") for message in messages)
        rights = sorted([*who.roles, *(who.scopes or ())])  # an answer is read again only by whoever still may
        asked = f"{scope['query_string'].hex()} {body.hex()}"  # some say all in their query
        request = self.desk.keys.hash("token", f"body {rights} {asked}")
        kept = await run_in_threadpool(self._begin, key, request)
        if isinstance(kept, Trouble):
            await self._tell(kept, scope, send)
            return
        if kept is not None:
            headers = [(b"content-type", kept.media_type.encode()), (b"idempotency-replayed", b"true")]
            await send({"type": "http.response.start", "status": kept.status or 200, "headers": headers})
            await send({"type": "http.response.body", "body": kept.body})
            return
        await self._first(scope, messages, receive, send, key)

    async def _first(self, scope: Scope, messages: list[Message], receive: Receive, send: Send, key: bytes) -> None:
        """Does it, and keeps the answer. Nothing is kept of a failure of ours, or of who may not ask at all."""
        waiting = iter(messages)
        status, media_type, parts = 500, "", list[bytes]()

        async def again() -> Message:
            return next(waiting, None) or await receive()

        async def watch(message: Message) -> None:
            nonlocal status, media_type
            if message["type"] == "http.response.start":
                status = message["status"]
                media_type = Headers(raw=message["headers"]).get("content-type", "")
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, again, watch)
        finally:
            body = b"".join(parts)
            done = status < 500 and status not in (401, 403, 429) and len(body) <= LARGEST_REPLY
            await run_in_threadpool(self._end, key, status if done else None, body, media_type)

    def _visitor(self, request: Request) -> Visitor | None:
        """Who asks; none where the guard lets nobody in."""
        with suppress(Trouble):
            who = find_visitor(request, self.desk)
            return None if who is None or who.must_enrol else who
        return None

    def _hash(self, scope: Scope, given: str) -> bytes:
        headers = Headers(scope=scope)
        who = headers.get("authorization", "") or headers.get("cookie", "")
        return self.desk.keys.hash("token", f"once {who}\n{scope['method']} {scope['path']}\n{given}")

    def _begin(self, key: bytes, request: bytes) -> KeptReply | Trouble | None:
        """None: this is the first, and it may go on."""
        now = clock.now()
        try:
            with database.writing(self.desk.engine) as session:
                kept_replies.forget(session, now)
                there = session.get(KeptReply, key)
                if there is not None and there.status is None and there.at < now - STUCK:
                    session.delete(there)
                    session.flush()
                    there = None
                if there is None:
                    session.add(KeptReply(key_hash=key, request_hash=request, at=now))
        except IntegrityError:  # another process was a moment quicker
            there = KeptReply(key_hash=key, request_hash=request, at=now)
        if there is None:
            return None
        if there.request_hash != request:
            return Trouble(
                422,
                "This Idempotency-Key was used for something else",
                "Or your rights have changed since. Nothing was changed.",
                "Make a new one.",
            )
        if there.status is None:
            return Trouble(
                409, "The first request with this Idempotency-Key is still at work", "", "Ask again shortly."
            )
        return there

    def _end(self, key: bytes, status: int | None, body: bytes, media_type: str) -> None:
        with database.writing(self.desk.engine) as session:
            there = session.get(KeptReply, key)
            if there is None:
                return
            if status is None:
                session.delete(there)
                return
            there.status, there.body, there.media_type = status, body, media_type
            session.add(there)

    async def _tell(self, trouble: Trouble, scope: Scope, send: Send) -> None:
        request = Request(scope)
        await problems.answer(request, trouble)(scope, request.receive, send)


async def _whole(receive: Receive) -> list[Message] | None:
    """All of a request's body; none where it is larger than any address takes."""
    messages = [await receive()]
    size = len(messages[0].get("body", b""))
    while messages[-1].get("more_body", False) and size <= LARGEST_REQUEST:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
    return messages if size <= LARGEST_REQUEST else None
