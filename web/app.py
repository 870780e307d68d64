"""The desk as an ASGI application: routers, headers, the guard's form token on every route, failures in plain words."""

import importlib
import importlib.util
import mimetypes
from functools import cache
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.routing import BaseRoute

from config.secrets import Keys
from config.settings import Settings
from web import (
    account,
    accounts,
    actions,
    approvals,
    board,
    calendar,
    channels,
    compose,
    deliveries,
    events,
    fetched_pictures,
    finding,
    first_run,
    glossary,
    guide,
    health,
    heard,
    hold,
    lists,
    live,
    look,
    mix,
    observances,
    outreach,
    pages,
    partners,
    people,
    planning,
    problems,
    questions,
    queue,
    records,
    reports,
    resources,
    second_factor,
    sign_in,
    single_sign_on,
    snippets,
    status,
    stories,
    styleguide,
    transparency,
    triaging,
    urgent,
    vega,
)
from web.api import docs, v1
from web.api.once import OnceOnly
from web.desk import Desk
from web.guard import unsafe_is_ours
from web.headers import SafeHeaders
from web.request_ids import RequestIds

_ROOMS: tuple[ModuleType, ...] = (
    health,
    sign_in,
    single_sign_on,
    first_run,
    account,
    second_factor,
    accounts,
    compose,
    calendar,
    channels,
    deliveries,
    reports,
    records,
    queue,
    finding,
    lists,
    approvals,
    hold,
    outreach,
    actions,
    heard,
    guide,
    mix,
    resources,
    observances,
    glossary,
    stories,
    events,
    urgent,
    partners,
    questions,
    live,
    vega,
    look,
    fetched_pictures,
    board,
    people,
    planning,
    snippets,
    status,
    styleguide,
    transparency,
    triaging,
    docs,
    v1,
)
BODY_LIMIT = 2 * 1024 * 1024  # bytes; a post with all its variants is a few kilobytes
_READING = ("today", "mentions", "alerts", "concerns", "sources", "components_page")
# Text files are named here: on a bare system the platform's own table may lack them.
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/css", ".css")
mimetypes.add_type("image/svg+xml", ".svg")


def create(engine: sa.Engine, settings: Settings, keys: Keys, *, reader: Any = None) -> FastAPI:
    """The application over a migrated store. `reader`: the model, where a page scores a text at once; else none."""
    app = _application()
    app.state.desk = Desk(engine, settings, keys, reader)
    app.state.watch = live.Watch(engine)
    app.router.routes.extend(_routes())
    app.mount("/static", StaticFiles(directory=pages.STATIC), name="static")
    app.add_middleware(OnceOnly, desk=app.state.desk)
    app.add_middleware(SafeHeaders, https=app.state.desk.https)
    app.add_middleware(RequestIds)
    problems.install(app)
    return app


def _application() -> FastAPI:
    return FastAPI(
        title="Liaison",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(unsafe_is_ours)],
        redirect_slashes=False,
        max_body_size=BODY_LIMIT,
    )


@cache
def _routes() -> list[BaseRoute]:
    """All rooms' routes, the form token asked for on each. Once a process: FastAPI takes half a second to work out the
    API's, at its first call, and an application more or less changes nothing in them."""
    house = _application()
    for module in (*_ROOMS, *_reading_pages()):
        house.include_router(module.router)
    return house.router.routes


def _reading_pages() -> list[ModuleType]:
    return [
        importlib.import_module(f"web.{name}")
        for name in _READING
        if importlib.util.find_spec(f"web.{name}") is not None
    ]
