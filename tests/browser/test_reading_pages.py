"""Today, the inbox, alerts, concerns and sources in a real browser; and one story from a mention to the board."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect

from config import clock, database, secrets
from config.permissions import Role
from config.secrets import Keys
from config.settings import Department, Settings
from config.tables import Person
from listeners import archive_import, places
from networks import accounts
from posts.pools import Pools
from scheduler.jobs import alerting, publishing, scoring
from scheduler.sample_town import town
from sentiment import model
from tests.browser.conftest import SHOTS, overflow

PAGES = (
    "/", "/mentions", "/mentions?state=all&trust=mistrust", "/mentions/600", "/alerts", "/alerts/1",
    "/concerns", "/concerns/traffic_safety", "/sources", "/accounts",
)  # fmt: skip
ALL = (Role.OFFICER, Role.APPROVER, Role.ADMINISTRATOR)


@pytest.fixture(scope="module")
def month(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample town's month in a store, read by the real model, with its alert: made once, for that takes seconds."""
    folder = tmp_path_factory.mktemp("month")
    store, export = folder / "month.db", folder / "riverton.jsonl"
    shutil.copy(empty_store, store)
    engine, keys, morning = database.connect(f"sqlite:///{store}"), secrets.for_tests(), town.last_morning(clock.now())
    settings = Settings(data_dir=folder / "data", department=Department(name="Riverton Police Department"))
    export.write_text("\n".join(json.dumps(post) for post in town.posts(morning)), encoding="utf-8")
    with database.writing(engine) as session:
        for name, other_names in town.PLACES.items():
            places.add(session, name, other_names)
        accounts.add(
            session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=clock.now()
        )
    archive_import.import_file(engine, export, settings=settings, keys=keys, now=morning)
    scoring.score_all(engine, model.load(), settings, morning)
    alerting.look(engine, settings, morning)
    engine.dispose()
    return store


@pytest.fixture
def riverton(sqlite_engine: sa.Engine, month: Path) -> None:
    """That month in this test's own store."""
    with closing(sqlite3.connect(month)) as made, sqlite_engine.connect() as connection:
        kept = connection.connection.driver_connection
        assert isinstance(kept, sqlite3.Connection)
        made.backup(kept)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True), (320, False)])
def test_pages_fit_and_do_not_complain(
    riverton: None,
    quiet_page: Callable[..., Page],
    width: int,
    dark: bool,
) -> None:
    page = quiet_page("Ada", *ALL, width=width, dark=dark)
    SHOTS.mkdir(parents=True, exist_ok=True)
    for path in PAGES:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert overflow(page) <= 0, path
        name = path.split("?")[0].strip("/").replace("/", "-") or "today"
        page.screenshot(path=SHOTS / f"{name}-{width}{'-dark' if dark else ''}.png", full_page=True)


def test_the_inbox_is_worked_by_keys_alone(riverton: None, context_of: Callable[..., BrowserContext]) -> None:
    page = context_of("Ada", Role.OFFICER).new_page()
    page.goto("/mentions")
    first = page.locator("[data-mention]").first.get_attribute("id")
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.locator("[data-mention]").first).not_to_have_attribute("id", first or "")
    page.goto("/mentions?state=done")
    expect(page.locator(f"#{first}")).to_be_visible()
    page.goto("/mentions")
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile(r"/compose\?reply_to=\d+"))


def test_after_a_move_by_key_one_stays_at_the_same_line(
    riverton: None, context_of: Callable[..., BrowserContext]
) -> None:
    page = context_of("Ada", Role.OFFICER).new_page()
    page.goto("/mentions")
    third, fourth = (page.locator("[data-mention]").nth(number).get_attribute("id") for number in (2, 3))
    for key in ("j", "j", "j", "e"):
        page.keyboard.press(key)
    expect(page.locator(f"#{third}")).to_have_count(0)
    expect(page.locator(f"#{fourth}")).to_be_focused()


def test_on_a_phone_every_page_is_reached_from_more(riverton: None, context_of: Callable[..., BrowserContext]) -> None:
    page = context_of("Ada", *ALL, width=320).new_page()
    page.goto("/")
    page.locator(".dock summary").click()
    page.locator(".dock").get_by_role("link", name="Concerns").click()
    expect(page).to_have_url(re.compile(r"/concerns$"))
    expect(page.locator(".dock summary")).to_have_attribute("aria-current", "true")


def test_from_an_alert_to_the_board_by_two_people(
    riverton: None,
    context_of: Callable[..., BrowserContext],
    sqlite_engine: sa.Engine,
    settings: Settings,
    keys: Keys,
) -> None:
    officer, approver = context_of("Ana", Role.OFFICER).new_page(), context_of("Luc", Role.APPROVER).new_page()
    officer.goto("/")
    expect(officer.get_by_role("heading", level=1)).to_contain_text("Traffic and road safety")
    officer.get_by_role("button", name="Take it").click()
    expect(officer.get_by_text("Taken", exact=True)).to_be_visible()
    officer.get_by_role("link", name="Write a post about it").click()
    officer.get_by_role("textbox", name="Message").fill(
        "You told us about Elm Street. An officer is there in the mornings."
    )
    due = clock.now().astimezone(settings.department.zone) + timedelta(minutes=2)
    officer.locator("#day").fill(f"{due:%Y-%m-%d}")
    officer.locator("#hour").fill(f"{due:%H:%M}")
    officer.get_by_role("button", name="Send for approval").click()
    expect(officer.get_by_text("It waits for approval now.")).to_be_visible()

    approver.goto("/approvals")
    approver.locator(".todo a").first.click()
    approver.get_by_role("button", name="Approve").first.click()
    expect(approver.get_by_text("Approved. It goes out at its time.")).to_be_visible()

    pools = Pools(sqlite_engine, settings, keys)
    publishing.tick(sqlite_engine, settings, keys, pools, clock.now() + timedelta(minutes=3))
    assert pools.drain(10)
    officer.goto("/board")
    expect(officer.get_by_text("You told us about Elm Street.")).to_be_visible()
    officer.goto("/")
    expect(officer.get_by_text("Sent", exact=True)).to_be_visible()


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.usefixtures("riverton")
def test_the_menu_of_somebody_with_two_roles_stands_on_one_line(
    context_of: Callable[..., BrowserContext], sqlite_engine: sa.Engine, language: str
) -> None:
    page = context_of("Ada", Role.OFFICER, Role.ADMINISTRATOR).new_page()
    with database.writing(sqlite_engine) as session:
        session.execute(sa.update(Person).values(language=language))
    page.goto("/mentions")
    assert page.locator(".nav .count").count() == 2
    assert page.locator(".nav li").evaluate_all("all => new Set(all.map(one => one.offsetTop)).size") == 1
