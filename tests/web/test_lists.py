"""Our own lists as CSV: of mentions the figures only, and each that is taken stands in the audit log."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from config import database
from config.permissions import Role
from tests.sentiment import street
from tests.sentiment.street import Said
from tests.web.browsing import Browser

OURS = (
    "/concerns.csv",
    "/alerts.csv",
    "/outreach/actions.csv",
    "/outreach/events.csv",
    "/outreach/partners.csv",
    "/outreach/heard.csv",
    "/outreach/questions.csv",
)


@pytest.fixture
def ada(browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, at_eight: datetime) -> Browser:
    yesterday = at_eight - timedelta(days=1)
    with database.writing(sqlite_engine) as session:
        elm = street.place(session, "Elm Street")
        posts = [Said(at_eight, "a", mistrust=0.9, negative=0.9, text="Nobody comes."), Said(yesterday, "b", trust=0.9)]
        posts += [Said(yesterday, f"at Elm {number}", place_id=elm) for number in range(7)]
        street.say(session, posts)
    return browser_of("Ada", Role.OFFICER, Role.AUDITOR)


def rows(browser: Browser, path: str) -> list[dict[str, str]]:
    answer = browser.get(path)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_mentions_are_days_and_figures_as_they_are_filtered(ada: Browser) -> None:
    told = rows(ada, "/mentions.csv?days=7")
    heads = ["day", "mentions", "mistrust", "neither", "trust", "negative", "neutral", "positive"]
    assert (len(told), list(told[0])) == (8, heads)
    assert [list(one.values())[1:] for one in told[-2:]] == [
        ["8", "0", "7", "1", "0", "8", "0"],
        ["1", "1", "0", "0", "1", "0", "0"],
    ]
    assert [one["mentions"] for one in rows(ada, "/mentions.csv?days=1&trust=mistrust")] == ["0", "1"]
    assert {one["mentions"] for one in rows(ada, "/mentions.csv?state=done")} == {"0"}


def test_mentions_of_a_place_are_told_in_fives(ada: Browser) -> None:
    assert [one["mentions"] for one in rows(ada, "/mentions.csv?place=1&days=7")][-2:] == ["5", "0"]


def test_each_list_is_there_and_who_took_it_is_in_the_log(ada: Browser) -> None:
    for path in OURS:
        rows(ada, path)
    rows(ada, "/mentions.csv?trust=mistrust")
    log = rows(ada, "/records/log.csv?action=list.export")
    names = [path.rsplit("/", 1)[1].removesuffix(".csv") for path in (*OURS, "/mentions.csv")]
    assert [one["subject"] for one in log] == [f"list:{name}" for name in reversed(names)]
    assert (log[0]["by"], log[0]["detail"]) == ("Ada", "trust: mistrust; state: new")
