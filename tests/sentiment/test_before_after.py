"""Before and after something that we did is told from sums that were kept, long after its author-days are gone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners.tables import Mention
from networks import accounts
from posts import actions, drafts
from posts.tables import Target
from scheduler.jobs import sums as job
from sentiment import before_after, counts, sums
from sentiment.before_after import Done, Since
from tests.sentiment import street
from tests.sentiment.street import ZONE, Said

CONCERN = "traffic_safety"
NOON = datetime(2026, 8, 1, 16, tzinfo=UTC)
ASKED, CLOSED = (
    NOON + timedelta(days=40),
    NOON + timedelta(days=90),
)  # it took longer than author-days are kept after it
DESK = Settings.model_validate({"department": {"time_zone": ZONE.key}})


def speak(session: Session, first: int, last: int, mistrust: float) -> None:
    """Eight people a day, from the one to the other day after the first."""
    said = [
        Said(NOON + timedelta(days=day), f"{day} {number}", concerns=(CONCERN,), mistrust=mistrust)
        for day in range(first, last + 1)
        for number in range(8)
    ]
    street.say(session, said)


def night(engine: sa.Engine, now: datetime) -> None:
    """What is too old goes, and sums are kept."""
    with database.writing(engine) as session:
        counts.forget_author_days(session, counts.kept_from(now, ZONE), 10_000)
    job.keep(engine, DESK, now)


def seen(engine: sa.Engine, days_later: int) -> Since | None:
    with database.reading(engine) as session:
        today = (CLOSED + timedelta(days=days_later)).date()
        return before_after.read(session, CONCERN, ASKED.date(), CLOSED.date(), today)


@pytest.fixture
def acted(sqlite_engine: sa.Engine, person: Callable[..., Person]) -> int:
    """An action that was asked for and closed, with posts before and after it; sums were kept when it was asked for."""
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        speak(session, 0, 39, 0.8)
        made = actions.hand_over(
            session, ada, ASKED, concern=CONCERN, said="a", wanted="b", unit="c", due_on=CLOSED.date(),
            today=ASKED.date(),
        )  # fmt: skip
        number = made.id or 0
    night(sqlite_engine, ASKED)
    with database.writing(sqlite_engine) as session:
        actions.close(session, number, True, "d", ada, CLOSED)
        speak(session, 91, 125, 0.2)
    night(sqlite_engine, CLOSED + timedelta(days=15))
    return number


def test_an_action_that_took_long_is_compared_with_the_weeks_before_it(sqlite_engine: sa.Engine, acted: int) -> None:
    assert seen(sqlite_engine, 7) is None
    found = seen(sqlite_engine, 15)
    assert found is not None
    assert found.figure.share is not None
    assert found.figure.usual is not None
    assert (found.figure.share.authors, found.figure.usual.authors) == (14 * 8, 28 * 8)
    assert found.figure.change.direction == "down"
    assert found.step is not None
    assert found.step.points == pytest.approx(-0.6, abs=0.001)


def test_it_stays_as_it_was_four_weeks_after_its_end(sqlite_engine: sa.Engine, acted: int) -> None:
    then = seen(sqlite_engine, 29)
    assert then is not None
    assert (then.last - then.first).days + 1 == before_after.LOOK_BACK
    for later in (29, 60, 100, 200):
        night(sqlite_engine, CLOSED + timedelta(days=later))
        assert seen(sqlite_engine, later) == then, later


def test_what_was_not_kept_is_not_told_from_what_is_left(sqlite_engine: sa.Engine, acted: int) -> None:
    with database.writing(sqlite_engine) as session:
        counts.add(session, [replace(counted(), day=ASKED.date() - timedelta(days=3))])  # the kept sum is out of date
    assert seen(sqlite_engine, 15) is None
    night(sqlite_engine, CLOSED + timedelta(days=16))
    assert seen(sqlite_engine, 16) is None


def test_it_stays_when_a_mention_goes_whose_author_days_are_gone(sqlite_engine: sa.Engine, acted: int) -> None:
    for later in (29, 200):
        night(sqlite_engine, CLOSED + timedelta(days=later))
    then = seen(sqlite_engine, 200)
    assert then is not None
    with database.writing(sqlite_engine) as session:
        counts.subtract(session, [one.id or 0 for one in session.exec(select(Mention))])
    assert seen(sqlite_engine, 200) == then


def counted() -> counts.Counted:
    return counts.Counted(
        author=b"late", day=ASKED.date(), hour=ASKED, place_id=0, network="x", language="en", concerns=(CONCERN,),
        mistrust=0.5, trust=0.0, negative=0.0, positive=0.0,
    )  # fmt: skip


def test_a_page_adds_up_nothing_that_was_kept(
    sqlite_engine: sa.Engine, acted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(sqlite_engine, CLOSED + timedelta(days=29))
    monkeypatch.setattr(sums, "_author_days", None)  # fails now
    assert seen(sqlite_engine, 30) is not None


def test_what_we_did_lately_is_actions_and_posts_about_a_concern(
    engine: sa.Engine, person: Callable[..., Person], keys: Keys
) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        for asked in (ASKED, ASKED - timedelta(days=90)):
            actions.hand_over(
                session, ada, asked, concern="drugs", said="a", wanted="b", unit="c", due_on=asked.date(),
                today=asked.date(),
            )  # fmt: skip
        on = [
            accounts.add(session, network="practice", name=name, handle="", secret=None, keys=keys, now=ASKED).id or 0
            for name in ("PD", "Town")
        ]
        for concern in (CONCERN, None):
            post = drafts.create(session, ada, "Thank you.", on, ASKED)
            post.concern = concern
            session.add(post)
            session.flush()
            session.add_all(
                Target(
                    post_id=post.id or 0, account_id=account, state="published", due_at=ASKED, next_try_at=ASKED,
                    key=f"{post.id} {account}", content_hash="", text="", published_at=ASKED + timedelta(days=number),
                )
                for number, account in enumerate(on)
            )  # fmt: skip
    with database.reading(engine) as session:
        found = job.lately(session, ZONE, ASKED + timedelta(days=10))
    day = ASKED.date()
    assert found == [Done("drugs", day, None), Done(CONCERN, day, day + timedelta(days=1))]
