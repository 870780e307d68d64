"""An urgent update as two people do it on their phones: written, approved, out, corrected, closed."""

import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect
from sqlmodel import select

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import OutboxMessage
from networks import accounts
from networks.tables import PracticePost
from posts.pools import Pools
from scheduler.jobs import publishing
from tests.browser.conftest import SHOTS, overflow

PHONE = 390


@pytest.fixture
def goes_out(sqlite_engine: sa.Engine, settings: Settings, keys: Keys) -> Callable[[], list[tuple[str, int | None]]]:
    """Publishes what is due; what stands on the board then, with what each answers."""
    with database.writing(sqlite_engine) as session:
        for name in ("Riverton PD", "Riverton PD en español"):
            accounts.add(session, network="practice", name=name, handle="", secret=None, keys=keys, now=clock.now())

    def tick() -> list[tuple[str, int | None]]:
        pools = Pools(sqlite_engine, settings, keys)
        publishing.tick(sqlite_engine, settings, keys, pools, clock.now())
        assert pools.drain(10)
        with database.reading(sqlite_engine) as session:
            rows = session.exec(select(PracticePost).order_by(PracticePost.id)).all()  # type: ignore[arg-type]
        return [(row.text, row.reply_to) for row in rows]

    return tick


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    assert overflow(page) == 0
    page.screenshot(path=SHOTS / f"urgent-{name}.png", full_page=True)


def test_two_people_on_their_phones_from_first_word_to_all_clear(
    quiet_page: Callable[..., Page], goes_out: Callable[[], list[tuple[str, int | None]]], sqlite_engine: sa.Engine
) -> None:
    begun = time.monotonic()
    ada = quiet_page("Ada", Role.OFFICER, width=PHONE)
    luc = quiet_page("Luc", Role.APPROVER, width=PHONE)
    ada.goto("/outreach/urgent")
    shot(ada, "list")
    ada.get_by_role("link", name="Avoid the area").click()
    ada.get_by_label("Where: street").fill("Elm Street at the school")
    ada.get_by_label("What happens").fill("a gas leak")
    ada.get_by_label("What people there should do").fill("stay inside and close the windows")
    ada.get_by_label("Everything goes out as planned").check()
    shot(ada, "form")
    ada.get_by_role("button", name="Ask everyone").click()
    expect(ada.get_by_text("Everyone who may approve it is asked now")).to_be_visible()
    shot(ada, "waits")

    with database.reading(sqlite_engine) as session:
        mail = session.exec(select(OutboxMessage).where(OutboxMessage.recipient == "luc@riverton.example")).one()
    assert "/outreach/urgent/1" in mail.message.decode()
    luc.goto("/outreach/urgent/1")
    shot(luc, "approve")
    luc.get_by_role("button", name="Approve, and send it now").click()
    expect(luc.get_by_text("It goes out now")).to_be_visible()
    first = "Please avoid Elm Street at the school: a gas leak. If you are there, stay inside and close the windows."
    assert goes_out() == [(f"{first} We will say more here.", None)] * 2
    assert time.monotonic() - begun < 120

    for stage, words in (
        ("Correct something", "Correction: it is Oak Street."),
        ("Close it", "All clear: the leak is mended."),
    ):
        ada.goto("/outreach/urgent/1")
        ada.get_by_text(stage).click()
        ada.locator("details[open] textarea").fill(words)
        ada.locator("details[open] button").click()
        luc.goto("/outreach/urgent/1")
        luc.get_by_role("button", name="Approve, and send it now").click()
        assert sorted(row for row in goes_out() if row[0] == words) == [(words, 1), (words, 2)]
    ada.goto("/outreach/urgent/1")
    expect(ada.get_by_role("heading", level=1)).to_contain_text("Over")
    shot(ada, "thread")
