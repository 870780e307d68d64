"""What was answered already: no longer to be answered, marked in the inbox, named where another answer is begun."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners import triage
from listeners.tables import Mention
from networks import accounts
from posts import answers, drafts, targets
from posts.answers import Standing
from posts.tables import Target
from posts.workflow import TargetState
from scheduler.jobs import mornings
from tests.sentiment import street
from tests.sentiment.street import Said
from tests.web.browsing import Browser

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Answering:
    """Two mentions, and an officer's answer to the first."""

    engine: sa.Engine
    now: datetime
    post: int

    def hand_in(self) -> None:
        with database.writing(self.engine) as session:
            drafts.schedule(session, self.post, 1, (self.now + HOUR).replace(tzinfo=None), "UTC", self.now)
            drafts.submit(session, self.post, 1, self.now)

    def approve(self) -> None:
        with database.writing(self.engine) as session:
            drafts.approve(session, self.post, 2, drafts.read(session, self.post).content_hash, self.now)

    def settle(self, state: TargetState) -> None:
        with database.writing(self.engine) as session:
            target = session.exec(select(Target).where(Target.post_id == self.post)).one()
            targets.settle(session, target, state, "", self.now)


def begun(engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person]) -> Answering:
    with database.writing(engine) as session:
        street.say(
            session, [Said(now - HOUR * 3, "nan", network="practice"), Said(now - HOUR, "lee", network="practice")]
        )
        session.get_one(Mention, 1).sealed_reference = b"sealed"  # else nobody could answer it
        for name, role in (("Ada", Role.OFFICER), ("Luc", Role.APPROVER)):
            person(session, name, role)
        for number in (1, 2):
            triage.assign(session, number, 1, now)
        account = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=now)
        made = drafts.create(
            session, 1, "The signal is mended.", [account.id or 0], now, title="The signal", reply_to_mention_id=1
        )
    return Answering(engine, now, made.id or 0)


@pytest.fixture
def answering(engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person]) -> Answering:
    """On each database."""
    return begun(engine, keys, now, person)


@pytest.fixture
def shown(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime, person: Callable[..., Person]) -> Answering:
    """On the one that the pages of these tests show."""
    return begun(sqlite_engine, keys, at_eight, person)


def test_what_is_answered_or_will_be_is_no_longer_to_be_answered(answering: Answering, settings: Settings) -> None:
    def standing_and_left() -> tuple[Standing | None, int, datetime | None]:
        with database.reading(answering.engine) as session:
            [one] = answers.to(session, [1, 2])
            look = mornings.Town(settings, answering.now).look(session, session.get_one(Person, 1))
        return one.standing, look.assigned, look.oldest

    first, second = answering.now - HOUR * 3, answering.now - HOUR
    assert standing_and_left() == (Standing.BEGUN, 2, first)
    answering.hand_in()
    assert standing_and_left() == (Standing.WAITS, 1, second)
    answering.approve()
    assert standing_and_left() == (Standing.WAITS, 1, second)
    answering.settle(TargetState.PUBLISHED)
    assert standing_and_left() == (Standing.OUT, 1, second)
    answering.settle(TargetState.REMOVED)  # it is not there any more
    assert standing_and_left() == (None, 2, first)


def test_what_its_network_refused_is_still_to_be_answered(answering: Answering, settings: Settings) -> None:
    answering.hand_in()
    answering.approve()
    answering.settle(TargetState.FAILED)
    with database.reading(answering.engine) as session:
        assert [one.standing for one in answers.to(session, [1, 2])] == [None]
        assert mornings.Town(settings, answering.now).look(session, session.get_one(Person, 1)).assigned == 2


def test_of_several_answers_the_furthest_is_told(answering: Answering) -> None:
    answering.hand_in()
    with database.writing(answering.engine) as session:
        drafts.create(session, 1, "Another.", [1], answering.now, reply_to_mention_id=1)
        drafts.create(session, 1, "The other's.", [1], answering.now, reply_to_mention_id=2)
    with database.reading(answering.engine) as session:
        found = answers.furthest(answers.to(session, [1, 2]))
    assert {number: (one.post.id, one.standing) for number, one in found.items()} == {
        1: (1, Standing.WAITS),
        2: (3, Standing.BEGUN),
    }


def test_today_counts_what_is_answered_no_more(shown: Answering, browser_of: Callable[..., Browser]) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    assert "2 mentions to answer" in ada.get("/").text
    shown.hand_in()
    shown.approve()
    shown.settle(TargetState.PUBLISHED)
    assert "1 mention to answer" in ada.get("/").text


def test_the_inbox_marks_what_has_an_answer(shown: Answering, browser_of: Callable[..., Browser]) -> None:
    ada = browser_of("Ada", Role.OFFICER)

    def marks(page: str) -> list[str]:
        return re.findall(r'href="/posts/1">([^<]+)</a>', ada.get(page).text)

    assert marks("/mentions?state=all") == ["An answer is begun"]
    shown.hand_in()
    assert marks("/mentions?state=assigned") == ["Its answer waits to go out"]
    shown.approve()
    shown.settle(TargetState.PUBLISHED)
    assert marks("/mentions?state=all") == marks("/mentions/1") == ["Answered"]


def test_compose_names_the_answer_that_is_there(shown: Answering, browser_of: Callable[..., Browser]) -> None:
    ada = browser_of("Ada", Role.OFFICER)

    def named(page: str) -> list[str]:
        return re.findall(r'<li>(An answer to it [^<]+)<a href="/posts/1">The signal</a>', ada.get(page).text)

    assert named("/compose?reply_to=1") == ["An answer to it is begun: "]
    assert named("/compose?reply_to=2") == named("/compose") == named("/compose/1") == []
    shown.hand_in()
    assert named("/compose?reply_to=1") == ["An answer to it waits to go out: "]
    shown.approve()
    shown.settle(TargetState.PUBLISHED)
    assert named("/compose?reply_to=1") == ["An answer to it is out already: "]


def test_a_translation_of_an_answer_is_no_other_answer(shown: Answering, browser_of: Callable[..., Browser]) -> None:
    with database.writing(shown.engine) as session:
        made = drafts.create(
            session, 1, "La señal funciona.", [1], shown.now, reply_to_mention_id=1, translation_of=shown.post
        )
    page = browser_of("Ada", Role.OFFICER).get(f"/compose/{made.id}").text
    assert "An answer to it" not in page
