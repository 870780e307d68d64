"""Stories of more than one person: from a mention to "You said, we did", by keys alone; two who write one post; a desk
without JavaScript."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners.tables import Source
from networks.network import Page as Arrived
from networks.network import RemoteMention
from sentiment import model, scoring
from tests.browser.outreach_days import Days, approve, board
from tests.listeners.said import admit

SAID = "Cars speed past the school on Elm Street every morning and nobody stops them."
ANSWER = "Thank you for telling us. An officer is on Elm Street in the mornings from Monday."
SECRET = "correct horse battery staple"


@pytest.fixture
def _said(sqlite_engine: sa.Engine, keys: Keys, settings: Settings, days: Days) -> None:
    """One mention on the practice board's network."""
    days.turn("2026-11-24T08:10")
    now = clock.now()
    with database.writing(sqlite_engine) as session:
        source = Source(network="practice", name="Practice board")
        session.add(source)
        session.flush()
        found = Arrived([RemoteMention("1", SAID, now, "a", root_id="1")], None)
        admit(session, source, found, keys, settings, now)
    scoring.score_pending(sqlite_engine, model.load(), now, zone=settings.department.zone)


HERE = """name => {
  const one = document.activeElement;
  return name.startsWith('.') ? one.matches(name) : (one.labels?.[0] ?? one).innerText.trim().startsWith(name);
}"""


def tab_to(page: Page, name: str) -> None:
    """Tab, as often as it takes, to what has this name, or is chosen so."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(HERE, name):
            return
    pytest.fail(f"no Tab leads to {name}")


@pytest.mark.usefixtures("_said")
def test_from_a_mention_to_you_said_we_did_by_keys_alone(quiet_page: Callable[..., Page], days: Days) -> None:
    ada, luc = quiet_page("Ada", Role.OFFICER), quiet_page("Luc", Role.APPROVER)
    ada.goto("/mentions")
    ada.keyboard.press("j")
    ada.keyboard.press("a")  # it is hers
    ada.wait_for_url("**did=*")
    ada.goto("/mentions?state=assigned")
    ada.keyboard.press("j")
    ada.keyboard.press("r")
    ada.wait_for_url("**/compose?reply_to=1&concern=traffic_safety")
    tab_to(ada, "Message")
    ada.keyboard.press("Control+A")
    ada.keyboard.type(ANSWER)
    for name, keys in (("Day", "11242026"), ("Time", "0900AM")):
        tab_to(ada, name)
        ada.keyboard.type(keys)
    tab_to(ada, "Send for approval")
    ada.keyboard.press("Enter")
    ada.wait_for_url("**/posts/1?said=submitted")

    luc.goto("/approvals")
    tab_to(luc, ".todo a")
    luc.keyboard.press("Enter")
    luc.wait_for_url("**/posts/1*")
    tab_to(luc, "Approve")
    luc.keyboard.press("Enter")
    expect(luc.get_by_text("Approved. It goes out at its time.")).to_be_visible()
    days.turn("2026-11-24T09:00")
    assert days.send_due() == 1
    assert board(ada) == [ANSWER]
    ada.goto("/concerns/traffic_safety")
    expect(ada.locator(".line-of .ours")).to_contain_text("We answered")


@pytest.mark.usefixtures("days")
def test_of_two_who_write_one_post_the_second_is_told_and_nothing_is_lost(
    quiet_page: Callable[..., Page], complaints: list[str]
) -> None:
    ada, eve = quiet_page("Ada", Role.OFFICER), quiet_page("Eve", Role.OFFICER)
    ada.goto("/compose")
    ada.fill("#message", "Officers on Elm Street.")
    expect(ada).to_have_url(re.compile(r"/compose/1$"))
    for page in (eve, ada):
        page.goto("/compose/1")
    ada.fill("#message", "Ada's words.")
    ada.get_by_role("button", name="Save", exact=True).click()
    expect(ada.locator("#message")).to_have_value("Ada's words.")
    eve.evaluate("document.getElementById('compose').dataset.post = ''")  # what saves by itself stands still
    eve.fill("#message", "Eve's words.")
    eve.get_by_role("button", name="Save", exact=True).click()
    expect(eve.get_by_text("Someone saved this post while you wrote.")).to_be_visible()
    expect(eve.locator("#message")).to_have_value("Eve's words.")
    ada.goto("/compose/1")
    expect(ada.locator("#message")).to_have_value("Ada's words.")
    complaints[:] = [words for words in complaints if "409" not in words]  # what is told is meant


def test_without_javascript_one_signs_in_writes_approves_and_holds(
    chromium: Browser, served: str, days: Days, person: Callable[..., Person]
) -> None:
    days.turn("2026-11-24T08:10")
    with database.writing(days.engine) as session:
        person(session, "Ada", Role.OFFICER, password=SECRET)
        person(session, "Luc", Role.APPROVER, password=SECRET)

    def signed_in(name: str) -> Page:
        page = chromium.new_context(base_url=served, java_script_enabled=False).new_page()
        page.goto("/compose" if name == "Ada" else "/approvals")
        page.get_by_label("E-mail").fill(f"{name.lower()}@riverton.example")
        page.get_by_label("Password", exact=True).fill(SECRET)
        page.get_by_role("button", name="Sign in", exact=True).click()
        return page

    ada = signed_in("Ada")
    ada.locator("#message").fill("Officers on Elm Street.")
    ada.get_by_label("Day", exact=True).fill("2026-11-24")
    ada.locator("#hour").fill("09:00")
    ada.get_by_role("button", name="Send for approval").click()
    expect(ada).to_have_url(re.compile(r"/posts/1\?said=submitted"))
    luc = signed_in("Luc")
    approve(luc, "/posts/1")
    ada.goto("/hold")
    ada.get_by_label("Why").fill("Serious crash on Route 9")
    ada.get_by_role("button", name="Hold all posts now").click()
    luc.goto("/")
    expect(luc.locator(".hold")).to_contain_text("Serious crash on Route 9")
    days.turn("2026-11-24T09:00")
    assert days.send_due() == 0
    for page in (ada, luc):
        page.context.close()
