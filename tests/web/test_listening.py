"""Sources tested, places imported, rules tried, copies told: what the pages and the API do for listening."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import clock, database
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry
from listeners import place_files, rules, sources
from listeners.tables import Mention, Place, Source, SourceGap, WatchRule
from networks import practice
from networks.network import RemoteMention
from tests.listeners import said
from tests.web.browsing import Browser, Response, form_token, send
from tests.web.test_api import program

__all__ = ["program"]  # a fixture
HATE = "These officers are useless and everybody at the river bridge saw it this morning, share before they delete it"


def bring(browser: Browser, data: bytes, name: str = "places.csv") -> Response:
    """Sends a file of places as a browser does."""
    token = form_token(browser.get("/sources").text)
    return browser.post("/sources/places/import", data={"csrf": token}, files={"file": (name, data)})


def acts(engine: sa.Engine) -> list[str]:
    with database.reading(engine) as session:
        return list(session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id))))


@pytest.fixture
def board(sqlite_engine: sa.Engine) -> int:
    """A source with three posts that wait."""
    number = said.a_source(sqlite_engine, clock.now())
    with database.writing(sqlite_engine) as session:
        for text in ("one", "two", "three"):
            practice.post_as_resident(session, "nan", text, clock.now())
    return number


def test_a_source_is_tested_and_nothing_is_stored(
    sqlite_engine: sa.Engine, board: int, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    page = send(browser, f"/sources/{board}/test", page="/sources").text
    assert "It answers: 3 posts wait." in page
    assert "Nothing was stored." in page
    assert said.stored(sqlite_engine) == []
    with database.reading(sqlite_engine) as session:
        assert session.get_one(Source, board).cursor is None
    assert acts(sqlite_engine) == ["source.test"]


def test_a_source_that_cannot_be_reached_says_why_when_tested(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    with database.writing(sqlite_engine) as session:
        url = {"url": "http://127.0.0.1:1/feed"}
        sources.add(session, network="feed", name="Away", settings=url, every_seconds=300, now=clock.now())
        sources.add(session, network="archive", name="Export", settings={}, every_seconds=0, now=clock.now())
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    assert "127.0.0.1 is a private address" in send(browser, "/sources/1/test", page="/sources").text
    assert "comes in by hand" in send(browser, "/sources/2/test", page="/sources").text
    assert send(browser, "/sources/3/test", page="/sources").status_code == 404
    with database.reading(sqlite_engine) as session:
        assert session.get_one(Source, 1).failures == 0


def test_an_officer_neither_tests_nor_imports(board: int, browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    (token,) = re.findall(r'name="csrf-token" content="([0-9a-f]+)"', browser.get("/mentions").text)
    for path in (f"/sources/{board}/test", "/sources/places/import", "/sources/rules/try"):
        assert browser.post(path, data={"csrf": token}).status_code == 403


def test_places_are_taken_from_a_file_and_rows_that_could_not_be_are_told(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    data = "name;within\nElm Street;Old Town\nOld Town;\n;Old Town\n<b>Oak</b>;\n".encode("utf-8-sig")
    page = bring(browser, data).text
    assert "3 new, 0 changed, 0 as they were." in page
    assert "row 3: it has no name" in page
    assert "<b>Oak</b>" not in page
    assert "0 new, 0 changed, 3 as they were." in bring(browser, data).text
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Place.name).order_by(Place.name)).all() == ["<b>Oak</b>", "Elm Street", "Old Town"]
    assert acts(sqlite_engine) == ["place.import", "place.import"]


def test_a_city_s_whole_list_may_be_larger_than_any_other_form(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    padding = "x" * 4000
    rows = "".join(f"Street {number},{padding}\n" for number in range(1000))
    assert "1,000 new" in bring(browser_of("Sam", Role.ADMINISTRATOR), f"name,notes\n{rows}".encode()).text


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"Street\nElm\n", "names no column"),
        (b"[" * 100_000, "no JSON"),
        (b"\x81\x8d", "no text"),
        (b"a" * (place_files.LARGEST + 1), "larger than 8 MB"),
    ],
)
def test_a_file_that_holds_no_places_changes_nothing_and_says_why(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser], data: bytes, why: str
) -> None:
    answer = bring(browser_of("Sam", Role.ADMINISTRATOR), data)
    assert answer.status_code == 422
    assert "Nothing was taken: " in answer.text
    assert why in answer.text
    assert acts(sqlite_engine) == []


def test_a_rule_that_names_an_unknown_place_is_pointed_at_when_tried(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    answer = send(browser, "/sources/rules/try", page="/sources", query='near:"Old Town" police')
    assert answer.status_code == 422
    assert "there is no place called" in answer.text
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(WatchRule)).all() == []


def test_the_gaps_of_a_source_are_told_in_the_reader_s_zone(
    sqlite_engine: sa.Engine, board: int, browser_of: Callable[..., Browser], at_eight: datetime
) -> None:
    began = at_eight - timedelta(hours=11)  # 21:10 the evening before, in Riverton
    with database.writing(sqlite_engine) as session:
        session.add(
            SourceGap(
                source_id=board, began_at=began, ended_at=began + timedelta(minutes=35), caught_up=312, reason="x"
            )
        )
    page = browser_of("Sam", Role.ADMINISTRATOR).get("/sources").text
    assert "23 Nov: nothing from 21:10 to 21:45, 312 caught up" in page


def test_the_inbox_tells_how_often_something_was_said_and_lists_it_once(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, board: int, browser_of: Callable[..., Browser]
) -> None:
    now = clock.now()
    posts = [RemoteMention(f"b{number}", f"{HATE} {number}", now, f"author {number}") for number in range(1235)]
    said.take_in(sqlite_engine, board, posts, keys, settings, now)
    said.read_all(sqlite_engine, now)
    page = browser_of("Ada", Role.OFFICER).get("/mentions").text
    assert page.count("share before they delete it") == 1
    assert "said 1,234 more times" in page


def test_programs_see_the_copies_the_rate_and_the_gaps(
    sqlite_engine: sa.Engine,
    keys: Keys,
    settings: Settings,
    board: int,
    program: Callable[..., Browser],
    at_eight: datetime,
) -> None:
    posts = [RemoteMention(f"b{number}", HATE, at_eight, f"author {number}") for number in range(3)]
    said.take_in(sqlite_engine, board, posts, keys, settings, at_eight)
    said.read_all(sqlite_engine, at_eight)
    with database.writing(sqlite_engine) as session:
        session.add(
            SourceGap(source_id=board, began_at=at_eight, ended_at=at_eight, caught_up=2, lost=True, reason="x")
        )
    found = program("Ada", [Role.OFFICER], [Action.READ_MENTIONS]).get("/api/v1/mentions").json()
    assert [(one["text"], one["copies"]) for one in found["mentions"]] == [(HATE, 2)]
    (source,) = program("Sam", [Role.ADMINISTRATOR], [Action.MANAGE]).get("/api/v1/sources").json()
    assert (source["read_24h"], source["new_24h"], source["streamed"]) == (0, 0, False)
    assert [(gap["caught_up"], gap["lost"]) for gap in source["gaps"]] == [(2, True)]
    with database.reading(sqlite_engine) as session:
        assert len(session.exec(select(Mention.id)).all()) == 3


def test_a_rule_is_tried_on_what_came_in_whatever_language_it_is_in(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, board: int
) -> None:
    now = clock.now()
    posts = [
        RemoteMention("1", "police on elm", now, language="en"),
        RemoteMention("2", "policía en elm", now, language="es"),
        RemoteMention("3", "elm", now),
    ]
    said.take_in(sqlite_engine, board, posts, keys, settings, now)
    with database.reading(sqlite_engine) as session:
        tried = rules.tried(session, "elm lang:es", now - timedelta(days=1))
        assert (tried.matched, tried.of, set(tried.newest)) == (2, 3, {2, 3})
