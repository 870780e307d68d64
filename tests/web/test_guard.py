"""Every route is walked: each names what it needs, or is listed as public; and who gets in where is asked of the desk
itself, signed out and in each role, and compared whole with matrix.txt. A new route needs its line there."""

import re
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import Mount
from structlog.testing import capture_logs

from config import database, people, secrets
from config.permissions import Action, Role, may
from tests.web.browsing import Browser, Response
from web import csrf, guard

OPEN_MOUNTS = {"/static"}
MATRIX = Path(__file__).with_name("matrix.txt")
NOT_YOURS = "This is not part of your work at this desk"
NO_FORM = "This page had been open too long"
LETTER = dict(zip(Role, "OPANU", strict=True))  # officer, approver, administrator, analyst, auditor
ENDS_THE_VISIT = "/sign-out"  # asked last: whoever asks it is signed out


def needed(dependant: Dependant) -> Iterator[Action]:
    """The actions that a route's dependencies ask for."""
    if isinstance(dependant.call, guard.Needs):
        yield dependant.call.action
    for inner in dependant.dependencies:
        yield from needed(inner)


def routes(app: FastAPI) -> list[RouteContext]:
    return list(iter_route_contexts(app.router.routes))


def guarded(app: FastAPI) -> list[RouteContext]:
    """Every route but the public ones and the mounts."""
    own = [route for route in routes(app) if isinstance(route.route, APIRoute)]
    return [route for route in own if route.path not in guard.PUBLIC]


def path_of(path: str) -> str:
    """The path with a 1 for each of its parts."""
    return re.sub(r"\{[^}]+\}", "1", path)


def asked(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path, sign-out last."""
    pairs = {(method, route.path or "") for route in routes(app) for method in route.methods or ()}
    return sorted(pairs, key=lambda pair: (pair[1] == ENDS_THE_VISIT, pair[1], pair[0]))


def ask(browser: Browser, method: str, path: str, **headers: str) -> Response:
    answered: Response = browser.request(method, path_of(path), headers=headers)
    return answered


def form_token_of(browser: Browser) -> str:
    """What the desk's own forms carry for whoever this browser is."""
    seed = browser.cookies.get("liaison") or browser.cookies.get(csrf.VISIT_COOKIE) or ""
    return csrf.token(secrets.for_tests(), seed)


def refused(answered: Response) -> str:
    """How a request was turned away at the door; empty when it was let in, whatever came of it there."""
    if answered.status_code == 303 and answered.headers["location"].startswith("/sign-in?next="):
        return "sign-in"
    told = answered.text.replace("&#39;", "'")
    if answered.status_code == 403 and (NOT_YOURS in told or NO_FORM in told):
        return "403 right" if NOT_YOURS in told else "403 form"
    return "401" if answered.status_code == 401 else ""


def test_every_route_names_what_it_needs_or_is_listed_as_public(desk_app: FastAPI) -> None:
    own = [route for route in routes(desk_app) if isinstance(route.route, APIRoute)]
    assert {route.path for route in own if not list(needed(route.dependant))} == guard.PUBLIC
    others = [route.route for route in routes(desk_app) if not isinstance(route.route, APIRoute)]
    assert {other.path if isinstance(other, Mount) else str(other) for other in others} == OPEN_MOUNTS


@pytest.mark.long
def test_who_gets_in_where_is_exactly_the_matrix(
    desk_app: FastAPI, stranger: Browser, browser_of: Callable[..., Browser]
) -> None:
    stranger.get("/first-run")  # gives the visit's cookie, so that what refuses later is the door, not the form
    browser_of("Somebody else")  # person 1, whom the routes about people change and close
    browsers = {role: browser_of(role.value.title(), role) for role in Role}
    rows = []
    for method, path in asked(desk_app):
        outside = refused(ask(stranger, method, path, **{csrf.HEADER: form_token_of(stranger)})) or "open"
        inside = ""
        for role, browser in browsers.items():
            answered = ask(browser, method, path, **{csrf.HEADER: form_token_of(browser)})
            way = refused(answered)
            assert way in ("", "403 right") or path in guard.PUBLIC, (method, path, role, way)
            assert answered.status_code < 500, (method, path, role, answered.text[:2000])
            inside += "-" if way else LETTER[role]
        rows.append(f"{outside:8}{inside}  {method} {path}")
    wanted = [line for line in MATRIX.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert sorted(rows, key=_by_path) == wanted


def _by_path(row: str) -> tuple[str, str]:
    method, path = row[15:].split(" ", 1)
    return path, method


def test_the_matrix_is_what_the_routes_name_and_the_table_of_roles_allows(desk_app: FastAPI) -> None:
    told = {}
    for line in MATRIX.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            told[line[15:]] = line[8:13]
    for route in routes(desk_app):
        if isinstance(route.route, APIRoute):
            actions = list(needed(route.dependant))
            inside = "".join(LETTER[role] if all(may([role], action) for action in actions) else "-" for role in Role)
            for method in route.methods or ():
                assert told[f"{method} {route.path}"] == inside, route.path


@pytest.mark.long
def test_no_route_changes_anything_without_the_forms_token(
    desk_app: FastAPI, stranger: Browser, browser_of: Callable[..., Browser]
) -> None:
    everything = browser_of("Ada", *Role)
    unsafe = [pair for pair in asked(desk_app) if pair[0] != "GET" and not pair[1].startswith(guard.BY_ADDRESS)]
    assert unsafe
    for browser in (everything, stranger):
        for headers in ({}, {csrf.HEADER: "0" * 32}):
            let_in = [pair for pair in unsafe if refused(ask(browser, *pair, **headers)) != "403 form"]
            assert let_in == []


@pytest.mark.long
def test_a_person_without_a_role_reaches_only_what_is_public(
    desk_app: FastAPI, browser_of: Callable[..., Browser]
) -> None:
    nobody = browser_of("Nobody")
    token = form_token_of(nobody)
    found = {path for method, path in asked(desk_app) if not refused(ask(nobody, method, path, **{csrf.HEADER: token}))}
    assert found <= guard.PUBLIC


def test_each_right_has_exactly_the_roles_that_were_agreed() -> None:
    agreed = {action: "".join(LETTER[role] for role in Role if may([role], action)) for action in Action}
    assert agreed == {
        Action.READ_FIGURES: "OPAN",
        Action.READ_MENTIONS: "OP",
        Action.TRIAGE: "O",
        Action.READ_POSTS: "OPA",
        Action.WRITE_POSTS: "O",
        Action.APPROVE_POSTS: "P",
        Action.PLACE_HOLD: "OP",
        Action.LIFT_HOLD: "P",
        Action.READ_STATUS: "PA",
        Action.MANAGE: "A",
        Action.MANAGE_PEOPLE: "A",
        Action.READ_AUDIT: "U",
        Action.READ_RECORDS: "AU",
        Action.KEEP_RECORDS: "A",
        Action.OWN_ACCOUNT: "OPANU",
    }


def test_the_matrix_is_in_order_without_a_line_twice() -> None:
    lines = [line for line in MATRIX.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert [next(group) for _, group in groupby(sorted(lines, key=_by_path))] == lines


def test_what_is_refused_is_a_line_of_the_machines_log(
    browser_of: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "log", structlog.get_logger())  # one of an earlier test keeps what was set up then
    ana = browser_of("Ana", Role.ANALYST)
    with capture_logs() as lines:
        assert ana.get("/people").status_code == 403
    (line,) = [line for line in lines if line["event"] == "refused"]
    assert (line["right"], line["path"], line["person"], line["address"]) == (
        "manage_people",
        "/people",
        1,
        "testclient",
    )


def test_what_is_refused_says_in_the_readers_words_who_may(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    ada = browser_of("Ada", Role.OFFICER, Role.APPROVER)
    refusal = "Who may manage accounts, sources and channels: Administrator. You are here as: Officer, Approver."
    assert refusal in ada.get("/sources").text
    with database.writing(sqlite_engine) as session:
        known = people.by_email(session, "ada@riverton.example")
        assert known is not None
        known.language = "es"
        session.add(known)
    assert "Usted está aquí como: Oficial, Aprobador." in ada.get("/sources").text
