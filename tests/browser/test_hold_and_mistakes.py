"""A hold placed, seen and lifted where no script runs, on a phone and on a desk; mistakes mended by keys alone."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, select

from config import database, holds, people, sign_ins
from config.permissions import Role
from config.secrets import Keys
from config.tables import Person
from posts import drafts
from posts.tables import Post
from tests.browser.conftest import SHOTS, overflow
from tests.browser.outreach_days import Days

REASON = "Serious crash on Route 9"
PAGES = ("/", "/mentions", "/concerns", "/compose", "/calendar", "/queue", "/approvals", "/posts/1", "/outreach")


@pytest.fixture
def _three_posts(days: Days, person: Callable[..., Person]) -> None:
    """Approved, for nine o'clock of a day that begins."""
    days.turn("2026-11-24T08:10")
    now = days.now()
    with database.writing(days.engine) as session:
        ada = people.known_id(person(session, "Ada", Role.OFFICER))
        luc = people.known_id(person(session, "Luc", Role.APPROVER))
        for title in ("Coffee with officers", "Road works on Oak Avenue", "Winter parking rules for all streets"):
            post = drafts.create(session, ada, f"{title}.", [1], now, title=title)
            drafts.schedule(session, post.id or 0, ada, datetime(2026, 11, 24, 9), "America/New_York", now)  # noqa: DTZ001  (wall time)
            drafts.submit(session, post.id or 0, ada, now)
            drafts.approve(session, post.id or 0, luc, post.content_hash, now)


@pytest.fixture
def plain(chromium: Browser, served: str, days: Days, keys: Keys) -> Iterator[Callable[[str, int], Page]]:
    """`plain("Ada", 390)`: her browser without JavaScript, so wide."""
    opened: list[Page] = []

    def open_one(name: str, width: int) -> Page:
        with database.writing(days.engine) as session:
            known = people.by_email(session, f"{name.lower()}@riverton.example")
            assert known is not None
            token = sign_ins.open_sign_in(session, people.known_id(known), keys, days.now())
        context = chromium.new_context(
            base_url=served, java_script_enabled=False, viewport={"width": width, "height": 900}
        )
        context.add_cookies([{"name": "liaison", "value": token, "url": served}])
        opened.append(context.new_page())
        return opened[-1]

    yield open_one
    for page in opened:
        page.context.close()


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.usefixtures("_three_posts")
def test_without_javascript_a_hold_is_placed_seen_everywhere_and_lifted(
    plain: Callable[[str, int], Page], days: Days, width: int
) -> None:
    ada, luc = plain("Ada", width), plain("Luc", width)
    ada.goto("/hold")
    shot(ada, f"hold-plain-place-{width}")
    ada.get_by_label("Why").fill(REASON)
    ada.get_by_role("button", name="Hold all posts now").click()
    expect(ada.get_by_text("Only an approver can lift it.")).to_be_visible()
    shot(ada, f"hold-plain-officer-{width}")
    for path in PAGES:
        ada.goto(path)
        expect(ada.locator(".hold")).to_contain_text(f"{REASON}. Placed by Ada")
    ada.goto("/")
    shot(ada, f"hold-plain-today-{width}")
    luc.goto("/approvals")
    luc.locator(".hold").get_by_role("link", name="Lift the hold").click()
    second, third = luc.get_by_role("group", name="Road works"), luc.get_by_role("group", name="Winter parking")
    second.get_by_label("move to", exact=True).check()
    third.get_by_label("drop").check()
    shot(luc, f"hold-plain-lift-{width}")
    luc.get_by_role("button", name="Lift the hold").click()
    expect(luc.locator(".form-sum")).to_contain_text("A post that is moved needs its new day and hour.")
    expect(third.get_by_label("drop")).to_be_checked()
    assert overflow(luc) <= 0
    shot(luc, f"hold-plain-mistake-{width}")
    second.get_by_label("New day").fill("2026-11-24")
    second.get_by_label("New time").fill("11:00")
    luc.get_by_role("button", name="Lift the hold").click()
    expect(luc).to_have_url(re.compile(r"/queue\?said=hold-lifted"))
    expect(luc.locator(".hold")).to_have_count(0)
    shot(luc, f"hold-plain-lifted-{width}")
    with database.reading(days.engine) as session:
        rows = session.exec(select(Post).order_by(col(Post.id))).all()
        assert [(row.state, row.wall_time and row.wall_time.hour) for row in rows] == [
            ("scheduled", 9), ("scheduled", 11), ("cancelled", 9),
        ]  # fmt: skip
        assert holds.in_force(session) is None


def test_a_mistake_has_the_focus_and_is_mended_by_keys_alone(
    quiet_page: Callable[..., Page], complaints: list[str]
) -> None:
    page = quiet_page("Ada", Role.ADMINISTRATOR)
    page.goto("/people")
    page.locator("#name-new").focus()
    page.keyboard.type("Eve")
    page.keyboard.press("Tab")
    page.keyboard.type("ada@riverton.example")
    for key in ("Tab", "Space", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#email-new-wrong")).to_have_text("ada@riverton.example is here already.")
    expect(page.locator("#email-new")).to_be_focused()
    expect(page.locator("#name-new")).to_have_value("Eve")
    page.get_by_role("link", name="ada@riverton.example is here already.").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#email-new")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("eve@riverton.example")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Give this link to Eve.")).to_be_visible()
    complaints[:] = [words for words in complaints if "422" not in words]  # what is told is meant


def test_of_choices_none_of_which_was_made_the_set_has_the_focus(
    quiet_page: Callable[..., Page], complaints: list[str]
) -> None:
    page = quiet_page("Ada", Role.ADMINISTRATOR, width=390)
    page.goto("/people")
    page.locator("#name-new").fill("Eve")
    page.locator("#email-new").fill("eve@riverton.example")
    page.locator("#email-new").press("Enter")
    expect(page.locator("#roles-new")).to_be_focused()
    expect(page.locator("#roles-new")).to_be_in_viewport()
    expect(page.locator("#roles-new")).to_have_accessible_description("Choose at least one role.")
    shot(page, "mistake-roles-390")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Give this link to Eve.")).to_be_visible()
    complaints[:] = [words for words in complaints if "422" not in words]
