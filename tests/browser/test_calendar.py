"""The calendar as a person uses it: dragged, moved by the form without JavaScript, taken back."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.tables import Person
from networks import accounts
from posts import drafts
from posts.tables import Post
from tests.browser.conftest import overflow, tab_to


@pytest.fixture
def due(sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person]) -> date:
    """The day, within this month or the next, on which the only post stands at 16:00."""
    now = clock.now()
    day = (now + timedelta(days=2)).date()
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        account = accounts.add(
            session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=now
        )
        post = drafts.create(session, ada, "Check your lights.", [account.id or 0], now, title="Lights")
        wall = datetime.combine(day, datetime.min.time().replace(hour=16))
        drafts.schedule(session, post.id or 0, ada, wall, "America/New_York", now)
    return day


def wall_time(engine: sa.Engine) -> datetime | None:
    with database.reading(engine) as session:
        return session.get_one(Post, 1).wall_time


def test_a_post_is_dragged_to_another_day_and_back_by_undo(
    quiet_page: Callable[..., Page], sqlite_engine: sa.Engine, due: date
) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.goto(f"/calendar?view=week&day={due}")
    there = page.locator(f'td[data-day]:not([data-day="{due}"])').first
    target = there.get_attribute("data-day")
    page.locator(".ev[data-wall]").drag_to(there)
    day = date.fromisoformat(target or "")
    expect(page.locator(".toast")).to_contain_text(f"Moved to {day:%a, %b} {day.day}, 16:00.")
    moved = wall_time(sqlite_engine)
    assert moved is not None
    assert str(moved.date()) == target
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Moved back.")
    back = wall_time(sqlite_engine)
    assert back is not None
    assert back.date() == due


def test_without_javascript_the_form_moves_it(
    context_of: Callable[..., BrowserContext], served: str, sqlite_engine: sa.Engine, due: date
) -> None:
    signed_in = context_of("Ada", Role.OFFICER)
    plain = signed_in.browser.new_context(base_url=served, java_script_enabled=False)  # type: ignore[union-attr]
    plain.add_cookies(signed_in.cookies())  # type: ignore[arg-type]
    page = plain.new_page()
    page.goto(f"/calendar?day={due}")
    page.get_by_text("Move Lights").click()
    page.get_by_label("New time for Lights").fill("09:30")
    page.get_by_role("button", name="Move it").click()
    expect(page).to_have_url(re.compile(r"/calendar\?view=month&day=.*&said=scheduled"))
    moved = wall_time(sqlite_engine)
    plain.close()
    assert moved is not None
    assert moved.strftime("%H:%M") == "09:30"


@pytest.mark.usefixtures("due")
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_view_scrolls_sideways(quiet_page: Callable[..., Page], width: int) -> None:
    page = quiet_page("Ada", Role.OFFICER, width=width)
    for path in ("/calendar", "/calendar?view=week", "/queue"):
        page.goto(path)
        assert overflow(page) <= 0, path


def test_with_keys_alone_a_post_is_moved(quiet_page: Callable[..., Page], sqlite_engine: sa.Engine, due: date) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.goto(f"/calendar?day={due}")
    tab_to(page, ".move > summary")
    page.keyboard.press("Enter")
    tab_to(page, "[name=hour]")
    page.keyboard.type("0930AM")
    tab_to(page, ".move button")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"said=scheduled"))
    moved = wall_time(sqlite_engine)
    assert moved is not None
    assert (moved.date(), moved.strftime("%H:%M")) == (due, "09:30")
