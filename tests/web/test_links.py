"""Every link that a page shows somebody leads somewhere for them."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
import sqlalchemy as sa

from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from tests.browser import pages_of_the_desk as pages
from tests.web.browsing import Browser

SLOW = ("/records/export",)  # packages and reports, made anew at each look


def kind(address: str) -> str:
    """Addresses that differ in a number or in what they ask for are one kind of page."""
    return re.sub(r"\d+", "0", urlsplit(address).path)


def links(address: str, page: str, base_url: str) -> Iterator[str]:
    """The addresses of this desk that a page links to."""
    for found in re.findall(r'<a [^>]*?href="([^"#]+)', page):
        link = urljoin(f"{base_url}{address}", unescape(found))
        if link.startswith(f"{base_url}/"):
            yield link.removeprefix(base_url)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With every page that there may be."""
    return settings.model_copy(update={"public_actions": True, "public_events": True, "public_transparency": True})


@pytest.mark.long
@pytest.mark.parametrize("role", Role)
def test_no_link_leads_to_what_one_may_not_see_or_what_is_not_there(
    sqlite_engine: sa.Engine,
    settings: Settings,
    keys: Keys,
    person: Callable[..., Person],
    browser_of: Callable[..., Browser],
    role: Role,
) -> None:
    pages.fill(sqlite_engine, settings, keys, person)
    browser, base_url = browser_of("Sam", role), settings.base_url.rstrip("/")
    waiting, known, dead = deque([("", "/")]), {"/"}, []
    while waiting:
        seen_on, address = waiting.popleft()
        answer = browser.get(address, follow_redirects=True)
        if answer.status_code >= 400:
            dead.append((answer.status_code, address, seen_on))
            continue
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        for link in links(address, answer.text, base_url):
            if kind(link) not in known and not link.startswith(SLOW):
                known.add(kind(link))
                waiting.append((address, link))
    assert dead == []
    assert {"/records", "/account"} <= known if role is Role.AUDITOR else {"/outreach/events/0", "/concerns"} <= known


def test_an_administrator_is_not_sent_to_an_administrator(browser_of: Callable[..., Browser]) -> None:
    advice = {
        name: re.search(
            "You give roles yourself, under People|Ask an administrator", browser_of(name, role).get(path).text
        )
        for name, role, path in (("Dana", Role.ADMINISTRATOR, "/records/log"), ("Ada", Role.OFFICER, "/people"))
    }
    assert {name: found and found[0] for name, found in advice.items()} == {
        "Dana": "You give roles yourself, under People",
        "Ada": "Ask an administrator",
    }
