"""What a person, or a program, is told when something cannot be done: what happened, what was kept, what to do next.

Pages get a page, /api gets application/problem+json (RFC 9457), from the same Trouble."""

from contextlib import suppress
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, StatementError
from starlette.exceptions import HTTPException

from config.phrases import Phrase
from config.secrets import SecretKeyError

log = structlog.get_logger(__name__)
# What psycopg itself refuses (a NUL), and SQL's numbers, times and signs out of range: not, say, our dividing by zero.
_NO_ROOM = frozenset({None, "22003", "22007", "22008", "22021", "22P05"})


class Trouble(Exception):
    """Something that a route will not do. `title`: what happened; `detail`: why, and what was kept; `advice`: what to
    do next. All in plain words for the person who asks."""

    def __init__(self, status: int, title: str, detail: str = "", advice: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.advice = advice


def answer(request: Request, trouble: Trouble) -> Response:
    """The page or the problem+json that tells it."""
    if request.url.path.startswith("/api/"):
        body = {
            "type": "about:blank",
            "title": trouble.title,
            "status": trouble.status,
            "detail": " ".join(part for part in (trouble.detail, trouble.advice) if part),
            "instance": request.url.path,
        }
        extra = {"WWW-Authenticate": "Bearer"} if trouble.status == 401 else None
        return JSONResponse(body, trouble.status, extra, "application/problem+json")
    from web import pages  # pages needs the guard, and the guard raises Trouble

    title, detail, advice = (pages.told(request, words) for words in (trouble.title, trouble.detail, trouble.advice))
    shown = Trouble(trouble.status, title, detail, advice)
    return pages.render(request, "problem.html", status=trouble.status, trouble=shown)


def _route(request: Request) -> str:
    """The route that was asked for, without what stood in its places: an address may be a secret, as a link to sign in
    with is."""
    return str(getattr(request.scope.get("route"), "path", ""))


def _unreadable(kind: str) -> Trouble:
    """What a form brought that its page would not have sent, by pydantic's name for it: who reads this knows no names
    of fields."""
    title, kept = "Some of this cannot be taken", "Nothing was changed."
    if kind == "missing":
        return Trouble(422, title, "Something that is needed was left empty.", kept)
    if kind.startswith(("date", "time")):
        return Trouble(422, title, "A day or a time in it cannot be read.", kept)
    if kind.startswith(("int", "float", "less_than", "greater_than")):
        return Trouble(422, title, "A number in it cannot be read, or is too large.", kept)
    if kind.endswith("too_long"):
        return Trouble(422, title, "A text in it is longer than it may be.", kept)
    return Trouble(422, title, "Something in it is of another kind than what is asked for.", kept)


def install(app: FastAPI) -> None:
    """Makes every failure of `app` answer by `answer`."""
    from posts.workflow import EditConflict, NotAllowed, WrongState  # rooms' errors, given their words here
    from web.compose import WallTimeError
    from web.guard import ENROLLING, EnrolFirst, SignedOut, find_visitor

    def trouble(request: Request, error: Exception) -> Response:
        assert isinstance(error, Trouble)  # noqa: S101  registered for no other class  # nosec B101
        return answer(request, error)

    def signed_out(request: Request, _error: Exception) -> Response:
        if request.url.path.startswith("/api/"):
            return answer(request, Trouble(401, "Sign in, or send a token", "This needs to know who asks."))
        if "text/event-stream" in request.headers.get("accept", ""):
            return Response(status_code=204)  # a browser ends its stream for good then, and complains of nothing
        if request.method == "GET":
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(here, safe='')}", 303)
        if request.url.path.startswith("/compose"):
            return answer(
                request,
                Trouble(
                    401,
                    "Your sign-in has ended",
                    "Nothing was changed. What you were writing is kept in this browser.",
                    "Sign in again, open the same page, and it offers your text back.",
                ),
            )
        return answer(
            request,
            Trouble(
                401,
                "Your sign-in has ended",
                "Nothing was changed.",
                "Go back: if the page still shows what you wrote, copy it. Then sign in, and send it again.",
            ),
        )

    def enrol_first(request: Request, _error: Exception) -> Response:
        if request.method == "GET" and not request.url.path.startswith("/api/"):
            return RedirectResponse(ENROLLING, 303)
        return answer(
            request,
            Trouble(
                403,
                "First set up your second factor",
                "Your roles ask for a second factor, and you have none yet. Nothing was changed.",
                Phrase("It is under %(address)s.", address=ENROLLING),
            ),
        )

    def refused(request: Request, error: Exception) -> Response:
        return answer(request, Trouble(409, str(error) or "That is not possible now", "Nothing was changed."))

    def not_allowed(request: Request, error: Exception) -> Response:
        return answer(request, Trouble(403, "That is not allowed", f"{error} Nothing was changed."))

    def conflict(request: Request, _error: Exception) -> Response:
        return answer(
            request,
            Trouble(
                409,
                "Someone saved this post while you were writing",
                "Their version is stored; yours was not stored over it. It is kept in this browser.",
                "Open the post again to see both.",
            ),
        )

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # nosec B101
        if not request.url.path.startswith("/api/"):  # no route asked who it is; the page has their way back
            with suppress(Trouble, DatabaseError):
                request.state.visitor = find_visitor(request, app.state.desk)
        words = {
            404: Trouble(404, "There is nothing here", "It may have expired, or the address is not right."),
            413: Trouble(413, "That is more than one request may bring", "Nothing was changed."),
            405: Trouble(405, "That cannot be done here", "This address does not take such a request."),
        }
        return answer(request, words.get(error.status_code, Trouble(error.status_code, str(error.detail))))

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  # nosec B101
        if not request.url.path.startswith("/api/"):
            return answer(request, _unreadable(str(error.errors()[0]["type"])))
        faults = [f"{'.'.join(str(part) for part in fault['loc'][1:])}: {fault['msg']}" for fault in error.errors()]
        return answer(request, Trouble(422, "Some of this cannot be taken", "; ".join(faults), "Nothing was changed."))

    def no_time(request: Request, error: Exception) -> Response:
        return answer(request, Trouble(422, "That is no time", f"{error}.", "Nothing was changed."))

    def names_nothing(request: Request, error: Exception) -> Response:
        """A number of something that is not there, or what is there already: the store's own rules refused it."""
        log.info("store_refused", path=_route(request), kind=type(error).__name__)
        return answer(
            request,
            Trouble(
                409,
                "This cannot be kept",
                "It names something that is not there, or that is there already.",
                "Nothing was changed.",
            ),
        )

    def beyond(request: Request, error: Exception) -> Response:
        """Numbers and times that have no room, in Python or in the store; on PostgreSQL a NUL. Where nothing was said,
        or the store finds another fault with its data, the mistake is ours."""
        said = request.method not in ("GET", "HEAD") or request.query_params or request.path_params
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        if not said or state not in _NO_ROOM:
            raise error
        log.warning("beyond_what_is_kept", path=_route(request), kind=type(error).__name__, exc_info=error)
        return answer(
            request,
            Trouble(
                422,
                "Some of this cannot be taken",
                "A number, a time or a sign in it is none that can be kept.",
                "Nothing was changed.",
            ),
        )

    def sealed(request: Request, error: Exception) -> Response:
        log.error("secret_key_failed", path=_route(request), error=str(error))
        return answer(
            request,
            Trouble(
                503,
                "Something here cannot be opened",
                "The secret key is another one than it was sealed with. Nothing of this request was kept.",
                "Tell an administrator: the key of before belongs back in its place.",
            ),
        )

    def store(request: Request, error: Exception) -> Response:
        log.error("store_failed", path=_route(request), error=str(error)[:300])
        return answer(
            request,
            Trouble(
                503,
                "The store did not answer",
                "Nothing of this request was kept. Posts that are due wait for it too.",
                "Try again in a minute. If it stays, ask an administrator to run “liaison doctor”.",
            ),
        )

    def broken(request: Request, error: Exception) -> Response:
        log.error("request_failed", path=_route(request), kind=type(error).__name__, error=str(error)[:300])
        return answer(
            request,
            Trouble(
                500,
                "That did not work, and it is our fault",
                "Nothing of this request was kept. It is in the log with its time.",
                "Try once more. If it happens again, tell an administrator what you were doing.",
            ),
        )

    def unbound(request: Request, error: Exception) -> Response:
        """What SQLAlchemy says of a value that it could not hand to the store."""
        if not isinstance(getattr(error, "orig", None), OverflowError):
            raise error
        return beyond(request, error)

    app.add_exception_handler(Trouble, trouble)
    app.add_exception_handler(SignedOut, signed_out)
    app.add_exception_handler(EnrolFirst, enrol_first)
    app.add_exception_handler(EditConflict, conflict)
    app.add_exception_handler(NotAllowed, not_allowed)
    app.add_exception_handler(WrongState, refused)
    app.add_exception_handler(WallTimeError, no_time)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(IntegrityError, names_nothing)
    app.add_exception_handler(SecretKeyError, sealed)
    app.add_exception_handler(DatabaseError, store)
    app.add_exception_handler(DataError, beyond)
    app.add_exception_handler(OverflowError, beyond)
    app.add_exception_handler(StatementError, unbound)
    app.add_exception_handler(Exception, broken)
