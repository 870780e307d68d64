"""Days that people keep, on the pages: seen in the calendar, beside a draft and an event, and never in the way."""

from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from config import database
from config.permissions import Role
from config.secrets import Keys
from networks import accounts
from posts import drafts
from tests.web.browsing import Browser, send

PAGE = "/outreach/days"


@pytest.fixture
def ada(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime, browser_of: Callable[..., Browser]) -> Browser:
    browser = browser_of("Ada", Role.OFFICER)
    with database.writing(sqlite_engine) as session:
        made = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=at_eight)
        post = drafts.create(session, 1, "A parade.", [made.id or 0], at_eight, title="Parade")
        drafts.schedule(session, post.id or 0, 1, datetime.fromisoformat("2026-12-04T18"), "America/New_York", at_eight)
    return browser


def test_a_day_is_seen_wherever_something_is_planned(ada: Browser) -> None:
    kept = send(ada, PAGE, page=PAGE, name="Day of the <b>flood</b>", first="2026-12-03", about="No sirens.")
    assert "One thing" not in kept.text
    days = ada.get(PAGE).text
    assert "Something of ours stands on one day that people keep." in days
    assert ("Day of the &lt;b&gt;flood" in days, "Ramadan" in days, "an estimate" in days) == (True, True, True)
    calendar = ada.get("/calendar?day=2026-12-01").text
    assert ("Hanukkah" in calendar, "Day of the &lt;b&gt;flood" in calendar, "No sirens." in calendar) == (True,) * 3
    assert "People keep this day" in ada.get("/compose/1").text
    assert "People keep this day" not in ada.get("/compose?day=2026-12-02&hour=09:00").text
    event = send(
        ada, "/outreach/events", page="/outreach/events/new", name="Talk", kind="workshop", day="2026-12-03",
        hour="18:00", time_zone="America/New_York", minutes="60", where="Library",
    )  # fmt: skip
    assert "No sirens." in event.text or "No sirens." in ada.get("/outreach/events/1").text
    send(ada, f"{PAGE}/1/remove", page=PAGE)
    assert "flood" not in ada.get(PAGE).text


def test_a_day_without_sense_comes_back_with_what_was_written(ada: Browser) -> None:
    wrong = send(ada, PAGE, page=PAGE, name="Fair", first="2026-12-03", last="2026-12-01")
    assert (wrong.status_code, 'value="Fair"' in wrong.text) == (422, True)
