"""How pictures of ours fare on Instagram: views and shares from their insights, likes, comments; of an answer of ours
likes alone. Counts, never who; Meta's may be two days behind."""

from collections.abc import Sequence

from networks.gauging import gauged
from networks.graph import Gone, Line, number_of
from networks.network import Connection, OwnPost, Reach, ReachPage, Rejected

VIEWS, SHARES = "views", "shares"


class Gauge:
    """Reads how posts of ours stand, one after the other."""

    def __init__(self, connection: Connection) -> None:
        self._line = Line(connection)

    def reach(self, ours: Sequence[OwnPost]) -> ReachPage:
        return gauged(ours, 1, lambda some: self._asked(some[0]))

    def _asked(self, one: OwnPost) -> ReachPage:
        fields = "like_count" if one.answers else "like_count,comments_count"
        try:
            told = self._line.reads(lambda graph: graph.get_object(one.remote_id, fields=fields))
        except Gone:
            return ReachPage({one.remote_id: None})
        except Rejected as error:
            return ReachPage({one.remote_id: Reach()}, error.reason)
        if one.answers:
            return ReachPage({one.remote_id: Reach(likes=number_of(told, "like_count"))})
        counted, refused = self._line.insights(one.remote_id, VIEWS, SHARES)
        found = Reach(
            counted.get(VIEWS), number_of(told, "like_count"), counted.get(SHARES), number_of(told, "comments_count")
        )
        return ReachPage({one.remote_id: found}, refused)
