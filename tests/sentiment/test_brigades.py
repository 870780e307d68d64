"""One text by many accounts within an hour is told in numbers, and what it can do to a figure is bounded."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, update

from config import database
from listeners.tables import Mention
from sentiment import brigades, trust
from sentiment.brigades import Brigade, Post
from tests.sentiment import street
from tests.sentiment.street import Said

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)


def _posts(*minutes: int, new: int = 0) -> list[Post]:
    """Each by another account, so many minutes after eight."""
    return [
        Post(bytes([number]), number < new, NOW - timedelta(hours=5) + timedelta(minutes=at))
        for number, at in enumerate(minutes)
    ]


def test_five_accounts_within_an_hour_are_told_and_four_or_a_slow_passing_on_are_not() -> None:
    since = NOW - timedelta(hours=5) + timedelta(minutes=10)
    assert brigades.of(_posts(10, 20, 30, 40, 70, 300)) == Brigade(6, 5, 0, since)
    assert brigades.of(_posts(10, 20, 30, 40)) is None
    assert brigades.of(_posts(0, 61, 122, 183, 244, 305)) is None
    assert brigades.of(_posts(1, 2, 3) * 4) is None  # three accounts, however often


def test_new_accounts_are_counted_from_five_on() -> None:
    for new, told in ((4, 0), (5, 5)):
        found = brigades.of(_posts(*range(8), new=new))
        assert found is not None
        assert found.new == told


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.lists(st.floats(0, 1), min_size=5, max_size=30))
def test_no_brigade_moves_a_share_by_more_than_its_bound(others: list[float], theirs: list[float]) -> None:
    bound = Brigade(len(theirs), len(theirs), 0, NOW).points(len(others) + len(theirs))
    before, after = trust.share(others), trust.share([*others, *theirs])
    assert before is not None
    assert after is not None
    assert 100 * abs(after.value - before.value) <= bound + 1e-9


def test_reposts_programs_and_newspapers_are_none_and_other_concerns_are_not_looked_at(
    sqlite_engine: sa.Engine,
) -> None:
    said = [
        Said(NOW - timedelta(minutes=9 * number), f"account {number}", "the chief must go", ("responsiveness",))
        for number in range(6, 0, -1)
    ]
    with database.writing(sqlite_engine) as session:
        first, *copies = street.say(session, said)
        session.exec(update(Mention).where(col(Mention.id).in_(copies)).values(copy_of=first, author_age="new"))

        def found(concern: str = "responsiveness") -> list[Brigade]:
            return brigades.about(session, concern, NOW - timedelta(days=7), NOW)

        assert found() == [Brigade(6, 6, 5, NOW - timedelta(minutes=54))]
        assert found("traffic_safety") == []
        for aside in ({"repost": True}, {"automatic": True}, {"network": "feed"}, {"shown": False}):
            with session.begin_nested() as tried:
                session.exec(update(Mention).where(col(Mention.id).in_(copies[:2])).values(**aside))
                assert found() == []
                tried.rollback()
