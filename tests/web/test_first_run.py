import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from config import clock, database, people, sign_ins
from config.permissions import Role
from config.secrets import Keys
from networks import accounts
from tests.web.browsing import Browser, send
from tests.web.mistakes import named

GIVEN = {
    "name": "Ada Okafor",
    "email": "ada@riverton.example",
    "password": "a bridge over the river",
    "time_zone": "America/New_York",
}


@pytest.fixture
def code(sqlite_engine: sa.Engine, keys: Keys) -> str:
    with database.writing(sqlite_engine) as session:
        return sign_ins.new_code(session, "first_run", None, keys, clock.now(), timedelta(hours=24))


def test_the_code_makes_the_first_administrator_who_is_signed_in(
    stranger: Browser, sqlite_engine: sa.Engine, code: str
) -> None:
    assert stranger.get("/sign-in").headers["location"] == "/first-run"
    begun = send(
        stranger, "/first-run", page="/first-run", code=f" {code}\n", also=["officer"], practice="true", **GIVEN
    )
    assert (begun.status_code, begun.headers["location"]) == (303, "/?said=welcome")
    assert stranger.get("/people").status_code == 200
    with database.reading(sqlite_engine) as session:
        (person,) = people.all_people(session)
        assert people.roles_of(session, people.known_id(person)) == {Role.ADMINISTRATOR, Role.OFFICER}
        assert [account.network for account in accounts.connected(session)] == ["practice"]


def test_the_time_zones_that_are_offered_are_of_places(stranger: Browser, code: str) -> None:
    offered = re.findall(r"<option[^>]*>([^<]+)</option>", stranger.get("/first-run").text)
    assert {"Factory", "localtime"} & {*offered} == set()
    assert {"America/New_York", "UTC"} <= {*offered}


def test_a_wrong_code_makes_nobody(stranger: Browser, sqlite_engine: sa.Engine, code: str) -> None:
    refused = send(stranger, "/first-run", page="/first-run", code="guess", **GIVEN)
    assert named(refused).field == "code"
    with database.reading(sqlite_engine) as session:
        assert people.all_people(session) == []


def test_a_short_password_does_not_use_the_code_up(stranger: Browser, code: str) -> None:
    short = send(stranger, "/first-run", page="/first-run", code=code, **(GIVEN | {"password": "short"}))
    assert named(short).field == "password"
    assert "Ada Okafor" in short.text
    assert send(stranger, "/first-run", page="/first-run", code=code, **GIVEN).status_code == 303


def test_first_run_is_closed_once_there_is_somebody(
    stranger: Browser, browser_of: Callable[..., Browser], code: str, sqlite_engine: sa.Engine
) -> None:
    page = stranger.get("/first-run").text
    browser_of("Root", Role.ADMINISTRATOR)
    assert stranger.get("/first-run").headers["location"] == "/sign-in"
    assert page.count(code) == 0
    assert send(stranger, "/first-run", page="/sign-in", code=code, **GIVEN).headers["location"] == "/sign-in"
    with database.reading(sqlite_engine) as session:
        assert [person.name for person in people.all_people(session)] == ["Root"]
