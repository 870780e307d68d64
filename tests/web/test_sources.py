"""Sources and watch rules: looked at now, switched, tried; places."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry
from listeners import rules, sources
from listeners.tables import Mention, Source, WatchRule
from networks.network import Page, Rejected, RemoteMention
from networks.tables import Account
from tests.listeners.said import admit
from tests.web.browsing import Browser, send


@pytest.fixture
def feed(sqlite_engine: sa.Engine) -> Source:
    """A feed that failed and was put off for hours."""
    with database.writing(sqlite_engine) as session:
        source = sources.add(
            session,
            network="feed",
            name="Ledger",
            settings={"url": "https://ledger.example/feed.xml"},
            every_seconds=300,
            now=clock.now(),
        )
        source.next_poll_at = clock.now() + timedelta(hours=6)
        source.failures, source.last_error, source.cursor = 4, "the server answered 503", "page 7"
    with database.reading(sqlite_engine) as session:
        return session.exec(select(Source)).one()


def now_stored(engine: sa.Engine) -> Source:
    with database.reading(engine) as session:
        return session.exec(select(Source)).one()


def test_a_failing_source_says_why_and_is_looked_at_now(
    sqlite_engine: sa.Engine, feed: Source, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    page = browser.get("/sources").text
    assert "1 source needs a look." in page
    assert "the server answered 503" in page
    assert send(browser, f"/sources/{feed.id}/look", page="/sources").status_code == 303
    due = now_stored(sqlite_engine).next_poll_at
    assert due is not None
    assert due <= clock.now()


@pytest.mark.parametrize(
    ("network", "settings", "refused"),
    [
        ("x", {"kind": "search", "query": "Elm Street -from: nan"}, True),
        ("bluesky", {"kind": "search", "query": "From:nan.bsky.social"}, True),
        ("bluesky", {"kind": "search", "query": "police to:nan"}, True),
        ("bluesky", {"kind": "search", "query": 'police "a note to: the chief"'}, False),
        ("x", {"kind": "search", "query": "notefrom: Elm"}, False),
        ("feed", {"url": "https://social.example/@nan.rss"}, True),
        ("feed", {"url": "https://social.example/users/nan.atom"}, True),
        ("feed", {"url": "https://ledger.example/local/police.rss?key=@nan"}, False),
    ],
)
def test_no_source_brings_the_posts_of_one_person(
    sqlite_engine: sa.Engine, network: str, settings: dict[str, str], refused: bool
) -> None:
    with database.writing(sqlite_engine) as session:
        by = Account(network=network, name="Riverton PD", created_at=clock.now())
        session.add(by)
        session.flush()
        wanted: dict[str, Any] = {"name": "S", "every_seconds": 300, "now": clock.now(), "account_id": by.id}
        if not refused:
            assert sources.add(session, network=network, settings=settings, **wanted).id
            return
        with pytest.raises(Rejected, match="one person"):
            sources.add(session, network=network, settings=settings, **wanted)


def test_what_a_source_asks_for_stands_on_the_page_and_in_the_log_without_its_key(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    address = "https://ledger.example/police.rss?key=hidden-word"
    send(browser, "/sources", page="/sources", network="feed", kind="feed", name="Ledger", url=address)
    page = browser.get("/sources").text
    assert "<code>https://ledger.example/police.rss</code>" in page
    assert "hidden-word" not in page
    with database.reading(sqlite_engine) as session:
        noted = session.exec(select(AuditEntry).where(AuditEntry.action == "source.add")).one()
    assert noted.detail == {"name": "Ledger", "subject": "https://ledger.example/police.rss"}


def test_a_source_is_switched_off_and_goes_on_where_it_was(
    sqlite_engine: sa.Engine, feed: Source, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    send(browser, f"/sources/{feed.id}/off", page="/sources")
    assert not now_stored(sqlite_engine).enabled
    assert send(browser, f"/sources/{feed.id}/look", page="/sources").status_code == 404
    send(browser, f"/sources/{feed.id}/on", page="/sources")
    source = now_stored(sqlite_engine)
    assert (source.enabled, source.cursor, source.failures) == (True, "page 7", 0)
    with database.reading(sqlite_engine) as session:
        acts = session.exec(select(AuditEntry.action).where(AuditEntry.subject == f"source:{feed.id}")).all()
    assert acts == ["source.off", "source.on"]


def test_a_source_that_is_not_there_or_comes_by_hand_cannot_be_looked_at(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    with database.writing(sqlite_engine) as session:
        session.add(Source(network="archive", name="Export"))
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    for path in ("/sources/1/look", "/sources/1/off", "/sources/99/on"):
        assert send(browser, path, page="/sources").status_code == 404


def test_a_rule_is_switched_off_and_on(sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    with database.writing(sqlite_engine) as session:
        rules.add(session, "Elm", "elm")
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    send(browser, "/sources/rules/1/off", page="/sources")
    with database.reading(sqlite_engine) as session:
        assert rules.enabled(session) == []
    send(browser, "/sources/rules/1/on", page="/sources")
    with database.reading(sqlite_engine) as session:
        assert [number for number, _ in rules.enabled(session)] == [1]
    assert send(browser, "/sources/rules/2/on", page="/sources").status_code == 404


def test_a_rule_is_tried_on_the_last_week_without_being_added_and_without_showing_words(
    sqlite_engine: sa.Engine, feed: Source, keys: Keys, settings: Settings, browser_of: Callable[..., Browser]
) -> None:
    now = clock.now()
    found = [
        RemoteMention(str(number), text, now, f"author {number}")
        for number, text in enumerate(
            ("Elm Street again.", "Speeding on Elm Street!", "A bake sale.", "Elm, years ago.")
        )
    ]
    with database.writing(sqlite_engine) as session:
        source = session.get_one(Source, feed.id)
        admit(session, source, Page(found, None), keys, settings, now)
        old = session.exec(select(Mention).where(Mention.text == "Elm, years ago.")).one()
        old.received_at = now - timedelta(days=8)
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    tried = send(browser, "/sources/rules/try", page="/sources", name="Elm", query='"elm street"')
    assert "It matches fewer than 5 of the 3 posts that came in during the last 7 days." in tried.text
    assert "Speeding" not in tried.text
    assert "\n&#34;elm street&#34;</textarea>" in tried.text
    assert "<mark>" in send(browser, "/sources/rules/try", page="/sources", query="(elm OR").text
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(WatchRule)).all() == []
