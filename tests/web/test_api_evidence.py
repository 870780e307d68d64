"""What an alert and a concern rest on, as programs get it: with intervals, in fives at a place, words without names."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database, people
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry, Person
from listeners import places
from listeners.tables import Mention
from posts.tables import Post
from sentiment.tables import Alert, AlertMention
from tests.web.test_api import Opens, program
from tests.web.test_api_rooms import deeds
from tests.web.test_left_out import said

__all__ = ["program"]  # fixtures


@pytest.fixture
def _street(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime, person: Callable[..., Person]
) -> None:
    """Twelve people on one street, an alert about it that seven of them are in, a post of ours."""
    with database.writing(sqlite_engine) as session:
        places.add(session, "Elm Street", ("Elm St",), "street")
    texts = [f"Speeding on Elm Street, useless, @neighbour{n}" for n in range(12)]
    said(sqlite_engine, keys, settings, at_eight - timedelta(days=2), texts)
    with database.writing(sqlite_engine) as session:
        alert = Alert(
            id=7, kind="cell", concern="traffic_safety", place_id=1, title="Traffic on Elm Street",
            raised_at=at_eight, since=at_eight - timedelta(days=2), updated_at=at_eight - timedelta(days=1),
            window_hours=48, posts=7, authors=7, expected=0.6, p_value=1.234e-6, keyphrases=["speeding"],
            severity="normal", evidence={"once_in_days": 812.0},
        )  # fmt: skip
        session.add(alert)
        session.flush()
        numbers = session.exec(select(Mention.id).order_by(col(Mention.id)).limit(7)).all()
        session.add_all(AlertMention(alert_id=7, mention_id=number or 0) for number in numbers)
        session.add(
            Post(
                title="A speed sign", state="published", message="A sign", concern="traffic_safety", due_at=at_eight,
                author_id=people.known_id(person(session, "Bo", Role.OFFICER)), created_at=at_eight,
                updated_at=at_eight,
            )
        )  # fmt: skip


@pytest.mark.usefixtures("_street")
def test_an_alert_comes_with_its_evidence_in_fives_and_words_without_names(
    program: Opens, sqlite_engine: sa.Engine
) -> None:
    ana = program("Ana", [Role.ANALYST], [Action.READ_FIGURES])
    told = ana.get("/api/v1/alerts/7").json()
    assert (told["posts"], told["authors"], told["rounded_down_to"], told["expected"]) == (5, 5, 5, 1.0)
    assert (told["concern_name"], told["place"], told["since"]) == (
        "Traffic and road safety", "Elm Street", "2026-11-22T13:10:00Z",
    )  # fmt: skip
    assert (told["p_value"], told["once_in_days"]) == (1e-6, 800.0)
    assert told["places"] == [{"place": "Elm Street", "authors": 5}]
    assert told["networks"] == [{"network": "archive", "posts": 5}]
    assert (len(told["hours"]), sum(one["posts"] for one in told["hours"])) == (24, 12)
    assert told["quotes"][0]["text"] == "Speeding on Elm Street, useless, @…"
    assert deeds(sqlite_engine)[-1] == "mention.list"
    assert ana.get("/api/v1/alerts/8").status_code == 404


@pytest.mark.usefixtures("_street")
def test_a_concern_comes_with_its_share_its_interval_its_words_and_what_was_done(
    program: Opens, sqlite_engine: sa.Engine
) -> None:
    ana = program("Ana", [Role.ANALYST], [Action.READ_FIGURES])
    told = ana.get("/api/v1/concerns/traffic_safety").json()
    share = told["figures"]["mistrust"]
    assert (told["figures"]["authors"], told["figures"]["mostly"], share["value"]) == (12, "Elm Street", None)
    assert 0 < share["low"] < share["high"] <= 1  # twelve: an interval, no value
    assert (told["first"], told["last"], told["moved"]) == ("2026-11-17", "2026-11-23", None)
    assert "@neighbour" not in str(told["quotes"])
    assert ([one["id"] for one in told["alerts"]], told["posts"], told["actions"]) == ([7], [], [])
    assert deeds(sqlite_engine)[-1] == "mention.list"
    ada = program("Ada", [Role.OFFICER], [Action.READ_FIGURES, Action.READ_POSTS])
    assert ada.get("/api/v1/concerns/traffic_safety").json()["posts"] == [1]
    nobody = ada.get("/api/v1/concerns/emergencies").json()
    assert (nobody["figures"], nobody["quotes"]) == (None, [])
    for unknown in ("weather", "protest_public_order"):
        assert ana.get(f"/api/v1/concerns/{unknown}").status_code == 404


@pytest.mark.usefixtures("_street")
def test_a_mention_comes_with_what_stands_around_it_and_that_is_a_look(
    program: Opens, sqlite_engine: sa.Engine
) -> None:
    with database.writing(sqlite_engine) as session:
        for one in session.exec(select(Mention).where(col(Mention.id).in_((1, 2)))):
            one.thread = b"a talk"
            session.add(one)
    ada = program("Ada", [Role.OFFICER], [Action.READ_MENTIONS])
    told = ada.get("/api/v1/mentions/1/context").json()
    assert (told["mention"]["id"], [one["id"] for one in told["thread"]]) == (1, [2])
    assert sorted(one["id"] for one in told["near"]) == list(range(3, 13))
    with database.reading(sqlite_engine) as session:
        look = session.exec(select(AuditEntry).order_by(col(AuditEntry.id).desc())).first()
    assert look is not None
    assert (look.action, len(look.detail["ids"])) == ("mention.read", 12)
    assert ada.get("/api/v1/mentions/99/context").status_code == 404
    ana = program("Ana", [Role.ANALYST], [Action.READ_FIGURES])
    assert ana.get("/api/v1/mentions/1/context").status_code == 403


@pytest.mark.usefixtures("_street")
def test_a_report_comes_as_figures_each_with_its_base(program: Opens) -> None:
    ana = program("Ana", [Role.ANALYST], [Action.READ_FIGURES])
    told = ana.get("/api/v1/reports/weekly").json()
    assert (told["title"], told["covers"]) == ("Weekly report", "17–23 Nov 2026")
    rows = {row["name"]: row for row in told["rows"]}
    mistrust = rows["Posts voicing mistrust"]
    assert (mistrust["unit"], mistrust["value"], mistrust["n"]) == ("share of authors", None, 12)
    assert 0 < mistrust["low"] < mistrust["high"] <= 1
    assert (rows["All posts"]["value"], rows["Posts published"]["value"]) == (12, 0)
    assert [ana.get(f"/api/v1/reports/{edition}").status_code for edition in ("monthly", "daily")] == [200, 422]
