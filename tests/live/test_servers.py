"""The servers are what the tests of our connectors take them for."""

import pytest

from tests.live.bluesky_network import Network
from tests.live.waiting import wait_until

pytestmark = pytest.mark.live


def _put(post: str, rkey: str) -> dict[str, object]:
    record = {"$type": "app.bsky.feed.post", "text": post, "createdAt": "2026-11-24T13:10:00.000Z"}
    return {"collection": "app.bsky.feed.post", "rkey": rkey, "record": record}


def test_a_mention_reaches_the_notifications_of_who_is_mentioned(bluesky: Network) -> None:
    department, resident = bluesky.create("riverton"), bluesky.create("ines")
    uri = bluesky.mention(resident, department, f"Hej hej 👋🏽 @{department.handle}, the lamp on Elm Street is out")
    told = wait_until(lambda: bluesky.notifications(department), "the notification")
    assert [(one["uri"], one["reason"], one["author"]["did"]) for one in told] == [(uri, "mention", resident.did)]


def test_the_appview_finds_a_post_by_its_words_and_loses_it_when_it_is_deleted(bluesky: Network) -> None:
    resident = bluesky.create("omar")
    uri = bluesky.post(resident, "A heron stands on the zebrafinch crossing", langs=["en"])
    found = wait_until(lambda: bluesky.search("zebrafinch"), "searchPosts to find the post")
    assert [one["uri"] for one in found] == [uri]
    bluesky.delete(resident, uri)
    assert bluesky.gone(uri)
    assert bluesky.feed(resident.did) == []
