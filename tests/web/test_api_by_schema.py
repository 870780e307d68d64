"""Whatever the API's own description allows is asked in each role: no failure of ours, nothing given away. Longer in
`make bench ARGS=api`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from config.secrets import Keys
from tests.web import asked_by_schema
from tests.web.browsing import Browser


@pytest.mark.long
def test_whatever_the_description_allows_no_failure_and_no_leak(
    desk_app: FastAPI, sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Any], at_eight: datetime
) -> None:
    asked_by_schema.secrets_into(sqlite_engine, keys)
    by_role = asked_by_schema.tokens(sqlite_engine, keys, person)
    browser = Browser(desk_app, raise_server_exceptions=False)
    assert asked_by_schema.wrong(browser, by_role, examples=1, start=11) == []


def test_a_number_of_nothing_is_refused_in_words_and_is_no_failure(
    sqlite_engine: sa.Engine, desk_app: FastAPI, keys: Keys, person: Callable[..., Any], at_eight: datetime
) -> None:
    everybody = asked_by_schema.tokens(sqlite_engine, keys, person)["everybody"]
    browser = Browser(desk_app, headers={"authorization": f"Bearer {everybody}"})
    answer = browser.post("/api/v1/slots", json={"account": 999, "weekday": 2, "at": "12:12"})
    assert (answer.status_code, answer.json()["title"]) == (409, "This cannot be kept")
    half = browser.put("/api/v1/posts/1", json={"category": "event", "hour": "09:00"})
    assert (half.status_code, half.json()["title"]) == (422, "That is no time")
