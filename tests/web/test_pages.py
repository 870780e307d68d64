"""Every page opens, on both databases, for someone who may see it."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts

from config import clock, database, holds, people, sign_ins
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts
from posts import drafts
from tests.web.browsing import Browser
from web import app as web_app
from web import guard, pages


def test_every_page_without_a_number_in_its_address_opens_on_both_databases(
    engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person]
) -> None:
    now = clock.now()
    with database.writing(engine) as session:
        ada = people.known_id(person(session, "Ada", *Role))
        made = accounts.add(session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=now)
        post = drafts.create(session, ada, "Officers on Elm Street.", [made.id or 0], now)
        drafts.schedule(session, post.id or 0, ada, now.replace(tzinfo=None), "UTC", now)
        drafts.submit(session, post.id or 0, ada, now)
        holds.place(session, ada, "Crash on Route 9", now)
        token = sign_ins.open_sign_in(session, ada, keys, now)
    app = web_app.create(engine, settings, keys)
    browser = Browser(app, follow_redirects=False, raise_server_exceptions=False)
    browser.cookies.set("liaison", token)
    pages = {
        route.path or ""
        for route in iter_route_contexts(app.router.routes)
        if isinstance(route.route, APIRoute) and "GET" in (route.methods or ()) and "{" not in (route.path or "")
    }
    pages -= {*guard.PUBLIC, "/accounts/callback"}  # a network leads there, with what we gave it
    found = {path: browser.get(path).status_code for path in sorted({*pages, "/posts/1", "/compose/1"})}
    assert found == dict.fromkeys(found, 200)


@pytest.mark.parametrize("name", ["visitor", "dock", "at"])
def test_a_page_gives_no_value_that_its_frame_would_overwrite(
    browser_of: Callable[..., Browser], desk_app: FastAPI, name: str
) -> None:
    browser_of("Ada", Role.OFFICER)
    request = Request({"type": "http", "path": "/", "headers": [], "query_string": b"", "app": desk_app, "state": {}})
    with pytest.raises(TypeError, match=f"guide.html: {name} is the frame's"):
        values: dict[str, Any] = {name: "mine"}
        pages.render(request, "guide.html", **values)


def test_a_refusal_is_told_in_the_readers_language(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    with database.writing(sqlite_engine) as session:
        session.exec(sa.update(Person).values(language="es"))
    assert "Esto no es parte de su trabajo en esta mesa" in ada.get("/people").text
    assert "No existe esa publicación" in ada.get("/posts/99").text
    assert ada.get("/api/v1/posts/99").json()["title"] == "There is no such post"  # a program compares


@pytest.mark.parametrize(
    ("browser_asks", "language"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("vi,en-GB;q=0.5", "en"),
        ("es", "es"),
        ("vi", "en"),
        (";,=", "en"),
        ("", "en"),
    ],
)
def test_whoever_is_not_signed_in_reads_in_the_language_of_their_browser(
    desk_app: FastAPI, browser_of: Callable[..., Browser], browser_asks: str, language: str
) -> None:
    browser_of("Ada", Role.ADMINISTRATOR)
    resident = Browser(desk_app, follow_redirects=False)
    for path in ("/sign-in", "/said-and-done"):
        page = resident.get(path, headers={"Accept-Language": browser_asks}).text
        assert f'<html lang="{language}"' in page
