"""What holds on every page: form tokens, headers, sizes, and failures told in plain words."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from fastapi import FastAPI
from structlog.testing import capture_logs

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from tests.web.browsing import Browser, Response, form_token
from web import app as web_app
from web import headers, problems


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
    for sign in ({"origin": "https://evil.example"}, {"origin": "http://["}, {"sec-fetch-site": "cross-site"}):
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
        assert answered.headers["x-frame-options"] == "DENY"
        assert answered.headers["cross-origin-opener-policy"] == "same-origin"
        assert answered.headers["cross-origin-resource-policy"] == "same-origin"
        assert answered.headers["permissions-policy"] == headers.PERMISSIONS_POLICY
        assert "strict-transport-security" not in answered.headers
        assert answered.headers.get("cache-control") == (None if path.startswith("/static") else "no-store")


def test_the_policy_of_pages_lets_in_nothing_from_elsewhere() -> None:
    policy = dict(part.split(" ", 1) for part in headers.CONTENT_SECURITY_POLICY.split("; "))
    assert policy == {
        "default-src": "'self'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert "geolocation=()" in headers.PERMISSIONS_POLICY


def flags(answered: Response) -> dict[str, set[str]]:
    """Each cookie that an answer sets, with its flags."""
    found = {}
    for line in answered.headers.get_list("set-cookie"):
        name, *rest = line.split("; ")
        found[name.partition("=")[0]] = {flag.lower() for flag in rest if not flag.lower().startswith("max-age")}
    return found


def test_the_scripts_of_all_pages_together_stay_small() -> None:
    scripts = Path(__file__).parents[2] / "web" / "static" / "js"
    assert sum(file.stat().st_size for file in scripts.iterdir()) <= 40_000  # bytes, as they are sent


def test_over_https_cookies_are_bound_to_this_host_and_out_of_reach_of_scripts(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", Role.OFFICER, password="a bridge over the river")
    safe = settings.model_copy(update={"base_url": "https://desk.riverton.example"})
    app = web_app.create(sqlite_engine, safe, keys)
    with Browser(app, base_url="https://testserver", follow_redirects=False) as browser:
        visited = browser.get("/sign-in")
        assert visited.headers["strict-transport-security"] == headers.HSTS
        assert flags(visited) == {"liaison_visit": {"httponly", "path=/", "samesite=strict", "secure"}}
        fields = {"email": "ada@riverton.example", "password": "a bridge over the river"}
        entered = browser.post("/sign-in", data=fields | {"csrf": form_token(visited.text)})
        bound = {"httponly", "path=/", "samesite=lax", "secure"}
        assert flags(entered) == {"__Host-liaison": bound, "__Host-liaison-known": bound}
        left = browser.post("/sign-out", data={"csrf": form_token(browser.get("/account").text)})
        (end,) = left.headers.get_list("set-cookie")
        assert end.startswith('__Host-liaison=""') and "Max-Age=0" in end


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


def test_a_failure_is_logged_without_the_secret_in_its_address(
    desk_app: FastAPI, sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems, "log", structlog.get_logger())  # one of an earlier test keeps what was set up then
    with sqlite_engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("DROP TABLE one_time_code"))
    with Browser(desk_app, raise_server_exceptions=False) as browser, capture_logs() as lines:
        assert browser.get("/sign-in/link/a-code-that-lets-in").status_code == 503
    (line,) = [line for line in lines if line["event"] == "store_failed"]
    assert line["path"] == "/sign-in/link/{code}"
    assert "a-code-that-lets-in" not in str(lines)


def test_who_is_signed_in_keeps_the_way_back_on_an_address_of_nothing(browser_of: Callable[..., Browser]) -> None:
    page = browser_of("Ada", Role.OFFICER).get("/nowhere")
    assert (page.status_code, "Go to Today" in page.text, 'href="/mentions"' in page.text) == (404, True, True)
