"""A link stands in for somebody's password: who gets to see it, what it may, and how its owner learns of it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col, select

from config import clock, database, holds, people, sign_ins
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import ApiToken, AuditEntry, OutboxMessage, Person
from networks import accounts
from posts import drafts
from posts.tables import Post, Review
from tests.web.browsing import Browser, form_token, send
from web import app as web_app

PASSWORD = "a bridge over the river"
NEW = "another long sentence of hers"


@pytest.fixture
def luc(sqlite_engine: sa.Engine, person: Callable[..., Person]) -> int:
    """An approver with a password and no second factor."""
    with database.writing(sqlite_engine) as session:
        return people.known_id(person(session, "Luc", Role.APPROVER, password=PASSWORD))


def post_to_approve(engine: sa.Engine, keys: Keys, settings: Settings, writer: int) -> str:
    """The hash of what waits for its approval."""
    with database.writing(engine) as session:
        now = clock.now()
        to = accounts.add(session, network="practice", name="R", handle="", secret=None, keys=keys, now=now)
        post = drafts.create(session, writer, "Elm Street is open.", [to.id or 0], now, title="Elm Street")
        drafts.submit(session, post.id or 0, writer, now, base_url=settings.base_url)
        return session.get_one(Post, post.id).content_hash


def shown(admin: Browser) -> str:
    """The link that the page shows for Luc."""
    page = send(admin, "/people/1/link", page="/people").text
    return page[page.index("/sign-in/link/") :].split("<")[0]


def mails(engine: sa.Engine) -> list[OutboxMessage]:
    with database.reading(engine) as session:
        return list(session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id))))


def test_with_a_mail_server_only_its_owner_sees_the_link(
    luc: int, sqlite_engine: sa.Engine, settings: Settings, keys: Keys, browser_of: Callable[..., Browser]
) -> None:
    root = browser_of("Root", Role.ADMINISTRATOR)
    with_mail = settings.model_copy(update={"smtp_url": "smtp://localhost"})
    on: FastAPI = web_app.create(sqlite_engine, with_mail, keys)
    admin = Browser(on, cookies=root.cookies, follow_redirects=False)
    made = send(admin, "/people/1/link", page="/people")
    assert (made.status_code, made.headers["location"]) == (303, "/people?said=link-sent")
    assert "/sign-in/link/" not in made.text
    (mail,) = mails(sqlite_engine)
    assert (mail.recipient, mail.kind, mail.sealed) == ("luc@riverton.example", "sign_in_link", True)
    words = keys.open(mail.message).replace("=\r\n", "")
    link = "/sign-in/link/" + words.partition("/sign-in/link/")[2].split()[0]
    stranger = Browser(on, follow_redirects=False)
    assert send(stranger, link, page=link).status_code == 303
    assert [mail.subject for mail in mails(sqlite_engine)[1:]] == ["A link signed somebody in as you"]
    with database.reading(sqlite_engine) as session:
        log = session.exec(select(AuditEntry).where(AuditEntry.action == "person.link")).one()
    assert log.detail == {"by": "mail"}


def test_an_administrator_with_an_approvers_link_approves_nothing_and_makes_no_token(
    luc: int, sqlite_engine: sa.Engine, settings: Settings, keys: Keys, browser_of: Callable[..., Browser],
    stranger: Browser,
) -> None:  # fmt: skip
    admin = browser_of("Root", Role.ADMINISTRATOR, Role.OFFICER)
    content = post_to_approve(sqlite_engine, keys, settings, 2)
    link = shown(admin)
    send(stranger, link, page=link)
    refused = send(stranger, "/posts/1/approve", page="/account", content_hash=content)
    assert (refused.status_code, "Choose a password first" in refused.text) == (403, True)
    made = send(stranger, "/account/tokens", page="/account", name="mine", scopes=["approve_posts"])
    assert made.status_code == 422
    with database.reading(sqlite_engine) as session:
        assert session.get_one(Post, 1).state == "in_review"
        assert session.exec(select(ApiToken)).all() == []


def test_an_administrator_with_an_approvers_link_lifts_no_hold_and_signs_no_translation_off(
    luc: int, sqlite_engine: sa.Engine, settings: Settings, keys: Keys, browser_of: Callable[..., Browser],
    stranger: Browser,
) -> None:  # fmt: skip
    admin = browser_of("Root", Role.ADMINISTRATOR, Role.OFFICER)
    post_to_approve(sqlite_engine, keys, settings, 2)
    with database.writing(sqlite_engine) as session:
        translation = drafts.create(session, 2, "Elm Street está abierta.", [1], clock.now(), language="es")
        translation.translation_of = 1
        content = translation.content_hash
        holds.place(session, 2, "Crash on Route 9", clock.now())
    link = shown(admin)
    send(stranger, link, page=link)
    token = {"x-csrf-token": form_token(stranger.get("/account").text)}
    refused = [
        send(stranger, "/hold/lift", page="/account"),
        stranger.delete("/api/v1/hold", headers=token),
        send(stranger, "/posts/2/sign-off", page="/account", content_hash=content),
        stranger.post("/api/v1/posts/2/sign-off", json={"content_hash": content}, headers=token),
    ]
    assert [(told.status_code, "Choose a password first" in told.text) for told in refused] == [(403, True)] * 4
    with database.reading(sqlite_engine) as session:
        assert holds.in_force(session) is not None
        assert session.exec(select(Review)).all() == []
    send(stranger, "/account/password", page="/account", new=NEW)
    assert send(stranger, "/hold/lift", page="/account").status_code == 303
    assert send(stranger, "/posts/2/sign-off", page="/account", content_hash=content).status_code == 303


def test_who_came_by_a_link_approves_once_the_password_is_set_anew(
    luc: int, sqlite_engine: sa.Engine, settings: Settings, keys: Keys, browser_of: Callable[..., Browser],
    stranger: Browser,
) -> None:  # fmt: skip
    admin = browser_of("Root", Role.ADMINISTRATOR, Role.OFFICER)
    content = post_to_approve(sqlite_engine, keys, settings, 2)
    link = shown(admin)
    send(stranger, link, page=link)
    assert send(stranger, "/account/password", page="/account", new=NEW).status_code == 303
    assert send(stranger, "/posts/1/approve", page="/account", content_hash=content).status_code == 303
    told = [mail.subject for mail in mails(sqlite_engine) if mail.kind == "security"]
    assert told == [
        "A link was made that signs somebody in as you", "A link signed somebody in as you", "Your password was changed"
    ]  # fmt: skip
    again = send(stranger, "/account/password", page="/account", old="not this one", new=PASSWORD)
    assert again.status_code == 422  # the sign-in is one by password now


def test_whoever_comes_into_the_sample_town_by_its_link_does_all_that_the_person_may(
    luc: int, sqlite_engine: sa.Engine, settings: Settings, keys: Keys, stranger: Browser, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        writer = people.known_id(person(session, "Ana", Role.OFFICER))
        code = sign_ins.new_code(session, sign_ins.SAMPLE_TOWN, luc, keys, clock.now(), timedelta(hours=1))
    content = post_to_approve(sqlite_engine, keys, settings, writer)
    link = f"/sign-in/link/{code}"
    send(stranger, link, page=link)
    assert "Links that sign somebody in as you" not in stranger.get("/").text
    assert send(stranger, "/posts/1/approve", page="/posts/1", content_hash=content).status_code == 303
    assert mails(sqlite_engine) == []


def test_without_a_mail_server_its_owner_is_told_on_today_until_they_say_so(
    luc: int, browser_of: Callable[..., Browser], stranger: Browser, at_eight: datetime
) -> None:
    admin, own = browser_of("Root", Role.ADMINISTRATOR), browser_of("Luc")
    assert "Links that sign somebody in as you" not in own.get("/").text
    link = shown(admin)
    assert "One was made and not used yet" in own.get("/").text
    send(stranger, link, page=link)
    assert "One was used" in own.get("/").text
    assert "That was me" not in stranger.get("/").text  # whoever came by it does not take the news away
    assert send(stranger, "/account/links/seen", page="/account").status_code == 409
    assert send(own, "/account/links/seen", page="/").headers["location"] == "/"
    assert "Links that sign somebody in as you" not in own.get("/").text
    assert "Links that sign somebody in as you" not in admin.get("/").text
