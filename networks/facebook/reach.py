"""How posts of a Page fare: views from its insights, reactions, shares, comments; of a comment of ours no views.

Counts alone: no list of those who reacted or commented is asked for. Meta counts views of a Page from 100 likes on, and
brings most figures up to date once a day."""

from collections.abc import Sequence
from typing import Any

from networks.gauging import gauged
from networks.graph import Gone, Line, number_of
from networks.network import Connection, OwnPost, Reach, ReachPage, Rejected

VIEWS = "post_media_view"  # as often as it was shown; impressions ended in November 2025
_SUMMED = "limit(0).summary(total_count)"
_FIELDS = f"shares,reactions.{_SUMMED},comments.{_SUMMED}"


class Gauge:
    """Reads how posts of ours stand, one after the other."""

    def __init__(self, connection: Connection) -> None:
        self._line = Line(connection)

    def reach(self, ours: Sequence[OwnPost]) -> ReachPage:
        return gauged(ours, 1, lambda some: self._asked(some[0]))

    def _asked(self, one: OwnPost) -> ReachPage:
        fields = "like_count,comment_count" if one.answers else _FIELDS
        try:
            told = self._line.reads(lambda graph: graph.get_object(one.remote_id, fields=fields))
        except Gone:
            return ReachPage({one.remote_id: None})
        except Rejected as error:
            return ReachPage({one.remote_id: Reach()}, error.reason)
        if one.answers:
            found = Reach(likes=number_of(told, "like_count"), replies=number_of(told, "comment_count"))
            return ReachPage({one.remote_id: found})
        views, refused = self._line.insights(one.remote_id, VIEWS)
        found = Reach(
            views=views.get(VIEWS),
            likes=_total(told, "reactions"),
            reposts=number_of(told.get("shares") or {"count": 0}, "count"),  # none is left out rather than 0
            replies=_total(told, "comments"),
        )
        return ReachPage({one.remote_id: found}, refused)


def _total(told: Any, edge: str) -> int | None:
    return number_of((told.get(edge) or {}).get("summary") or {}, "total_count")
