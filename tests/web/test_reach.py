"""Reach on pages, in reports and for programs: by network, by kind, per post; what is not given is never 0."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import database
from config.permissions import Action, Role
from config.secrets import Keys
from config.tables import Person
from networks import accounts
from posts import reach
from posts.tables import Post, Target, TargetReach
from tests.web.browsing import Browser
from tests.web.test_api import Opens, program

__all__ = ["program"]  # a fixture

HOUR = timedelta(hours=1)


@pytest.fixture
def out(sqlite_engine: sa.Engine, browser_of: Callable[..., Browser], keys: Keys, at_eight: datetime) -> Browser:
    """One post on X, read twice, and on the board, read once; another that was not read yet; somebody who reads."""
    ada = browser_of("Ada", Role.OFFICER, Role.ANALYST)
    with database.writing(sqlite_engine) as session:
        for network, name in (("x", "Riverton PD"), ("practice", "Riverton PD (practice)"), ("mastodon", "Elsewhere")):
            accounts.add(session, network=network, name=name, handle="", secret="{}", keys=keys, now=at_eight)
        for number, category in ((1, "event"), (2, "safety")):
            session.add(
                Post(
                    id=number, title="Coffee", author_id=1, message="Coffee", category=category, state="published",
                    created_at=at_eight, updated_at=at_eight,
                )
            )  # fmt: skip
        session.flush()
        for number, post, account in ((1, 1, 1), (2, 1, 2), (3, 2, 3)):
            session.add(
                Target(
                    id=number, post_id=post, account_id=account, state="published", due_at=at_eight,
                    next_try_at=at_eight, key=f"k{number}", content_hash="h", text="Coffee", remote_id=str(number),
                    published_at=at_eight - 25 * HOUR,
                )
            )  # fmt: skip
        session.flush()
        session.add_all(
            [
                TargetReach(
                    target_id=1, age_hours=1, read_at=at_eight - 24 * HOUR, views=40, likes=1, reposts=0, replies=0
                ),
                TargetReach(
                    target_id=1, age_hours=24, read_at=at_eight - HOUR, views=1234, likes=5, reposts=2, replies=3
                ),
                TargetReach(target_id=2, age_hours=1, read_at=at_eight - 24 * HOUR, replies=4),
            ]
        )
    return ada


def rows(browser: Browser, path: str) -> dict[str, dict[str, str]]:
    found = csv.DictReader(io.StringIO(browser.get(path).content.decode("utf-8-sig")))
    return {f"{one['section']} / {one['figure']}": one for one in found}


def test_a_post_s_page_has_every_reading_and_says_what_is_not_given(out: Browser) -> None:
    page = " ".join(out.get("/posts/1").text.split())
    assert "1,234" in page
    assert ">40<" in page
    board = page[page.index("Riverton PD (practice)</th>") :].split("</tr>")[0]
    assert board.count("not given") == 3
    assert ">4<" in board.replace("</span>4<", ">4<")
    assert "Not read yet." in out.get("/posts/2").text


def test_a_draft_s_page_says_nothing_of_reach(out: Browser, sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        for target in session.exec(select(Target).where(Target.post_id == 2)):
            target.state = "waiting"
            session.add(target)
    assert "h-fared" not in out.get("/posts/2").text


def test_the_report_has_reach_by_network_and_by_kind_on_its_page_and_in_its_csv(out: Browser) -> None:
    page = out.get("/reports/weekly").text
    assert "Reach by network" in page
    assert 'id="made-reach"' in page
    told = rows(out, "/reports/weekly/report.csv")
    kind = told["Reach by kind of post / Events: Replies"]
    views = told["Reach by network / X: Views"]
    assert (views["value"], views["n"], views["unit"], views["note"]) == ("1234.0", "1.0", "views", "")
    board = told["Reach by network / Practice board: Views"]
    assert (board["value"], board["n"], board["note"]) == ("", "0.0", "not given")
    assert told["Reach by network / Mastodon: Likes"]["note"] == "not read yet"
    assert (kind["value"], kind["n"]) == ("7.0", "2.0")
    assert out.get("/reports/weekly/report.pdf").content.startswith(b"%PDF-")


def test_the_content_mix_has_four_weeks_of_it(out: Browser) -> None:
    page = " ".join(out.get("/outreach/mix").text.split())
    assert "Reach by kind of post" in page
    assert "1,234" in page
    assert "not read yet" in page


def test_in_spanish_it_is_said_in_spanish(out: Browser, sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        session.get_one(Person, 1).language = "es"
    assert "no se da" in out.get("/reports/weekly").text
    assert "Alcance por red" in out.get("/outreach/mix").text


def test_an_account_says_that_reach_cannot_be_read_and_since_when(
    out: Browser, sqlite_engine: sa.Engine, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        reach.failed(session, 1, "X answered 503", None, at_eight)
    page = " ".join(out.get("/accounts").text.split())
    assert "could not be read since" in page
    assert "X answered 503" in page


def test_a_program_gets_what_the_pages_have(
    out: Browser, program: Opens, sqlite_engine: sa.Engine, at_eight: datetime
) -> None:
    reader = program("Bob", [Role.ADMINISTRATOR], [Action.READ_POSTS, Action.READ_FIGURES])
    readings = reader.get("/api/v1/posts/1/reach").json()
    assert [(one["target_id"], one["age_hours"], one["views"], one["replies"]) for one in readings] == [
        (1, 1, 40, 0), (1, 24, 1234, 3), (2, 1, None, 4),
    ]  # fmt: skip
    assert reader.get("/api/v1/posts/9/reach").status_code == 404
    told = reader.get("/api/v1/reports/reach?days=7").json()
    by_name = {one["name"]: one for one in told["networks"]}
    assert by_name["x"]["views"] == {"sum": 1234, "posts": 1}
    assert (by_name["practice"]["views"], by_name["mastodon"]["read"]) == (None, 0)
    assert {one["name"]: one["replies"] for one in told["kinds"]} == {
        "event": {"sum": 7, "posts": 2},
        "safety": None,
    }
    assert reader.get("/api/v1/reports/reach?days=1").json()["networks"] == []
    with database.writing(sqlite_engine) as session:
        reach.failed(session, 1, "X answered 503", None, at_eight)
    assert [one["reach_error"] for one in reader.get("/api/v1/accounts").json()] == ["", "X answered 503", ""]
