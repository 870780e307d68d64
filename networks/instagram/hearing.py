"""What is said to an Instagram account: pictures that tag it, comments on its own. What we say ourselves is left out.

As on Facebook, the cursor is a time, and each look goes back a little before it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from config import clock
from networks.graph import Line, when
from networks.network import Connection, Page, RemoteMention

AGAIN = timedelta(minutes=10)
AT_FIRST = timedelta(days=7)


class Ear:
    """Reads one source."""

    def __init__(self, connection: Connection) -> None:
        self._line = Line(connection)
        self._kind = connection.settings.get("kind", "mentions")
        self._handle = connection.handle.casefold()

    def mentions(self, cursor: str | None) -> Page:
        """Everything since a little before the cursor."""
        now = clock.now()
        since = datetime.fromisoformat(cursor) - AGAIN if cursor else now - AT_FIRST
        rows = self._comments(since) if self._kind == "comments" else self._tagged(since)
        found = [one for one in rows if one.posted_at >= since and one.text.strip()]
        before = datetime.fromisoformat(cursor) if cursor else now - AGAIN
        return Page(found, max([before, *(one.posted_at for one in found)]).isoformat())

    def _tagged(self, since: datetime) -> Iterable[RemoteMention]:
        for one in self._line.listed(self._line.me, "tags", "id,caption,permalink,timestamp,username"):
            if when(one["timestamp"]) < since:
                return
            if str(one.get("username", "")).casefold() != self._handle:
                yield _mention(one, str(one.get("caption", "")), one.get("username"), one.get("permalink"))

    def _comments(self, since: datetime) -> Iterable[RemoteMention]:
        """On what we posted within the last weeks: Meta has no list of all comments."""
        fields = "id,permalink,timestamp,comments.limit(50){id,text,timestamp,from,username}"
        for post in self._line.listed(self._line.me, "media", fields, most=4, limit="25"):
            for one in post.get("comments", {}).get("data", ()):
                author = one.get("from", {}).get("id") or one.get("username")
                ours = str(author) == self._line.me or str(one.get("username", "")).casefold() == self._handle
                if not ours:
                    yield _mention(one, str(one.get("text", "")), author, post.get("permalink"), str(post["id"]))
            if when(post["timestamp"]) < since - timedelta(days=30):
                return


def _mention(
    one: dict[str, Any], text: str, author: str | None, url: str | None, root: str | None = None
) -> RemoteMention:
    return RemoteMention(
        remote_id=str(one["id"]),
        text=text,
        posted_at=when(one["timestamp"]),
        author_id=str(author) if author else None,
        url=url,
        addressed=True,
        root_id=root,
    )
