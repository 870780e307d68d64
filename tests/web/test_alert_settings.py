"""How readily to alert, mutes, and what was held back: on the page and in the API."""

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from config import clock, database
from config.permissions import Role
from sentiment import hindsight, tuning
from sentiment.hindsight import Answer, Raised
from sentiment.tables import Alert, HeldBack
from tests.web.browsing import Browser, send


def _alert(engine: sa.Engine) -> int:
    now = clock.now()
    with database.writing(engine) as session:
        alert = Alert(
            kind="emerging",
            concern="traffic_safety",
            title="New: Signals out near Elm Street",
            raised_at=now,
            since=now,
            updated_at=now,
            window_hours=6,
            posts=5,
            authors=5,
            expected=0.2,
            p_value=1e-6,
        )
        session.add(alert)
        session.flush()
        return alert.id or 0


def test_sensitivity_is_set_on_the_alerts_page(sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    assert send(browser, "/alerts/sensitivity", page="/alerts", level="fewer").status_code == 303
    with database.reading(sqlite_engine) as session:
        assert tuning.read(session, clock.now()).department == "fewer"
    assert '<option value="fewer" selected>' in browser.get("/alerts").text


def test_a_mute_from_an_alert_has_an_end(sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    number, browser = _alert(sqlite_engine), browser_of("Ada", Role.OFFICER)
    assert send(browser, f"/alerts/{number}/mute", page=f"/alerts/{number}", days="3").status_code == 303
    with database.reading(sqlite_engine) as session:
        read = tuning.read(session, clock.now())
        assert read.muted("traffic_safety", clock.now() + timedelta(days=2))
        assert not read.muted("traffic_safety", clock.now() + timedelta(days=4))


def test_a_concern_has_a_setting_of_its_own_and_a_mute_ends_early(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    with database.writing(sqlite_engine) as session:
        tuning.mute(session, "drugs", clock.now() + timedelta(days=2), 1, clock.now())
    assert send(browser, "/alerts/sensitivity", page="/alerts", concern="drugs", level="more").status_code == 303
    page = browser.get("/alerts").text
    assert "Muted until" in page
    assert send(browser, "/alerts/unmute", page="/alerts", concern="drugs").status_code == 303
    with database.reading(sqlite_engine) as session:
        read = tuning.read(session, clock.now())
    assert (read.of("drugs"), read.department, read.muted("drugs", clock.now())) == ("more", "balanced", False)
    assert send(browser, "/alerts/sensitivity", page="/alerts", concern="nonsense", level="more").status_code == 404


def test_what_was_held_back_is_seen_with_its_reason(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    with database.writing(sqlite_engine) as session:
        held = HeldBack(
            at=clock.now(),
            kind="cell",
            concern="drugs",
            title="Drugs and alcohol: more than usual",
            authors=6,
            expected=1.2,
            p_value=1e-4,
            why="budget",
        )
        tuning.hold_back(session, held)
    page = browser_of("Eve", Role.ANALYST).get("/alerts").text
    assert "Drugs and alcohol: more than usual" in page
    assert "The day had its alert" in page
    assert "6 authors, 1.2 usual" in page
    assert "/alerts/sensitivity" not in page


def test_what_each_setting_would_have_alerted_is_asked_for_and_shown(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    browser, now = browser_of("Ada", Role.OFFICER), clock.now()
    assert "Not tried yet." in browser.get("/alerts").text
    assert send(browser, "/alerts/hindsight", page="/alerts").status_code == 303
    assert "It is being worked out" in browser.get("/alerts").text
    raised = Raised(now, "Traffic and road safety near Elm Street: more than usual", "traffic_safety", "Elm Street")
    answer = Answer(now, now.date(), now.date(), {"fewer": (), "balanced": (raised,), "more": (raised,) * 7})
    with database.writing(sqlite_engine) as session:
        hindsight.keep(session, hindsight.waiting(session) or 0, answer)
    page = " ".join(browser.get("/alerts").text.split())
    for said in ("Fewer: 0 alerts", "(as now)</span>: 1 alert</h3>", "More: 7 alerts", "and 2 earlier ones"):
        assert said in page
    assert page.count(raised.title) == 1 + 5


def test_how_far_it_is_stands_on_the_page_and_is_asked_for_by_its_bar(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    assert browser.get("/alerts/hindsight").json() == {"share": None, "words": ""}
    assert send(browser, "/alerts/hindsight", page="/alerts").status_code == 303
    with database.writing(sqlite_engine) as session:
        hindsight.note(session, hindsight.waiting(session) or 0, 0.426)
    assert browser.get("/alerts/hindsight").json()["share"] == 42
    page = browser.get("/alerts").text
    assert '<progress class="bar-of" max="100" value="42"' in page
    assert "42% of it is done." in page


def test_an_alert_says_what_was_done_to_it_and_that_its_concern_is_muted(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    number, browser = _alert(sqlite_engine), browser_of("Ada", Role.OFFICER)
    taken = send(browser, f"/alerts/{number}/take", page=f"/alerts/{number}").headers["location"]
    assert "The alert is yours." in browser.get(taken).text
    muted = send(browser, f"/alerts/{number}/mute", page=f"/alerts/{number}", days="3").headers["location"]
    page = browser.get(muted).text
    assert "Muted until" in page
    assert "End the mute" in page
