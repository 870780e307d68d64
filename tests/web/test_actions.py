"""From an alert to a unit, to an outcome, to the post that tells it; the page for the public."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import Session, col, select

from config import clock, database, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry, OutboxMessage, Person
from networks import accounts
from posts import actions
from posts.tables import Post, Target, UnitAction
from sentiment.tables import ALL, Alert, AuthorDay
from tests.sentiment.street import Said, hear, score
from tests.web.browsing import Browser, send
from web import actions as web_actions
from web import app as web_app
from web import since_then

GIVEN = {
    "concern": "traffic_safety",
    "said": "Drivers speed past the school.",
    "wanted": "A speed sign on <b>Elm</b> Street.",
    "unit": "Traffic unit",
    "unit_mail": "traffic@riverton.example",
    "due_on": "2026-12-08",
    "alert": "1",
}


@pytest.fixture
def ada(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime, browser_of: Callable[..., Browser]) -> Browser:
    with database.writing(sqlite_engine) as session:
        accounts.add(session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=at_eight)
        session.add(
            Alert(
                kind="cell", concern="traffic_safety", title="Speeding near Lincoln School", raised_at=at_eight,
                since=at_eight - timedelta(hours=9), updated_at=at_eight, window_hours=24, posts=31, authors=24,
                expected=4.0, p_value=1e-6,
            )
        )  # fmt: skip
    return browser_of("Ada", Role.OFFICER)


def hand_over(ada: Browser, **more: str) -> str:
    answer = send(ada, "/outreach/actions", page="/outreach/actions/new?alert=1", **{**GIVEN, **more})
    return answer.headers.get("location", "").split("?")[0] or answer.text


def test_an_alert_becomes_an_action_and_the_unit_is_written_to(ada: Browser, sqlite_engine: sa.Engine) -> None:
    assert 'value="traffic_safety" selected' in ada.get("/outreach/actions/new?alert=1").text
    assert hand_over(ada) == "/outreach/actions/1"
    with database.reading(sqlite_engine) as session:
        mail = session.exec(select(OutboxMessage)).one()
    assert (mail.recipient, b"Reply-To: ada@riverton.example" in mail.message) == ("traffic@riverton.example", True)
    for page in ("/outreach", "/outreach/actions", "/outreach/actions/1", "/alerts/1", "/concerns/traffic_safety"):
        assert "A speed sign on &lt;b&gt;Elm&lt;/b&gt; Street." in ada.get(page).text, page


@pytest.mark.parametrize(
    "wrong",
    [{"concern": "protest_public_order"}, {"concern": ""}, {"due_on": "2026-11-01"}, {"unit": ""}, {"unit_mail": "x"}],
)
def test_what_is_wrong_is_said_and_what_was_written_is_kept(
    ada: Browser, sqlite_engine: sa.Engine, wrong: dict[str, str]
) -> None:
    page = hand_over(ada, **wrong)
    assert ("One thing to mend" in page, "Drivers speed past the school." in page) == (True, True)
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(UnitAction)).all() == []


def test_from_outcome_to_the_draft_that_tells_it(ada: Browser, sqlite_engine: sa.Engine) -> None:
    page = hand_over(ada)
    send(ada, f"{page}/day", page=page, due_on="2026-12-20")
    assert "20 December" in ada.get(page).text
    assert send(ada, f"{page}/close", page=page, outcome=" ", how="done").status_code == 422
    send(ada, f"{page}/close", page=page, outcome="A sign stands there.", how="done")
    told = send(ada, f"{page}/tell", page=page)
    assert told.headers["location"] == "/compose/1"
    with database.reading(sqlite_engine) as session:
        post = session.get_one(Post, 1)
    assert (post.state, "A sign stands there." in post.message) == ("draft", True)
    assert "Nobody was told yet." not in ada.get(page).text
    assert "A sign stands there." in ada.get("/concerns/traffic_safety").text


def test_a_post_that_the_network_refused_is_not_the_last_word(ada: Browser, sqlite_engine: sa.Engine) -> None:
    page = hand_over(ada)
    send(ada, f"{page}/close", page=page, outcome="A sign stands there.", how="done")
    send(ada, f"{page}/tell", page=page)
    assert f'action="{page}/tell"' not in ada.get(page).text
    with database.writing(sqlite_engine) as session:
        session.get_one(Post, 1).state = "failed"
    assert f'action="{page}/tell"' in ada.get(page).text
    assert send(ada, f"{page}/tell", page=page).headers["location"] == "/compose/2"


def test_analysts_read_and_change_nothing(ada: Browser, browser_of: Callable[..., Browser]) -> None:
    page = hand_over(ada)
    ana = browser_of("Ana", Role.ANALYST)
    read = ana.get(page).text
    assert ("A speed sign" in read, "traffic@riverton.example" in read) == (True, False)
    assert send(ana, f"{page}/close", page="/account", outcome="x").status_code == 403


def test_the_public_page_is_off_unless_switched_on_and_shows_published_words_only(
    ada: Browser, stranger: Browser, sqlite_engine: sa.Engine, settings: Settings, keys: Keys
) -> None:
    page = hand_over(ada)
    send(ada, f"{page}/close", page=page, outcome="A sign stands there.", how="done")
    send(ada, f"{page}/tell", page=page)
    assert stranger.get("/said-and-done").status_code == 404
    on: FastAPI = web_app.create(sqlite_engine, settings.model_copy(update={"public_actions": True}), keys)
    with Browser(on) as anyone:
        assert "A sign stands there." not in anyone.get("/said-and-done").text
        with database.writing(sqlite_engine) as session:
            publish(session, 1)
        shown = anyone.get("/said-and-done").text
    assert ("A sign stands there." in shown, "Traffic unit" in shown) == (True, False)


def publish(session: Session, post_id: int) -> None:
    moment = clock.now()
    session.add(
        Target(
            post_id=post_id, account_id=1, state="published", due_at=moment, next_try_at=moment, key="k",
            content_hash="h", text=session.get_one(Post, post_id).message, published_at=moment,
        )
    )  # fmt: skip


def test_what_changed_since_is_said_only_with_weeks_on_both_sides(
    ada: Browser, sqlite_engine: sa.Engine, at_eight: datetime
) -> None:
    page = hand_over(ada)
    send(ada, f"{page}/close", page=page, outcome="A sign stands there.", how="done")
    assert "from a week after the end" in ada.get(page).text
    with database.reading(sqlite_engine) as session:
        assert len(actions.closed_ones(session)) == 1


def test_the_weeks_before_the_asking_are_set_against_the_days_since_the_end(
    sqlite_engine: sa.Engine, person: Callable[..., Person], at_eight: datetime
) -> None:
    zone = ZoneInfo("America/New_York")
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER)
        for day in range(1, 50):
            for author in range(6):
                said = 0.9 if day > 12 else 0.05
                for concern in (ALL, "traffic_safety"):
                    session.add(
                        AuthorDay(
                            author=f"{day}.{author}".encode(), day=at_eight.date() - timedelta(days=day),
                            concern=concern, network="feed", language="en", posts=1, mistrust=said, trust=0.0,
                            negative=said, positive=0.0,
                        )
                    )  # fmt: skip
        asked = at_eight - timedelta(days=20)
        made = actions.hand_over(
            session, ada.id or 0, asked, concern="traffic_safety", said="a", wanted="b", unit="c",
            due_on=asked.date(), today=asked.date(),
        )  # fmt: skip
        actions.close(session, made.id or 0, True, "d", ada.id or 0, at_eight - timedelta(days=12))
        session.flush()
        changed = web_actions.since(session, made, at_eight, zone)
        soon = web_actions.since(session, made, at_eight - timedelta(days=6), zone)
    assert changed is not None
    assert changed.figure.share is not None
    assert (changed.figure.share.authors, changed.figure.change.direction) == (66, "down")
    shown = since_then.view(changed, "traffic_safety", "en")
    assert shown.said == (
        "Mistrust in Traffic and road safety: 90% (86 to 93%) in the four weeks before it, 5% (2 to 10%) in 13–23 Nov. "
        "Down 85 points."
    )
    assert shown.base == "66 authors since, 168 before"
    assert shown.trend == "Too few days with five authors or more to set it against the trend before it."
    assert soon is None


def test_what_is_due_waits_on_today_for_who_may_close_it(
    ada: Browser, browser_of: Callable[..., Browser], at_eight: datetime
) -> None:
    hand_over(ada, due_on="2026-12-08")
    hand_over(ada, due_on="2026-11-26", wanted="A second sign.")
    hand_over(ada, due_on="2026-11-24", wanted="A third sign.")
    shown = ada.get("/").text
    assert "A speed sign" not in shown  # two weeks are time enough
    assert shown.index("Traffic unit: due today") < shown.index("Traffic unit: due on Thursday 26 November")
    with clock.at(at_eight + timedelta(hours=17)):
        assert "/outreach/actions/3" not in browser_of("Ana", Role.ANALYST).get("/").text
        assert "Traffic unit: late since Tuesday 24 November" in browser_of("Eve", Role.OFFICER).get("/").text


def test_what_people_wrote_stays_with_it_only_where_the_settings_say_so(
    ada: Browser, sqlite_engine: sa.Engine, settings: Settings, keys: Keys, at_eight: datetime
) -> None:
    earlier = at_eight - timedelta(hours=1)
    posts = [
        Said(earlier, f"a{n}", f"@… ask {n}: see x.com/jane/1", ("traffic_safety",), None, "bluesky") for n in (1, 2)
    ]
    with database.writing(sqlite_engine) as session:
        score(session, hear(session, posts), posts)
    assert 'name="context"' not in ada.get("/outreach/actions/new?mention=1").text
    on = web_app.create(sqlite_engine, settings.model_copy(update={"context_days": 90}), keys)
    with Browser(on, cookies=ada.cookies, follow_redirects=False) as asking:
        form = asking.get("/outreach/actions/new?mention=1").text
        assert 'value="traffic_safety" selected' in form and "@… ask 1: see […]" in form and "ask 2" not in form
        assert form.count('name="context"') == 1
        assert asking.get("/outreach/actions/new?concern=traffic_safety").text.count('name="context"') == 2
        send(
            asking,
            "/outreach/actions",
            page="/outreach/actions/new?mention=1",
            **GIVEN,
            mention="1",
            context=["1", "9"],
        )
        assert "@… ask 1: see […]" in asking.get("/outreach/actions/1").text
        send(asking, "/outreach/actions/1/context/1/remove", page="/outreach/actions/1")
        assert "ask 1" not in asking.get("/outreach/actions/1").text
    with database.reading(sqlite_engine) as session:
        log = session.exec(
            select(AuditEntry).where(AuditEntry.subject == "action:1").order_by(col(AuditEntry.id))
        ).all()
    assert [(one.action, one.detail.get("number")) for one in log] == [
        ("action.hand_over", None), ("action.keep_context", 1),
        ("mention.list", None), ("mention.list", None),  # each look at the words
        ("action.remove_context", 1),
    ]  # fmt: skip
    assert log[2].detail == {"ids": [1], "words": 1}


def test_a_token_without_the_right_to_read_mentions_neither_sees_nor_keeps_their_words(
    ada: Browser, sqlite_engine: sa.Engine, settings: Settings, keys: Keys, at_eight: datetime
) -> None:
    posts = [Said(at_eight - timedelta(hours=1), "a1", "words of hers", ("traffic_safety",), None, "bluesky")]
    with database.writing(sqlite_engine) as session:
        score(session, hear(session, posts), posts)
        rights = [Action.TRIAGE, Action.READ_FIGURES]
        token = sign_ins.new_token(session, 1, "blind", rights, keys, at_eight, timedelta(days=1))
    on = web_app.create(sqlite_engine, settings.model_copy(update={"context_days": 90}), keys)
    with Browser(on, headers={"authorization": f"Bearer {token}"}, follow_redirects=False) as blind:
        for about in ("mention=1", "concern=traffic_safety"):
            form = blind.get(f"/outreach/actions/new?{about}")
            assert (form.status_code, "words of hers" in form.text) == (200, False)
        given = GIVEN | {"mention": "1", "context": "1"}
        assert blind.post("/outreach/actions", data=given).status_code == 403
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(UnitAction)).all() == []


def test_switched_off_nothing_is_kept_whatever_is_sent(
    ada: Browser, sqlite_engine: sa.Engine, at_eight: datetime
) -> None:
    posts = [Said(at_eight, "a", "ask", ("traffic_safety",), None, "bluesky")]
    with database.writing(sqlite_engine) as session:
        score(session, hear(session, posts), posts)
    page = hand_over(ada, context="1")
    assert "What people wrote" not in ada.get(page).text
