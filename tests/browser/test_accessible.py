"""axe-core finds nothing on any page or state in a wide, light window; the first Tab skips to the page; hostile words
stay words."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from tests.browser import pages_of_the_desk as desk
from tests.browser.conftest import overflow

ALL = (*desk.READING, *desk.OURS)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
STATES: tuple[tuple[str, str], ...] = (
    ("/mentions", "document.querySelector('[name=ids]').click()"),
    ("/mentions", "document.querySelector('[data-keys]').click()"),
    ("/mentions/1", "for (const one of document.querySelectorAll('details')) one.open = true"),
    ("/compose/1", "for (const one of document.querySelectorAll('details')) one.open = true"),
    ("/posts/2", "for (const one of document.querySelectorAll('details')) one.open = true"),
    ("/planning", "for (const one of document.querySelectorAll('details')) one.open = true"),
    ("/calendar", "for (const one of document.querySelectorAll('.move')) one.open = true"),
)


@pytest.fixture(autouse=True)
def _full(sqlite_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person]) -> None:
    desk.fill(sqlite_engine, settings, keys, person)


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{page.url} {one['id']}: {node['target']} {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(("width", "dark"), [(1280, False)])
def test_axe_finds_nothing(
    quiet_page: Callable[..., Page], sqlite_engine: sa.Engine, complaints: list[str], width: int, dark: bool
) -> None:
    page = quiet_page("Ada", *desk.EVERYONE, width=width, dark=dark)
    found = []
    for path in ALL:
        page.goto(path)
        found += faults(page)
    for path, act in STATES:
        page.goto(path)
        page.evaluate(act)
        found += faults(page)
    desk.hold(sqlite_engine)
    for path in ("/hold", "/calendar", "/queue"):
        page.goto(path)
        found += faults(page)
    complaints[:] = [words for words in complaints if "404" not in words]  # /nowhere is meant
    assert found == []


def test_hostile_words_stay_words(quiet_page: Callable[..., Page]) -> None:
    page = quiet_page("Ada", *desk.EVERYONE)
    for path in ("/mentions", *(f"/mentions/{number}" for number in range(3, 3 + len(desk.HOSTILE)))):
        page.goto(path)
        assert "taken" not in page.title()
        assert page.locator("main form[action^='https:']").count() == 0
        assert page.get_by_role("heading", name="Not ours").count() == 0
        assert overflow(page) <= 0, path
    page.goto("/mentions")
    heights = page.locator("[data-mention] .heard").evaluate_all("all => all.map(one => one.offsetHeight)")
    assert max(heights) < 400  # stacked marks and fifty thousand letters do not push the rest away
    expect(page.locator(".foot")).to_contain_text("not a poll")


def test_the_first_tab_skips_to_the_page(quiet_page: Callable[..., Page]) -> None:
    page = quiet_page("Ada", *desk.EVERYONE)
    page.goto("/mentions")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the page")
