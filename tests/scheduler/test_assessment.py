"""The impact assessment says what this desk does, as it is set, and asks what only the department can say."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import cli
from config import database
from config.permissions import Role
from config.settings import Settings
from listeners import rules, sources
from scheduler import assessment


def written(engine: sa.Engine, settings: Settings, now: datetime) -> str:
    with database.reading(engine) as session:
        return assessment.written(assessment.facts(session, settings, now), settings)


def test_it_is_filled_from_what_the_desk_is_set_to(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Callable[..., Any]
) -> None:
    assert "| none | nothing is listened to |" in written(sqlite_engine, settings, now)
    with database.writing(sqlite_engine) as session:
        person(session, "Una", Role.AUDITOR)
        person(session, "Ada", Role.OFFICER, Role.APPROVER)
        rules.add(session, "Elm", '"elm street"')
        feed = {"kind": "feed", "url": "https://news.example/feed"}
        sources.add(session, network="feed", name="News", settings=feed, every_seconds=300, now=now)
    changed = {
        "retention_days": 14,
        "records_years": 7,
        "base_url": "https://desk.example",
        "privacy_contact": "a@b.example",
    }
    found = written(sqlite_engine, settings.model_copy(update=changed), now)
    for said in (
        "| News and feeds | News or community feed | 14 days | not told to us; goes with the days | fewer than 5 |",
        "1 watch rules and 0 places",
        "| own posts, versions, approvals, replies | 7 years |",
        "Reached at https://desk.example: encrypted.",
        "1 officer, 1 approver, 1 auditor",
        "a@b.example",
        "/transparency is off",
    ):
        assert said in found, said
    assert "**not encrypted (http).**" in written(sqlite_engine, settings, now)


def test_the_command_writes_it_and_says_how_much_is_open(
    sqlite_engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIAISON_DATABASE_URL", str(sqlite_engine.url))
    monkeypatch.setenv("LIAISON_DATA_DIR", str(tmp_path / "desk"))
    ran = CliRunner().invoke(cli.liaison, ["export", "dpia", str(tmp_path / "dpia.md")])
    assert ran.exit_code == 0, ran.output
    open_ones = (tmp_path / "dpia.md").read_text(encoding="utf-8").count(assessment.TO_SAY["en"])
    assert f"{open_ones} things are for the department to say" in ran.output
    assert sorted(one.name for one in tmp_path.iterdir() if "dpia" in one.name) == ["dpia.md"]


def test_a_department_that_writes_spanish_has_it_in_spanish(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Callable[..., Any]
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", Role.OFFICER)
        person(session, "Bo", Role.OFFICER, Role.AUDITOR)
    department = settings.department.model_copy(update={"language": "es"})
    found = written(sqlite_engine, settings.model_copy(update={"department": department, "context_days": 90}), now)
    english = written(sqlite_engine, settings.model_copy(update={"context_days": 90}), now)
    assert "2 oficiales, 1 auditor" in found
    assert "90 días, sin autor, red ni hora" in found
    assert found.count(assessment.TO_SAY["es"]) == english.count(assessment.TO_SAY["en"]) > 5
    assert found.count("|") == english.count("|")  # the same tables
