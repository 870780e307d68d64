"""How posts of ours fare on Bluesky: likes, reposts with quotes, answers, as its index counts. It counts no views."""

from collections.abc import Sequence

from atproto import models

from networks.bluesky.hearing import AT_ONCE, Looker
from networks.bluesky.session import Account
from networks.gauging import gauged, together
from networks.network import Connection, OwnPost, Reach, ReachPage


class Gauge:
    """Reads how posts of ours stand."""

    def __init__(self, connection: Connection) -> None:
        self._account = Account(connection)
        self._looker = Looker(connection)

    def reach(self, ours: Sequence[OwnPost]) -> ReachPage:
        """What the index counts; of a post that it does not show, its own server is asked whether it is gone."""
        return gauged(ours, AT_ONCE, self._asked)

    def _asked(self, some: Sequence[OwnPost]) -> ReachPage:
        uris = [one.remote_id for one in some]
        asked = models.AppBskyFeedGetPosts.Params(uris=uris)
        shown = self._account.reads(lambda client: client.app.bsky.feed.get_posts(asked)).posts
        found: dict[str, Reach | None] = {
            one.uri: Reach(
                likes=one.like_count, reposts=together(one.repost_count, one.quote_count), replies=one.reply_count
            )
            for one in shown
        }
        missing = [uri for uri in uris if uri not in found]
        away = self._looker.ask(missing).gone if missing else frozenset()
        return ReachPage(found | {uri: None if uri in away else Reach() for uri in missing})
