"""What holds on every page: form tokens, headers, sizes, and failures told in plain words."""

from collections.abc import Callable

import sqlalchemy as sa
from fastapi import FastAPI

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from tests.web.browsing import Browser, form_token
from web import app as web_app
from web import headers


def zone(engine: sa.Engine) -> str:
    with database.reading(engine) as session:
        return session.get_one(Person, 1).time_zone


FIELDS = {"time_zone": "Europe/Madrid", "language": "es"}


def test_a_form_without_the_token_changes_nothing(browser_of: Callable[..., Browser], sqlite_engine: sa.Engine) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    assert browser.post("/account", data=FIELDS).status_code == 403
    assert browser.post("/account", data=FIELDS | {"csrf": "0" * 32}).status_code == 403
    assert zone(sqlite_engine) == "America/New_York"
    token = form_token(browser.get("/account").text)
    assert browser.post("/account", data=FIELDS | {"csrf": token}).status_code == 303
    assert zone(sqlite_engine) == "Europe/Madrid"


def test_another_persons_token_does_not_do(browser_of: Callable[..., Browser], sqlite_engine: sa.Engine) -> None:
    ada, eve = browser_of("Ada", Role.OFFICER), browser_of("Eve", Role.OFFICER)
    theirs = form_token(eve.get("/account").text)
    assert ada.post("/account", data=FIELDS | {"csrf": theirs}).status_code == 403


def test_a_form_sent_from_another_site_is_refused_even_with_the_token(browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    fields = FIELDS | {"csrf": form_token(browser.get("/account").text)}
    for sign in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert browser.post("/account", data=fields, headers=sign).status_code == 403
    own = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}
    assert browser.post("/account", data=fields, headers=own).status_code == 303


def test_every_answer_carries_the_safe_headers(stranger: Browser) -> None:
    for path in ("/healthz", "/sign-in", "/nowhere", "/static/nothing.css", "/api/v1/posts"):
        answered = stranger.get(path)
        assert answered.headers["content-security-policy"] == headers.CONTENT_SECURITY_POLICY, path
        assert "unsafe-inline" not in answered.headers["content-security-policy"]
        assert answered.headers["x-content-type-options"] == "nosniff"
        assert answered.headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in answered.headers
        assert answered.headers.get("cache-control") == (None if path.startswith("/static") else "no-store")


def test_over_https_the_cookie_and_the_host_are_bound_to_it(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys
) -> None:
    safe = settings.model_copy(update={"base_url": "https://desk.riverton.example"})
    with Browser(web_app.create(sqlite_engine, safe, keys), base_url="https://testserver") as browser:
        answered = browser.get("/first-run")
        assert answered.headers["strict-transport-security"] == "max-age=31536000"
        assert "Secure" in answered.headers["set-cookie"]


def test_a_request_that_brings_too_much_is_refused(browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    answered = browser.post("/account", content=b"x" * (web_app.BODY_LIMIT + 1))
    assert answered.status_code == 413
    chunks = (b"x" * 100_000 for _ in range(web_app.BODY_LIMIT // 100_000 + 2))
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert browser.post("/account", content=chunks, headers=form).status_code == 413


def test_what_is_not_there_is_a_page_for_people_and_a_problem_for_programs(stranger: Browser) -> None:
    page, problem = stranger.get("/nowhere"), stranger.get("/api/nowhere")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")
    assert problem.json() == {
        "type": "about:blank",
        "title": "There is nothing here",
        "status": 404,
        "detail": "It may have expired, or the address is not right.",
        "instance": "/api/nowhere",
    }


def test_a_store_that_does_not_answer_is_told_and_not_shown(desk_app: FastAPI, sqlite_engine: sa.Engine) -> None:
    with sqlite_engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("DROP TABLE person_role"))
        connection.execute(sa.text("DROP TABLE sign_in"))
    with Browser(desk_app, raise_server_exceptions=False) as browser:
        browser.cookies.set("liaison", "whatever")
        answered = browser.get("/account")
    assert answered.status_code == 503
    assert "The store did not answer" in answered.text
    assert "sign_in" not in answered.text
