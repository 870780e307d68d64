"""What is said to an Instagram account: pictures that tag it, comments on its own. What we say ourselves is left out.

The cursor is as on Facebook. Comments come newest first, as Meta lists them since version 3.2; the first 50 answers to
a comment come with it, in an order that Meta does not tell, and are not asked for below comments that a look does not
reach."""

from typing import Any

from networks import graph_look
from networks.graph import Line, when
from networks.graph_look import Edge
from networks.network import Connection, Page, RemoteMention

_SAID = "id,text,timestamp,from,username"
TAGS = Edge("tags", {"fields": "id,caption,permalink,timestamp,username"}, "timestamp")
_BOTH = f"{_SAID},replies.limit(50){{{_SAID}}}"
REPLIES = Edge("replies", {"fields": _SAID, "limit": "50"}, "timestamp", sorted=False)
COMMENTS = Edge("comments", {"fields": _BOTH, "limit": "50"}, "timestamp", answers=REPLIES)
MEDIA = Edge(  # Meta has no list of all comments
    "media",
    {"fields": f"id,permalink,timestamp,comments.limit(50){{{_BOTH}}}", "limit": "25"},
    "timestamp",
    below=COMMENTS,
)


class Ear:
    """Reads one source."""

    def __init__(self, connection: Connection) -> None:
        self._line = Line(connection)
        self._edge = MEDIA if connection.settings.get("kind") == "comments" else TAGS
        self._handle = connection.handle.casefold()

    def mentions(self, cursor: str | None) -> Page:
        """What the next request of a look brings, of everything since a little before the last."""
        rows, look = graph_look.go_on(self._line, self._edge, graph_look.at(cursor))
        found = [_mention(one, above) for one, above in rows if not self._is_ours(one)]
        return graph_look.page(look, [one for one in found if one.text.strip()])

    def _is_ours(self, one: dict[str, Any]) -> bool:
        by_us = str(one.get("from", {}).get("id", "")) == self._line.me
        return by_us or str(one.get("username", "")).casefold() == self._handle


def _mention(one: dict[str, Any], above: dict[str, Any] | None) -> RemoteMention:
    author = one.get("from", {}).get("id") or one.get("username")
    return RemoteMention(
        remote_id=str(one["id"]),
        text=str(one.get("caption", "") if above is None else one.get("text", "")),
        posted_at=when(one["timestamp"]),
        author_id=str(author) if author else None,
        url=(one if above is None else above).get("permalink"),
        addressed=True,
        root_id=str(above["id"]) if above is not None else None,
    )
