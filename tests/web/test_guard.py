"""Every route is walked: each names what it needs, or is listed as public; and each refuses whoever may not."""

import re
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import Mount

from config.permissions import Action, Role, may
from tests.web.browsing import Browser, form_token
from web import guard

OPEN_MOUNTS = {"/static"}


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


def path_of(route: RouteContext) -> str:
    return re.sub(r"\{[^}]+\}", "1", route.path or "")


def ask(browser: Browser, route: RouteContext, method: str) -> int:
    """The status of a request with the form's token, to the route with a 1 for each part of its path."""
    token = form_token(browser.get("/account").text) if method != "GET" else ""
    return browser.request(method, path_of(route), headers={"x-csrf-token": token}).status_code


def test_every_route_names_what_it_needs_or_is_listed_as_public(desk_app: FastAPI) -> None:
    own = [route for route in routes(desk_app) if isinstance(route.route, APIRoute)]
    assert {route.path for route in own if not list(needed(route.dependant))} == guard.PUBLIC
    others = [route.route for route in routes(desk_app) if not isinstance(route.route, APIRoute)]
    assert {other.path if isinstance(other, Mount) else str(other) for other in others} == OPEN_MOUNTS


def test_a_stranger_is_led_to_sign_in_or_told_401(desk_app: FastAPI, stranger: Browser) -> None:
    for route in guarded(desk_app):
        path = path_of(route)
        for method in route.methods or ():
            answered = stranger.request(method, path)
            if method == "GET" and not path.startswith("/api/"):
                assert (answered.status_code, answered.headers["location"][:9]) == (303, "/sign-in?"), path
            else:
                assert answered.status_code in (401, 403), f"{method} {path}"  # 403: no form token either


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_refused_exactly_what_is_not_its_work(
    desk_app: FastAPI, browser_of: Callable[..., Browser], role: Role
) -> None:
    wrong = []
    for route in guarded(desk_app):
        allowed = all(may([role], action) for action in needed(route.dependant))
        for method in route.methods or ():
            status = ask(browser_of("Ada", role), route, method)
            if ((status == 403) == allowed and not (allowed and method != "GET")) or (allowed and status >= 500):
                wrong.append((method, route.path, status))
    assert wrong == []


def test_the_table_of_roles_and_actions_is_what_was_agreed() -> None:
    nobody_but = {action: {role for role in Role if may([role], action)} for action in Action}
    assert nobody_but[Action.APPROVE_POSTS] == nobody_but[Action.LIFT_HOLD] == {Role.APPROVER}
    assert nobody_but[Action.WRITE_POSTS] == {Role.OFFICER}
    assert nobody_but[Action.MANAGE] == {Role.ADMINISTRATOR}
    assert nobody_but[Action.READ_AUDIT] == {Role.AUDITOR}
