"""Content mix: each post once, on the day it went out, against targets."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from config import database
from posts import drafts, mix
from posts.tables import Target
from posts.workflow import WrongState
from tests.posts.conftest import Desk

ZONE = ZoneInfo("America/New_York")
TODAY = date(2026, 11, 24)


def sent(session: Session, desk: Desk, category: str, at: datetime, language: str = "en") -> None:
    post = drafts.create(session, desk.officer, "Words.", desk.accounts, desk.now, category=category, language=language)
    for account in desk.accounts:
        session.add(
            Target(
                post_id=post.id or 0, account_id=account, state="published", due_at=at, next_try_at=at,
                key=f"{post.id}.{account}", content_hash="h", text="Words.", published_at=at,
            )
        )  # fmt: skip


def test_posts_are_counted_once_by_kind_span_and_language(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        sent(session, desk, "event", desk.now)
        sent(session, desk, "event", desk.now - timedelta(days=20), "es")
        sent(session, desk, "event", desk.now - timedelta(days=30))
        sent(session, desk, "gone", desk.now)
        drafts.create(session, desk.officer, "Not sent.", desk.accounts, desk.now, category="event")
        mix.set_targets(session, {"event": 3, "safety": 1}, desk.officer, desk.now)
        found = mix.read(session, TODAY, ZONE)
    rows = {row.category: row for row in found.rows}
    assert found.spans[-1] == (date(2026, 10, 28), TODAY)
    assert found.spans[0][1] == date(2026, 9, 29)
    assert (rows["event"].counts, rows["event"].languages) == ((0, 1, 2), (("en", 1), ("es", 1)))
    assert (rows["event"].missing, rows["safety"].missing, rows["answer"].missing) == (1, 1, 0)
    assert rows["general"].counts[-1] == 1  # what has no kind any more


def test_the_last_evening_of_the_department_belongs_to_its_day(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        sent(session, desk, "event", datetime.fromisoformat("2026-11-25T04:59:00+00:00"))
        sent(session, desk, "event", datetime.fromisoformat("2026-11-25T05:00:00+00:00"))
        found = mix.read(session, TODAY, ZONE)
    assert {row.category: row.counts[-1] for row in found.rows}["event"] == 1


def test_a_target_is_changed_taken_away_and_must_be_a_number_of_posts(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        mix.set_targets(session, {"event": 3, "safety": 1}, desk.officer, desk.now)
        mix.set_targets(session, {"event": 4, "safety": None}, desk.officer, desk.now)
        assert mix.targets(session) == {"event": 4}
        for wrong in ({"event": 0}, {"event": mix.MOST + 1}, {"parade": 1}):
            with pytest.raises(WrongState):
                mix.set_targets(session, wrong, desk.officer, desk.now)
