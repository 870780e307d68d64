"""How posts of ours fare on X: 100 in one question, by their ids. X charges for each as for any post that is read, once
a day in UTC."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from networks.gauging import gauged, together
from networks.network import Connection, OwnPost, Reach, ReachPage
from networks.x import posts
from networks.x.client import Refused
from networks.x.session import Account

_AT_ONCE = 100


class _Metrics(BaseModel):
    impression_count: int | None = None
    like_count: int | None = None
    repost_count: int | None = None
    retweet_count: int | None = None  # where a server does not know the new names yet
    quote_count: int | None = None
    reply_count: int | None = None


class _Counted(BaseModel):
    public_metrics: _Metrics = _Metrics()


class Gauge:
    """Reads how posts of ours stand."""

    def __init__(self, connection: Connection) -> None:
        self._account = Account(connection)
        self._keeper = connection.keeper

    def reach(self, ours: Sequence[OwnPost]) -> ReachPage:
        """Views, likes, reposts with quotes, replies."""
        return gauged(ours, _AT_ONCE, self._asked)

    def _asked(self, some: Sequence[OwnPost]) -> ReachPage:
        if self._keeper is not None:
            self._keeper.check_budget()
        told = self._told(",".join(one.remote_id for one in some))
        page = posts.listing(told)
        self._account.has_read((post.id for post in page.posts), posts.PRICE)
        found: dict[str, Reach | None] = {
            one.remote_id: None if one.remote_id in page.gone else Reach() for one in some
        }
        shown = {post.id for post in page.posts}
        found |= {
            one["id"]: _reach(one) for one in told.get("data", ()) if isinstance(one, dict) and one.get("id") in shown
        }
        return ReachPage(found)

    def _told(self, ids: str) -> Any:
        try:
            return self._account.get("/2/tweets", {"ids": ids, "post.fields": "public_metrics"})
        except Refused as error:
            if "post.fields" not in error.reason:
                raise
        return self._account.get("/2/tweets", {"ids": ids, "tweet.fields": "public_metrics"})


def _reach(one: Any) -> Reach:
    try:
        told = _Counted.model_validate(one).public_metrics
    except ValidationError:
        return Reach()
    reposts = told.repost_count if told.repost_count is not None else told.retweet_count
    return Reach(told.impression_count, told.like_count, together(reposts, told.quote_count), told.reply_count)
