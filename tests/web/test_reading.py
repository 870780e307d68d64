"""Today, mentions, alerts, concerns, sources: what they show, and what may be done there."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import select

from config import clock, database, legal_holds, people, sign_ins
from config.legal_holds import Kind
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry
from listeners import places
from listeners.tables import Mention, Source, WatchRule
from networks.network import Page, RemoteMention
from sentiment import model, scoring
from sentiment.tables import Alert, AlertMention, Correction, MentionConcern
from tests.listeners.said import admit
from tests.web.browsing import Browser, send

HOSTILE = "<script>alert(1)</script> </p><b>bold</b> \u202e gnimoc era yehT @someone"
TEXTS = (
    "They never come when we call. Useless. Same on Elm Street.",
    "Thank you to the officers who helped my mother home last night!",
    HOSTILE,
)


@pytest.fixture
def town(sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> sa.Engine:
    """Three public posts that came in an hour ago and were read."""
    now = clock.now()
    with database.writing(sqlite_engine) as session:
        places.add(session, "Elm Street", ["Elm St"])
        source = Source(network="facebook", name="Town")
        session.add(source)
        session.flush()
        found = [
            RemoteMention(str(number), text, now - timedelta(hours=number + 1), f"author {number}")
            for number, text in enumerate(TEXTS)
        ]
        admit(session, source, Page(found, None), keys, settings, now)
    scoring.score_pending(sqlite_engine, model.load(), now, zone=settings.department.zone)
    return sqlite_engine


def test_an_empty_desk_says_what_to_do(browser_of: Callable[..., Browser]) -> None:
    page = browser_of("Ada", Role.OFFICER).get("/")
    assert page.status_code == 200
    assert "No public post has come in yet" in page.text
    assert "Too few posts to say how trust stands." in page.text


def test_today_opens_with_a_sentence_and_lists_what_people_raise(
    town: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    page = browser_of("Ada", Role.OFFICER).get("/").text
    assert "<h1>Too few posts to say how trust stands." in page
    assert "No public post has come in yet" not in page
    assert "style=" not in page


def test_mentions_show_words_harmless_and_never_a_name(town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    page = browser_of("Ada", Role.OFFICER).get("/mentions").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "@…" in page
    assert "author 0" not in page


def test_reading_mentions_is_one_row_in_the_audit_log(town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    browser_of("Ada", Role.OFFICER).get("/mentions?state=all")
    with database.reading(town) as session:
        rows = session.exec(select(AuditEntry).where(AuditEntry.action == "mention.list")).all()
    assert [len(row.detail["ids"]) for row in rows] == [3]


@pytest.mark.parametrize("path", ["/", "/alerts", "/alerts/1", "/concerns/traffic_safety"])
def test_quotes_are_a_row_too_wherever_they_stand(
    town: sa.Engine, browser_of: Callable[..., Browser], path: str
) -> None:
    now = clock.now()
    with database.writing(town) as session:
        alert = Alert(
            kind="cell", concern="traffic_safety", title="Traffic", raised_at=now, since=now, updated_at=now,
            window_hours=24, posts=5, authors=5, expected=0.5, p_value=1e-6, keyphrases=[], severity="normal",
        )  # fmt: skip
        session.add(alert)
        session.flush()
        session.add(AlertMention(alert_id=alert.id or 0, mention_id=1))
        session.merge(MentionConcern(mention_id=1, concern="traffic_safety", posted_at=now - timedelta(hours=1)))
    assert "They never come when we call" in browser_of("Ada", Role.OFFICER).get(path).text
    with database.reading(town) as session:
        rows = session.exec(select(AuditEntry).where(AuditEntry.action == "mention.list")).all()
    assert [row.detail["ids"] for row in rows] == [[1]]


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("trust=mistrust", 1),
        ("trust=trust", 1),
        ("network=x", 0),
        ("network=facebook", 3),
        ("place=1", 1),
        ("place=zz", 3),
    ],
)
def test_filters_are_links(town: sa.Engine, browser_of: Callable[..., Browser], query: str, number: int) -> None:
    assert browser_of("Ada", Role.OFFICER).get(f"/mentions?{query}").text.count("data-mention>") == number


def test_a_mention_is_taken_put_away_done_and_brought_back(town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    states = []
    for move in ("assign", "snooze", "done", "reopen"):
        answer = send(browser, f"/mentions/1/{move}", page="/mentions?state=all", back="/mentions?state=all")
        assert answer.headers["location"].startswith(f"/mentions?state=all&did={move}&undo=1.")
        with database.reading(town) as session:
            states.append(session.get_one(Mention, 1).state)
    assert states == ["assigned", "snoozed", "done", "new"]


def test_the_way_back_leads_nowhere_but_the_inbox(town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    answer = send(
        browser_of("Ada", Role.OFFICER),
        "/mentions/1/done",
        page="/mentions?state=all",
        back="https://evil.example/mentions",
    )
    assert answer.headers["location"] == "/mentions?did=done&undo=1.new"


def test_a_move_that_cannot_be_made_changes_nothing(town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    assert send(browser, "/mentions/1/reopen", page="/mentions?state=all").status_code == 409
    assert send(browser, "/mentions/999/done", page="/mentions?state=all").status_code == 404
    assert send(browser, "/mentions/1/explode", page="/mentions?state=all").status_code == 404


def test_a_corrected_label_counts_at_once(town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    send(
        browser,
        "/mentions/2/labels/correct",
        page="/mentions?state=all",
        trust="neither",
        sentiment="neutral",
        concerns="community_relations",
    )
    page = browser.get("/mentions?trust=neither").text
    assert "helped my mother home" in page
    with database.reading(town) as session:
        assert session.exec(select(Correction.trust)).all() == ["neither"]


def test_a_mention_called_a_protest_is_left_out_whole(town: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    send(
        browser,
        "/mentions/2/labels/correct",
        page="/mentions?state=all",
        trust="trust",
        sentiment="positive",
        concerns="protest_public_order",
    )
    assert "helped my mother home" not in browser.get("/mentions?state=all").text


@pytest.mark.parametrize("by", ["page", "API"])
def test_a_mention_called_a_protest_keeps_its_words_under_a_legal_hold_for_the_records_alone(
    town: sa.Engine, browser_of: Callable[..., Browser], desk_app: FastAPI, keys: Keys, by: str
) -> None:
    browser, protest = browser_of("Ada", Role.OFFICER), {"concerns": ["protest_public_order"]}
    with database.writing(town) as session:
        at = session.get_one(Mention, 2).posted_at
        legal_holds.place(session, Kind.PERIOD, "Doe v. Town", None, at, period=(at, at + timedelta(seconds=1)))
    if by == "page":
        send(browser, "/mentions/2/labels/correct", page="/mentions?state=all", **protest)
    else:
        with database.writing(town) as session:
            ada = people.by_email(session, "ada@riverton.example")
            assert ada is not None
            scopes, lifetime = [Action.TRIAGE], timedelta(days=1)
            token = sign_ins.new_token(session, people.known_id(ada), "test", scopes, keys, clock.now(), lifetime)
        program = Browser(desk_app, headers={"authorization": f"Bearer {token}"})
        assert program.put("/api/v1/mentions/2/labels", json=protest).status_code == 204
    assert "helped my mother home" not in browser.get("/mentions?state=all").text
    with database.reading(town) as session:
        mention = session.get_one(Mention, 2)
        assert (mention.shown, "helped my mother home" in (mention.text or "")) == (False, True)


@pytest.mark.parametrize("path", ["/alerts", "/concerns"])
def test_figures_pages_open_with_and_without_mentions(
    town: sa.Engine, browser_of: Callable[..., Browser], path: str
) -> None:
    assert browser_of("Ada", Role.ANALYST).get(path).status_code == 200


def test_an_alert_that_is_not_there_is_said_so(browser_of: Callable[..., Browser]) -> None:
    assert browser_of("Ada", Role.OFFICER).get("/alerts/77").status_code == 404


def test_a_feed_is_added_and_a_wrong_one_keeps_what_was_typed(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Ada", Role.ADMINISTRATOR)
    wrong = send(browser, "/sources", page="/sources", name="Ledger", url="ftp://ledger.example/feed")
    assert wrong.status_code == 422
    assert 'value="Ledger"' in wrong.text
    assert (
        send(browser, "/sources", page="/sources", name="Ledger", url="https://ledger.example/feed.xml").status_code
        == 303
    )
    assert "Ledger" in browser.get("/sources").text


def test_a_watch_rule_that_cannot_be_read_points_at_the_place(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Ada", Role.ADMINISTRATOR)
    wrong = send(browser, "/sources/rules", page="/sources", name="Elm", query='(elm OR "river rd"')
    assert wrong.status_code == 422
    assert "<mark>(</mark>elm OR" in wrong.text
    assert send(browser, "/sources/rules", page="/sources", name="Elm", query='elm OR "river rd"').status_code == 303
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(WatchRule.query)).all() == ['elm OR "river rd"']
