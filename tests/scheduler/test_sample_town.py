from collections import Counter
from datetime import datetime, timedelta

from scheduler.sample_town import town

MORNING = datetime(2026, 11, 24, 8, tzinfo=town.ZONE)


def test_the_town_ends_at_the_last_eight_in_the_morning() -> None:
    assert town.last_morning(MORNING) == MORNING
    assert town.last_morning(MORNING + timedelta(hours=15)) == MORNING
    assert town.last_morning(MORNING - timedelta(minutes=1)) == MORNING - timedelta(days=1)


def test_thirty_days_of_posts_end_before_that_morning_and_none_stands_twice() -> None:
    posts = list(town.posts(MORNING))
    times = [datetime.fromisoformat(post["posted_at"]) for post in posts]
    assert len(posts) > 550
    assert max(times) < MORNING
    assert MORNING - min(times) < timedelta(days=31)
    assert [identity for identity, number in Counter(post["id"] for post in posts).items() if number > 1] == []
    assert [text for text, number in Counter(post["text"] for post in posts).items() if number > 1] == []


def test_every_post_says_who_where_and_in_which_language() -> None:
    posts = list(town.posts(MORNING))
    assert {post["language"] for post in posts} == {"en", "es"}
    assert {post["network"] for post in posts} <= {"facebook", "x", "bluesky", "mastodon", "instagram", "feed"}
    assert all(post["author"] and post["text"].strip() for post in posts)
