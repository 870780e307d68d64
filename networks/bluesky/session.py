"""Signing in by app password, and asking with a session that is kept and renewed; what an answer means for us.

Creating sessions is limited to 300 a day, so one is resumed as long as it can be renewed."""

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
from atproto import Client, Request, models
from atproto_client.exceptions import RequestErrorBase
from atproto_core.exceptions import AtProtocolError

from config import clock
from networks import fetching
from networks.fetching import AGENT, NotFetched
from networks.network import (
    Connection,
    NetworkError,
    OutcomeUnknown,
    Rate,
    RateLimited,
    Rejected,
    RenewalFailed,
    SignedIn,
    SignInExpired,
    Unavailable,
)

DIRECTORY = "https://plc.directory"  # where the documents of did:plc names are
_TIMEOUT = httpx.Timeout(20.0, connect=5.0, write=40.0)
_TOKEN_IS_OVER = ("ExpiredToken", "InvalidToken")  # the latter too when a server changed its keys
_UNKNOWN_TO_THEM = ("AuthMissing", "AuthenticationRequired", "AccountTakedown", "AccountDeactivated")
T = TypeVar("T")


class Line:
    """A client of one server, whose errors are ours. `reads` may be repeated; `writes` may have been applied."""

    def __init__(
        self,
        service: str,
        *,
        allow_private: bool,
        token: Callable[[], str] | None = None,
        rate: Callable[[Rate], None] | None = None,
    ) -> None:
        def note(response: httpx.Response) -> None:
            found = _rate(response.headers)
            if found is not None and rate is not None:
                rate(found)

        request = Request(
            transport=fetching.transport(allow_private=allow_private),
            timeout=_TIMEOUT,
            trust_env=False,
            event_hooks={"response": [note]},
        )
        request.add_additional_header("User-Agent", AGENT)
        if token is not None:
            request.add_additional_headers_source(lambda: {"Authorization": f"Bearer {token()}"})
        self.client = Client(base_url=service, request=request)

    def reads(self, ask: Callable[[Client], T]) -> T:
        """Asks for something that changes nothing there, or changes nothing that anybody sees."""
        return self._do(ask, Unavailable)

    def writes(self, ask: Callable[[Client], T]) -> T:
        """Asks for a change. OutcomeUnknown when the answer was lost on the way."""
        return self._do(ask, OutcomeUnknown)

    def _do(self, ask: Callable[[Client], T], lost: type[Unavailable | OutcomeUnknown]) -> T:
        try:
            return ask(self.client)
        except NotFetched as error:
            raise Rejected(str(error)) from error
        except (AtProtocolError, httpx.HTTPError) as error:
            raise _meant(error, lost) from error


class Account(Line):
    """A line with a signed-in account: the session comes from the keeper, and a renewed one goes back there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keeper = connection.keeper
        kept = self._keeper.session() if self._keeper is not None else None
        self._session: dict[str, str] = json.loads(kept) if kept else {}
        super().__init__(
            service_of(connection.settings),
            allow_private=connection.allow_private,
            token=lambda: self._session.get("access", ""),
            rate=self._keeper.rate if self._keeper is not None else None,
        )
        self.did = connection.remote_id

    def _do(self, ask: Callable[[Client], T], lost: type[Unavailable | OutcomeUnknown]) -> T:
        if not self._session:
            self._renew("")
        before = self._session["access"]
        try:
            return super()._do(ask, lost)
        except TokenExpired:  # refused before anything was applied
            self._renew(before)
        return super()._do(ask, lost)

    def _renew(self, stale: str) -> None:
        """A new access token by the refresh token; by the app password only when that is refused."""
        with self._keeper.renewing() if self._keeper is not None else nullcontext():
            kept = self._keeper.session() if self._keeper is not None else None
            held: dict[str, str] = json.loads(kept) if kept else self._session
            if held and held["access"] != stale:  # somebody else renewed it meanwhile
                self._session = held
                return
            try:
                self._session = self._refreshed(held["refresh"]) if held else self._created()
            except Unavailable as error:
                raise RenewalFailed(f"the sign-in could not be renewed just now: {error}") from error
            if self._keeper is not None:
                self._keeper.keep_session(json.dumps(self._session))

    def _refreshed(self, token: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            found = super()._do(lambda client: client.com.atproto.server.refresh_session(headers=headers), Unavailable)
        except SignInExpired:
            return self._created()
        return {"access": found.access_jwt, "refresh": found.refresh_jwt}

    def _created(self) -> dict[str, str]:
        known = json.loads(self._connection.secret or "{}")
        if not known:
            raise SignInExpired("the sign-in ended; connect the account again")
        asked = models.ComAtprotoServerCreateSession.Data(
            identifier=known["identifier"], password=known["app_password"]
        )
        try:
            found = super()._do(
                lambda client: client.com.atproto.server.create_session(asked, headers={"Authorization": ""}),
                Unavailable,
            )
        except (SignInExpired, Rejected) as error:
            raise SignInExpired("Bluesky does not take the app password any more; connect the account again") from error
        return {"access": found.access_jwt, "refresh": found.refresh_jwt}


class TokenExpired(SignInExpired):
    """The access token is too old, and may be renewed; nothing was applied."""


def sign_in(given: Mapping[str, str], allow_private: bool) -> SignedIn:
    """One session from a handle and an app password. Raises NetworkError; Rejected says what to do."""
    handle = given.get("handle", "").strip().lstrip("@").casefold()
    password = given.get("app_password", "").strip()
    service = given.get("service", "").strip() or "https://bsky.social"
    if not handle or not password:
        raise Rejected("Give the handle and an app password.")
    if not service.startswith(("https://", "http://")):
        service = f"https://{service}"
    asked = models.ComAtprotoServerCreateSession.Data(identifier=handle, password=password)
    try:
        found = Line(service, allow_private=allow_private).reads(
            lambda client: client.com.atproto.server.create_session(asked)
        )
    except SignInExpired as error:
        raise Rejected("Bluesky does not know this handle with this app password. Look at both again.") from error
    home = pds_of(_plain(found.did_doc)) or service
    settings = {"service": home} | ({"directory": given["directory"]} if given.get("directory") else {})
    return SignedIn(
        remote_id=found.did,
        handle=found.handle,
        name=_display_name(home, allow_private, found.access_jwt, found.did) or found.handle,
        settings=settings,
        secret=json.dumps({"identifier": found.did, "app_password": password}),
        session=json.dumps({"access": found.access_jwt, "refresh": found.refresh_jwt}),
    )


def who(connection: Connection) -> SignedIn:
    """Who the kept session says we are. Raises NetworkError."""
    account = Account(connection)
    found = account.reads(lambda client: client.com.atproto.server.get_session())
    return SignedIn(found.did, found.handle, found.handle, dict(connection.settings))


def service_of(settings: Mapping[str, str]) -> str:
    """The server that keeps the account's records."""
    return settings.get("service") or "https://bsky.social"


def pds_of(document: Mapping[str, Any]) -> str | None:
    """The server that a DID document names for its records, if it names one."""
    for service in document.get("service") or ():
        if str(service.get("id", "")).endswith("#atproto_pds"):
            address = service.get("serviceEndpoint") or service.get("service_endpoint")
            return str(address) if str(address).startswith(("http://", "https://")) else None
    return None


def _plain(document: Any) -> Mapping[str, Any]:
    if document is None:
        return {}
    return document if isinstance(document, Mapping) else dict(document.to_dict())


def _display_name(service: str, allow_private: bool, token: str, did: str) -> str:
    line = Line(service, allow_private=allow_private, token=lambda: token)
    asked = models.AppBskyActorGetProfile.Params(actor=did)
    try:
        return str(line.reads(lambda client: client.app.bsky.actor.get_profile(asked)).display_name or "")
    except NetworkError:  # an AppView that does not know the account yet; the handle will do
        return ""


def _meant(error: Exception, lost: type[Unavailable | OutcomeUnknown]) -> NetworkError:
    """What an error of the library means: above all, whether anything may have been applied."""
    response = error.response if isinstance(error, RequestErrorBase) else None
    if response is None:
        cause = error if isinstance(error, httpx.HTTPError) else error.__cause__
        never_sent = isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        words = str(cause or error) or type(cause or error).__name__
        return (Unavailable if never_sent else lost)(f"Bluesky did not answer: {words}")
    status, name, words = response.status_code, *_said(response.content)
    if status == 429:
        rate = _rate(response.headers)
        now = clock.now()
        wait = _seconds(response.headers.get("retry-after"))
        return RateLimited(max(rate.resets_at, now) if rate is not None else now + timedelta(seconds=wait or 60))
    if name in _TOKEN_IS_OVER:
        return TokenExpired(words)
    if status == 401 or name in _UNKNOWN_TO_THEM:
        return SignInExpired(words or "Bluesky does not know us any more")
    if status >= 500 or status == 408:  # it may have been applied before the server gave up
        return lost(f"Bluesky answered {status}: {words}")
    return Refused(words or f"Bluesky answered {status}", name)


class Refused(Rejected):
    """A refusal with the protocol's own name for it, as RecordNotFound."""

    def __init__(self, reason: str, name: str) -> None:
        super().__init__(reason)
        self.name = name


def _said(content: Any) -> tuple[str, str]:
    if isinstance(content, bytes) or content is None:
        return "", ""
    name, message = getattr(content, "error", "") or "", getattr(content, "message", "") or ""
    return name, message or name


def _rate(headers: Mapping[str, Any]) -> Rate | None:
    try:
        resets_at = datetime.fromtimestamp(int(headers["ratelimit-reset"]), UTC)
        return Rate(int(headers["ratelimit-limit"]), int(headers["ratelimit-remaining"]), resets_at)
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _seconds(value: str | None) -> int | None:
    return int(value) if value is not None and value.isdecimal() else None
