"""All our posts: filters in the address hold, the list as CSV opens harmlessly in a spreadsheet."""

import csv
import io
from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from config import database
from config.permissions import Role
from config.secrets import Keys
from networks import accounts
from posts import drafts
from tests.web.browsing import Browser


@pytest.fixture
def ada(browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime) -> Browser:
    ada = browser_of("Ada", Role.OFFICER)
    with database.writing(sqlite_engine) as session:
        board = accounts.add(
            session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=at_eight
        )
        for message in ("=Elm Street, closed", "Coffee at nine"):
            drafts.create(session, 1, message, [board.id or 0], at_eight, title=message)
    return ada


def test_words_and_kinds_are_in_the_address(ada: Browser) -> None:
    page = ada.get("/posts?words=elm&state=draft&network=practice&first=2026-11-01&kind=nonsense").text
    assert ("Elm Street" in page, "Coffee at nine" in page) == (True, False)
    assert 'href="/posts.csv?words=elm&amp;state=draft&amp;network=practice&amp;first=2026-11-01"' in page
    assert "No post fits these filters." in ada.get("/posts?state=sent").text


def test_the_list_as_csv_has_no_formula(ada: Browser) -> None:
    answer = ada.get("/posts.csv?words=elm")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["message"], row["state"], row["networks"]) for row in rows] == [
        ("'=Elm Street, closed", "draft", "practice")
    ]
    assert "attachment" in answer.headers["content-disposition"]
