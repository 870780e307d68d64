"""The inbox at work: many at once, taken back, tagged, kept as views; copies once; hostile words harmless."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry
from listeners.tables import Mention, SavedView, Source
from listeners.triage import Before
from networks.network import Page, RemoteMention
from sentiment import model, scoring
from tests.listeners.said import admit
from tests.web.browsing import Browser, form_token, send
from web import triaging

COPIED = "The crossing guard at Elm and Fourth was nearly hit again this morning by a silver pickup truck."
TEXTS = (COPIED, "A bake sale in Northgate.", COPIED, "Thank you for walking me home.", f"{COPIED} !!")


@pytest.fixture
def town(sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> sa.Engine:
    now = clock.now()
    with database.writing(sqlite_engine) as session:
        source = Source(network="facebook", name="Town")
        session.add(source)
        session.flush()
        found = [
            RemoteMention(
                str(number), text, now - timedelta(hours=len(TEXTS) - number), f"author {number}", root_id="r"
            )
            for number, text in enumerate(TEXTS)
        ]
        admit(session, source, Page(found, None), keys, settings, now)
    scoring.score_pending(sqlite_engine, model.load(), now, zone=settings.department.zone)
    return sqlite_engine


@pytest.fixture
def ada(browser_of: Callable[..., Browser], town: sa.Engine) -> Browser:
    return browser_of("Ada", Role.OFFICER)


def states(engine: sa.Engine) -> dict[int, str]:
    with database.reading(engine) as session:
        rows = session.exec(select(Mention.id, Mention.state).order_by(col(Mention.id))).all()
    return {number or 0: state for number, state in rows}


def bulk(ada: Browser, *ids: int, **fields: object) -> str:
    token = form_token(ada.get("/mentions").text)
    answer = ada.post("/mentions/bulk", data={"csrf": token, "ids": list(ids), "back": "/mentions", **fields})
    assert answer.status_code == 303
    return str(answer.headers["location"])


def test_copies_are_listed_once_with_their_number(ada: Browser) -> None:
    page = ada.get("/mentions").text
    assert page.count("data-mention>") == 3
    assert "said 2 more times" in page
    assert ada.get("/mentions?state=all&like=1").text.count("data-mention>") == 3


def test_many_are_done_at_once_and_taken_back_at_once(ada: Browser, town: sa.Engine) -> None:
    place = bulk(ada, 1, 2, move="done")
    assert states(town)[1] == states(town)[2] == "done"
    page = ada.get(place).text
    assert "2 mentions are done." in page
    send(ada, "/mentions/undo", page=place, what="1.new,2.new", back="/mentions")
    assert states(town)[1] == states(town)[2] == "new"


def test_what_someone_moved_meanwhile_is_left_as_it_is(ada: Browser, town: sa.Engine) -> None:
    bulk(ada, 1, move="done")
    assert bulk(ada, 1, 2, 999, move="done") == "/mentions?did=done&undo=2.new"
    assert bulk(ada, 1, move="done") == "/mentions?said=none-moved"


def test_nothing_marked_changes_nothing_and_says_so(ada: Browser, town: sa.Engine) -> None:
    assert "Nothing was chosen" in ada.get(bulk(ada, move="done")).text
    assert set(states(town).values()) == {"new"}


def test_mentions_are_given_to_a_colleague(ada: Browser, town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    eve = browser_of("Eve", Role.OFFICER)
    bulk(ada, 1, move="assign", to="2")
    with database.reading(town) as session:
        assert session.get_one(Mention, 1).assigned_to == 2
    assert "crossing guard" in eve.get("/mentions?state=assigned&mine=yes").text
    assert "crossing guard" not in ada.get("/mentions?state=assigned&mine=yes").text


def test_a_mention_is_put_away_until_monday_at_eight(ada: Browser, town: sa.Engine) -> None:
    send(ada, "/mentions/1/snooze", page="/mentions/1", until="monday", back="/mentions/1")
    with database.reading(town) as session:
        until = session.get_one(Mention, 1).snoozed_until
    assert until is not None
    local = until.astimezone(ZoneInfo("America/New_York"))
    assert (local.weekday(), local.hour) == (0, 8)


def test_a_desk_that_heard_nothing_yet_does_not_say_that_all_is_dealt_with(
    ada: Browser, town: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    bulk(ada, 1, 2, 3, 4, 5, move="done")
    assert "Every mention is dealt with." in ada.get("/mentions").text
    with database.writing(town) as session:
        session.execute(sa.update(Mention).values(shown=False))
    assert "No mention has come in yet." in ada.get("/mentions").text


def ways_back(page: str) -> set[str]:
    """Where the forms of a page lead back to."""
    return {unescape(one) for one in re.findall(r'name="back" value="([^"]*)"', page)}


@pytest.mark.parametrize(
    "address",
    [
        "/mentions?network=facebook",
        "/mentions?days=7&tag=crosswalk&state=all",
        f"/mentions?{urlencode({'before': '2199-01-01T00:00:00+00:00,9'})}",
        f"/mentions?{urlencode({'concern': chr(0x1F6B2) * 60, 'tag': chr(0x1F6B2) * 40})}",
        "/mentions/2",
    ],
)
def test_what_is_done_leads_back_to_where_one_was(ada: Browser, town: sa.Engine, address: str) -> None:
    bulk(ada, 1, 2, move="tag", tag="crosswalk")
    assert ways_back(ada.get(address).text) <= {address}
    for move in ("assign", "done"):
        answer = send(ada, f"/mentions/2/{move}", page="/mentions/2", back=address)
        assert answer.headers["location"].startswith(f"{address}{'&' if '?' in address else '?'}did={move}&undo=2.")
        assert address in ways_back(ada.get(answer.headers["location"]).text)


def test_a_mentions_own_page_says_that_it_is_tagged_untagged_and_corrected(ada: Browser) -> None:
    said = []
    for act, fields in (
        ("tag", {"tag": "crosswalk"}),
        ("untag", {"tag": "crosswalk"}),
        ("labels/correct", {"trust": "neither"}),
    ):
        [back] = ways_back(ada.get("/mentions/2").text)
        answer = send(ada, f"/mentions/2/{act}", page="/mentions/2", back=back, **fields)
        shown = ada.get(answer.headers["location"]).text
        said += re.findall(r"said-note[^>]*>.*?<span>(.*?)</span>", shown)
        assert "A mention</h1>" in shown
    assert said == ["Tagged.", "The tag is taken off.", "Corrected. Your word counts now, in every figure."]


def test_a_mention_that_is_left_out_leads_to_the_inbox_for_its_page_is_gone(ada: Browser) -> None:
    answer = send(
        ada, "/mentions/2/labels/correct", page="/mentions/2", back="/mentions/2", concerns="protest_public_order"
    )
    shown = ada.get(answer.headers["location"])
    assert shown.status_code == 200
    assert "It is left out of the desk, and of every figure." in shown.text


def test_a_later_page_that_is_emptied_leads_to_the_newest(ada: Browser) -> None:
    page = ada.get("/mentions", params={"network": "facebook", "before": "1990-01-01T00:00:00+00:00,1"}).text
    assert "Nothing older is left in this list." in page
    assert 'href="/mentions?network=facebook">Show the newest</a>' in page


def test_tags_are_put_on_many_and_filtered_by(ada: Browser) -> None:
    bulk(ada, 1, 2, move="tag", tag="Crosswalk")
    page = ada.get("/mentions?tag=crosswalk").text
    assert page.count("data-mention>") == 2
    send(ada, "/mentions/2/untag", page="/mentions/2", tag="crosswalk", back="/mentions/2")
    assert ada.get("/mentions?tag=crosswalk").text.count("data-mention>") == 1


def test_a_view_is_kept_shown_and_removed_by_its_owner_alone(
    ada: Browser, town: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    kept = send(ada, "/mentions/views", page="/mentions?network=facebook", name="Facebook", query="network=facebook")
    assert kept.headers["location"] == "/mentions?network=facebook&said=view-kept"
    assert ">Facebook</a>" in ada.get("/mentions").text
    eve = browser_of("Eve", Role.OFFICER)
    assert "Your views" not in eve.get("/mentions").text
    send(eve, "/mentions/views/1/forget", page="/mentions")
    with database.reading(town) as session:
        assert len(session.exec(select(SavedView)).all()) == 1
    send(ada, "/mentions/views/1/forget", page="/mentions")
    assert "Your views" not in ada.get("/mentions").text


@pytest.mark.parametrize("query", ["", "a", "network=facebook#x", "network=face book", "x=1&" * 20])
def test_only_filters_are_kept_as_a_view(ada: Browser, query: str) -> None:
    assert send(ada, "/mentions/views", page="/mentions", name="Odd", query=query).status_code == 422


def test_a_mention_is_read_in_its_thread_and_that_is_in_the_audit_log(ada: Browser, town: sa.Engine) -> None:
    page = ada.get("/mentions/2").text
    assert "Its thread" in page
    assert "walking me home" in page
    with database.reading(town) as session:
        [entry] = session.exec(select(AuditEntry).where(AuditEntry.action == "mention.read")).all()
    assert entry.detail["ids"] == [2, 1, 4]


def test_who_may_only_read_has_neither_marks_nor_buttons(town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    luc = browser_of("Luc", Role.APPROVER)
    page = luc.get("/mentions").text
    assert "crossing guard" in page
    assert 'name="ids"' not in page
    token = form_token(luc.get("/board").text) if 'name="csrf"' in luc.get("/board").text else ""
    assert luc.post("/mentions/bulk", data={"csrf": token, "ids": 1, "move": "done"}).status_code == 403


@given(st.text(max_size=300))
def test_nothing_in_an_address_makes_undo_stumble(text: str) -> None:
    assert triaging.untold(triaging.told(triaging.untold(text))) == triaging.untold(text)


moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
befores = st.builds(
    Before,
    st.integers(1, 2**31 - 1),
    st.sampled_from(["new", "assigned", "snoozed", "done"]),
    st.none() | st.integers(1, 2**31 - 1),
    st.none() | moments.map(lambda one: one.replace(microsecond=0)),
)


@given(st.lists(befores, max_size=25))
def test_undo_reads_what_it_wrote(before: list[Before]) -> None:
    assert triaging.untold(triaging.told(before)) == before


def test_what_came_in_after_the_list_was_made_is_counted_by_its_filters(ada: Browser) -> None:
    before = (clock.now() - timedelta(hours=1)).isoformat()

    def words(**asked: str) -> str:
        return str(ada.get("/mentions/newer", params=asked).json()["words"])

    assert words(after=before) == "3 new mentions"  # copies are not listed
    assert words(after=before, state="done") == ""
    assert words(after=clock.now().isoformat()) == words() == ""
    made = clock.now()
    page = ada.get("/mentions").text
    assert any(f"after={moment:%Y-%m-%d}" in page for moment in (made, clock.now()))  # midnight may pass meanwhile
