"""From an alert to a unit, to its day, to an outcome, to what the public reads: you said, we did."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from config import database
from config.permissions import Role
from config.settings import Settings
from config.tables import OutboxMessage
from sentiment.tables import Alert
from tests.browser.conftest import overflow
from tests.browser.outreach_days import Days, approve, board, hand_in

SAID = "Drivers speed past Lincoln School in the morning."
DID = "A speed sign stands on Elm Street; drivers are 6 mph slower there."


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_actions": True})


def test_a_concern_from_alert_to_outcome_and_public_you_said_we_did(
    quiet_page: Callable[..., Page], days: Days, chromium: Browser, served: str, sqlite_engine: sa.Engine
) -> None:
    days.turn("2026-11-24T08:10")
    with database.writing(sqlite_engine) as session:
        session.add(
            Alert(
                kind="cell", concern="traffic_safety", title="Speeding near Lincoln School", raised_at=days.moment,
                since=days.moment - timedelta(hours=9), updated_at=days.moment, window_hours=24, posts=31,
                authors=24, expected=4.0, p_value=1e-6,
            )
        )  # fmt: skip
    ada = quiet_page("Ada", Role.OFFICER, width=390)
    ada.goto("/alerts/1")
    ada.get_by_role("link", name="Hand it to a unit").click()
    ada.get_by_label("What people said").fill(SAID)
    ada.get_by_label("What is asked for").fill("A speed sign on Elm Street.")
    ada.get_by_label("Unit", exact=True).fill("Traffic unit")
    ada.get_by_label("Until").fill("2026-11-26")
    ada.get_by_label("The unit’s e-mail address").fill("traffic@riverton.example")
    ada.get_by_role("button", name="Hand it over").click()
    expect(ada.locator(".said-note")).to_contain_text("It is handed over")
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(OutboxMessage.recipient)).all() == ["traffic@riverton.example"]
    ada.goto("/alerts/1")
    expect(ada.get_by_role("link", name="A speed sign on Elm Street.")).to_contain_text("Open")

    days.turn("2026-11-27T08:10")
    ada = quiet_page("Ada", Role.OFFICER, width=390)
    ada.goto("/")
    waits = ada.get_by_role("link", name="A speed sign on Elm Street")
    expect(waits).to_contain_text("Traffic unit: late since Thursday 26 November")
    waits.click()
    ada.get_by_label("Outcome").fill(DID)
    ada.get_by_role("button", name="It is done").click()
    ada.get_by_role("button", name="Write the post that tells it").click()
    post = hand_in(ada, "2026-11-27", "09:00")
    luc = quiet_page("Luc", Role.APPROVER)
    approve(luc, post)
    days.turn("2026-11-27T09:00")
    assert days.send_due() == 1
    assert board(ada) == [f"You said: {SAID}\n\nWe did: {DID}"]
    ada.goto("/")
    expect(ada.get_by_text("Traffic unit: late")).to_have_count(0)

    anyone = chromium.new_context(base_url=served, viewport={"width": 390, "height": 800}).new_page()
    anyone.goto("/said-and-done")
    expect(anyone.locator("article")).to_contain_text(DID)
    expect(anyone.get_by_text("Traffic unit")).to_have_count(0)
    expect(anyone.locator(".brand")).to_have_text("Riverton Police Department")
    assert overflow(anyone) <= 0
    anyone.context.close()
