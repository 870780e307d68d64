"""Our own lists as CSV: of mentions the figures only, and each that is taken stands in the audit log."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.tables import OutboxMessage, Person
from listeners import sources
from networks import accounts
from posts import glossary, resources
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
    "/outreach/glossary.csv",
    "/outreach/resources.csv",
    "/accounts.csv",
    "/sources.csv",
    "/people.csv",
    "/channels/log.csv",
)
SECRET = "hunter2"


@pytest.fixture
def ada(browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, at_eight: datetime) -> Browser:
    yesterday = at_eight - timedelta(days=1)
    with database.writing(sqlite_engine) as session:
        elm = street.place(session, "Elm Street")
        posts = [Said(at_eight, "a", mistrust=0.9, negative=0.9, text="Nobody comes."), Said(yesterday, "b", trust=0.9)]
        posts += [Said(yesterday, f"at Elm {number}", place_id=elm) for number in range(7)]
        street.say(session, posts)
    return browser_of("Ada", Role.OFFICER, Role.ADMINISTRATOR, Role.AUDITOR)


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
    named = {"/channels/log.csv": "deliveries"}
    names = [named.get(path, path.rsplit("/", 1)[1].removesuffix(".csv")) for path in (*OURS, "/mentions.csv")]
    assert [one["subject"] for one in log] == [f"list:{name}" for name in reversed(names)]
    assert (log[0]["by"], log[0]["detail"]) == ("Ada", "trust: mistrust; state: new")


@pytest.fixture
def kept(ada: Browser, sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime) -> Browser:
    """An account and a source with secrets, a term, a resource, a mail that waits."""
    with database.writing(sqlite_engine) as session:
        accounts.add(
            session, network="x", name="=Riverton PD", handle="RivertonPD", secret=SECRET, keys=keys, now=at_eight
        )
        sources.add(
            session, network="feed", name="News", settings={"url": f"https://news.example/?key={SECRET}"},
            every_seconds=300, now=at_eight,
        )  # fmt: skip
        glossary.keep(session, 1, at_eight, term="town hall", language="es", wording="reunión")
        resources.keep(session, 1, at_eight, kind="complaints", name="Complaints", phone="555 0110", note="daily")
        for number, state in ((1, "waiting"), (2, "sent")):
            session.add(
                OutboxMessage(
                    key=f"k{number}", kind="digest", recipient="dana@town.example", subject=f"Digest {number}",
                    message=SECRET.encode(), state=state, due_at=at_eight, created_at=at_eight,
                )
            )  # fmt: skip
    return ada


def test_our_own_lists_have_what_their_pages_have(kept: Browser) -> None:
    (account,) = rows(kept, "/accounts.csv")
    assert (account["name"], account["network"], account["state"]) == ("'=Riverton PD", "x", "connected")
    assert (account["spent"], account["posts_waiting"], account["reach_read_at"]) == ("0", "0", "")
    (source,) = [one for one in rows(kept, "/sources.csv") if one["name"] == "News"]
    assert (source["network"], source["enabled"], source["every_seconds"]) == ("feed", "yes", "300")
    (term,) = rows(kept, "/outreach/glossary.csv")
    assert (term["term"], term["language"], term["wording"]) == ("town hall", "es", "reunión")
    (help_,) = rows(kept, "/outreach/resources.csv")
    assert (help_["name"], help_["telephone"], help_["note"]) == ("Complaints", "555 0110", "daily")
    (ada,) = rows(kept, "/people.csv")
    assert (ada["name"], ada["roles"], ada["active"]) == ("Ada", "administrator auditor officer", "yes")
    assert [one["subject"] for one in rows(kept, "/channels/log.csv")] == ["Digest 2", "Digest 1"]
    assert [one["subject"] for one in rows(kept, "/channels/log.csv?state=waiting")] == ["Digest 1"]
    assert len(rows(kept, "/channels/log.csv?state=nonsense")) == 2


def test_no_list_has_a_secret(kept: Browser, sqlite_engine: sa.Engine) -> None:
    with database.reading(sqlite_engine) as session:
        password = session.get_one(Person, 1).password_hash or "argon2"
    for path in OURS:
        text = kept.get(path).text
        assert SECRET not in text
        assert password not in text


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("/outreach/glossary", "/outreach/glossary.csv"),
        ("/outreach/resources", "/outreach/resources.csv"),
        ("/accounts", "/accounts.csv"),
        ("/sources", "/sources.csv"),
        ("/people", "/people.csv"),
        ("/channels/log?state=waiting", "/channels/log.csv?state=waiting"),
    ],
)
def test_each_page_leads_to_its_list(kept: Browser, page: str, path: str) -> None:
    assert f'href="{path}"' in kept.get(page).text
