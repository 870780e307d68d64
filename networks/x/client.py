"""Talking to X through tweepy: where it goes, how long it waits, what an answer means.

Whose sign-in it is, and renewing that, is networks.x.session's. tweepy has its host written into it and knows no time
limit: its requests go through a session of ours."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import requests
import tweepy

from config import clock
from networks import fetching
from networks.fetching import NotFetched
from networks.network import (
    Keeper,
    NetworkError,
    OutcomeUnknown,
    Rate,
    RateLimited,
    Rejected,
    SignInExpired,
    Unavailable,
)

X = "https://api.x.com"
TIMEOUT = (5.0, 30.0)  # seconds to connect, and without a byte
_THEIRS = "https://api.twitter.com"  # where the library goes
_LOCKED_OUT = re.compile(r"\byour account (?:is|has been)\b.*\b(?:suspended|locked)|temporarily locked", re.IGNORECASE)
_A_DAY = ("x-user-limit-24hour", "x-app-limit-24hour")
_WINDOW = timedelta(minutes=15)  # of X's rates
T = TypeVar("T")

for _talkative in ("tweepy", "oauthlib", "requests_oauthlib"):  # at DEBUG they write tokens into the log
    logging.getLogger(_talkative).setLevel(logging.INFO)


class Refused(Rejected):
    """X refuses this question; nothing was applied."""


class Gone(Refused):
    """X does not have this, or does not show it to us."""


class TokenRefused(SignInExpired):
    """The access token is not taken, and may be renewed; nothing was applied."""


class _Way:
    """The library's session: to the service that is meant, within a time, and to nowhere else."""

    def __init__(self, service: str, allow_private: bool) -> None:
        self._service = service
        self._session = fetching.session(allow_private=allow_private)
        self.last: requests.Response | None = None

    def request(self, method: str, url: str, **more: Any) -> requests.Response:
        self.last = None
        address = self._service + url.removeprefix(_THEIRS)
        self.last = self._session.request(method, address, timeout=TIMEOUT, allow_redirects=False, **more)
        return self.last


class Line:
    """A client of X with one access token, or with the four keys of OAuth 1.0a. `reads` may be repeated; `writes` may
    have been applied."""

    def __init__(
        self,
        service: str,
        *,
        allow_private: bool,
        token: str | None = None,
        keys: Sequence[str] = (),
        keeper: Keeper | None = None,
    ) -> None:
        self.signs = bool(keys)  # each request, as OAuth 1.0a does
        self._keeper = keeper
        self._way = _Way(service, allow_private)
        self.client = tweepy.Client(token, *keys, return_type=dict, wait_on_rate_limit=False)
        self.client.session = self._way
        self.client.user_agent = fetching.AGENT

    def reads(self, ask: Callable[[tweepy.Client], T]) -> T:
        """Asks for something that changes nothing that anybody sees."""
        return self.do(ask, Unavailable)

    def writes(self, ask: Callable[[tweepy.Client], T]) -> T:
        """Asks for a change. OutcomeUnknown when the answer was lost on the way."""
        return self.do(ask, OutcomeUnknown)

    def do(self, ask: Callable[[tweepy.Client], T], lost: type[Unavailable | OutcomeUnknown]) -> T:
        try:
            found = ask(self.client)
        except NotFetched as error:
            raise Rejected(str(error)) from error
        except requests.RequestException as error:
            raise (Unavailable if fetching.never_sent(error) else lost)(f"X did not answer: {error}") from error
        except (tweepy.TweepyException, AttributeError, KeyError, TypeError, ValueError) as error:
            self._note_rate()
            raise meant(self._way.last, lost) from error
        self._note_rate()
        return found

    def _note_rate(self) -> None:
        rate = _rate(self._way.last.headers) if self._way.last is not None else None
        if self._keeper is not None and rate is not None:
            self._keeper.rate(rate)


def meant(response: requests.Response | None, lost: type[Unavailable | OutcomeUnknown]) -> NetworkError:
    """What an answer means: above all, whether anything may have been applied."""
    if response is None:
        return lost("X's answer cannot be read")
    status, words = response.status_code, said(response)
    if status == 429:
        return RateLimited(_retry_at(response.headers, clock.now()))
    if status == 401:
        return TokenRefused(words or "X does not take the sign-in")
    if status == 402:  # somebody fills the app's credits up, and it goes on
        return Unavailable(f"X takes nothing until the app's credits are filled up: {words}")
    if status == 403 and _LOCKED_OUT.search(words):
        return SignInExpired(words)
    if status == 403 and not words:  # not X itself, but something on the way to it
        return Unavailable("X's door answered 403")
    if status == 404:
        return Gone(words or "X does not have this")
    if 400 <= status < 500 and status not in (408, 409, 425):
        return Refused(words or f"X answered {status}")
    return lost(f"X answered {status}: {words}" if words else f"X answered {status}")


def said(response: requests.Response) -> str:
    """X's own words in an answer that is an error; empty where they are none of X's."""
    try:
        told = response.json()
    except requests.JSONDecodeError:
        return ""
    if not isinstance(told, dict):
        return ""
    errors = told.get("errors")
    each = [one.get("message") or one.get("detail") for one in errors or () if isinstance(one, dict)]
    words = [str(one) for one in each if one] if isinstance(errors, list) else []
    return " ".join(words) or str(told.get("detail") or told.get("title") or told.get("message") or "")


def _retry_at(headers: Mapping[str, str], now: datetime) -> datetime:
    """When X lets us ask again: at the day's limit if that is used up, else at the window's."""
    used_up = [name for name in _A_DAY if headers.get(f"{name}-remaining") == "0"]
    moments = [_moment(headers.get(f"{name}-reset")) for name in (*used_up, "x-rate-limit")]
    known = next((moment for moment in moments if moment is not None), now + _WINDOW)
    return min(max(known, now), now + timedelta(hours=25))


def _rate(headers: Mapping[str, str]) -> Rate | None:
    resets_at = _moment(headers.get("x-rate-limit-reset"))
    limit, left = headers.get("x-rate-limit-limit", ""), headers.get("x-rate-limit-remaining", "")
    if resets_at is None or not limit.isdecimal() or not left.isdecimal():
        return None
    return Rate(int(limit), int(left), resets_at)


def _moment(value: str | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(value), UTC) if value else None
    except (ValueError, OverflowError, OSError):
        return None
