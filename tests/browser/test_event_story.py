"""An event as persons hold one: planned, announced, moved, reminded of, held, heard at, told."""

import re
from collections.abc import Callable
from typing import Any

import icalendar
import pytest
from playwright.sync_api import Page, expect

from config.permissions import Role
from config.settings import Settings
from tests.browser.conftest import overflow
from tests.browser.outreach_days import Days, approve, board, hand_in


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_events": True})


def calendar_file(page: Page, path: str) -> Any:
    (found,) = icalendar.Calendar.from_ical(page.request.get(path).body()).walk("VEVENT")
    return found


def test_an_event_from_idea_to_what_we_heard_with_a_change_of_date_in_between(
    quiet_page: Callable[..., Page], days: Days
) -> None:
    days.turn("2026-11-24T08:10")
    ada, luc = quiet_page("Ada", Role.OFFICER), quiet_page("Luc", Role.APPROVER, width=390)
    ada.goto("/outreach")
    ada.get_by_role("link", name="Plan an event").click()
    ada.get_by_label("Name", exact=True).fill("Town hall on Elm Street")
    ada.get_by_label("Where").fill("Elm Street Library")
    ada.get_by_label("Day", exact=True).fill("2026-12-01")
    ada.get_by_label("Begins").fill("18:00")
    ada.get_by_label("Access").fill("Step-free; sign language.")
    ada.get_by_label("Spanish").check()
    ada.get_by_role("button", name="Keep it").click()
    expect(ada.locator(".said-note")).to_contain_text("Nobody is told of it")
    event = ada.url.split("?")[0]
    expect(ada.get_by_text("public once a post about it was sent")).to_be_visible()
    expect(ada.get_by_role("link", name="Its page for the public")).to_have_count(0)  # it is not there yet

    ada.get_by_role("button", name="Draft the announcement").click()
    found = re.search(r"http://\S+/events/[\w-]+", ada.locator("#message").input_value())
    assert found is not None
    public = found[0]
    announcement = hand_in(ada, "2026-11-24", "09:00")
    ada.goto(event)
    ada.get_by_role("button", name="Draft the reminder").click()
    reminder = hand_in(ada)
    assert ada.request.get(public).status == 404  # not announced yet
    for address in (announcement, reminder):
        approve(luc, address)
    assert overflow(luc) <= 0

    days.turn("2026-11-24T09:00")
    assert days.send_due() == 1
    assert board(ada)[0].startswith("You are invited: Town hall on Elm Street. Tuesday, December 1, 6:00 PM, Elm")
    told = calendar_file(ada, f"{public}.ics")
    assert (told["sequence"], told["dtstart"].dt.isoformat()) == (0, "2026-12-01T18:00:00-05:00")

    days.turn("2026-11-24T11:00")
    ada.goto(event)
    ada.get_by_role("link", name="Change the event").click()
    ada.get_by_label("Day", exact=True).fill("2026-12-03")
    ada.get_by_label("Begins").fill("18:30")
    ada.get_by_role("button", name="Change it").click()
    listed = ada.locator("section", has=ada.locator("#h-posts")).locator("li")
    expect(listed.filter(has_text="Reminder")).to_contain_text("Wed 2 Dec, 18:30 EST")
    expect(listed.filter(has_text="Reminder")).to_contain_text("Waits for approval")
    expect(listed.filter(has_text="Announcement")).to_contain_text("Sent")
    moved = calendar_file(ada, f"{public}.ics")
    assert (moved["uid"], moved["sequence"]) == (told["uid"], 1)
    assert moved["dtstart"].dt.isoformat() == "2026-12-03T18:30:00-05:00"

    listed.filter(has_text="Change of plan").get_by_role("link").click()
    change = hand_in(ada, "2026-11-24", "12:00")
    luc.goto(reminder)
    expect(luc.locator(".diff ins").first).to_have_text("Thursday")  # what changed since it was approved
    for address in (reminder, change):
        approve(luc, address)
    days.turn("2026-11-24T12:00")
    assert days.send_due() == 1
    assert board(ada)[0].splitlines()[:2] == [
        "Change of plan: Town hall on Elm Street is now on Thursday, December 3, 6:30 PM, Elm Street Library.",
        "It was planned for Tuesday, December 1, 6:00 PM, Elm Street Library.",
    ]

    days.turn("2026-12-02T18:30")
    assert days.send_due() == 1
    ada, luc = quiet_page("Ada", Role.OFFICER), quiet_page("Luc", Role.APPROVER, width=390)
    assert board(ada)[0].startswith("Coming up: Town hall on Elm Street. Thursday, December 3, 6:30 PM, Elm Street")

    days.turn("2026-12-03T20:30")
    ada, luc = quiet_page("Ada", Role.OFFICER), quiet_page("Luc", Role.APPROVER, width=390)
    ada.goto(event)
    ada.get_by_role("link", name="Write down what was heard").click()
    for concern, people in (("traffic_safety", "4"), ("drugs", "2")):
        ada.get_by_label("Concern", exact=True).select_option(concern)
        ada.get_by_label("How many said so").fill(people)
        ada.get_by_role("button", name="Count it").click()
        expect(ada.get_by_text("It is counted.")).to_be_visible()
    ada.goto(event)
    ada.get_by_role("button", name="Draft the thanks").click()
    thanks = hand_in(ada, "2026-12-03", "21:00")
    ada.goto(event)
    ada.get_by_role("button", name="Draft “What we heard”").click()
    heard = hand_in(ada, "2026-12-03", "21:30")
    for address in (thanks, heard):
        approve(luc, address)
    days.turn("2026-12-03T21:30")
    assert days.send_due() == 2
    what_we_heard, thank_you = board(ada)[:2]
    assert thank_you == "Thank you to everyone who came to Town hall on Elm Street on Thursday, December 3."
    assert what_we_heard.startswith("What we heard at Town hall on Elm Street on Thursday, December 3:\n• Traffic")
    assert "(4 people)" in what_we_heard
    assert len(board(ada)) == 5  # each post once
