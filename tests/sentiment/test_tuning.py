"""Sensitivity, mutes with an end, and what officers said move what is raised; what is held back is kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from config import database
from config.permissions import Role
from config.tables import Person
from sentiment import tuning
from sentiment.tables import ALL, HeldBack

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)


@pytest.fixture
def officer(engine: sa.Engine, person: Callable[..., Person]) -> int:
    with database.writing(engine) as session:
        return person(session, "Ada", Role.OFFICER).id or 0


def test_a_concern_follows_the_department_until_it_has_its_own(engine: sa.Engine, officer: int) -> None:
    with database.writing(engine) as session:
        assert tuning.read(session, NOW).of("drugs") == "balanced"
        tuning.set_sensitivity(session, ALL, "fewer", officer, NOW)
        tuning.set_sensitivity(session, "drugs", "more", officer, NOW)
        read = tuning.read(session, NOW)
        assert (read.of("drugs"), read.of("traffic_safety")) == ("more", "fewer")
        tuning.set_sensitivity(session, "drugs", None, officer, NOW)
        assert tuning.read(session, NOW).of("drugs") == "fewer"


def test_a_mute_ends_by_itself(engine: sa.Engine, officer: int) -> None:
    with database.writing(engine) as session:
        tuning.mute(session, "drugs", NOW + timedelta(days=2), officer, NOW)
        read = tuning.read(session, NOW)
        assert read.muted("drugs", NOW)
        assert not read.muted("drugs", NOW + timedelta(days=2))
        assert not read.muted("traffic_safety", NOW)


def test_a_mute_without_an_end_to_come_is_refused(engine: sa.Engine, officer: int) -> None:
    with database.writing(engine) as session, pytest.raises(ValueError, match="end"):
        tuning.mute(session, "drugs", NOW, officer, NOW)


def test_a_concern_that_does_not_exist_is_refused(engine: sa.Engine, officer: int) -> None:
    with database.writing(engine) as session, pytest.raises(ValueError, match="no concern"):
        tuning.mute(session, "weather", NOW + timedelta(days=1), officer, NOW)


@given(st.integers(0, 30), st.integers(0, 30))
def test_what_officers_said_never_silences_and_never_loosens(wrong: int, right: int) -> None:
    factor = tuning.learnt(wrong, right)
    assert 1 / 16 <= factor <= 1
    assert tuning.learnt(wrong + 1, right) <= factor <= tuning.learnt(wrong, right + 1)


def _held(at: datetime, why: str = "budget") -> HeldBack:
    return HeldBack(at=at, kind="cell", concern="drugs", title="Drugs", authors=5, expected=1, p_value=1e-4, why=why)


def _kept(session: Session) -> list[tuple[datetime, str]]:
    return [(one.at, one.why) for one in tuning.held_back(session, NOW - timedelta(days=365))]


def test_what_is_held_back_is_kept_once_a_day(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        for hours in (0, 5, 23, 30):
            tuning.hold_back(session, _held(NOW + timedelta(hours=hours)))
        tuning.hold_back(session, _held(NOW + timedelta(hours=1), "muted"))
        later, muted = NOW + timedelta(hours=30), NOW + timedelta(hours=1)
        assert _kept(session) == [(later, "budget"), (muted, "muted"), (NOW, "budget")]


def test_what_was_held_back_goes_after_90_days(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        tuning.hold_back(session, _held(NOW - timedelta(days=91)))
        tuning.hold_back(session, _held(NOW - timedelta(days=89)))
        assert tuning.forget(session, NOW) == 1
        assert len(_kept(session)) == 1
