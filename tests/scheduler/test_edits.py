"""Edits upstream against what becomes of mentions meanwhile."""

from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database
from config.secrets import Keys
from config.settings import Settings
from listeners import mentions, polling, sources
from listeners.tables import Mention
from networks import practice
from networks.network import RemoteMention
from networks.tables import PracticePost
from scheduler.jobs import edits
from sentiment import scoring
from tests.sentiment.reader import WordReader
from tests.sentiment.street import ZONE

SAID = ("Speeding by the school again", "Thank you for the coffee", "Is the desk open?")


@pytest.fixture
def heard(engine: sa.Engine, keys: Keys, settings: Settings, now: datetime) -> list[int]:
    """Three residents' posts on the practice board, read and scored; their mentions' ids."""
    with database.writing(engine) as session:
        sources.add(session, network="practice", name="Board", settings={}, every_seconds=60, now=now)
        for text in SAID:
            practice.post_as_resident(session, "nan", text, now)
    polling.poll_due(engine, settings, keys, now)
    scoring.score_pending(engine, WordReader(), now, zone=ZONE)
    with database.reading(engine) as session:
        return [number or 0 for number in session.exec(select(Mention.id).order_by(col(Mention.id)))]


def changed(engine: sa.Engine, now: datetime) -> list[RemoteMention]:
    with database.reading(engine) as session:
        posts = session.exec(select(PracticePost).order_by(col(PracticePost.id))).all()
    return [RemoteMention(remote_id=str(one.id), text=f"{one.text}!", posted_at=now, author_id="nan") for one in posts]


def texts(engine: sa.Engine) -> dict[int | None, str | None]:
    with database.reading(engine) as session:
        return dict(session.exec(select(Mention.id, Mention.text).order_by(col(Mention.id))).all())


@pytest.mark.parametrize("meanwhile", ["remove", "hide"])
def test_a_mention_that_goes_just_before_the_edits_are_written_takes_none_of_the_others_with_it(
    engine: sa.Engine,
    keys: Keys,
    settings: Settings,
    now: datetime,
    heard: list[int],
    meanwhile: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second, third = heard
    posts = changed(engine, now)
    really, done = database.writing, list[str]()

    def writing_after(engine: sa.Engine):  # type: ignore[no-untyped-def]
        if not done:  # another process comes between what was read and what is written
            done.append(meanwhile)
            with really(engine) as session:
                {"remove": mentions.remove, "hide": mentions.hide}[meanwhile](session, [second])
        return really(engine)

    monkeypatch.setattr(database, "writing", writing_after)
    assert edits.apply(engine, settings, keys, "practice", posts) == 2
    left = {first: f"{SAID[0]}!", third: f"{SAID[2]}!"}
    assert texts(engine) == (left if meanwhile == "remove" else left | {second: None})


def test_what_is_not_ours_or_says_the_same_is_left_alone(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, heard: list[int]
) -> None:
    other = RemoteMention(remote_id="999", text="Elsewhere", posted_at=now, author_id="nan")
    same = RemoteMention(remote_id="1", text=SAID[0], posted_at=now, author_id="nan")
    assert edits.apply(engine, settings, keys, "practice", [other, same]) == 0
    with database.reading(engine) as session:
        assert all(one.scored_at is not None and one.edited_at is None for one in session.exec(select(Mention)))
    assert list(texts(engine)) == heard
