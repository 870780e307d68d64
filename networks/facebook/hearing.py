"""What is said to a Page: posts that tag it, comments on what it posted. What we say ourselves is left out.

The cursor is a time; each look goes back a little before it, for Meta shows some things late, and intake keeps each
once. A crash repeats a look and skips nothing."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from config import clock
from networks.graph import Line, gone, when
from networks.network import Connection, Page, RemoteMention

AGAIN = timedelta(minutes=10)
AT_FIRST = timedelta(days=7)
_COMMENTS = "comments.order(reverse_chronological).limit(50){id,message,created_time,permalink_url,from}"


class Ear:
    """Reads one source."""

    def __init__(self, connection: Connection) -> None:
        self._line = Line(connection)
        self._kind = connection.settings.get("kind", "mentions")

    def mentions(self, cursor: str | None) -> Page:
        """Everything since a little before the cursor."""
        now = clock.now()
        since = datetime.fromisoformat(cursor) - AGAIN if cursor else now - AT_FIRST
        rows = self._comments(since) if self._kind == "comments" else self._tagged(since)
        found = [_mention(one) for one in rows if self._is_theirs(one) and when(one["created_time"]) >= since]
        newest = max([one.posted_at for one in found], default=None)
        before = datetime.fromisoformat(cursor) if cursor else now - AGAIN
        return Page(found, max(before, newest or before).isoformat())

    def _tagged(self, since: datetime) -> Iterable[dict[str, Any]]:
        return _until(since, self._line.listed(self._line.me, "tagged", "id,message,created_time,permalink_url,from"))

    def _comments(self, since: datetime) -> Iterable[dict[str, Any]]:
        """On what the Page posted within the last weeks: Meta has no list of all comments."""
        for post in self._line.listed(self._line.me, "posts", f"id,created_time,{_COMMENTS}", most=4, limit="25"):
            yield from ({**one, "root": post["id"]} for one in post.get("comments", {}).get("data", ()))
            if when(post["created_time"]) < since - timedelta(days=30):
                return

    def _is_theirs(self, one: dict[str, Any]) -> bool:
        return bool(one.get("message")) and str(one.get("from", {}).get("id", "")) != self._line.me


class Looker:
    """Asks whether posts are still there."""

    def __init__(self, connection: Connection) -> None:
        self._line = Line(connection)

    def gone(self, remote_ids: Sequence[str]) -> frozenset[str]:
        return gone(self._line, remote_ids)


def _until(since: datetime, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in rows:
        if when(one["created_time"]) < since:
            return
        yield one


def _mention(one: dict[str, Any]) -> RemoteMention:
    author = one.get("from", {}).get("id")
    return RemoteMention(
        remote_id=str(one["id"]),
        text=str(one["message"]),
        posted_at=when(one["created_time"]),
        author_id=str(author) if author else None,
        url=one.get("permalink_url"),
        addressed=True,
        root_id=one.get("root"),
    )
