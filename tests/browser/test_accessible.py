"""Every page and state, in both themes, wide and on a phone: axe-core finds nothing, focus is seen, a narrow window and
twice the size lose nothing, nothing moves where motion is not wanted. Tab goes in the order of the page; hostile words
stay words. A page is loaded once and then looked at in every way."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from config.translations import LANGUAGES
from tests.browser import pages_of_the_desk as desk
from tests.browser.conftest import overflow

ALL = (*desk.READING, *desk.OURS, "/reports", "/reports/monthly", "/channels", "/deliveries", "/compose?concern=drugs")
PARTS = 4  # of them, so that workers share the minutes that it takes
EMPTY = ("/", "/mentions", "/concerns", "/alerts", "/sources", "/accounts", "/approvals", "/calendar", "/outreach")
PUBLIC = ("/sign-in", "/sign-in?next=/compose", "/transparency", "/said-and-done", "/stop/wrong", "/partner/wrong")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPEN_ALL = "for (const one of document.querySelectorAll('main details')) one.open = true"
STATES: tuple[tuple[str, str], ...] = (
    ("/", "document.querySelector('.dock details').open = true"),
    ("/mentions", "document.querySelector('[name=ids]').click()"),
    ("/mentions", "document.querySelector('[data-keys]').click()"),
    ("/mentions/1", OPEN_ALL),
    ("/compose/1", OPEN_ALL),
    ("/posts/2", OPEN_ALL),
    ("/planning", OPEN_ALL),
    ("/calendar", "for (const one of document.querySelectorAll('.move')) one.open = true"),
)
AXE = Axe()
# What can be focused and is shown, focused one after the other as by keys: those that show no sign of it, and
# any that would leave the order of the page.
UNSEEN = """() => {
  const found = [];
  const shown = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: false });
  const all = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]';
  for (const one of document.querySelectorAll(all)) {
    if (one.disabled || !shown(one)) continue;
    if (one.tabIndex > 0) found.push(`${one.outerHTML.slice(0, 120)}: out of order`);
    one.focus();
    if (document.activeElement !== one) continue;
    const outlined = [one, one.closest('label')].filter(Boolean).map((sign) => getComputedStyle(sign));
    if (!outlined.some((sign) => sign.outlineStyle !== 'none' && parseFloat(sign.outlineWidth) >= 2)) {
      found.push(`${one.outerHTML.slice(0, 120)}: focus is not seen`);
    }
  }
  document.activeElement?.blur();
  scrollTo(0, 0);
  return found;
}"""
MOVES = """() => [...document.querySelectorAll('*')].filter((one) => {
  const style = getComputedStyle(one);
  return [style.transitionDuration, style.animationDuration].some((lasts) => parseFloat(lasts) > 0.01);
}).map((one) => `${one.outerHTML.slice(0, 120)}: moves`)"""


CUT_IN_THE_DOCK = """() => [...document.querySelectorAll('.dock > ul > li > a')].filter((one) =>
  one.scrollWidth > one.clientWidth).map((one) => one.textContent)"""
WATCH_FOCUS = """() => {
  window.went = [];
  document.addEventListener('focusin', (event) => window.went.push(event.target));
}"""
# For each place where focus went, until it is round: empty where it came after the one before and is to be seen.
WENT_BACK = """() => window.went.slice(0, window.went.indexOf(window.went[0], 1) >>> 0).map((one, place) => {
  const before = window.went[place - 1];
  const forward = !before || before.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING;
  return forward && one.getBoundingClientRect().width ? '' : one.outerHTML.slice(0, 120);
})"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_actions": True, "public_events": True, "public_transparency": True})


@pytest.fixture
def _full(sqlite_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person]) -> None:
    desk.fill(sqlite_engine, settings, keys, person)


def broken_rules(page: Page, **only: object) -> Iterator[str]:
    """What axe-core finds on a page into which it was brought already."""
    options = {"runOnly": RULES, "resultTypes": ["violations"], **only}
    for one in page.evaluate("options => axe.run(options).then(found => found.violations)", options):
        for node in one["nodes"]:
            yield f"{one['id']}: {node['target']} {node['failureSummary'][:300]}"


def faults(page: Page) -> list[str]:
    """All that is wrong with the page that is open, in every look."""
    page.evaluate(AXE.axe_script)
    found: list[tuple[str, str]] = []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            only = {} if scheme == "light" else {"runOnly": ["color-contrast"]}  # all that a theme can change
            found += [(f"{width} {scheme}", one) for one in broken_rules(page, **only)]
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    for width in (320, 640):  # 640: the wide window at twice the size
        page.set_viewport_size({"width": width, "height": 450})
        if overflow(page) > 0:
            found.append((str(width), f"{overflow(page)} px too wide"))
    page.set_viewport_size({"width": 1280, "height": 900})
    page.keyboard.press("Shift")  # from here on focus shows as it does for keys
    found += [("1280", one) for one in (*page.evaluate(UNSEEN), *page.evaluate(MOVES))]
    return [f"{page.url} {look}: {one}" for look, one in found]


@pytest.mark.usefixtures("_full")
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_wrong_with_any_page_in_any_look(
    quiet_page: Callable[..., Page], complaints: list[str], part: int
) -> None:
    page = quiet_page("Ada", *desk.EVERYONE)
    found = []
    for path in ALL[part::PARTS]:
        page.goto(path)
        found += faults(page)
    complaints[:] = [words for words in complaints if "404" not in words]  # one page shows what is not there: meant
    assert found == [], "\n".join(found)


@pytest.mark.usefixtures("_full")
def test_nothing_is_wrong_with_any_state_in_any_look(
    quiet_page: Callable[..., Page], sqlite_engine: sa.Engine, complaints: list[str]
) -> None:
    page = quiet_page("Ada", *desk.EVERYONE)
    found = []
    for path, act in STATES:
        page.goto(path)
        page.evaluate(act)
        found += faults(page)
    desk.hold(sqlite_engine)
    for path in ("/hold", "/calendar", "/queue"):
        page.goto(path)
        found += faults(page)
    analyst = quiet_page("Ana", Role.ANALYST)
    analyst.goto("/compose")  # not part of their work
    found += faults(analyst)
    complaints[:] = [words for words in complaints if "404" not in words and "403" not in words]  # both are meant
    assert found == [], "\n".join(found)


def test_nothing_is_wrong_with_an_empty_desk_or_with_pages_for_anyone(
    quiet_page: Callable[..., Page], chromium: Browser, served: str
) -> None:
    anyone = chromium.new_context(base_url=served, reduced_motion="reduce").new_page()
    found = []
    for path in ("/first-run", *PUBLIC):
        anyone.goto(path)
        found += faults(anyone)
    anyone.context.close()
    page = quiet_page("Ada", *desk.EVERYONE)
    for path in EMPTY:
        page.goto(path)
        found += faults(page)
    assert found == [], "\n".join(found)


@pytest.mark.usefixtures("_full")
def test_no_page_is_wider_than_a_small_phone_in_any_language(
    quiet_page: Callable[..., Page], sqlite_engine: sa.Engine, complaints: list[str]
) -> None:
    """Words in Spanish are longer, and an officer's pages have the button of the hold at the top."""
    page = quiet_page("Ada", *desk.EVERYONE)
    found = []
    for language in LANGUAGES:
        with database.writing(sqlite_engine) as session:
            session.exec(sa.update(Person).values(language=language))
        for path in (*ALL, "/transparency"):
            page.set_viewport_size({"width": 1280, "height": 640})
            page.goto(path)
            for width in (390, 375, 360, 320):
                page.set_viewport_size({"width": width, "height": 640})
                cut = page.evaluate(CUT_IN_THE_DOCK) if path == "/" else []
                found += [f"{one} in {language} at {width}: cut" for one in cut]
                if overflow(page) > 0:
                    found.append(f"{path} in {language} at {width}: {overflow(page)} px too wide")
    complaints[:] = [words for words in complaints if "404" not in words]  # one page shows what is not there: meant
    assert found == [], "\n".join(found)


@pytest.mark.usefixtures("_full")
def test_tab_goes_in_the_order_of_the_page(quiet_page: Callable[..., Page]) -> None:
    page = quiet_page("Ada", *desk.EVERYONE)
    for path in ("/", "/mentions", "/compose/1", "/calendar", "/posts/2"):
        page.goto(path)
        page.evaluate(WATCH_FOCUS)
        for _ in range(45):
            page.keyboard.press("Tab")
        went = page.evaluate(WENT_BACK)
        assert len(went) >= 25, path
        assert [one for one in went if one] == [], path


@pytest.mark.usefixtures("_full")
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


@pytest.mark.usefixtures("_full")
def test_the_first_tab_skips_to_the_page(quiet_page: Callable[..., Page]) -> None:
    page = quiet_page("Ada", *desk.EVERYONE)
    page.goto("/mentions")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the page")
