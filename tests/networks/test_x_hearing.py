"""Listening on X: mentions and searches walked page by page, what is left out, what it costs; and which posts are gone.
The X is ours (x_server)."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from networks import accounts
from networks.network import (
    Connection,
    Listener,
    NetworkError,
    Outgoing,
    RateLimited,
    Rejected,
    RemoteMention,
    Unavailable,
)
from networks.registry import NETWORKS
from networks.tables import Account, Spending
from networks.x.hearing import FIRST, LATE, query
from networks.x.posts import id_at, listing, moment_of
from tests.networks.x_server import ME, Fault, XServer, account_on, an_x

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MENTIONS, SEARCH, LOOK_UP = f"GET /2/users/{ME}/mentions", "GET /2/tweets/search/recent", "GET /2/tweets"


@pytest.fixture
def x() -> Iterator[XServer]:
    with an_x(NOON) as server, clock.at(NOON):
        server.add_user("801", "ines")
        yield server


@pytest.fixture
def connection(x: XServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> Connection:
    return account_on(x, sqlite_engine, keys, settings)


@pytest.fixture
def search(x: XServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> Connection:
    return account_on(x, sqlite_engine, keys, settings, kind="search", query="Elm Street")


def ear(connection: Connection) -> Listener:
    made = NETWORKS["x"].listener
    assert made is not None
    return made(connection)


def gone(connection: Connection, ids: list[str]) -> set[str]:
    made = NETWORKS["x"].witness
    assert made is not None
    return set(made(connection).ask(ids).gone)


def after(x: XServer, span: timedelta) -> AbstractContextManager[None]:
    """The same moment for us and for X, so much after noon."""
    x.now = NOON + span
    return clock.at(x.now)


def walked(connection: Connection, cursor: str | None = None) -> tuple[list[RemoteMention], str | None]:
    """All pages of a walk, and the cursor after them."""
    found: list[RemoteMention] = []
    while True:
        page = ear(connection).mentions(cursor)
        found += page.mentions
        cursor = page.cursor
        if not page.more:
            return found, cursor


def read_for(connection: Connection) -> Decimal:
    with database.reading(connection.engine) as session:
        total = sa.func.coalesce(sa.func.sum(Spending.dollars), 0)
        return session.exec(select(total).where(Spending.what == "read")).one()


def test_a_mention_comes_with_what_was_written_and_who_wrote_it_when(x: XServer, connection: Connection) -> None:
    said = "@RivertonPD is riverton.gov/roads right? 1 < 2 & so on"
    post = x.write(said, by="801", at=NOON - timedelta(minutes=3), media=("1",), lang="es")
    (heard,), _ = walked(connection)
    assert heard == RemoteMention(
        remote_id=post.id,
        text="@RivertonPD is http://riverton.gov/roads right? 1 < 2 & so on",
        posted_at=NOON - timedelta(minutes=3),
        author_id="801",
        author_created_at=datetime(2019, 5, 4, 10, tzinfo=UTC),
        language="es",
        url=f"https://x.com/i/status/{post.id}",
        addressed=True,
    )


@pytest.mark.parametrize("old_names", [False, True])
def test_a_long_text_comes_whole_by_x_s_new_names_and_its_old_ones(
    x: XServer, connection: Connection, *, old_names: bool
) -> None:
    x.old_names = old_names
    x.write("@RivertonPD it began …", by="801", note="@RivertonPD it began " + "on Elm Street. " * 40, lang="und")
    (heard,), _ = walked(connection)
    assert (heard.text, heard.language) == (("@RivertonPD it began " + "on Elm Street. " * 40).strip(), None)
    assert (heard.author_id, heard.posted_at) == ("801", NOON)


@pytest.mark.parametrize(
    ("code", "language"), [("en", "en"), ("in", "id"), ("qme", None), ("zxx", None), ("pt-BR", "pt"), ("quz", None)]
)
def test_x_s_codes_of_languages_are_read_as_everybody_else_has_them(code: str, language: str | None) -> None:
    (post,) = listing({"data": [{"id": "1", "text": "x", "lang": code}]}).posts
    assert post.language() == language


def test_our_own_posts_and_what_was_said_to_a_few_are_left_out_and_reposts_marked(
    x: XServer, connection: Connection
) -> None:
    x.add_user("802", "omar", protected=True)
    x.write("@RivertonPD to myself", by=ME)
    passed_on = x.write("RT @ines: @RivertonPD hello", by="801")
    x.write("@RivertonPD to a few", by="802")
    public = x.write("@RivertonPD to all", by="801")
    heard, _ = walked(connection)
    assert {one.remote_id: one.repost for one in heard} == {public.id: False, passed_on.id: True}


def test_a_walk_goes_on_after_a_crash_where_it_was_and_loses_nothing(x: XServer, connection: Connection) -> None:
    x.page = 10
    written = [x.write(f"@RivertonPD number {number}", by="801").id for number in range(35)]
    first = ear(connection).mentions(None)
    second = ear(connection).mentions(first.cursor)
    came = x.write("@RivertonPD while you were reading", by="801")
    again = ear(connection).mentions(first.cursor)  # the second page was not stored
    assert [one.remote_id for one in again.mentions] == [one.remote_id for one in second.mentions]
    rest, cursor = walked(connection, again.cursor)
    seen = [*first.mentions, *again.mentions, *rest]
    assert sorted(one.remote_id for one in seen) == sorted(written)
    later, _ = walked(connection, cursor)
    assert came.id in [one.remote_id for one in later]


def test_a_post_that_comes_late_into_the_list_is_heard_and_old_ones_are_not_paid_for_again(
    x: XServer, connection: Connection
) -> None:
    late = x.write("@RivertonPD late", by="801", delay=LATE / 2)
    x.write("@RivertonPD early", by="801", at=NOON + timedelta(seconds=1))
    with after(x, timedelta(seconds=1)):
        heard, cursor = walked(connection)
    assert [one.text for one in heard] == ["@RivertonPD early"]
    with after(x, LATE / 2):
        heard, cursor = walked(connection, cursor)
    assert late.id in [one.remote_id for one in heard]
    with after(x, LATE * 2):
        _, cursor = walked(connection, cursor)
    with after(x, LATE * 3):
        before = read_for(connection)
        assert walked(connection, cursor)[0] == []
    assert read_for(connection) == before


def test_a_post_that_comes_late_while_a_walk_rests_is_heard_by_the_next(x: XServer, connection: Connection) -> None:
    x.page = 10
    late = x.write("@RivertonPD late", by="801", at=NOON + timedelta(seconds=10, milliseconds=500), delay=LATE / 2)
    for number in range(15):
        x.write(f"@RivertonPD number {number}", by="801", at=NOON + timedelta(seconds=number))
    with after(x, timedelta(seconds=20)):
        first = ear(connection).mentions(None)
    assert first.more
    with after(x, timedelta(hours=1)):
        rest, cursor = walked(connection, first.cursor)
        assert late.id not in [one.remote_id for one in rest]  # the walk had passed where it stands
        assert late.id in [one.remote_id for one in walked(connection, cursor)[0]]


def test_a_page_that_x_forgot_is_walked_to_again(x: XServer, connection: Connection) -> None:
    x.page = 10
    written = {x.write(f"@RivertonPD number {number}", by="801").id for number in range(25)}
    first = ear(connection).mentions(None)
    walk = json.loads(first.cursor or "{}") | {"following": "long ago"}
    rest, _ = walked(connection, json.dumps(walk))
    assert {one.remote_id for one in (*first.mentions, *rest)} == written


def test_a_first_walk_goes_back_so_far_and_no_further(x: XServer, connection: Connection, search: Connection) -> None:
    for days in (8, 6, 2):
        x.write(f"@RivertonPD Elm Street {days}", by="801", at=NOON - timedelta(days=days))
    near = x.write("@RivertonPD Elm Street 0", by="801", at=NOON - FIRST["search"] / 2)
    assert len(walked(connection)[0]) == 3
    assert [one.remote_id for one in walked(search)[0]] == [near.id]


def test_a_search_hears_what_has_its_words(x: XServer, search: Connection) -> None:
    post = x.write("A lamp is out on Elm Street", by="801")
    x.write("All is well on Oak Street", by="801")
    (heard,), _ = walked(search)
    assert (heard.remote_id, heard.addressed) == (post.id, False)
    assert read_for(search) == Decimal("0.005")


def test_a_search_that_rested_for_weeks_goes_on_as_far_back_as_x_allows(x: XServer, search: Connection) -> None:
    x.write("Elm Street, long ago", by="801")
    _, cursor = walked(search)
    with after(x, timedelta(days=20)):
        new = x.write("Elm Street, now", by="801", at=x.now - timedelta(days=5))
        heard, _ = walked(search, cursor)
    assert [one.remote_id for one in heard] == [new.id]


def test_a_search_is_asked_without_reposts_and_within_x_s_length() -> None:
    assert query("lamp OR light") == "(lamp OR light) -is:retweet"
    assert len(query("x" * 498)) == 512  # as much as X takes
    for typed, words in (("", "needs its words"), ("x" * 499, "at most 498")):
        with pytest.raises(Rejected, match=words):
            query(typed)


def test_the_budget_stops_reading_and_never_publishing(x: XServer, connection: Connection) -> None:
    for number in range(10):
        x.write(f"@RivertonPD number {number}", by="801")
    with database.writing(connection.engine) as session:
        account = session.exec(select(Account)).one()
        account.monthly_budget = Decimal("0.01")
        session.add(account)
    _, cursor = walked(connection)
    assert read_for(connection) == Decimal("0.01")
    asked = len(x.asked)
    with pytest.raises(RateLimited) as raised:
        ear(connection).mentions(cursor)
    assert (raised.value.retry_at, len(x.asked)) == (datetime(2026, 12, 1, tzinfo=UTC), asked)
    made = NETWORKS["x"].publisher
    assert made is not None
    made(connection).publish(Outgoing("0193a7d2f0007c3ea8b0123456789abc", "We are here."))
    assert x.said() == ["We are here."]
    with database.reading(connection.engine) as session:
        assert accounts.spent(session, account.id or 0, NOON) == Decimal("0.025")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(0), Unavailable),
        (Fault(503), Unavailable),
        (Fault(200, body="<html>"), Unavailable),
        (Fault(200, body=[]), Unavailable),
        (Fault(200, body={"data": {"id": "1"}}), Unavailable),
        (Fault(200, body={"data": [], "includes": {"users": [5]}}), Unavailable),
        (Fault(200, body={"data": [], "meta": 7}), Unavailable),
        (Fault(429), RateLimited),
        (Fault(400, body={"detail": "no such words"}), Rejected),
    ],
)
def test_what_cannot_be_read_moves_no_cursor(
    x: XServer, connection: Connection, fault: Fault, error: type[NetworkError]
) -> None:
    x.write("@RivertonPD hello", by="801")
    x.faults[MENTIONS] = [fault]
    with pytest.raises(error):
        ear(connection).mentions(None)
    assert [one.text for one in walked(connection)[0]] == ["@RivertonPD hello"]


def test_one_post_that_cannot_be_read_does_not_hide_the_others(x: XServer, connection: Connection) -> None:
    good = {"id": str(id_at(NOON)), "text": "@RivertonPD hello"}
    bad = [{"id": "1"}, {"id": "one", "text": "x"}, 5, {"id": "2", "text": "x", "created_at": "yesterday"}]
    x.faults[MENTIONS] = [Fault(200, body={"data": [good, *bad], "meta": {}})]
    page = ear(connection).mentions(None)
    assert [(one.text, one.posted_at, one.author_id) for one in page.mentions] == [("@RivertonPD hello", NOON, None)]
    assert len(page.refused) == 4


def test_ids_tell_their_moment() -> None:
    assert moment_of(str(id_at(NOON))) == NOON
    assert moment_of("1346889436626259968") == datetime(2021, 1, 6, 18, 40, 40, 344000, UTC)


def test_only_what_x_says_is_gone_is_gone(x: XServer, connection: Connection) -> None:
    there, hidden, unsaid = (x.write(f"@RivertonPD {number}", by="801").id for number in range(3))
    x.problems = {hidden: "Authorization Error", unsaid: "lost"}
    assert gone(connection, [there, hidden, unsaid, "12345", "no id", there]) == {hidden, "12345"}
    assert read_for(connection) == Decimal("0.005")


def test_a_post_is_paid_for_once_a_day(x: XServer, connection: Connection) -> None:
    post = x.write("@RivertonPD hello", by="801")
    walked(connection)
    for hours, dollars in ((0, "0.001"), (11, "0.001"), (12, "0.006"), (20, "0.006"), (36, "0.011")):
        with after(x, timedelta(hours=hours)):
            gone(connection, [post.id])
        assert read_for(connection) == Decimal(dollars)


def test_many_posts_are_asked_for_a_hundred_at_a_time_until_x_stops(x: XServer, connection: Connection) -> None:
    ids = [str(number) for number in range(1000, 1250)]
    assert gone(connection, ids) == set(ids)
    assert x.asked.count(LOOK_UP) == 3
    with pytest.raises(RateLimited):
        x.faults[LOOK_UP] = [Fault(429)]
        gone(connection, ids)
    both = {"errors": [{"title": "Not Found Error", "value": one, "detail": "x"} for one in ids[:2]]}
    x.faults[LOOK_UP] = [Fault(200, body=both), Fault(503)]
    assert gone(connection, ids) == set(ids[:2])


def test_nothing_is_gone_because_x_has_lost_its_way(x: XServer, connection: Connection) -> None:
    bodies: tuple[object, ...] = ({}, {"data": []}, {"errors": [{"title": "Internal Error", "resource_id": "1000"}]})
    for body in bodies:
        x.faults[LOOK_UP] = [Fault(200, body=body)]
        assert gone(connection, ["1000"]) == set()
    for fault in (Fault(404, body={"detail": "no such address"}), Fault(503)):
        x.faults[LOOK_UP] = [fault]
        with pytest.raises(NetworkError):
            gone(connection, ["1000"])
