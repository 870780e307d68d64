"""A sign-in on X: an access token of two hours, and a refresh token that serves once. The new pair is kept before it is
used; a pair that was lost can only be replaced by a person.

By OAuth 1.0a there are four keys that never change, and nothing here is renewed."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import requests
import sqlalchemy as sa
import structlog
import tweepy
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from config import clock
from networks import fetching
from networks.fetching import NotFetched
from networks.network import Connection, OutcomeUnknown, Rejected, RenewalFailed, SignInExpired, Unavailable
from networks.x.client import TIMEOUT, Line, Refused, TokenRefused, X

AHEAD = timedelta(minutes=5)  # of its end, an access token is renewed
PATIENCE = 1.0  # seconds, in which another process may keep the pair that it got for the same refresh token
_LIVES = 7200  # seconds, where X does not say
_ENDED = ("invalid_grant", "invalid_request", "invalid_client", "unauthorized_client", "invalid_token", "access_denied")
T = TypeVar("T")

log = structlog.get_logger(__name__)
_paid_for: WeakKeyDictionary[sa.Engine, dict[int | None, tuple[date, set[str]]]] = WeakKeyDictionary()  # by account
_reading = Lock()


@dataclass(frozen=True)
class App:
    """The department's app on X. Without a secret it is a public client."""

    service: str
    client_id: str
    client_secret: str = ""


@dataclass(frozen=True)
class Tokens:
    """What X gave for a sign-in."""

    access: str
    refresh: str
    expires_at: str  # ISO 8601, UTC

    def ends_within(self, span: timedelta) -> bool:
        return datetime.fromisoformat(self.expires_at) <= clock.now() + span


class Account:
    """A line with a signed-in account; tokens come from the keeper, and renewed ones go back there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keeper = connection.keeper
        secret = json.loads(connection.secret or "{}")
        self._keys: list[str] = secret.get("keys") or []
        self._app = App(service_of(connection.settings), secret.get("client_id", ""), secret.get("client_secret") or "")
        self._tokens = self._kept()
        if self._tokens is None and not self._keys:
            raise SignInExpired("the sign-in ended; connect the account again")

    def get(self, route: str, params: Mapping[str, str]) -> Any:
        """Asks for JSON. Raises NetworkError."""
        return self.reads(lambda x: x.request("GET", route, params=dict(params), user_auth=self.signs).json())

    def posts(self, route: str, params: Mapping[str, str], expansions: str = "author_id") -> Any:
        """Asks for posts, with what networks.x.posts reads of them.

        X is renaming what belongs to a post; where a server does not know the new names yet, it is asked by the old."""
        fields = {
            "post.fields": "conversation_id,created_at,entities,lang,note_post",
            "user.fields": "created_at,protected",
        }
        try:
            return self.get(route, {**params, **fields, "expansions": expansions})
        except Refused as error:
            if "post.fields" not in error.reason:
                raise
        fields = {
            "tweet.fields": "author_id,conversation_id,created_at,entities,lang,note_tweet,referenced_tweets",
            "user.fields": "created_at,protected",
        }
        expansions = expansions.replace("referenced_posts", "referenced_tweets.id")
        return self.get(route, {**params, **fields, "expansions": expansions})

    def reads(self, ask: Callable[[tweepy.Client], T]) -> T:
        """Asks for something that changes nothing that anybody sees."""
        return self._do(ask, Unavailable)

    def writes(self, ask: Callable[[tweepy.Client], T]) -> T:
        """Asks for a change. OutcomeUnknown when the answer was lost on the way."""
        return self._do(ask, OutcomeUnknown)

    @property
    def signs(self) -> bool:
        """Whether each request is signed (the library's `user_auth`)."""
        return bool(self._keys)

    def has_read(self, ids: Iterable[str], each: Decimal) -> None:
        """Notes what X charges for posts that were read: once a day for each, in UTC."""
        if self._keeper is None:
            return
        today = clock.now().astimezone(UTC).date()
        with _reading:
            paid = _paid_for.setdefault(self._connection.engine, {})
            before = paid.get(self._connection.account_id)
            known: set[str] = before[1] if before is not None and before[0] == today else set()
            new = set(ids) - known
            known |= new
            paid[self._connection.account_id] = (today, known)
        if new:
            self._keeper.spend(each * len(new), "read")

    def has_published(self, dollars: Decimal) -> None:
        """Notes what X charges for something that was done there. What was done matters more than its price."""
        try:
            if self._keeper is not None:
                self._keeper.spend(dollars, "publish")
        except sa.exc.SQLAlchemyError:
            log.exception("spending_not_noted", account=self._connection.account_id, dollars=str(dollars))

    def _do(self, ask: Callable[[tweepy.Client], T], lost: type[Unavailable | OutcomeUnknown]) -> T:
        tokens = self._tokens
        if tokens is None:
            return self._line(None).do(ask, lost)
        if tokens.ends_within(AHEAD):
            tokens = self._renewed_ahead(tokens)
        try:
            return self._line(tokens).do(ask, lost)
        except TokenRefused:  # refused before anything was applied
            tokens = self._renewed(tokens)
        return self._line(tokens).do(ask, lost)

    def _line(self, tokens: Tokens | None) -> Line:
        return Line(
            self._app.service,
            allow_private=self._connection.allow_private,
            token=tokens.access if tokens is not None else None,
            keys=self._keys if tokens is None else (),
            keeper=self._keeper,
        )

    def _kept(self) -> Tokens | None:
        kept = self._keeper.session() if self._keeper is not None else None
        return Tokens(**json.loads(kept)) if kept else None

    def _renewed_ahead(self, tokens: Tokens) -> Tokens:
        """A new pair; the old one again where renewing has time to wait."""
        try:
            return self._renewed(tokens)
        except RenewalFailed:
            if tokens.ends_within(timedelta(0)):
                raise
            return tokens

    def _renewed(self, stale: Tokens) -> Tokens:
        """A new pair by the refresh token, or what somebody else got for it meanwhile."""
        with self._keeper.renewing() if self._keeper is not None else nullcontext():
            held = self._kept() or stale
            if held.access == stale.access:
                try:
                    held = refreshed(self._app, held, self._connection.allow_private)
                except SignInExpired:
                    time.sleep(PATIENCE)
                    again = self._kept()
                    if again is None or again.access == held.access:
                        raise
                    held = again
                except (Unavailable, Rejected) as error:
                    raise RenewalFailed(f"the sign-in could not be renewed just now: {error}") from error
                else:
                    if self._keeper is not None:
                        self._keeper.keep_session(json.dumps(asdict(held)))
            self._tokens = held
            return held


def service_of(settings: Mapping[str, str]) -> str:
    """Where X's API is."""
    return settings.get("service") or X


def refreshed(app: App, tokens: Tokens, allow_private: bool) -> Tokens:
    """The next pair for a refresh token, which is used up by that. Raises SignInExpired when X does not take it (one
    that was used before it does not, though its answer may have been lost), Unavailable when it may work later."""
    body = WebApplicationClient(app.client_id).prepare_refresh_body(
        refresh_token=tokens.refresh, client_id=app.client_id
    )
    try:
        return exchanged(app, body, allow_private, tokens.refresh)
    except Refused as error:
        words = "X does not renew the sign-in: it was taken back, or X's answer to the last renewal was lost on its way"
        raise SignInExpired(f"{words} ({error.reason}). Connect the account again.") from error


def exchanged(app: App, body: str, allow_private: bool, refresh: str = "") -> Tokens:
    """What X's token endpoint gives for a form. Raises Refused when it does not take it, else Unavailable."""
    try:
        answer = fetching.session(allow_private=allow_private).post(
            f"{app.service}/2/oauth2/token",
            data=body,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            auth=(app.client_id, app.client_secret) if app.client_secret else None,
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except NotFetched as error:
        raise Rejected(str(error)) from error
    except requests.RequestException as error:
        raise Unavailable(f"X did not answer: {error}") from error
    if answer.status_code not in (200, 400, 401, 403):
        raise Unavailable(f"X answered {answer.status_code}")
    try:
        told = WebApplicationClient(app.client_id).parse_request_body_response(answer.text)
        lives = int(told.get("expires_in") or _LIVES)
        access, refresh = str(told["access_token"]), str(told.get("refresh_token") or refresh)
    except OAuth2Error as error:
        if error.error in _ENDED:
            raise Refused(error.description or error.error) from error
        raise Unavailable(f"X answered {answer.status_code}: {error.description or error.error}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"X's answer cannot be read: {error}") from error
    return Tokens(access, refresh, (clock.now() + timedelta(seconds=lives)).isoformat())
