"""What is said to a Page: posts that tag it, comments on what it posted. What we say ourselves is left out.

The cursor is a time, or where a look is; each look goes back a little before that time, and intake keeps each post
once. A crash repeats a request and skips nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from networks import graph_look
from networks.graph import Line, when, witnessed
from networks.graph_look import Edge
from networks.network import Connection, Listener, Page, RemoteMention, Witnessed

_SAID = "id,message,created_time,permalink_url,from"
TAGGED = Edge("tagged", {"fields": _SAID}, "created_time")
COMMENTS = Edge(  # as a stream: with the answers to comments
    "comments",
    {"fields": _SAID, "limit": "50", "filter": "stream", "order": "reverse_chronological"},
    "created_time",
)
POSTS = Edge(  # Meta has no list of all comments
    "posts",
    {
        "fields": f"id,created_time,comments.filter(stream).order(reverse_chronological).limit(50){{{_SAID}}}",
        "limit": "25",
    },
    "created_time",
    below=COMMENTS,
)


class Ear:
    """Reads one source."""

    def __init__(self, connection: Connection) -> None:
        self._line = Line(connection)
        self._edge = POSTS if connection.settings.get("kind") == "comments" else TAGGED

    def mentions(self, cursor: str | None) -> Page:
        """What the next request of a look brings, of everything since a little before the last."""
        rows, look = graph_look.go_on(self._line, self._edge, graph_look.at(cursor))
        return graph_look.page(look, [_mention(one, above) for one, above in rows if self._is_theirs(one)])

    def _is_theirs(self, one: dict[str, Any]) -> bool:
        return bool(one.get("message")) and str(one.get("from", {}).get("id", "")) != self._line.me


class Looker:
    """Asks whether posts are still there."""

    def __init__(self, connection: Connection, ear: Callable[[Connection], Listener] = Ear) -> None:
        self._line = Line(connection)
        kinds = sorted(("mentions", "comments"), key=lambda kind: kind != connection.settings.get("kind", "mentions"))
        self._ears = [ear(replace(connection, settings={**connection.settings, "kind": kind})) for kind in kinds]

    def ask(self, remote_ids: Sequence[str]) -> Witnessed:
        return witnessed(self._line, remote_ids, self._ears)


def _mention(one: dict[str, Any], above: dict[str, Any] | None) -> RemoteMention:
    author = one.get("from", {}).get("id")
    return RemoteMention(
        remote_id=str(one["id"]),
        text=str(one["message"]),
        posted_at=when(one["created_time"]),
        author_id=str(author) if author else None,
        url=one.get("permalink_url"),
        addressed=True,
        root_id=str(above["id"]) if above is not None else None,
    )
