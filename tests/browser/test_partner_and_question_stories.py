"""A share kit as it is made, mailed, opened and answered; a question as it is asked, answered and given back. Whoever
answers has a phone, no account and no scripts."""

import re
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, Page, expect

from config.permissions import Role
from config.settings import Settings
from scheduler import delivery
from tests.browser.conftest import overflow
from tests.browser.outreach_days import Days, approve, board, hand_in
from tests.scheduler.postbox import Post as MailServer
from tests.scheduler.postbox import free_port, using


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    """Somebody's phone: no sign-in, no scripts."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    yield context.new_page()
    assert context.cookies() == []
    context.close()


@pytest.fixture
def mail() -> Iterator[tuple[MailServer, str]]:
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield server, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def written(ada: Page, words: str) -> str:
    ada.goto("/compose")
    ada.locator("#message").fill(words)
    return hand_in(ada, "2026-11-24", "09:00")


def test_a_share_kit_is_made_mailed_opened_and_what_comes_back_is_heard(
    quiet_page: Callable[..., Page], phone: Page, days: Days, mail: tuple[MailServer, str], settings: Settings,
    sqlite_engine: sa.Engine,
) -> None:  # fmt: skip
    days.turn("2026-11-24T08:10")
    ada, luc = quiet_page("Ada", Role.OFFICER), quiet_page("Luc", Role.APPROVER, width=390)
    ada.goto("/outreach/partners/new")
    ada.locator("[name=name]").fill("Elm Street School")
    ada.locator("[name=kind]").select_option("school")
    ada.locator("[name=email]").fill("rosa@school.example")
    ada.locator("main form button.btn--main").click()
    expect(ada.get_by_role("heading", level=1)).to_contain_text("Elm Street School")
    post = written(ada, "Officers walk the school way on Monday.")
    approve(luc, post)
    ada.goto(post)
    ada.get_by_role("link", name="Share it with partners").click()
    ada.get_by_label("Elm Street School").check()
    ada.get_by_label("A word to them").fill("Please pass it on.")
    ada.get_by_role("button", name="Send it").click()
    expect(ada.locator(".said-note")).to_contain_text("on its way to them")

    assert delivery.deliver_due(sqlite_engine, using(settings, mail[1]), days.now()).sent == 1
    (received,) = mail[0].to("rosa@school.example")
    payload = received.get_payload(decode=True)
    text = payload.decode() if isinstance(payload, bytes) else str(received)
    found = re.search(r"http://127\.0\.0\.1\S+/partner/\S+", text)
    assert found is not None, text
    assert "Officers walk the school way on Monday." in text

    phone.goto(found.group())
    assert overflow_of(phone) <= 0
    phone.locator("[name=concern]").select_option("traffic_safety")
    phone.locator("[name=trust]").select_option("mistrust")
    phone.locator("[name=people]").fill("7")
    phone.locator("[name=words]").fill("Cars do not stop at the crossing.")
    phone.get_by_role("button", name="Send it").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Thank you")
    ada.goto("/outreach/heard")
    expect(ada.get_by_role("heading", level=1)).to_contain_text("7 people")
    expect(ada.locator("main")).to_contain_text("Cars do not stop at the crossing.")
    expect(ada.locator("main")).to_contain_text("From a partner")


def overflow_of(page: Page) -> int:
    """As `overflow`, of a page without scripts: the body is no wider than the window."""
    box = page.locator("main").bounding_box()
    assert box is not None
    return round(box["x"] + box["width"]) - 390


def test_a_question_is_asked_answered_on_a_phone_counted_and_its_answer_given_back(
    quiet_page: Callable[..., Page], phone: Page, days: Days
) -> None:
    days.turn("2026-11-24T08:10")
    ada, luc = quiet_page("Ada", Role.OFFICER), quiet_page("Luc", Role.APPROVER, width=390)
    ada.goto("/outreach/questions")
    ada.get_by_label("Question", exact=True).fill("Where do cars go too fast?")
    ada.get_by_label("Until").fill("2026-12-01")
    ada.get_by_role("button", name="Write the post that asks").click()
    found = re.search(r"http://\S+/ask/\S+", ada.locator("#message").input_value())
    assert found is not None
    address = found.group()
    asking = hand_in(ada, "2026-11-24", "09:00")
    response = phone.goto(address)
    assert response is not None and response.status == 404  # not approved yet
    approve(luc, asking)
    days.turn("2026-11-24T09:00")
    assert days.send_due() == 1

    phone.goto(address)
    assert overflow_of(phone) <= 0
    phone.get_by_label("Your answer").fill("By the school, in the morning. Call 555 010 0199.")
    phone.get_by_role("button", name="Send it").click()
    expect(phone.locator("main")).to_contain_text("very quick")  # a program would be as quick; the words stay
    days.turn("2026-11-24T09:01")
    phone.goto(address)
    phone.get_by_label("Your answer").fill("By the school, in the morning. Call 555 010 0199.")
    days.turn("2026-11-24T09:02")
    phone.get_by_role("button", name="Send it").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Thank you")

    ada.goto("/outreach/questions")
    ada.get_by_role("link", name="Where do cars go too fast?").click()
    expect(ada.locator(".lead")).to_contain_text("one answer")
    expect(ada.locator("main")).to_contain_text("By the school, in the morning. Call ….")
    ada.get_by_label("Our answer").fill("From Monday an officer stands by the school.")
    ada.get_by_role("button", name="Write the post that tells it").click()
    approve(luc, hand_in(ada, "2026-11-24", "10:00"))
    assert overflow(luc) <= 0
    days.turn("2026-11-24T10:00")
    assert days.send_due() == 1
    told = (
        "We asked: Where do cars go too fast?\n\nOne person answered.\n\nFrom Monday an officer stands by the school."
    )
    assert board(ada)[0] == told
    phone.goto(address)
    expect(phone.locator("main")).to_contain_text("From Monday an officer stands by the school.")
