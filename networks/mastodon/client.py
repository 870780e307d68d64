"""Talking to a Mastodon server: its address looked at, its errors made ours (signing in: networks.mastodon.sign_in)."""

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from mastodon import Mastodon
from mastodon.errors import (
    MastodonAPIError,
    MastodonError,
    MastodonIllegalArgumentError,
    MastodonNotFoundError,
    MastodonRatelimitError,
    MastodonVersionError,
)

from config import clock
from networks import fetching
from networks.fetching import NotFetched
from networks.network import (
    Connection,
    Keeper,
    NetworkError,
    OutcomeUnknown,
    Rate,
    RateLimited,
    Rejected,
    SignInExpired,
    Unavailable,
)

TIMEOUT = 30.0  # seconds, to connect and to read
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?")
_TOLD_TO_WAIT = "Hit rate limit."  # how the library puts a 429
_LOCKED_OUT = ("login is", "authorized scopes")  # what Mastodon says with 403 to an account that it shuts out
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)  # the library takes much for granted
T = TypeVar("T")


class Gone(Rejected):
    """The server does not have this, or does not show it to us."""


class Server:
    """One server, with an account or without. `reads` may be repeated; `writes` may have been applied."""

    def __init__(
        self, address: str, *, allow_private: bool, token: str | None = None, keeper: Keeper | None = None, **more: Any
    ) -> None:
        for given in (token, *more.values()):
            # The library would read that file and send what is in it. (A Path cannot be asked of so long a name.)
            if isinstance(given, str) and os.path.isfile(given):  # noqa: PTH113
                raise Rejected("the server gave something that is no token")
        self.address = address
        self._signed_in, self._keeper = token is not None, keeper
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

    def itself(self) -> Any:
        """What the server says of itself. Raises NetworkError."""
        try:
            return self.reads(lambda client: client.instance_v2())
        except Rejected:  # a server from before version 4, or of another make
            return self.reads(lambda client: client.instance_v1())

    def _do(self, ask: Callable[[Mastodon], T], lost: type[Unavailable | OutcomeUnknown]) -> T:
        try:
            found = ask(self.client)
        except MastodonError as error:
            raise self.meant(error, lost) from error
        except UNREADABLE as error:
            raise lost(f"the server's answer cannot be read: {error}") from error
        self._note_rate()
        return found

    def meant(self, error: MastodonError, lost: type[Unavailable | OutcomeUnknown]) -> NetworkError:
        """What an error of this server means. Where we came without an account, no sign-in of ours can have ended."""
        found = meant(error, lost, self.client.ratelimit_reset)
        if isinstance(found, SignInExpired) and not self._signed_in:
            return Rejected(f"{self.host} shows this only to its own accounts")
        return found

    @property
    def rate_left(self) -> float:
        """How much of the rate was left at the last answer, as a share of the whole."""
        return int(self.client.ratelimit_remaining) / max(1, int(self.client.ratelimit_limit))

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


def meant(error: MastodonError, lost: type[Unavailable | OutcomeUnknown], reset: float | None) -> NetworkError:
    """What an error of the library means: above all, whether anything may have been applied."""
    if isinstance(error, MastodonRatelimitError):
        if str(error) != _TOLD_TO_WAIT:  # the library could not read a header, perhaps of a good reply
            return lost(str(error))
        now = clock.now()
        known = datetime.fromtimestamp(float(reset), UTC) if reset else now + timedelta(minutes=5)
        return RateLimited(min(max(known, now), now + timedelta(hours=1)))
    if isinstance(error, MastodonAPIError):
        status, words = _status(error), str(error.args[-1] or error.args[0])
        if status == 401 or (status == 403 and any(part in words for part in _LOCKED_OUT)):
            return SignInExpired(words)
        if isinstance(error, MastodonNotFoundError) or status == 410:
            return Gone(words)
        if status is None or status >= 500 or status == 408:
            return lost(f"the server answered {status or 'what cannot be read'}: {words}")
        return Rejected(words)
    if isinstance(error, MastodonIllegalArgumentError | MastodonVersionError):
        return Rejected(str(error))  # the library did not even ask
    cause = error.__context__
    if isinstance(cause, NotFetched):
        refused = Rejected(str(cause))
        refused.__cause__ = cause
        return refused
    if isinstance(cause, requests.RequestException):
        return (Unavailable if fetching.never_sent(cause) else lost)(f"the server did not answer: {cause}")
    return lost(f"{type(error).__name__}: {error}")


def _status(error: MastodonAPIError) -> int | None:
    found = error.args[1] if len(error.args) > 1 else None
    return found if isinstance(found, int) else None
