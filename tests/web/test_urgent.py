"""The short form of urgent updates, who is asked and how, and the pages of their thread."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import select

from config import database, holds, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from config.tables import MailPreference, OutboxMessage
from networks import accounts
from posts.tables import Post, Target
from scheduler.tables import AlertChannel
from tests.web.browsing import Browser, send

DAY = timedelta(days=1)
GIVEN = {
    "template": "road_closed", "language": "en", "where": "Elm <b>Street</b>", "why": "a gas leak", "rest": "keep",
}  # fmt: skip
WORDS = (
    "Road closed: Elm <b>Street</b>, because of a gas leak. Please take another way. We will say here when it is open."
)


@pytest.fixture
def ada(at_eight: datetime, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys) -> Browser:
    with database.writing(sqlite_engine) as session:
        for network in ("practice", "instagram"):
            accounts.add(session, network=network, name=network, handle="", secret=None, keys=keys, now=at_eight)
        for name, active in (("Chat", True), ("Old", False)):
            sealed = keys.seal("https://chat.example/x")
            session.add(AlertChannel(name=name, kind="json", address=sealed, active=active, created_at=at_eight))
    return browser_of("Ada", Role.OFFICER)


@pytest.fixture
def luc(ada: Browser, browser_of: Callable[..., Browser]) -> Browser:
    return browser_of("Luc", Role.APPROVER)


def asked(browser: Browser, **more: str) -> str:
    answer = send(browser, "/outreach/urgent", page="/outreach/urgent/new", **{**GIVEN, **more})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"].split("?")[0])


def approve(browser: Browser, page: str, engine: sa.Engine, **more: str) -> str:
    with database.reading(engine) as session:
        content = session.get_one(Post, int(page.rpartition("/")[2])).content_hash
    answer = send(browser, f"{page}/approve", page=page, content_hash=content, **more)
    return str(answer.headers["location"].partition("?said=")[2])


def test_everyone_on_duty_is_asked_at_once_by_mail_and_in_the_channels(
    ada: Browser, luc: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    browser_of("Mina", Role.APPROVER, Role.OFFICER)
    browser_of("Ana", Role.ANALYST)
    with database.writing(sqlite_engine) as session:  # Luc sleeps: quiet hours do not hold here
        session.add(MailPreference(person_id=2, alerts=False, quiet_from=0, quiet_until=1439))
    page = asked(ada)
    with database.reading(sqlite_engine) as session:
        rows = session.exec(select(OutboxMessage).where(OutboxMessage.kind == "urgent")).all()
        to = sorted(row.recipient for row in rows)
        mail = next(row.message.decode() for row in rows if row.transport == "mail")
    assert to == ["channel:1", "luc@riverton.example", "mina@riverton.example"]
    assert "Subject: Approve now: Road closed" in mail
    assert (page in mail, "a gas leak" in mail) == (True, True)
    assert "asked at" in ada.get(page).text
    send(ada, f"{page}/ask", page=page)  # the same minute: nobody has it twice
    with database.reading(sqlite_engine) as session:
        assert len(session.exec(select(OutboxMessage).where(OutboxMessage.kind == "urgent")).all()) == 3


def test_the_first_approval_sends_it_where_a_text_alone_can_go(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine
) -> None:
    page = asked(ada)
    assert "Elm &lt;b&gt;Street&lt;/b&gt;" in luc.get(page).text
    assert "Approve, and send it now" not in ada.get(page).text
    assert approve(luc, page, sqlite_engine) == "urgent-out"
    with database.reading(sqlite_engine) as session:
        assert [(one.account_id, one.state, one.text) for one in session.exec(select(Target))] == [
            (1, "waiting", WORDS)
        ]
    assert "Road closed" in ada.get("/outreach").text


@pytest.mark.parametrize(
    "wrong", [{"where": " "}, {"rest": ""}, {"template": "riot"}, {"language": "xx"}, {"why": "x" * 121}]
)
def test_what_is_missing_is_said_and_what_was_written_is_kept(
    ada: Browser, sqlite_engine: sa.Engine, wrong: dict[str, str]
) -> None:
    answer = send(ada, "/outreach/urgent", page="/outreach/urgent/new", **{**GIVEN, "where": "Oak Lane", **wrong})
    assert (answer.status_code, "Oak Lane" in answer.text or "where" in wrong) == (422, True)
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Post)).all() == []


def test_the_rest_can_be_held_and_only_an_approvers_word_lets_it_pass(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine
) -> None:
    page = asked(ada, rest="hold")
    assert "although the hold is on" in luc.get(page).text
    with database.reading(sqlite_engine) as session:
        hold = holds.in_force(session)
        assert (hold.reason if hold else "") == "Road closed"
    assert approve(luc, page, sqlite_engine) == "urgent-held"
    assert "Held" in ada.get(page).text
    with database.writing(sqlite_engine) as session:
        (target,) = session.exec(select(Target))
        assert target.over_hold_id is None
        target.state, target.remote_id = "published", "1"
        session.get_one(Post, 1).state = "published"
    send(ada, f"{page}/follow", page=page, stage="all_clear", message="All clear: the road is open.")
    assert approve(luc, "/outreach/urgent/2", sqlite_engine, past_hold="true") == "urgent-out"
    with database.reading(sqlite_engine) as session:
        clear = session.exec(select(Target).where(Target.post_id == 2)).one()
        assert (clear.over_hold_id, clear.follows_id) == (1, 1)


def test_other_words_ask_everyone_anew(ada: Browser, luc: Browser, sqlite_engine: sa.Engine) -> None:
    page = asked(ada)
    send(luc, "/posts/1/ask-changes", page=page, comment="Which end?")
    assert "Waits for its author" in ada.get(page).text
    send(ada, f"{page}/words", page=page, message="North Elm Street is closed.", revision="1")
    stale = send(ada, f"{page}/words", page=page, message="South Elm Street is closed.", revision="1")
    assert (stale.status_code, "South Elm Street" in stale.text) == (422, True)
    assert "North Elm Street" in luc.get(page).text
    with database.reading(sqlite_engine) as session:
        keys = [row.key for row in session.exec(select(OutboxMessage).where(OutboxMessage.kind == "urgent"))]
    assert [key.split(":")[2] for key in keys] == ["1", "1", "2", "2"]


def test_the_api_does_the_same(
    ada: Browser, luc: Browser, desk_app: FastAPI, sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime
) -> None:
    scopes = (Action.WRITE_POSTS, Action.READ_POSTS, Action.PLACE_HOLD, Action.APPROVE_POSTS, Action.LIFT_HOLD)
    with database.writing(sqlite_engine) as session:
        officer, approver = (
            {"Authorization": f"Bearer {sign_ins.new_token(session, who, 'test', scopes, keys, at_eight, DAY)}"}
            for who in (1, 2)
        )
    browser = Browser(desk_app, raise_server_exceptions=False)
    blanks = {"where": "Elm Street", "why": "a gas leak"}
    body = {"template": "road_closed", "blanks": blanks, "language": "en", "rest": "hold"}
    made = browser.post("/api/v1/urgent", json=body, headers=officer)
    assert (made.status_code, made.json()["posts"][0]["state"]) == (201, "in_review")
    content = {"content_hash": made.json()["posts"][0]["content_hash"], "past_hold": True}
    assert browser.post("/api/v1/urgent/1/approve", json=content, headers=officer).status_code == 403
    with database.writing(sqlite_engine) as session:
        rights = (Action.READ_POSTS, Action.APPROVE_POSTS)
        token = sign_ins.new_token(session, 2, "approves only", rights, keys, at_eight, DAY)
    only_approves = {"Authorization": f"Bearer {token}"}
    assert browser.post("/api/v1/urgent/1/approve", json=content, headers=only_approves).status_code == 403
    words = {"content_hash": content["content_hash"], "past_hold": "true"}
    assert browser.post("/outreach/urgent/1/approve", data=words, headers=only_approves).status_code == 403
    assert "although the hold is on" not in browser.get("/outreach/urgent/1", headers=only_approves).text
    answer = browser.post("/api/v1/urgent/1/approve", json=content, headers=approver)
    assert answer.json()["posts"][0]["state"] == "scheduled"
    more = browser.post("/api/v1/urgent/1/follow-ups", json={"stage": "update", "message": "More."}, headers=officer)
    assert [post["stage"] for post in more.json()["posts"]] == ["first", "update"]
    assert [one["over"] for one in browser.get("/api/v1/urgent", headers=officer).json()] == [False]
    for wrong, status in (({"template": "riot"}, 422), ({"blanks": {}}, 409)):
        assert browser.post("/api/v1/urgent", json={**body, **wrong}, headers=officer).status_code == status
