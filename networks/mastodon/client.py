"""Talking to a Mastodon server: its address looked at, its errors made ours, signing in on its own page."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from mastodon import Mastodon
from mastodon.errors import MastodonAPIError, MastodonError, MastodonNotFoundError, MastodonRatelimitError

from config import clock
from networks import fetching
from networks.fetching import NotFetched
from networks.network import (
    Connection,
    Departure,
    Keeper,
    NetworkError,
    OutcomeUnknown,
    Rate,
    RateLimited,
    Rejected,
    SignedIn,
    SignInExpired,
    Unavailable,
)

SCOPES = ["read:accounts", "read:statuses", "read:notifications", "read:search", "write:statuses", "write:media"]
TIMEOUT = 30.0  # seconds, to connect and to read
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?")
T = TypeVar("T")


class Gone(Rejected):
    """The server does not have this, or does not show it to us."""


class Server:
    """One server, with an account or without. `reads` may be repeated; `writes` may have been applied."""

    def __init__(
        self, address: str, *, allow_private: bool, token: str | None = None, keeper: Keeper | None = None, **more: Any
    ) -> None:
        self.address = address
        self._keeper = keeper
        self.client = Mastodon(
            access_token=token,
            api_base_url=address,
            session=fetching.session(allow_private=allow_private),
            request_timeout=TIMEOUT,
            user_agent=fetching.AGENT,
            ratelimit_method="throw",  # waiting is the caller's affair
            version_check_mode="created",  # with "none" the library takes the server for version 1 …
            mastodon_version="4.6.0",  # … and without a version it asks for it each time
            **more,
        )

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    def named(self, number: object) -> str:
        """The remote id of what has this id here."""
        return f"{number}@{self.host}"

    def number(self, remote_id: str) -> str | None:
        """The id on this server; none if it is another's."""
        number, _, host = remote_id.partition("@")
        return number if host == self.host else None

    def reads(self, ask: Callable[[Mastodon], T]) -> T:
        """Asks for something that changes nothing that anybody sees."""
        return self._do(ask, Unavailable)

    def writes(self, ask: Callable[[Mastodon], T]) -> T:
        """Asks for a change. OutcomeUnknown when the answer was lost on the way."""
        return self._do(ask, OutcomeUnknown)

    def _do(self, ask: Callable[[Mastodon], T], lost: type[Unavailable | OutcomeUnknown]) -> T:
        try:
            found = ask(self.client)
        except MastodonError as error:
            raise meant(error, lost, self.client.ratelimit_reset) from error
        self._note_rate()
        return found

    def _note_rate(self) -> None:
        limit, left, reset = self.client.ratelimit_limit, self.client.ratelimit_remaining, self.client.ratelimit_reset
        if self._keeper is not None and limit and reset:
            self._keeper.rate(Rate(int(limit), int(left), datetime.fromtimestamp(float(reset), UTC)))


def account(connection: Connection) -> Server:
    """The server, as the connection's account. Raises SignInExpired where there is no token."""
    secret = json.loads(connection.secret or "{}")
    if not secret.get("token"):
        raise SignInExpired("the sign-in ended; connect the account again")
    return Server(
        connection.settings.get("home") or connection.settings["server"],
        allow_private=connection.allow_private,
        token=secret["token"],
        keeper=connection.keeper,
    )


def address_of(typed: str, allow_private: bool) -> str:
    """A server's address from what a person typed: a name, an address, or a whole handle. Raises Rejected."""
    words = typed.strip().casefold().rstrip("/")
    scheme = "http" if words.startswith("http://") else "https"
    host = words.removeprefix("https://").removeprefix("http://").rpartition("@")[2]
    if not _HOST.fullmatch(host) or (scheme == "http" and not allow_private):
        raise Rejected(f"{typed.strip()!r} is no server's name; write it as mastodon.social")
    return f"{scheme}://{host}"


def begin(given: Mapping[str, str], redirect_uri: str, state: str, allow_private: bool) -> Departure:
    """Makes us known to the server, and says where a person goes to say yes. Raises NetworkError."""
    address = address_of(given.get("server", ""), allow_private)
    session = fetching.session(allow_private=allow_private)
    try:
        client_id, client_secret = Mastodon.create_app(
            "Liaison", scopes=SCOPES, redirect_uris=redirect_uri, api_base_url=address, session=session,
            request_timeout=TIMEOUT, user_agent=fetching.AGENT,
        )  # fmt: skip
    except MastodonError as error:
        raise _no_server(meant(error, Unavailable, None), address) from error
    server = Server(address, allow_private=allow_private, client_id=client_id, client_secret=client_secret)
    url = server.reads(
        lambda client: client.auth_request_url(
            redirect_uris=redirect_uri, scopes=SCOPES, state=state, lang="en", allow_http=allow_private
        )
    )
    kept = {"server": address, "client_id": client_id, "client_secret": client_secret, "redirect_uri": redirect_uri}
    return Departure(url, json.dumps(kept))


def finish(kept: str, code: str, allow_private: bool) -> SignedIn:
    """The token for the code that came back, and who we are with it. Raises NetworkError."""
    known = json.loads(kept)
    server = Server(
        known["server"],
        allow_private=allow_private,
        client_id=known["client_id"],
        client_secret=known["client_secret"],
    )
    try:
        token = server.client.log_in(
            code=code, redirect_uri=known["redirect_uri"], scopes=SCOPES, allow_http=allow_private
        )
    except MastodonError as error:
        raise Rejected("The server did not take the code that it gave; begin again.") from error
    secret = json.dumps({"client_id": known["client_id"], "client_secret": known["client_secret"], "token": token})
    return _signed_in(Server(known["server"], allow_private=allow_private, token=token), secret)


def who(connection: Connection) -> SignedIn:
    """Who the token says we are, and the server's limits now. Raises NetworkError."""
    return _signed_in(account(connection), "")


def _signed_in(server: Server, secret: str) -> SignedIn:
    me = server.reads(lambda client: client.account_verify_credentials())
    return SignedIn(
        remote_id=server.named(me.id),
        handle=f"{me.acct}@{server.host}",
        name=me.display_name or me.acct,
        settings=server_settings(server),
        secret=secret,
    )


def server_settings(server: Server) -> dict[str, str]:
    """The server's address and limits, as an account keeps them. Raises NetworkError."""
    try:
        told = server.reads(lambda client: client.instance_v2())
    except Rejected:  # a server from before version 4, or of another make
        told = server.reads(lambda client: client.instance_v1())
    configuration = told.get("configuration") or {}
    statuses, media = configuration.get("statuses") or {}, configuration.get("media_attachments") or {}
    found = {
        "characters": statuses.get("max_characters"),
        "reserved_url": statuses.get("characters_reserved_per_url"),
        "pictures": statuses.get("max_media_attachments"),
        "alt_length": media.get("description_limit"),
        "picture_bytes": media.get("image_size_limit"),
    }
    return {"home": server.address} | {name: str(int(value)) for name, value in found.items() if value}


def meant(error: MastodonError, lost: type[Unavailable | OutcomeUnknown], reset: float | None) -> NetworkError:
    """What an error of the library means: above all, whether anything may have been applied."""
    if isinstance(error, MastodonRatelimitError):
        now = clock.now()
        known = datetime.fromtimestamp(float(reset), UTC) if reset else now + timedelta(minutes=5)
        return RateLimited(min(max(known, now), now + timedelta(hours=1)))
    if isinstance(error, MastodonAPIError):
        status, words = _status(error), str(error.args[-1] or error.args[0])
        if status == 401:
            return SignInExpired(words)
        if isinstance(error, MastodonNotFoundError) or status == 410:
            return Gone(words)
        if status is None or status >= 500:
            return lost(f"the server answered {status or 'what cannot be read'}: {words}")
        return Rejected(words)
    cause = error.__context__
    if isinstance(cause, NotFetched):
        refused = Rejected(str(cause))
        refused.__cause__ = cause
        return refused
    if isinstance(cause, requests.RequestException):
        return (Unavailable if _never_sent(cause) else lost)(f"the server did not answer: {cause}")
    return lost(f"{type(error).__name__}: {error}")


def _status(error: MastodonAPIError) -> int | None:
    found = error.args[1] if len(error.args) > 1 else None
    return found if isinstance(found, int) else None


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    never = urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError
    return isinstance(reason, never)


def _no_server(error: NetworkError, address: str) -> NetworkError:
    if isinstance(error, Rejected) and not isinstance(error.__cause__, NotFetched):
        return Rejected(f"{urlsplit(address).netloc} does not speak Mastodon's language: {error.reason}")
    return error
