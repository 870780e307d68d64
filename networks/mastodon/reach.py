"""How posts of ours fare on Mastodon: favourites, boosts with quotes, answers, as far as our server knows of them. No
server counts views."""

from collections.abc import Sequence
from typing import Any

from networks.gauging import gauged, together
from networks.mastodon.client import Gone
from networks.mastodon.hearing import server_of
from networks.network import Connection, OwnPost, Reach, ReachPage, Rejected


class Gauge:
    """Reads how posts of ours stand, one after the other."""

    def __init__(self, connection: Connection) -> None:
        self._server = server_of(connection)

    def reach(self, ours: Sequence[OwnPost]) -> ReachPage:
        """What the server counts; of a post on another server, nothing."""
        return gauged(ours, 1, lambda some: ReachPage({one.remote_id: self._asked(one.remote_id) for one in some}))

    def _asked(self, remote_id: str) -> Reach | None:
        number = self._server.number(remote_id)
        if number is None:
            return Reach()
        try:
            status = self._server.reads(lambda api: api.status(number))
        except Gone:
            return None
        except Rejected:
            return Reach()
        boosts = together(_count(status, "reblogs_count"), _count(status, "quotes_count"))
        return Reach(likes=_count(status, "favourites_count"), reposts=boosts, replies=_count(status, "replies_count"))


def _count(status: Any, name: str) -> int | None:
    found = status.get(name)
    return int(found) if found is not None else None
