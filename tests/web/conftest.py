"""A desk over a real SQLite file, and browsers that are signed in to it."""

import gzip
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import sqlalchemy as sa
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

from config import clock, database, people, sign_ins
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from sentiment import vega
from tests.web.browsing import Browser
from web import app as web_app


@pytest.fixture(scope="session", autouse=True)
def _one_loop() -> Iterator[None]:
    """All browsers share an event loop: to start one at each request takes 3 ms of it."""
    with start_blocking_portal() as loop:
        Browser.portal = loop
        yield
    Browser.portal = None


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With Vega's bundle in its place, a line of it: whoever looks at every page would else wait for a process that
    bundles for seconds. tests/sentiment/test_vega.py makes the real one."""
    folder = settings.data_dir / "cache"
    folder.mkdir(parents=True)
    (folder / f"vega-{vega.VERSION}.js.gz").write_bytes(gzip.compress(b"export const embed = 1;"))
    return settings


@pytest.fixture
def desk_app(sqlite_engine: sa.Engine, settings: Settings, keys: Keys) -> FastAPI:
    return web_app.create(sqlite_engine, settings, keys)


@pytest.fixture
def stranger(desk_app: FastAPI) -> Iterator[Browser]:
    """A browser that is not signed in."""
    with Browser(desk_app, follow_redirects=False, raise_server_exceptions=False) as browser:
        yield browser


@pytest.fixture
def browser_of(
    desk_app: FastAPI, sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person]
) -> Callable[..., Browser]:
    """`browser_of("Ada", Role.OFFICER)`: adds the person if need be; gives a browser that is signed in."""

    def open_one(name: str, *roles: Role) -> Browser:
        with database.writing(sqlite_engine) as session:
            known = people.by_email(session, f"{name.lower().replace(' ', '.')}@riverton.example")
            who = known or person(session, name, *roles)
            token = sign_ins.open_sign_in(session, people.known_id(who), keys, clock.now())
        browser = Browser(desk_app, follow_redirects=False, raise_server_exceptions=False)
        browser.cookies.set("liaison", token)
        return browser

    return open_one


@pytest.fixture
def at_eight(now: datetime) -> Iterator[datetime]:
    """The clock stands at the `now` of the tests."""
    with clock.at(now):
        yield now
