"""Listening on X: mentions of our account and searches, walked from the newest back to what was read before; and which
posts are gone. Every post that is read costs money."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b

from config import clock
from networks.network import Connection, Page, RateLimited, Rejected, RemoteMention, Unavailable, Witnessed
from networks.x import posts
from networks.x.client import Refused
from networks.x.posts import Listing, Post
from networks.x.session import Account
from networks.x.words import LONGEST_SEARCH, WITHOUT_REPOSTS

FIRST = {"mentions": timedelta(days=7), "search": timedelta(days=1)}  # how far back the first walk goes
OLDEST = timedelta(days=6, hours=23)  # that a search may ask for
LATE = timedelta(minutes=2)  # that a post may come late into X's lists
MOST_SEARCHES = 60  # for the watch rules: a third of what X allows, asked once in five minutes
OWN = Decimal("0.001")  # dollars for a mention of ours
_PAGE = 100


@dataclass(frozen=True)
class Walk:
    """Where a walk stands: all up to `since` was read; `top` is the newest it met; `following`: the next page."""

    since: str | None = None  # post ids
    top: str | None = None
    following: str | None = None


class Ear:
    """One source of an account: its mentions, or a search, for `words` or those of its settings."""

    def __init__(self, connection: Connection, words: str | None = None) -> None:
        self._account = Account(connection)
        self._keeper = connection.keeper
        self._me = connection.remote_id
        self._kind = "mentions" if connection.settings.get("kind", "mentions") == "mentions" else "search"
        self._query = (words or connection.settings.get("query", "")).strip()

    def mentions(self, cursor: str | None) -> Page:
        """The next page. Raises NetworkError; RateLimited until next month when the budget is used up."""
        if self._keeper is not None:
            self._keeper.check_budget()
        now = clock.now()
        walk = Walk(**json.loads(cursor)) if cursor else Walk()
        try:
            found = self._asked(walk, now)
        except Refused:
            if walk.following is None:
                raise
            found = self._asked(Walk(walk.since, walk.top), now)  # X forgot how far we were: from the top again
        self._account.has_read((post.id for post in found.posts), OWN if self._kind == "mentions" else posts.PRICE)
        heard = [self._mention(post, found) for post in found.posts if self._is_wanted(post, found)]
        newest = max((int(post.id) for post in found.posts), default=0)
        top = str(max(newest, int(walk.top or 0))) if newest or walk.top else None
        if found.following is not None:
            ahead = Walk(walk.since, top, found.following)
        else:
            # A walk of several pages may have rested: from when it began, some may have come in late above its first.
            until = now if walk.following is None or top is None else posts.moment_of(top)
            ahead = Walk(_since(walk.since, top, until))
        return Page(heard, json.dumps(asdict(ahead)), more=found.following is not None, refused=found.unread)

    def _asked(self, walk: Walk, now: datetime) -> Listing:
        asked = {"max_results": str(_PAGE)}
        since = walk.since
        if self._kind == "search" and since is not None and posts.moment_of(since) <= now - OLDEST:
            since = None  # X refuses to search from so long ago
        if since is not None:
            asked["since_id"] = since
        else:
            back = OLDEST if walk.since is not None else FIRST[self._kind]
            asked["start_time"] = (now - back).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if walk.following is not None:
            asked["pagination_token"] = walk.following
        if self._kind != "search":
            return posts.listing(self._account.posts(f"/2/users/{self._me}/mentions", asked))
        return posts.listing(self._account.posts("/2/tweets/search/recent", {**asked, "query": query(self._query)}))

    def _is_wanted(self, post: Post, found: Listing) -> bool:
        author = found.users.get(post.author_id or "")
        public = author is None or not author.protected  # what is said to a few is not for the desk
        return post.author_id != self._me and public

    def _mention(self, post: Post, found: Listing) -> RemoteMention:
        author = found.users.get(post.author_id or "")
        return RemoteMention(
            remote_id=post.id,
            text=post.said(),
            posted_at=post.at(),
            author_id=post.author_id,
            author_created_at=author.created_at if author is not None else None,
            language=post.language(),
            url=f"https://x.com/i/status/{post.id}",  # leads there without naming anybody
            addressed=self._kind == "mentions",
            root_id=post.conversation_id,
            repost=post.text.startswith("RT @"),
        )


class Rounds:
    """Searches for the watch rules, one after the other; each has a walk of its own, which a change of other rules
    leaves where it was. Which ones X refused when they were last asked for is kept, too, and told with every page."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._searches = connection.searches

    def mentions(self, cursor: str | None) -> Page:
        """The next page of the search whose turn it is; of the next one that X takes, where it refuses that. Raises
        NetworkError; Rejected without a rule, with too many names to look for, or where X refuses every search."""
        if not self._searches:
            raise Rejected("there is no watch rule to search for yet; add one below the sources")
        if len(self._searches) > MOST_SEARCHES:
            raise Rejected(
                f"the watch rules make {len(self._searches)} searches, and X can be asked {MOST_SEARCHES} at most: "
                "leave some names out of them, or search for words of your own"
            )
        kept = json.loads(cursor) if cursor else {}
        walks, turn = kept.get("walks", {}), kept.get("turn", 0) % len(self._searches)
        names = [blake2b(words.encode(), digest_size=6).hexdigest() for words in self._searches]
        refused: dict[str, str] = {name: why for name, why in kept.get("refused", {}).items() if name in names}
        unread: Sequence[str] = ()
        passed = 0
        mentions: Sequence[RemoteMention] = ()
        for following in range(turn, len(names)):
            try:
                found = Ear(self._connection, self._searches[following]).mentions(walks.get(names[following]))
            except Refused as error:
                if passed == len(names) - 1:
                    raise
                passed += 1
                refused[names[following]] = f"{self._searches[following]}: {error}"
                continue
            walks[names[following]], mentions, unread = found.cursor, found.mentions, found.refused
            refused.pop(names[following], None)
            ahead = following if found.more else following + 1
            break
        else:
            ahead = len(names)
        walks = {name: walks[name] for name in names if name in walks}
        kept = {"turn": ahead % len(names), "walks": walks, "refused": refused}
        return Page(mentions, json.dumps(kept), more=ahead < len(names), refused=[*refused.values(), *unread])


class Looker:
    """Tells which posts are gone: those of which X itself says so."""

    def __init__(self, connection: Connection) -> None:
        self._account = Account(connection)

    def ask(self, remote_ids: Sequence[str]) -> Witnessed:
        """Gone are those that were deleted, or are of an account that was closed, suspended or protected. Stops where X
        does, with what it knows by then. It costs money and never asks for the budget: following deletions is a duty.
        """
        known = [one for one in dict.fromkeys(remote_ids) if one.isascii() and one.isdecimal() and len(one) < 20]
        found: set[str] = set()
        for start in range(0, len(known), _PAGE):
            some = known[start : start + _PAGE]
            try:
                page = posts.listing(self._account.get("/2/tweets", {"ids": ",".join(some)}))
            except (RateLimited, Unavailable):
                if start == 0:
                    raise
                return Witnessed(frozenset(found), unasked=frozenset(known[start:]))
            self._account.has_read((post.id for post in page.posts), posts.PRICE)
            shown = {post.id for post in page.posts}
            found |= {one for one in some if one in page.gone and one not in shown}
        return Witnessed(frozenset(found))


def query(typed: str) -> str:
    """A search as X is asked for it: without reposts. Raises Rejected."""
    if not typed:
        raise Rejected("a search needs its words")
    if len(typed) > LONGEST_SEARCH:
        raise Rejected(f"X takes searches of at most {LONGEST_SEARCH} characters; this one has {len(typed)}")
    return f"({typed}){WITHOUT_REPOSTS}"


def _since(before: str | None, top: str | None, until: datetime) -> str | None:
    """Where the next walk ends: at the newest that was read, but LATE before `until`, so that what comes in late is
    met."""
    if top is None:
        return before
    return str(max(int(before or 0), min(int(top), posts.id_at(until - LATE))))
