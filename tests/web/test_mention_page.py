"""One mention in context, and the inbox's filter by time."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry
from listeners import places
from listeners.tables import Source
from networks.network import Page, RemoteMention
from sentiment import model, scoring
from tests.listeners.said import admit
from tests.web.browsing import Browser, send

TEXTS = (  # what, and hours ago
    ("Speeding past the school on Elm Street.", 1),
    ("Elm Street is loud today.", 20),
    ("Elm Street was quiet then.", 60),
    ("A bake sale in Northgate.", 1),
    ("Good morning everybody.", 200),
)


@pytest.fixture
def town(sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> sa.Engine:
    now = clock.now()
    with database.writing(sqlite_engine) as session:
        for name in ("Elm Street", "Northgate"):
            places.add(session, name, [])
        source = Source(network="facebook", name="Town")
        session.add(source)
        session.flush()
        found = [
            RemoteMention(str(number), text, now - timedelta(hours=hours), f"author {number}")
            for number, (text, hours) in enumerate(TEXTS)
        ]
        admit(session, source, Page(found, None), keys, settings, now)
    scoring.score_pending(sqlite_engine, model.load(), now, zone=settings.department.zone)
    return sqlite_engine


def test_a_mention_is_read_among_what_was_said_that_day_at_its_place(
    town: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    page = browser_of("Ada", Role.OFFICER).get("/mentions/1").text
    assert "Speeding past the school on Elm Street." in page
    assert "Elm Street is loud today." in page
    assert "quiet then" not in page
    assert "bake sale" not in page
    assert "author 0" not in page
    with database.reading(town) as session:
        [entry] = session.exec(select(AuditEntry).where(AuditEntry.action == "mention.read")).all()
    assert (entry.subject, entry.detail) == ("mention:1", {"ids": [1, 2]})


def test_without_place_and_concern_nothing_stands_around_it(
    town: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    page = browser_of("Ada", Role.OFFICER).get("/mentions/5").text
    assert "It names no place and raises no concern." in page
    assert page.count('class="voice"') == 1


def test_a_mention_that_is_gone_is_said_so_and_not_logged_as_read(
    town: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    assert browser_of("Ada", Role.OFFICER).get("/mentions/99").status_code == 404
    with database.reading(town) as session:
        assert session.exec(select(AuditEntry).where(AuditEntry.action == "mention.read")).all() == []


def test_who_takes_it_stands_beside_it_and_one_comes_back_to_its_page(
    town: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    answer = send(browser, "/mentions/1/assign", page="/mentions/1", back="/mentions/1")
    assert answer.headers["location"] == "/mentions/1?did=assign&undo=1.new"
    assert "Taken by Ada" in browser.get("/mentions/1").text


def test_an_approver_reads_and_may_not_triage(town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    page = browser_of("Luc", Role.APPROVER).get("/mentions/1").text
    assert "Speeding past the school" in page
    assert "/mentions/1/" not in page


@pytest.mark.parametrize(("days", "number"), [("1", 3), ("7", 4), ("30", 5), ("", 5), ("2000000000", 5)])
def test_the_inbox_is_filtered_by_time(
    town: sa.Engine, browser_of: Callable[..., Browser], days: str, number: int
) -> None:
    assert browser_of("Ada", Role.OFFICER).get(f"/mentions?days={days}").text.count("data-mention>") == number
