"""Headers on every answer, and the most that a request may bring: one small ASGI middleware, no decisions elsewhere."""

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 2 * 1024 * 1024  # bytes; a post with all its variants is a few kilobytes
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


class SafeHeaders:
    """Adds the security headers; refuses bodies over BODY_LIMIT, whether or not their length is told."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")
        answering = False

        async def send_with_headers(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
                headers["X-Frame-Options"] = "DENY"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
                if self.https:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                if not static:
                    headers.setdefault("Cache-Control", "no-store")  # pages show other people's words
                elif scope.get("query_string", b"").startswith(b"v="):
                    headers["Cache-Control"] = "public, max-age=31536000, immutable"
            await send(message)

        taken = 0

        async def receive_within_limit() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > BODY_LIMIT:
                raise TooMuch
            return message

        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        try:
            if told.isdigit() and int(told) > BODY_LIMIT:
                raise TooMuch
            await self.app(scope, receive_within_limit, send_with_headers)
        except TooMuch:
            if answering:
                raise
            answer = PlainTextResponse(f"More than {BODY_LIMIT} bytes in one request; nothing was changed.\n", 413)
            await answer(scope, receive, send_with_headers)


class TooMuch(Exception):
    """A request brings more than BODY_LIMIT."""
