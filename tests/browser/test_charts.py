"""A chart that is pointed at, by mouse or by keys, says what stands there; Vega draws it, under our strict policy."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from config import clock, database
from config.permissions import Role
from sentiment.tables import Alert
from tests.browser.test_accessible import faults


@pytest.fixture
def _alert(sqlite_engine: sa.Engine) -> None:
    now = clock.now()
    with database.writing(sqlite_engine) as session:
        session.add(
            Alert(
                kind="cell", concern="traffic_safety", title="Speeding near Lincoln School", raised_at=now,
                since=now - timedelta(hours=9), updated_at=now, window_hours=24, posts=31, authors=24, expected=4.0,
                p_value=1e-6,
            )
        )  # fmt: skip


@pytest.mark.usefixtures("_alert")
def test_a_chart_is_asked_by_mouse_and_by_keys(quiet_page: Callable[..., Page]) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.goto("/alerts/1")
    hand, tip = page.get_by_role("slider"), page.locator(".drawn--wide .drawn__tip")
    hand.focus()
    page.keyboard.press("Home")
    expect(tip).to_contain_text("0 posts; usual:")
    first = tip.inner_text()
    expect(hand).to_have_attribute("aria-valuetext", first)
    expect(page.locator(".vega-embed .mark-rule line").last).to_have_attribute("stroke", "var(--ink)", timeout=60_000)
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    hand.hover()
    expect(tip).not_to_have_text(first)
    found = faults(page)
    assert found == [], "\n".join(found)
