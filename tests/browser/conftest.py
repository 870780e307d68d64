"""A desk that is really served, and Debian's chromium to look at it. Every test here has the marker `browser`."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from config import clock, database, people, sign_ins
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts
from tests.browser.outreach_days import Days
from web import app as web_app
from web import serving

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
SHOTS = Path(os.environ.get("LIAISON_SCREENSHOTS", ".cache/screenshots"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def served(sqlite_engine: sa.Engine, settings: Settings, keys: Keys) -> Iterator[str]:
    """The address of the desk, served by uvicorn on a free port of the loopback."""
    with serving.listening("127.0.0.1", 0) as bound:
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        own = settings.model_copy(update={"base_url": address})
        server = serving.server_of(web_app.create(sqlite_engine, own, keys))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield address
        server.should_exit = True
        thread.join()


@pytest.fixture
def context_of(
    chromium: Browser, served: str, sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person]
) -> Iterator[Callable[..., BrowserContext]]:
    """`context_of("Ada", Role.OFFICER)`: a browser profile in which that person is signed in."""
    opened: list[BrowserContext] = []

    def open_one(name: str, *roles: Role, width: int = 1280, dark: bool = False) -> BrowserContext:
        with database.writing(sqlite_engine) as session:
            known = people.by_email(session, f"{name.lower()}@riverton.example") or person(session, name, *roles)
            token = sign_ins.open_sign_in(session, people.known_id(known), keys, clock.now())
        context = chromium.new_context(
            base_url=served,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.add_cookies([{"name": "liaison", "value": token, "url": served}])
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def complaints() -> list[str]:
    """What browsers wrote to their consoles on pages opened by `quiet_page`."""
    return []


@pytest.fixture
def quiet_page(context_of: Callable[..., BrowserContext], complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """`quiet_page("Ada", Role.OFFICER)`: a page that may not complain: errors on its console fail the test."""

    def open_one(name: str, *roles: Role, width: int = 1280, dark: bool = False) -> Page:
        page = context_of(name, *roles, width=width, dark=dark).new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_one
    assert complaints == []


@pytest.fixture
def days(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> Days:
    """The desk's clock in the test's hands, and an account on the practice board."""
    made = Days(sqlite_engine, keys, settings, now)
    monkeypatch.setattr(clock, "now", made.now)
    with database.writing(sqlite_engine) as session:
        accounts.add(session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=now)
    return made


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def tab_to(page: Page, selector: str) -> None:
    """Tab, and nothing else, until it has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(selector)
