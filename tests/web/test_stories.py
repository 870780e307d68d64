"""Success stories on the page: candidates, consent, the story."""

from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry
from networks import accounts
from tests.web.browsing import Browser, send
from tests.web.test_resources import said

PAGE = "/outreach/stories"


@pytest.fixture
def ada(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime, browser_of: Callable[..., Browser]
) -> Browser:
    with database.writing(sqlite_engine) as session:
        accounts.add(session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=at_eight)
        said(session, keys, settings, at_eight, "practice")
    return browser_of("Ada", Role.OFFICER)


def test_praise_is_a_candidate_until_somebody_asks_and_the_look_is_logged(
    ada: Browser, sqlite_engine: sa.Engine
) -> None:
    shown = ada.get(PAGE).text
    assert ("Thank you for walking my mother home." in shown, "You never come" in shown) == (True, False)
    asked = send(ada, f"{PAGE}/ask/2", page=PAGE)
    assert asked.headers["location"] == "/compose/1"
    assert "Thank you for walking my mother home." not in ada.get(PAGE).text
    with database.reading(sqlite_engine) as session:
        looks = session.exec(select(AuditEntry.detail).where(col(AuditEntry.action) == "mention.list")).all()
    assert looks[0]["ids"] == [2]


def test_from_consent_to_the_story_and_back(ada: Browser) -> None:
    send(ada, f"{PAGE}/ask/2", page=PAGE)
    assert send(ada, f"{PAGE}/1/tell", page=PAGE).status_code == 422
    assert send(ada, f"{PAGE}/1/agree", page=PAGE, words="Thank <b>you</b>.", consent="").status_code == 422
    send(ada, f"{PAGE}/1/agree", page=PAGE, words="Thank <b>you</b>.", consent="by message, 3 December")
    shown = ada.get(PAGE).text
    assert ("Thank &lt;b&gt;you" in shown, "One story may be told." in shown) == (True, True)
    assert send(ada, f"{PAGE}/1/tell", page=PAGE).headers["location"] == "/compose/2"
    send(ada, f"{PAGE}/1/refuse", page=PAGE)
    shown = ada.get(PAGE).text
    assert ("by message, 3 December" in shown, "Not to be used" in shown) == (False, True)


def test_who_may_not_read_mentions_sees_no_praise(browser_of: Callable[..., Browser], ada: Browser) -> None:
    assert browser_of("Ana", Role.ANALYST).get(PAGE).status_code == 403
    luc = browser_of("Luc", Role.APPROVER)
    assert "Ask whether we may share it" not in luc.get(PAGE).text
    assert send(luc, f"{PAGE}/ask/2", page="/account").status_code == 403
