"""What comes in while a page is open: the navigation counts it, the list offers it, and nothing moves."""

from collections.abc import Callable

import sqlalchemy as sa
from playwright.sync_api import Page, expect

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from listeners.tables import Source
from networks.network import Page as Arrived
from networks.network import RemoteMention
from sentiment import model, scoring
from tests.listeners.said import admit


def test_what_comes_in_is_counted_and_offered_and_moves_nothing(
    quiet_page: Callable[..., Page], sqlite_engine: sa.Engine, settings: Settings, keys: Keys
) -> None:
    with database.writing(sqlite_engine) as session:
        session.add(Source(network="facebook", name="Town"))

    def comes_in(words: str) -> None:
        found = Arrived([RemoteMention(words, words, clock.now(), "a", root_id="r")], None)
        with database.writing(sqlite_engine) as session:
            source = session.get_one(Source, 1)
            admit(session, source, found, keys, settings, clock.now())
        scoring.score_pending(sqlite_engine, model.load(), clock.now(), zone=settings.department.zone)

    comes_in("A bake sale in Northgate.")
    page = quiet_page("Ada", Role.OFFICER)
    page.goto("/mentions")
    listed, badge = page.locator("[data-mention]"), page.locator(".nav [data-count=mentions] .count")
    place = listed.first.bounding_box()
    expect(badge).to_have_text("1")
    comes_in("A tree fell across Oak Street.")
    expect(badge).to_have_text("2", timeout=15_000)
    expect(page.locator(".toast")).to_contain_text("1 new mention")
    assert (listed.count(), listed.first.bounding_box()) == (1, place)
    page.get_by_role("button", name="Show").last.click()
    expect(listed.first).to_contain_text("A tree fell across Oak Street.")
