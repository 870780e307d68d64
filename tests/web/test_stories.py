"""Success stories on the page: candidates, consent, the story."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col, select

from config import database, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry
from networks import accounts
from posts.tables import Post, Story
from tests.web.browsing import Browser, send
from tests.web.test_resources import said
from web.api import v1

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


def test_a_story_is_asked_for_and_told_again_where_the_network_refused_the_post(
    ada: Browser, sqlite_engine: sa.Engine
) -> None:
    def refused(number: int) -> None:
        with database.writing(sqlite_engine) as session:
            session.get_one(Post, number).state = "failed"

    send(ada, f"{PAGE}/ask/2", page=PAGE)
    again = f'action="{PAGE}/ask/2"'
    assert again not in ada.get(PAGE).text
    refused(1)
    assert again in ada.get(PAGE).text
    assert send(ada, f"{PAGE}/ask/2", page=PAGE).headers["location"] == "/compose/2"
    assert again not in ada.get(PAGE).text
    send(ada, f"{PAGE}/1/agree", page=PAGE, words="Thank you.", consent="by message")
    send(ada, f"{PAGE}/1/tell", page=PAGE)
    refused(3)
    assert f'action="{PAGE}/1/tell"' in ada.get(PAGE).text
    assert send(ada, f"{PAGE}/1/tell", page=PAGE).headers["location"] == "/compose/4"


def test_a_refused_story_keeps_its_language(ada: Browser) -> None:
    assert '<option value="en" selected' in ada.get(PAGE).text
    refused = send(ada, PAGE, page=PAGE, words="Me acompañaron a casa.", language="es")
    assert (refused.status_code, '<option value="es" selected' in refused.text) == (422, True)


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


def test_a_consent_that_is_taken_back_leads_to_the_post_that_is_out(ada: Browser, sqlite_engine: sa.Engine) -> None:
    send(ada, f"{PAGE}/ask/2", page=PAGE)
    send(ada, f"{PAGE}/1/agree", page=PAGE, words="Thank you.", consent="by message")
    send(ada, f"{PAGE}/1/tell", page=PAGE)
    with database.writing(sqlite_engine) as session:
        session.get_one(Post, 2).state = "published"
    taken_back = send(ada, f"{PAGE}/1/refuse", page=PAGE)
    assert taken_back.headers["location"] == "/posts/2?said=story-refused-late"
    assert "Take this post down wherever it is out." in ada.get("/posts/2?said=story-refused-late").text
    with database.reading(sqlite_engine) as session:
        assert session.get_one(Story, 1).words == ""


def test_who_may_not_read_mentions_sees_no_praise(browser_of: Callable[..., Browser], ada: Browser) -> None:
    assert browser_of("Ana", Role.ANALYST).get(PAGE).status_code == 403
    luc = browser_of("Luc", Role.APPROVER)
    assert "Ask whether we may share it" not in luc.get(PAGE).text
    assert send(luc, f"{PAGE}/ask/2", page="/account").status_code == 403


def test_the_api_goes_the_same_way_and_describes_it_with_examples(
    ada: Browser, desk_app: FastAPI, sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime
) -> None:
    scopes = (Action.WRITE_POSTS, Action.READ_MENTIONS)
    with database.writing(sqlite_engine) as session:
        token = sign_ins.new_token(session, 1, "test", scopes, keys, at_eight, timedelta(days=1))
    api = Browser(desk_app, headers={"authorization": f"Bearer {token}"}, raise_server_exceptions=False)
    assert api.post("/api/v1/stories/ask/2").json() == {"post_id": 1}
    assert api.post("/api/v1/stories/1/tell").status_code == 409
    agreed = api.post("/api/v1/stories/1/agree", json={"words": "Thank you, 555 0142 000.", "consent": "by message"})
    assert (agreed.json()["state"], "0142" in agreed.json()["words"]) == ("agreed", False)
    assert api.post("/api/v1/stories/1/tell").json() == {"post_id": 2}
    assert api.post("/api/v1/stories/1/refuse").json()["words"] == ""
    told = {"words": "They found my father.", "consent": "signed", "language": "en"}
    assert api.post("/api/v1/stories", json=told).status_code == 201
    assert [one["state"] for one in api.get("/api/v1/stories").json()] == ["agreed", "refused"]
    schemas = v1.description()["components"]["schemas"]
    assert all("examples" in schemas[name] for name in ("StoryIn", "ConsentIn", "KitIn", "PartnerIn", "QuestionIn"))
