from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners import places
from networks import accounts
from posts import actions, event_posts, events, heard, partners, questions
from scheduler.sample_town import outreach, town

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


@pytest.mark.parametrize("hour", [0, 8, 23])
def test_the_officer_reaches_out_at_whatever_hour_the_town_is_made(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person], hour: int
) -> None:
    now = MORNING.replace(hour=hour)
    with database.writing(sqlite_engine) as session:
        ana = person(session, "Ana", Role.OFFICER).id or 0
        places.add(session, "Elm Street", [])
        board = accounts.add(
            session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=now
        )
        bo = person(session, "Bo", Role.APPROVER).id or 0
        outreach.reach_out(session, settings, keys, ana, bo, [board.id or 0], now)
        (coming,) = events.coming(session, now)
        (held,) = events.past(session, now)
        states = [one.post.state for one in event_posts.of_event(session, coming.id or 0)]
        assert states == ["in_review", "draft", "draft"]
        assert [one.people for one in heard.counted_at(session, held.id or 0)] == [9, 7, 5]
        assert len(actions.open_ones(session)) == len(actions.closed_ones(session)) == 1
        assert [one.partner.name for one in partners.listed(session) if one.silent(now)] == ["Riverton shopkeepers"]
        (asked,) = questions.everyone(session)
        assert len(questions.answers(session, asked.id or 0, now)) == len(outreach.ANSWERS)
