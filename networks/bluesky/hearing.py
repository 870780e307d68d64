"""Listening on Bluesky: notifications and search, walked from the newest back to what was read before; and which posts
are gone, asked of the server that keeps them."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from atproto import AtUri, models

from config import clock
from networks import fetching
from networks.bluesky.session import DIRECTORY, Account, Refused, pds_of
from networks.network import A_LOOK, Connection, NetworkError, Page, Rejected, RemoteMention, Unavailable, Witnessed

FIRST = timedelta(days=7)  # how far back the first walk goes
OVERLAP = timedelta(minutes=5)  # read again each time: an index may learn of a post late
PAGE = 50
REASONS = ["mention", "reply", "quote"]
_GONE = ("RecordNotFound", "RepoNotFound", "RepoTakendown", "RepoDeactivated")
AT_ONCE = 25  # posts in one question


@dataclass(frozen=True)
class Walk:
    """Where a walk stands: all before `since` was read; `top` is the newest it met, `oldest` the oldest; `following`:
    the next page."""

    since: str  # ISO 8601, UTC
    top: str | None = None
    following: str | None = None
    oldest: str | None = None


@dataclass(frozen=True)
class Heard:
    """One item of a page, and the time by which the network orders it."""

    at: datetime
    mention: RemoteMention | None  # none: not one to keep


Fetch = Callable[[str | None], tuple[Sequence[Heard], str | None]]


def step(cursor: str | None, fetch: Fetch, now: datetime, *, bounded: bool = False) -> Page:
    """One page of a walk from the newest item back to `since`; its cursor is where to go on, or the next walk's start.

    A crash repeats a page. What a network orders into the future counts as now, or later posts would be passed over.
    `bounded`: a search, which goes back over 10,000 posts; from there on its cursor is refused, what lies beyond is
    lost, and the walk ends. Any other refusal leaves the walk where it is."""
    walk = Walk(**json.loads(cursor)) if cursor else Walk(since=(now - FIRST).isoformat())
    try:
        heard, following = fetch(walk.following)
    except Refused as error:
        if walk.following is None or not bounded or not _is_of_cursor(error):
            raise
        start = max(walk.since, walk.top or walk.since)
        since, until = datetime.fromisoformat(walk.since), datetime.fromisoformat(walk.oldest or start)
        return Page([], json.dumps(asdict(Walk(since=start))), lost=(since, until) if until > since else None)
    newest = max((min(one.at, now) for one in heard), default=None)
    top = walk.top or (newest.isoformat() if newest is not None else None)
    oldest_wanted = datetime.fromisoformat(walk.since) - OVERLAP
    found = [one.mention for one in heard if one.mention is not None and one.at >= oldest_wanted]
    ended = following is None or any(one.at < oldest_wanted for one in heard)
    start = max(walk.since, top) if top is not None else walk.since
    known = [datetime.fromisoformat(walk.oldest)] if walk.oldest is not None else []
    oldest = min([*known, *(one.at for one in heard)], default=None)
    reached = oldest.isoformat() if oldest is not None else None
    ahead = Walk(since=start) if ended else Walk(walk.since, top, following, reached)
    return Page(found, json.dumps(asdict(ahead)), more=not ended)


def _is_of_cursor(error: Refused) -> bool:
    return error.name == "InvalidRequest" or "cursor" in error.reason.casefold()  # the search's engine has no names


class Ear:
    """One source of an account."""

    def __init__(self, connection: Connection) -> None:
        self._account = Account(connection)
        self._kind = connection.settings.get("kind", "mentions")
        self._query = connection.settings.get("query", "").strip()

    def mentions(self, cursor: str | None) -> Page:
        """The next page. Raises NetworkError."""
        if self._kind == "search" and not self._query:
            raise Rejected("a search needs its words")
        searches = self._kind == "search"
        return step(cursor, self._search if searches else self._notifications, clock.now(), bounded=searches)

    def _notifications(self, following: str | None) -> tuple[Sequence[Heard], str | None]:
        asked = models.AppBskyNotificationListNotifications.Params(limit=PAGE, cursor=following, reasons=REASONS)
        found = self._account.reads(lambda client: client.app.bsky.notification.list_notifications(asked))
        heard = [
            Heard(
                datetime.fromisoformat(one.indexed_at),
                self._mention(one.uri, one.author, one.record, one.indexed_at, addressed=True)
                if one.reason in REASONS
                else None,
            )
            for one in found.notifications
        ]
        return heard, found.cursor

    def _search(self, following: str | None) -> tuple[Sequence[Heard], str | None]:
        asked = models.AppBskyFeedSearchPosts.Params(q=self._query, sort="latest", limit=PAGE, cursor=following)
        found = self._account.reads(lambda client: client.app.bsky.feed.search_posts(asked))
        heard = []
        for one in found.posts:
            mention = self._mention(one.uri, one.author, one.record, one.indexed_at, addressed=False)
            indexed = datetime.fromisoformat(one.indexed_at)
            heard.append(Heard(min(indexed, _written(one.record) or indexed), mention))
        return heard, found.cursor

    def _mention(self, uri: str, author: Any, record: Any, indexed_at: str, *, addressed: bool) -> RemoteMention | None:
        text = getattr(record, "text", None)
        if author.did == self._account.did or not isinstance(text, str):
            return None
        created_at = getattr(author, "created_at", None)
        languages = getattr(record, "langs", None) or [None]
        return RemoteMention(
            remote_id=uri,
            text=text,
            posted_at=_written(record) or datetime.fromisoformat(indexed_at),
            author_id=author.did,
            author_created_at=_moment(created_at),
            language=str(languages[0]).split("-")[0].lower() if languages[0] else None,
            url=f"https://bsky.app/profile/{author.did}/post/{AtUri.from_str(uri).rkey}",
            addressed=addressed,
            root_id=_root(record),
        )


def _root(record: Any) -> str | None:
    """The first post of the thread that it answers in, else the post that it quotes."""
    embedded = getattr(getattr(record, "embed", None), "record", None)
    for found in (getattr(getattr(record, "reply", None), "root", None), embedded, getattr(embedded, "record", None)):
        uri = getattr(found, "uri", None)
        if isinstance(uri, str) and "/app.bsky.feed.post/" in uri:
            return uri
    return None


class Looker:
    """Tells which posts are gone. An index that lost them proves nothing: their own server is asked."""

    def __init__(self, connection: Connection) -> None:
        self._account = Account(connection) if connection.account_id is not None else None
        self._directory = connection.settings.get("directory", DIRECTORY).rstrip("/")
        self._allow_private = connection.allow_private
        self._silent: set[str] = set()  # servers that did not answer: not asked again

    def ask(self, remote_ids: Sequence[str]) -> Witnessed:
        """Gone are those that the index does not show any more and their server does not have. Stops after A_LOOK."""
        if self._account is None:  # a whole network's stream: every post's own server is asked
            return self._told(remote_ids)
        missing: list[str] = []
        for start in range(0, len(remote_ids), AT_ONCE):
            some = remote_ids[start : start + AT_ONCE]
            shown = self._shown(self._account, some)
            missing += [uri for uri in some if uri not in shown]
        return self._told(missing)

    def _told(self, uris: Sequence[str]) -> Witnessed:
        found: set[str] = set()
        begun = time.monotonic()
        for place, uri in enumerate(uris):
            if place and time.monotonic() - begun > A_LOOK:
                return Witnessed(frozenset(found), unasked=frozenset(uris[place:]))
            found |= {uri} if self._is_gone(uri) else set()
        return Witnessed(frozenset(found))

    def _shown(self, account: Account, uris: Sequence[str]) -> set[str]:
        asked = models.AppBskyFeedGetPosts.Params(uris=list(uris))
        found = account.reads(lambda client: client.app.bsky.feed.get_posts(asked))
        return {post.uri for post in found.posts}

    def _is_gone(self, uri: str) -> bool:
        try:
            at = AtUri.from_str(uri)
            home = self._home(at.hostname)
            if home is None:
                return True
            question = urlencode({"repo": at.hostname, "collection": at.collection, "rkey": at.rkey})
            answer = self._get(f"{home.rstrip('/')}/xrpc/com.atproto.repo.getRecord?{question}")
            return answer[0] in (400, 404) and _error(answer[1]) in _GONE
        except Exception:  # its author's own server says whatever it likes: nobody could tell; asked again later
            return False

    def _home(self, did: str) -> str | None:
        """The server that keeps an account's records; none when the directory says that the account is gone."""
        if did.startswith("did:web:"):
            status, body = self._get(f"https://{did.removeprefix('did:web:').replace('%3A', ':')}/.well-known/did.json")
        else:
            status, body = self._get(f"{self._directory}/{quote(did, safe=':')}")
            if status == 410:  # a tombstone
                return None
        if status != 200:
            raise Unavailable(f"the directory answered {status}")
        home = pds_of(json.loads(body))
        if home is None:
            raise Unavailable("the account names no server")
        return home

    def _get(self, address: str) -> tuple[int, bytes]:
        server = urlsplit(address).netloc
        if server in self._silent:
            raise Unavailable(f"{server} did not answer just now")
        try:
            found = fetching.fetch(address, {"Accept": "application/json"}, allow_private=self._allow_private)
        except NetworkError:
            self._silent.add(server)
            raise
        return found.status, found.body


def _error(body: bytes) -> str:
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return str(said.get("error", "")) if isinstance(said, dict) else ""


def _written(record: Any) -> datetime | None:
    return _moment(getattr(record, "created_at", None))


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
