"""A concern's page: its sentence says no more than its figures, and what we did stands beside what was said."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from config import clock, database, people
from config.permissions import Role
from config.tables import Person
from posts.tables import Post
from sentiment.brigades import Brigade
from sentiment.figures import ConcernRow
from sentiment.tables import Alert
from sentiment.trust import Change, Moved, Share
from tests.web.browsing import Browser
from web.concerns import headline, same_text

ROW = ConcernRow(
    concern="traffic_safety",
    name="Traffic and road safety",
    authors=96,
    posts=143,
    mistrust=Share(value=0.38, low=0.3, high=0.46, n_eff=96.0, authors=96),
    usual=None,
    change=Change("up", 0.11, 0.03, 0.19),
    mostly=None,
    mostly_place_id=None,
    spark=(),
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change("up", 0.11, 0.03, 0.19), "Traffic: mistrust is up."),
        (Change("down", -0.11, -0.19, -0.03), "Traffic: mistrust is down."),
        (Change("steady", 0.01, -0.04, 0.06), "Traffic: no clear change in mistrust."),
        (Change("unknown", why="days"), "Traffic: cannot say yet whether mistrust changed."),
    ],
)
def test_the_sentence_says_the_change(change: Change, words: str) -> None:
    assert headline("Traffic", replace(ROW, change=change), "en") == words


def test_a_rise_that_the_week_does_not_show_yet_is_said_with_care() -> None:
    begun = replace(ROW, change=Change("steady", 0.06, -0.01, 0.13), moved=Moved("up", date(2026, 11, 19), 4.2))
    assert headline("Traffic", begun, "en") == "Traffic: mistrust may be rising."


def test_one_text_by_many_is_told_in_numbers_with_what_it_can_do_at_the_most() -> None:
    at = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
    found = Brigade(accounts=7, together=6, new=5, since=at)
    assert same_text(found, ROW, at + timedelta(days=9), ZoneInfo("America/New_York"), "en") == (
        "6 accounts posted nearly the same text within an hour (24 Nov). In the last 7 days 7 accounts did. "
        "Of these accounts 5 were less than 30 days old. "
        "Each account counts once: together they move the mistrust shown here by 8 points at the most."
    )


def test_under_ten_authors_the_sentence_says_so() -> None:
    few = replace(ROW, mistrust=Share(value=0.5, low=0.1, high=0.9, n_eff=9.0, authors=9))
    assert headline("Traffic", few, "en") == "Traffic: too few posts to say."
    assert headline("Traffic", None, "en") == "Traffic: too few posts to say."


@pytest.fixture
def story(sqlite_engine: sa.Engine, person: Callable[..., Person]) -> None:
    """An alert, one that was no concern, a post that went out, one still to come, a draft."""
    now = clock.now()
    with database.writing(sqlite_engine) as session:
        ana = people.known_id(person(session, "Ana", Role.OFFICER))
        for title, state in (("Speeding near the school", "taken"), ("A rumour", "not_a_concern")):
            session.add(
                Alert(
                    kind="cell",
                    concern="traffic_safety",
                    title=title,
                    raised_at=now - timedelta(days=2),
                    since=now - timedelta(days=2),
                    updated_at=now,
                    window_hours=24,
                    posts=17,
                    authors=14,
                    expected=3.0,
                    p_value=0.001,
                    keyphrases=[title.lower()],
                    state=state,
                )
            )
        for title, post_state, at in (
            ("A speed sign", "published", now - timedelta(days=1)),
            ("Officers at the crossing", "scheduled", now + timedelta(days=1)),
            ("Only a draft", "draft", now),
        ):
            session.add(
                Post(
                    title=title,
                    state=post_state,
                    author_id=ana,
                    message=title,
                    concern="traffic_safety",
                    due_at=at,
                    created_at=now,
                    updated_at=now,
                )
            )


@pytest.mark.usefixtures("story")
def test_what_was_said_and_what_we_did_stand_in_order_newest_first(browser_of: Callable[..., Browser]) -> None:
    page = browser_of("Ada", Role.OFFICER).get("/concerns/traffic_safety").text
    told = ["Officers at the crossing", "A speed sign", "17 posts by 14 authors"]
    places = [page.index(words) for words in told]
    assert places == sorted(places)
    assert "a rumour" not in page
    assert "Only a draft" not in page
    assert page.count("Speeding near the school") == 1  # the open alert, to do


@pytest.mark.usefixtures("story")
def test_who_may_not_read_posts_sees_none_here(browser_of: Callable[..., Browser]) -> None:
    page = browser_of("Ada", Role.ANALYST).get("/concerns/traffic_safety").text
    assert "17 posts by 14 authors" in page
    assert "A speed sign" not in page
    assert "/compose" not in page


def test_a_concern_nobody_raised_says_so_and_an_unknown_one_is_not_there(browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Ada", Role.ANALYST)
    assert "Emergencies: too few posts to say." in browser.get("/concerns/emergencies").text
    assert browser.get("/concerns/nonsense").status_code == 404
    assert browser.get("/concerns/protest_public_order").status_code == 404
