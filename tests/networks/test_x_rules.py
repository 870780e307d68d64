"""The watch rules searched for on X: each post comes in once, whatever search finds it; a walk for each search. The X
is ours (x_server)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from listeners import polling, rules, sources
from listeners.tables import Mention, Source
from networks.network import Connection, Page, Rejected
from networks.registry import NETWORKS
from networks.x.hearing import MOST_SEARCHES
from tests.networks.x_server import XServer, account_on, an_x

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def x() -> Iterator[XServer]:
    with an_x(NOON) as server, clock.at(NOON):
        server.add_user("801", "ines")
        yield server


@pytest.fixture
def connection(x: XServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> Connection:
    return account_on(x, sqlite_engine, keys, settings, kind="rules")


def a_page(connection: Connection, searches: tuple[str, ...], cursor: str | None) -> Page:
    made = NETWORKS["x"].listener
    assert made is not None
    return made(replace(connection, searches=searches)).mentions(cursor)


def heard(connection: Connection, searches: tuple[str, ...], cursor: str | None) -> tuple[list[str], str | None]:
    """Texts of all pages of a round, and the cursor after them."""
    found: list[str] = []
    while True:
        page = a_page(connection, searches, cursor)
        found += [one.text for one in page.mentions]
        cursor = page.cursor
        if not page.more:
            return found, cursor


def test_what_the_rules_match_comes_in_once_and_what_only_the_search_finds_stays_out(
    x: XServer, connection: Connection, sqlite_engine: sa.Engine, keys: Keys, settings: Settings
) -> None:
    with database.writing(sqlite_engine) as session:
        rules.add(session, "streets", '("river rd" OR elm) police NOT (film crew)')
        rules.add(session, "elm", "elm")
        source = sources.add(
            session,
            network="x",
            name="X by the rules",
            settings={"kind": "rules"},
            every_seconds=300,
            now=NOON,
            account_id=connection.account_id,
        )
    for text in ("Elm St police again", "police on River Rd, a film crew", "a crew on river rd, police!", "all well"):
        x.write(text, by="801")
    private = settings.model_copy(update={"fetch_private_addresses": True})
    assert polling.poll(sqlite_engine, source.id or 0, private, keys, NOON) == 2
    with database.reading(sqlite_engine) as session:
        assert session.get_one(Source, source.id).last_error is None
        texts = set(session.exec(select(Mention.text)))
    assert texts == {"Elm St police again", "a crew on river rd, police!"}


def test_each_search_goes_on_where_it_was_when_other_rules_change(x: XServer, connection: Connection) -> None:
    x.write("elm one", by="801", at=NOON - timedelta(minutes=10))
    first, cursor = heard(connection, ("elm", "oak"), None)
    with clock.at(NOON + timedelta(hours=1)):
        x.now = NOON + timedelta(hours=1)
        x.write("elm two", by="801")
        x.write("birch one", by="801", at=NOON - timedelta(minutes=5))
        second, after = heard(connection, ("elm", "birch"), cursor)
    assert (first, sorted(second)) == (["elm one"], ["birch one", "elm two"])
    assert len(json.loads(after or "")["walks"]) == 2  # the search for oak is forgotten


def test_many_pages_of_one_search_do_not_hide_the_next(x: XServer, connection: Connection) -> None:
    x.page = 10
    for number in range(25):
        x.write(f"elm {number}", by="801")
    x.write("oak", by="801")
    found, _ = heard(connection, ("elm", "oak"), None)
    assert len(found) == 26


def test_a_search_that_x_refuses_holds_up_no_other_and_is_told(x: XServer, connection: Connection) -> None:
    x.write("elm one", by="801")
    x.write("oak one", by="801")
    searches = ("fir", "elm", "ash", "yew", "oak", "box")
    x.refuses = {"fir", "ash", "yew", "box"}
    found, cursor = list[str](), None
    for _ in range(3):
        page = a_page(connection, searches, cursor)
        found, cursor = [*found, *(one.text for one in page.mentions)], page.cursor
    assert (found, page.more) == (["elm one", "oak one"], False)
    assert [searches.index(one.split(": ")[0]) for one in page.refused] == [0, 2, 3, 5]
    x.write("elm two", by="801")
    x.refuses = {"ash"}
    page = a_page(connection, searches[1:], cursor)  # the next round, in which each page tells of all
    assert page.mentions[0].text == "elm two"
    assert [searches.index(one.split(": ")[0]) for one in page.refused] == [2, 3, 5]
    while page.more:
        page = a_page(connection, searches[1:], page.cursor)
    assert [searches.index(one.split(": ")[0]) for one in page.refused] == [2]
    x.refuses = {"fir", "ash"}
    with pytest.raises(Rejected):  # with no search that X takes, it is an error like any other
        a_page(connection, ("fir", "ash"), None)


def test_without_a_rule_and_with_too_many_it_is_said_what_to_do(x: XServer, connection: Connection) -> None:
    with pytest.raises(Rejected, match="no watch rule"):
        a_page(connection, (), None)
    with pytest.raises(Rejected, match="leave some names out"):
        a_page(connection, tuple(f"word{number}" for number in range(MOST_SEARCHES + 1)), None)
