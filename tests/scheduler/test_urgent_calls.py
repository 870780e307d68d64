"""Who is asked again, once, when nobody approved an urgent update within two minutes."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import OutboxMessage, Person
from networks import accounts
from posts import drafts, urgent
from posts.tables import Post
from scheduler import urgent_call
from scheduler.jobs import urgent_calls


@pytest.fixture
def update(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person], now: datetime
) -> int:
    """Ada's update, of which Luc and Mia were asked."""
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER)
        person(session, "Luc", Role.APPROVER)
        person(session, "Mia", Role.APPROVER)
        accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=now)
        post = urgent.begin(
            session, ada.id or 0, now, template="all_clear", message="All clear.", language="en", settings=settings
        )
        urgent_call.ask(session, post, settings, now)
        return post.id or 0


def told(engine: sa.Engine) -> list[str]:
    with database.reading(engine) as session:
        return list(session.exec(select(OutboxMessage.recipient).order_by(col(OutboxMessage.id))))


FIRST = ["luc@riverton.example", "mia@riverton.example"]


def test_everyone_is_asked_once_more_after_two_minutes_and_the_author_told(
    sqlite_engine: sa.Engine, settings: Settings, update: int, now: datetime
) -> None:
    for seconds in (10, 119, 120, 130, 300):
        urgent_calls.look(sqlite_engine, settings, now + timedelta(seconds=seconds))
        if seconds < 120:
            assert told(sqlite_engine) == FIRST
    assert told(sqlite_engine) == [*FIRST, *FIRST, "ada@riverton.example"]


def test_nobody_is_asked_again_once_it_is_approved_nor_hours_later(
    sqlite_engine: sa.Engine, settings: Settings, update: int, now: datetime
) -> None:
    assert urgent_calls.look(sqlite_engine, settings, now + timedelta(hours=3)) == 0
    with database.writing(sqlite_engine) as session:
        urgent.approve(session, update, 2, session.get_one(Post, update).content_hash, now, past_hold=False)
    assert urgent_calls.look(sqlite_engine, settings, now + timedelta(minutes=3)) == 0


def test_other_words_begin_the_two_minutes_anew(
    sqlite_engine: sa.Engine, settings: Settings, update: int, now: datetime
) -> None:
    later = now + timedelta(minutes=3)
    urgent_calls.look(sqlite_engine, settings, later)
    with database.writing(sqlite_engine) as session:
        revision = drafts.read(session, update).revision
        urgent.reword(session, update, 1, "All clear now.", revision, later, settings)
    assert urgent_calls.look(sqlite_engine, settings, later + timedelta(seconds=60)) == 0
    assert urgent_calls.look(sqlite_engine, settings, later + timedelta(seconds=120)) == 3
