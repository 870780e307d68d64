"""The public page tells figures only and is off by default; people's own data goes, and nobody learns whose it was."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import Session, SQLModel, col, func, select

from config import clock, database, legal_holds, people
from config.legal_holds import Kind
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry
from listeners import archive_import, data_requests, intake, sources
from listeners.tables import DataRequest, Mention, Source
from networks.network import RemoteMention
from scheduler import transparency
from scheduler.jobs import expiry, own_data
from sentiment import scoring
from sentiment.tables import AuthorDay, HourCount
from tests.sentiment.reader import WordReader
from tests.sentiment.street import ZONE
from tests.web.browsing import Browser, send
from web import app as web_app

PAGE = "/records/own-data"
JO, NOBODY = "2244994945", "99100991"  # ids of accounts on X


def hear(
    engine: sa.Engine,
    keys: Keys,
    settings: Settings,
    now: datetime,
    said: Sequence[tuple[str | None, str]],
    network: str = "x",
) -> None:
    """Posts (author, text), a minute apart, read by the model."""
    with database.writing(engine) as session:
        source = sources.by_name(session, network) or Source(network=network, name=network, every_seconds=0)
        session.add(source)
        session.flush()
        found = [
            (network, RemoteMention(f"{now}{n}", text, now - timedelta(minutes=n), author))
            for n, (author, text) in enumerate(said)
        ]
        intake.store(session, intake.prepare(found, source, intake.EVERYTHING, keys, settings, now))
    while scoring.score_pending(engine, WordReader(), now, zone=ZONE):
        pass


def count(engine: sa.Engine, table: type[SQLModel], *where: sa.ColumnElement[bool]) -> int:
    with database.reading(engine) as session:
        return session.exec(select(func.count()).select_from(table).where(*where)).one()


def _sam(session: Session) -> int:
    made = people.add_person(
        session, name="Sam", email="sam@riverton.example", password=None, roles=[Role.ADMINISTRATOR], time_zone="UTC",
        now=clock.now(),
    )  # fmt: skip
    return people.known_id(made)


@pytest.fixture
def town(sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime) -> sa.Engine:
    said = [(f"author {n}", f"speeding again {n}, useless") for n in range(12)]
    hear(sqlite_engine, keys, settings, at_eight - timedelta(days=2), [*said, (JO, "speeding on my street too")])
    return sqlite_engine


def test_the_public_page_is_off_unless_the_department_switches_it_on(
    town: sa.Engine, settings: Settings, keys: Keys, stranger: Browser
) -> None:
    assert stranger.get("/transparency").status_code == 404
    switched = {"public_transparency": True, "privacy_contact": "records@riverton.example", "retention_days": 21}
    on: FastAPI = web_app.create(town, settings.model_copy(update=switched), keys)
    with Browser(on) as anyone:
        page = " ".join(anyone.get("/transparency").text.split())
    assert "21 days at most" in page and "within 24 hours" in page  # the settings', and X's own rule
    assert "at least 10" in page  # of 13 posts
    assert "mailto:records@riverton.example" in page
    assert "speeding" not in page.lower()


def test_what_is_heard_on_the_practice_board_is_told_to_nobody_outside(
    town: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime
) -> None:
    def told() -> transparency.Told:
        with database.reading(town) as session:
            return transparency.tell(session, settings, at_eight)

    before = told()
    said = [(f"learner {n}", "speeding again") for n in range(20)]
    hear(town, keys, settings, at_eight - timedelta(days=2), said, "practice")
    assert told() == before
    assert before.concerns != ()
    hear(town, keys, settings, at_eight - timedelta(days=2), said, "bluesky")
    assert told().concerns != before.concerns


def test_a_word_said_from_the_account_deletes_its_data_and_nobody_elses(
    town: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime, browser_of: Callable[..., Browser]
) -> None:
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    send(sam, PAGE, page=PAGE)
    with database.reading(town) as session:
        (request,) = data_requests.open_requests(session)
    assert request.word in sam.get(PAGE).text
    assert own_data.look(town, settings, keys, at_eight) == 0
    passed_on = ("somebody", f"RT @jo {request.word}")
    hear(town, keys, settings, at_eight, [(JO, f"@RivertonPD {request.word.upper()}"), passed_on])
    assert own_data.look(town, settings, keys, at_eight) == 1
    jo, somebody = (keys.hash("author", f"x\n{name}") for name in (JO, "somebody"))
    for table in (Mention, AuthorDay):
        assert count(town, table, sa.column("author") == jo) == 0
        assert count(town, table, sa.column("author") == somebody) > 0
    assert count(town, Mention, col(Mention.shown).is_(True)) == 13
    with database.reading(town) as session:
        assert session.exec(select(func.sum(HourCount.posts)).where(HourCount.concern == "")).one() == 13
    assert request.word not in sam.get(PAGE).text
    assert own_data.look(town, settings, keys, at_eight) == 0


@pytest.mark.parametrize("network", ["feed", "facebook"])
def test_a_word_that_tells_no_account_meets_nothing_and_the_request_waits_for_the_account(
    town: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime, network: str
) -> None:
    with database.writing(town) as session:
        word = own_data.open_request(session, _sam(session), at_eight).word
    hear(town, keys, settings, at_eight, [(None, f"A reader writes: {word}")], network)
    assert own_data.look(town, settings, keys, at_eight) == 0
    hear(town, keys, settings, at_eight, [(JO, f"It is mine: {word}")])
    assert own_data.look(town, settings, keys, at_eight) == 1
    jo = keys.hash("author", f"x\n{JO}")
    assert [count(town, table, sa.column("author") == jo) for table in (Mention, AuthorDay)] == [0, 0]
    assert count(town, Mention, col(Mention.network) == network) == 1


HANDLES = [
    ("x", "@jo"), ("x", "jo"), ("bluesky", "jo.bsky.social"), ("bluesky", "did:plc:z72i7hdynmk6r"),
    ("mastodon", "@jo@mastodon.social"), ("mastodon", "jo@mastodon.social"), ("mastodon", "https://mastodon.social/@jo"),
    ("mastodon", "https://mastodon.social/web/@jo"), ("mastodon", "https://mastodon.social"), ("facebook", "jo.doe"),
    ("instagram", "Jo.Doe"), ("instagram", "@jo"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "handle"), HANDLES)
def test_a_handle_is_no_id_that_lasts_and_leaves_the_request_open(
    town: sa.Engine, browser_of: Callable[..., Browser], network: str, handle: str
) -> None:
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    send(sam, PAGE, page=PAGE)
    given = {"network": network, "account": handle, "proof": "Showed it"}
    refused = send(sam, f"{PAGE}/1/checked", page=PAGE, **given)
    assert (refused.status_code, "no lasting id of an account on" in refused.text) == (422, True)
    with database.reading(town) as session:
        (waits,) = data_requests.open_requests(session)
        assert waits.word != ""
        assert session.exec(select(AuditEntry.action).where(col(AuditEntry.action) == own_data.ACTION)).all() == []


IDS = [
    ("x", JO), ("bluesky", "did:plc:z72i7hdynmk6r22z27h6tvur"), ("bluesky", "did:web:riverton.example"),
    ("mastodon", "https://mastodon.social/users/jo"), ("mastodon", "https://mastodon.social/ap/users/1156"),
    ("mastodon", "https://blog.example/author/jo/"),
    ("mastodon", "https://blog.example/?author=1"),
    ("facebook", "10158923456789012"), ("instagram", "17841405793187218"), ("instagram", "jo.doe_1"),
    ("archive", "Jo Doe"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "account"), IDS)
def test_what_each_network_gives_as_an_author_s_id_is_taken(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, network: str, account: str
) -> None:
    hear(sqlite_engine, keys, settings, now, [(account, "speeding"), ("44", "speeding")], network)
    with database.writing(sqlite_engine) as session:
        sam = _sam(session)
        request = own_data.open_request(session, sam, now)
        own_data.checked(session, request, network, account, keys, sam, now, proof="seen")
    assert count(sqlite_engine, Mention, col(Mention.shown).is_(True)) == 1


ASKED = [
    ("https://town.example/@jo", "https://town.example/users/jo"),
    ("jo@town.example", "https://town.example/users/jo"),
    ("https://town.example/users/jo", "https://Town.example/users/jo/"),
    ("https://town.example/ap/users/115", "https://town.example/ap/users/115"),
]


@pytest.mark.parametrize(("heard", "asked"), ASKED)
def test_an_account_on_mastodon_is_found_by_its_uri_whatever_its_server_tells_of_it(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, heard: str, asked: str
) -> None:
    others = "https://town.example/users/joan"
    hear(sqlite_engine, keys, settings, now, [(heard, "speeding"), (others, "speeding")], "mastodon")
    _met(sqlite_engine, keys, now, "mastodon", asked)
    assert _kept(sqlite_engine, keys, ("mastodon", heard), ("mastodon", others)) == [0, 1]


IMPORTED = [("x", "x"), ("x", "archive"), ("clippings", "archive"), (None, "archive")]


@pytest.mark.parametrize(("network", "asked"), IMPORTED)
def test_what_was_imported_is_found_on_the_network_that_its_file_names_and_as_an_archive(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, tmp_path: Path, network: str | None,
    asked: str,
) -> None:  # fmt: skip
    line = {"network": network, "text": "Potholes again", "posted_at": now.isoformat()}
    lines = [line | {"id": number, "author": author} for number, author in enumerate(("ana_lopez", "bo"))]
    (tmp_path / "posts.jsonl").write_text("\n".join(json.dumps(one) for one in lines))
    archive_import.import_file(sqlite_engine, tmp_path / "posts.jsonl", settings=settings, keys=keys, now=now)
    _met(sqlite_engine, keys, now, asked, "ana_lopez")
    there = network or "archive"
    assert _kept(sqlite_engine, keys, (there, "ana_lopez"), (there, "bo")) == [0, 1]


def test_the_days_of_an_imported_author_go_also_after_the_imported_lines(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    line = {"network": "clippings", "text": "Potholes", "posted_at": now.isoformat(), "id": 1, "author": "ana_lopez"}
    (tmp_path / "posts.jsonl").write_text(json.dumps(line))
    archive_import.import_file(sqlite_engine, tmp_path / "posts.jsonl", settings=settings, keys=keys, now=now)
    while scoring.score_pending(sqlite_engine, WordReader(), now, zone=ZONE):
        pass
    later = now + timedelta(days=settings.retention_days + 1)
    expiry.expire(sqlite_engine, settings, later)
    assert (count(sqlite_engine, Mention), count(sqlite_engine, AuthorDay)) == (0, 1)
    _met(sqlite_engine, keys, later, "archive", "ana_lopez")
    assert count(sqlite_engine, AuthorDay) == 0


def _met(engine: sa.Engine, keys: Keys, now: datetime, network: str, account: str) -> None:
    """A request whose owner proved it to Sam."""
    with database.writing(engine) as session:
        sam = _sam(session)
        request = own_data.open_request(session, sam, now)
        own_data.checked(session, request, network, account, keys, sam, now, proof="seen")


def _kept(engine: sa.Engine, keys: Keys, *authors: tuple[str, str]) -> list[int]:
    """How many mentions there are of each author (network, id)."""
    hashes = [keys.hash("author", f"{network}\n{author}") for network, author in authors]
    return [count(engine, Mention, col(Mention.author) == author) for author in hashes]


def test_nobody_is_found_in_a_feed(
    sqlite_engine: sa.Engine, keys: Keys, now: datetime, browser_of: Callable[..., Browser]
) -> None:
    with database.reading(sqlite_engine) as session, pytest.raises(data_requests.NoAuthorId, match="News and feeds"):
        data_requests.hashes_of(session, "feed", "The Ledger", keys)
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    send(sam, PAGE, page=PAGE)
    offered = re.findall(r'<option value="(\w+)"', sam.get(PAGE).text)
    assert offered == ["bluesky", "mastodon", "x", "facebook", "instagram", "archive"]


def test_what_went_does_not_come_back_from_a_source_that_looks_back_and_its_trace_goes_with_the_days(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    said = [("jo", "speeding on my street"), ("nan", "useless")]
    hear(engine, keys, settings, now, said)
    jo = keys.hash("author", "x\njo")
    with database.writing(engine) as session:
        own_data.erase(session, jo, now)
    hear(engine, keys, settings, now, said)
    for table in (Mention, AuthorDay):
        assert count(engine, table, sa.column("author") == jo) == 0
    with database.reading(engine) as session:
        (trace,) = session.exec(select(Mention).where(col(Mention.shown).is_(False)))
        assert session.exec(select(func.sum(HourCount.posts)).where(HourCount.concern == "")).one() == 1
    assert (trace.text, trace.sealed_reference, trace.thread, trace.check_at) == (None, None, None, None)
    expiry.expire(engine, settings, now + timedelta(days=settings.retention_days))
    assert count(engine, Mention) == 0


def test_another_proof_is_answered_the_same_whether_or_not_anything_was_kept(
    town: sa.Engine, keys: Keys, browser_of: Callable[..., Browser]
) -> None:
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    shown = []
    for number, account in enumerate((JO, NOBODY), start=1):
        send(sam, PAGE, page=PAGE)
        answer = send(sam, f"{PAGE}/{number}/checked", page=PAGE, network="x", account=account, proof="seen in person")
        assert answer.status_code == 303
        shown.append(answer.headers["location"])
        assert send(sam, f"{PAGE}/{number}/withdraw", page=PAGE).status_code == 404
    assert len(set(shown)) == 1
    assert count(town, AuthorDay, sa.column("author") == keys.hash("author", f"x\n{JO}")) == 0
    with database.reading(town) as session:
        log = [str(entry.detail) for entry in session.exec(select(AuditEntry)) if entry.action.startswith("own_data")]
        rows = [str(one.model_dump()) for one in session.exec(select(DataRequest))]
    assert not [line for line in (*log, *rows) if JO in line or NOBODY in line]
    assert {"count", "ids", "posts"}.isdisjoint(" ".join(log).split("'"))


def test_what_is_said_too_little_of_deletes_nothing(town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    sam, una = browser_of("Sam", Role.ADMINISTRATOR), browser_of("Una", Role.AUDITOR)
    send(sam, PAGE, page=PAGE)
    for fields in ({}, {"network": "x", "account": JO}, {"network": "moon", "account": JO, "proof": "p"}):
        assert send(sam, f"{PAGE}/1/checked", page=PAGE, **fields).status_code == 422
    assert una.get(PAGE).status_code == 200
    assert send(una, f"{PAGE}/1/checked", page="/account", network="x", account=JO, proof="p").status_code == 403
    assert count(town, Mention, col(Mention.shown).is_(True)) == 13


def test_a_legal_hold_keeps_what_its_owner_asks_to_delete(
    town: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime, browser_of: Callable[..., Browser]
) -> None:
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    with database.writing(town) as session:
        period = (at_eight - timedelta(days=3), at_eight - timedelta(days=1))
        legal_holds.place(session, Kind.PERIOD, "Case 1", None, at_eight, period=period)
    send(sam, PAGE, page=PAGE)
    send(sam, f"{PAGE}/1/checked", page=PAGE, network="x", account=JO, proof="seen")
    assert count(town, Mention, sa.column("author") == keys.hash("author", f"x\n{JO}")) == 1


def test_a_word_that_nobody_says_lapses(
    town: sa.Engine, settings: Settings, keys: Keys, at_eight: datetime, browser_of: Callable[..., Browser]
) -> None:
    send(browser_of("Sam", Role.ADMINISTRATOR), PAGE, page=PAGE)
    own_data.look(town, settings, keys, at_eight + data_requests.LIFETIME)
    with database.reading(town) as session:
        assert session.get_one(DataRequest, 1).ended_how == "lapsed"


def test_whoever_is_signed_in_sees_the_page_before_the_public_does(
    stranger: Browser, browser_of: Callable[..., Browser]
) -> None:
    assert stranger.get("/transparency").status_code == 404
    assert "/transparency" not in stranger.get("/sign-in").text
    ada = browser_of("Ada", Role.OFFICER)
    assert 'href="/transparency"' in ada.get("/").text
    shown = ada.get("/transparency")
    assert shown.status_code == 200
    assert "Only people of this desk see this page." in shown.text
