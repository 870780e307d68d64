"""Meta's Graph API, for Facebook and Instagram: where it goes, how long it waits, what an answer means.

facebook-sdk knows the calls; it has no time limit, refuses versions of two digits and takes a gateway's HTML page for
an error without a status, so the one request that all its calls go through is ours."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import facebook
import requests

from config import clock
from networks import fetching
from networks.meta import SERVICE
from networks.network import (
    A_LOOK,
    Connection,
    Listener,
    NetworkError,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    SignInExpired,
    Unavailable,
    Witnessed,
)

VERSION = "v24.0"
SECONDS = 20.0  # for an answer
UPLOADING = 60.0
WAITS = timedelta(minutes=15)  # where a limit does not say how long
LONGEST_WAIT = 7 * 24 * 60  # minutes; a network that tells of more has told nonsense
ENDED = frozenset({102, 190, 463, 467})  # codes of a sign-in that is over
LIMITED = frozenset({4, 17, 32, 613, *range(80000, 80015)})
PASSING = frozenset({1, 2})  # Meta's own trouble
_TOO_FEW = "not enough viewers"  # an answer of its own, and no trouble
GONE = (100, 33)  # code, subcode: no such object, or none that we may see
CONTROLS = 3  # of what is listed, to see whether it is shown
_EVER = "2004-02-04T00:00:00+00:00"  # a cursor from before anything was posted there


class Gone(Rejected):
    """The object is not there, or not for us."""


class Graph(facebook.GraphAPI):  # type: ignore[misc]
    """One account's line. `lost`: what an answer that never came means, by what was asked."""

    def __init__(self, service: str, version: str, token: str | None, secret: str | None, allow_private: bool) -> None:
        super().__init__(access_token=token, timeout=SECONDS, session=fetching.session(allow_private=allow_private))
        self.version = version
        self._service, self._secret = service.rstrip("/"), secret
        self.lost: type[NetworkError] = Unavailable

    def request(
        self,
        path: str,
        args: dict[str, Any] | None = None,
        post_args: dict[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        method: str | None = None,
    ) -> Any:
        """Every call of the SDK goes through here. Raises NetworkError."""
        given = dict(args or {})
        if self.access_token:
            given.setdefault("access_token", self.access_token)
            if self._secret:
                proof = hmac.new(self._secret.encode(), str(given["access_token"]).encode(), hashlib.sha256)
                given["appsecret_proof"] = proof.hexdigest()
        secret: dict[str, Any] = {
            name: given.pop(name) for name in ("access_token", "appsecret_proof") if name in given
        }
        kind = method or ("POST" if post_args is not None else "GET")
        try:
            response = self.session.request(
                kind,
                f"{self._service}/{path}",
                params=given if kind == "POST" else {**given, **secret},
                data={**(post_args or {}), **secret} if kind == "POST" else None,
                files=files,
                timeout=(5.0, UPLOADING if files else SECONDS),
            )
        except requests.RequestException as error:
            lost = Unavailable if fetching.never_sent(error) else self.lost
            raise lost(f"Meta did not answer: {type(error).__name__}") from error
        return self._read(response)

    def _read(self, response: requests.Response) -> Any:
        try:
            told = response.json()
        except ValueError:
            told = None
        error = told.get("error") if isinstance(told, dict) else None
        if response.ok and told is not None and error is None:
            return told
        raise meant(response, error if isinstance(error, dict) else {}, self.lost)


def meant(response: requests.Response, error: Mapping[str, Any], lost: type[NetworkError]) -> NetworkError:
    """What an answer that is no success means; `lost` for one after which nobody knows what was applied."""
    code, subcode = error.get("code"), error.get("error_subcode")
    words = str(error.get("error_user_msg") or error.get("message") or f"HTTP {response.status_code}")[:300]
    if code in ENDED:
        return SignInExpired(words)
    if code in LIMITED or response.status_code == 429:
        return RateLimited(_retry_at(response.headers, clock.now()))
    if response.status_code >= 500 or code in PASSING or error.get("is_transient") or not error:
        return lost(f"Meta answered {response.status_code}: {words}")
    if (code, subcode) == GONE:
        return Gone(words)
    if code == 506:
        return Rejected("Facebook says that the same was posted just before; change a word.")
    if code == 10 or (isinstance(code, int) and 200 <= code < 300):
        return Rejected(f"The account may not do this there: {words}")
    return Rejected(words)


def _retry_at(headers: Mapping[str, str], now: datetime) -> datetime:
    """By the usage headers' estimated_time_to_regain_access, in minutes; else after WAITS."""
    minutes = [0.0]
    for name in ("x-business-use-case-usage", "x-app-usage"):
        try:
            told = json.loads(headers.get(name, "{}"))
        except (ValueError, RecursionError):
            continue
        found = list(told.values()) if isinstance(told, dict) else []
        rows = [told] if name == "x-app-usage" else [row for some in found if isinstance(some, list) for row in some]
        said = [row.get("estimated_time_to_regain_access") for row in rows if isinstance(row, dict)]
        minutes += [float(number) for number in said if isinstance(number, int | float) and 0 < number < LONGEST_WAIT]
    return now + (timedelta(minutes=max(minutes)) if max(minutes) > 0 else WAITS)


class Line:
    """How a module talks as an account: reads that change nothing, writes after which nobody may know."""

    def __init__(self, connection: Connection) -> None:
        secret = json.loads(connection.secret or "{}")
        token = connection.keeper.session() if connection.keeper is not None else None
        if not token:
            raise SignInExpired("the account is not signed in")
        self._graph = Graph(
            connection.settings.get("service") or SERVICE,
            connection.settings.get("version") or VERSION,
            token,
            secret.get("app_secret"),
            connection.allow_private,
        )
        self.me = connection.remote_id

    def reads(self, ask: Callable[[Graph], Any]) -> Any:
        """Nothing that anybody sees is changed by it."""
        self._graph.lost = Unavailable
        return ask(self._graph)

    def writes(self, ask: Callable[[Graph], Any]) -> Any:
        """Something public is: an answer that never came leaves it open."""
        self._graph.lost = OutcomeUnknown
        return ask(self._graph)

    def listed(self, owner: str, edge: str, fields: str, most: int = 10, **more: str) -> Iterator[dict[str, Any]]:
        """Everything on an edge, newest first, page after page. OutcomeUnknown where it does not end."""
        args: dict[str, str] | None = {"fields": fields, **more}
        for _ in range(most):
            page = self.listing(owner, edge, args or {})
            yield from page.get("data", ())
            args = following(page)
            if args is None:
                return
        raise OutcomeUnknown("there is too much to look through")

    def listing(self, owner: str, edge: str, asked: Mapping[str, str]) -> dict[str, Any]:
        """One page of an edge."""
        told: dict[str, Any] = self.reads(partial(_edge, owner, edge, dict(asked)))
        return told

    def insights(self, remote_id: str, *metrics: str) -> tuple[dict[str, int], str]:
        """What Meta counts of a post over all its time, as far as it says so; and why not, where it refuses."""
        asked = {"metric": ",".join(metrics), "period": "lifetime"}
        try:
            told = self.reads(partial(_edge, remote_id, "insights", asked))
        except Rejected as error:
            return {}, "" if _TOO_FEW in error.reason.casefold() else error.reason
        rows = told.get("data") if isinstance(told, dict) else None
        found = {}
        for row in rows if isinstance(rows, list) else ():
            values = row.get("values") or [{}]
            count = number_of(values[0], "value")
            if count is not None:
                found[str(row.get("name"))] = count
        return found, ""


def following(page: Mapping[str, Any]) -> dict[str, str] | None:
    """How the page after this one is asked for, without what is secret; none after the last."""
    address = page.get("paging", {}).get("next")
    if not address:
        return None
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    return {name: value for name, value in asked.items() if name not in ("access_token", "appsecret_proof")}


def number_of(told: Mapping[str, Any], name: str) -> int | None:
    """A count, where there is one."""
    found = told.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _edge(owner: str, edge: str, asked: Mapping[str, Any], graph: Graph) -> Any:
    return graph.get_connections(owner, edge, **asked)


def _deleted(remote_id: str, graph: Graph) -> Any:
    return graph.delete_object(remote_id)


def _object(remote_id: str, graph: Graph) -> Any:
    return graph.get_object(remote_id, fields="id")


def when(written: str) -> datetime:
    """Meta's time, such as 2026-11-24T08:10:00+0000."""
    return clock.utc(datetime.fromisoformat(written))


def same(one: str, other: str) -> bool:
    """Whether two texts are the same but for white space."""
    return one.split() == other.split()


def witnessed(line: Line, remote_ids: Sequence[str], ears: Sequence[Listener]) -> Witnessed:
    """Gone are those of which Meta says so. Stops where Meta does, or after A_LOOK, with what is known by then.

    Meta says the same where a permission is missing: Rejected, if neither any of these is shown, nor any other that it
    lists of what these are (the first of `ears`), or of what the next hears where the first hears nothing."""
    found: set[str] = set()
    rest: Sequence[str] = ()
    begun, shown = time.monotonic(), False
    for place, remote_id in enumerate(remote_ids):
        if place and time.monotonic() - begun > A_LOOK:
            rest = remote_ids[place:]
            break
        try:
            line.reads(partial(_object, remote_id))
            shown = True
        except Gone:
            found.add(remote_id)
        except Rejected:
            continue
        except (RateLimited, Unavailable):
            if not place:
                raise
            rest = remote_ids[place:]
            break
    if found and not shown and not _shows_others(line, ears):
        raise Rejected("Meta shows nothing of what others wrote; perhaps a permission is missing")
    return Witnessed(frozenset(found), unasked=frozenset(rest))


def _shows_others(line: Line, ears: Sequence[Listener]) -> bool:
    """Whether what is listed now is shown, too, when it is asked for by itself, as what may be gone was."""
    listed = next((found for ear in ears if (found := ear.mentions(_EVER).mentions)), ())
    return any(_is_shown(line, one.remote_id) for one in listed[:CONTROLS])


def _is_shown(line: Line, remote_id: str) -> bool:
    try:
        line.reads(partial(_object, remote_id))
    except Rejected:
        return False
    return True


def delete(line: Line, remote_id: str) -> None:
    """Deletes a post or comment of ours; one that is gone already is fine. Raises NetworkError."""
    try:
        line.writes(partial(_deleted, remote_id))
    except Gone as error:  # Meta says the same where a permission is missing
        try:
            line.reads(partial(_object, remote_id))
        except Gone:
            return
        raise Rejected(error.reason) from error
