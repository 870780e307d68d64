"""What is not for this desk changes nothing on any page, in any answer of the API, in any export: posts on protests,
and whatever is asked by author."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from listeners import intake, places, sources
from networks.network import RemoteMention
from scheduler.jobs import alerting
from sentiment import scoring
from tests.sentiment.reader import WordReader
from tests.sentiment.street import ZONE
from tests.web.browsing import Browser
from tests.web.test_guard import guarded, path_of

EVERYBODY = (Role.OFFICER, Role.APPROVER, Role.ADMINISTRATOR, Role.ANALYST, Role.AUDITOR)
LOOKED_AT = {"/", "/mentions", "/mentions/1", "/concerns", "/concerns/traffic_safety", "/alerts", "/sources"}
_CHANGING = re.compile(r'(name="csrf" value|nonce|content)="[^"]*"')


def said(engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, texts: list[str]) -> None:
    """Posts by as many people, one every ten minutes before now, read by the model."""
    with database.writing(engine) as session:
        source = sources.by_name(session, "Town") or sources.add(
            session, network="archive", name="Town", settings={}, every_seconds=0, now=now
        )
        found = [
            ("archive", RemoteMention(f"{text}-{n}", text, now - timedelta(minutes=10 * n), f"{text}-{n}"))
            for n, text in enumerate(texts)
        ]
        intake.store(session, intake.prepare(found, source, intake.EVERYTHING, keys, settings, now))
    while scoring.score_pending(engine, WordReader(), now, zone=ZONE):
        pass
    alerting.look(engine, settings, now)


@pytest.fixture
def town(sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime) -> sa.Engine:
    with database.writing(sqlite_engine) as session:
        places.add(session, "Elm Street", ("Elm St",), "street")
    texts = [f"Speeding on Elm Street by number {n}, useless" for n in range(30)]
    said(sqlite_engine, keys, settings, at_eight, [*texts, *(f"thank you officer {n}" for n in range(20))])
    return sqlite_engine


def looked_at(app: FastAPI, browser: Browser, more: str = "") -> Iterator[tuple[str, str]]:
    """Every page and answer that can be looked at, after its path, without what is new each time."""
    paths = sorted({path_of(one.path or "") for one in guarded(app) if "GET" in (one.methods or ())})
    for path in ("/records/log", "/records/log.csv", "/records/export", "/api/v1/records/export", "/api/v1/audit-log"):
        paths.remove(path)  # each look at anything is a new line there
    for path in ("/status", "/api/v1/status"):
        paths.remove(path)  # the sizes of disk and store change by themselves; none of what people say is there
    paths += ["/concerns/traffic_safety", "/api/v1/concerns/traffic_safety"]
    for path in paths:
        if "stream" not in path and "events" not in path:
            found = browser.get(path + more)
            if found.status_code == 200:
                yield path, _CHANGING.sub("", found.text)


def everything(app: FastAPI, browser: Browser, more: str = "") -> dict[str, str]:
    """All of it, by path."""
    return dict(looked_at(app, browser, more))


def test_posts_on_a_protest_change_nothing_that_anybody_sees(
    desk_app: FastAPI,
    town: sa.Engine,
    keys: Keys,
    settings: Settings,
    at_eight: datetime,
    browser_of: Callable[..., Browser],
) -> None:
    ada = browser_of("Ada", *EVERYBODY)
    everything(desk_app, ada)  # what a first look writes down has been written
    before = everything(desk_app, ada)
    protests = [f"the protest against speeding on Elm Street, useless, word {n}" for n in range(40)]
    said(town, keys, settings, at_eight, protests)
    after = everything(desk_app, ada)
    assert set(before) >= LOOKED_AT
    assert [path for path in before if before[path] != after.get(path)] == []


def test_asking_by_author_changes_nothing(
    desk_app: FastAPI, town: sa.Engine, keys: Keys, at_eight: datetime, browser_of: Callable[..., Browser]
) -> None:
    ada = browser_of("Ada", *EVERYBODY)
    name = keys.hash("author", "archive\nthank you officer 3-33").hex()
    before = everything(desk_app, ada)
    after = everything(desk_app, ada, f"?author={name}&sort=author&order=author&group=author&by=author")
    assert set(after) >= LOOKED_AT
    others = [path for path in before if path in after and before[path] != after[path]]
    # what a first look writes down, as that somebody was here, is told from a second on
    assert [path for path in others if _CHANGING.sub("", ada.get(path).text) != after[path]] == []


def test_no_question_of_the_api_or_of_a_page_names_an_author(desk_app: FastAPI) -> None:
    asked = {
        field.name
        for route in guarded(desk_app)
        if route.path != "/board"  # there one writes as a made-up resident
        for field in (*route.dependant.query_params, *route.dependant.body_params)
    }
    assert not {name for name in asked if "author" in name}
