"""Success stories: asked first, told only with consent, and gone when it is taken back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners.tables import Mention, Source
from networks import accounts
from networks.network import Page, RemoteMention
from posts import drafts, stories
from posts.tables import Post, Story
from posts.workflow import WrongState
from tests.listeners.said import admit


@pytest.fixture
def ada(sqlite_engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, person: Callable[..., Person]) -> int:
    """An officer, an account on the practice board, and praise said there; more praise where we have no account."""
    with database.writing(sqlite_engine) as session:
        who = person(session, "Ada", Role.OFFICER)
        accounts.add(session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=now)
        for network in ("practice", "facebook"):
            source = Source(network=network, name=network)
            session.add(source)
            session.flush()
            said = RemoteMention(network, "Thank you for walking my mother home.", now, "a")
            admit(session, source, Page([said], None), keys, settings, now)
        return who.id or 0


def test_whoever_said_it_is_asked_where_they_said_it_and_once(
    sqlite_engine: sa.Engine, ada: int, now: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        asked = stories.ask(session, 1, ada, now)
        assert (asked.state, asked.category, asked.reply_to_mention_id) == ("draft", "answer", 1)
        assert "without your name" in asked.message
        assert stories.ask(session, 1, ada, now).id == asked.id
        drafts.cancel(session, asked.id or 0, ada, now)
        assert stories.ask(session, 1, ada, now).id != asked.id
        assert stories.begun(session, [1, 2]) == {1}
        with pytest.raises(WrongState, match="None of our accounts"):
            stories.ask(session, 2, ada, now)


def test_who_cannot_be_answered_there_is_not_asked(
    sqlite_engine: sa.Engine, ada: int, keys: Keys, settings: Settings, now: datetime
) -> None:
    picture = RemoteMention("17", "Thank you for walking my mother home.", now, "b", addressed=True)
    comment = replace(picture, remote_id="18", root_id="16", author_id="c")
    with database.writing(sqlite_engine) as session:
        accounts.add(session, network="instagram", name="Riverton PD", handle="", secret=None, keys=keys, now=now)
        source = Source(network="instagram", name="instagram")
        session.add(source)
        session.flush()
        admit(session, source, Page([picture, comment], None), keys, settings, now)
        with pytest.raises(WrongState, match="answer comments only"):
            stories.ask(session, 3, ada, now)
        assert stories.ask(session, 4, ada, now).reply_to_mention_id == 4


def test_nothing_is_told_before_consent_and_a_no_is_final(sqlite_engine: sa.Engine, ada: int, now: datetime) -> None:
    with database.writing(sqlite_engine) as session:
        stories.ask(session, 1, ada, now)
        for words, consent in (("", "by message"), ("Thank you.", " ")):
            with pytest.raises(WrongState):
                stories.agree(session, 1, words, consent, ada, now)
        with pytest.raises(WrongState, match="before they agreed"):
            stories.tell(session, 1, [1], ada, now)
        stories.refuse(session, 1, ada, now)
        for again in (lambda: stories.ask(session, 1, ada, now), lambda: agreed(session, ada, now)):
            with pytest.raises(WrongState):
                again()


def test_what_was_agreed_to_becomes_a_draft_without_handles_and_numbers(
    sqlite_engine: sa.Engine, ada: int, now: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        stories.ask(session, 1, ada, now)
        agreed(session, ada, now)
        post = stories.tell(session, 1, [1], ada, now)
        assert (post.message, post.category) == ("“Thank you, @…, call me at …!”", "success_story")
        assert stories.tell(session, 1, [1], ada, now).id == post.id


def test_a_consent_taken_back_takes_the_words_and_the_post_that_is_not_out(
    sqlite_engine: sa.Engine, ada: int, now: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        story = stories.told_to_us(session, "They found my father.", "signed at the counter", "en", ada, now)
        post = stories.tell(session, story.id or 0, [1], ada, now)
        stories.refuse(session, story.id or 0, ada, now)
        found = session.exec(select(Story)).one()
        assert (found.state, found.words, found.consent) == ("refused", "", "")
        assert session.get_one(Post, post.id).state == "cancelled"
        assert session.get_one(Mention, 1).text is not None


def agreed(session: Session, ada: int, now: datetime) -> Story:
    return stories.agree(session, 1, "Thank you, @ofc_jo, call me at 555 010 0199!", "by answer", ada, now)
