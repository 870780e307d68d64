"""Triage as a machine: whatever is done in whatever order, taking the last move back brings back how it stood."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from config import database
from config.permissions import Role
from config.tables import Person
from listeners import triage
from listeners.tables import Mention, MentionTag, Source

NEW_YORK = ZoneInfo("America/New_York")
MOVES = ("assign", "snooze", "done", "reopen")


def stored(session: Session, now: datetime, number: int = 1) -> list[int]:
    source = Source(network="practice", name="Board")
    session.add(source)
    session.flush()
    rows = [
        Mention(
            key=bytes([at]), network="practice", source_id=source.id or 0, author=b"a", text="Words.",
            posted_at=now, received_at=now, expires_at=now + timedelta(days=30), scored_at=now,
        )
        for at in range(number)
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return [row.id or 0 for row in rows]


def do(session: Session, move: str, mention: int, person: int, now: datetime) -> None:
    if move == "snooze":
        triage.snooze(session, mention, person, now + timedelta(days=1), now)
    else:
        {"assign": triage.assign, "done": triage.done, "reopen": triage.reopen}[move](session, mention, person, now)


@pytest.fixture
def ada(engine: sa.Engine, person: Callable[..., Person]) -> int:
    with database.writing(engine) as session:
        return person(session, "Ada", Role.OFFICER).id or 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(MOVES), max_size=6), st.sampled_from(MOVES))
def test_the_last_move_can_always_be_taken_back(
    engine: sa.Engine, ada: int, now: datetime, earlier: list[str], last: str
) -> None:
    with Session(engine) as session:  # rolled back: every example begins anew
        (mention,) = stored(session, now)
        for move in earlier:
            if (triage.State(session.get_one(Mention, mention).state), _named(move)) in triage.MOVES:
                do(session, move, mention, ada, now)
        before = triage.stood(session, [mention])
        if (triage.State(before[0].state), _named(last)) in triage.MOVES:
            do(session, last, mention, ada, now)
        triage.put_back(session, before, ada, now)
        session.flush()
        assert triage.stood(session, [mention]) == before


def _named(move: str) -> triage.Move:
    return triage.Move({"done": "finish"}.get(move, move))


def test_a_snooze_that_is_over_comes_back_as_new(engine: sa.Engine, ada: int, now: datetime) -> None:
    with database.writing(engine) as session:
        (mention,) = stored(session, now)
        over = triage.Before(mention, "snoozed", None, now - timedelta(minutes=1))
        triage.put_back(session, [over], ada, now)
        assert session.get_one(Mention, mention).state == "new"


def test_tags_are_kept_once_and_counted_by_use(engine: sa.Engine, ada: int, now: datetime) -> None:
    with database.writing(engine) as session:
        first, second = stored(session, now, 2)
        triage.tag(session, first, "  Crosswalk,  Elm ", ada, now)
        triage.tag(session, first, "crosswalk elm", ada, now)
        triage.tag(session, second, "Crosswalk Elm", ada, now)
        triage.tag(session, second, "night", ada, now)
        kept = session.exec(select(MentionTag.mention_id, MentionTag.tag)).all()
        assert set(kept) == {(first, "crosswalk elm"), (second, "crosswalk elm"), (second, "night")}
        assert triage.known_tags(session) == ["crosswalk elm", "night"]
        triage.untag(session, second, "Night", ada, now)
        assert triage.known_tags(session) == ["crosswalk elm"]


def test_tags_go_with_their_mention(engine: sa.Engine, ada: int, now: datetime) -> None:
    with database.writing(engine) as session:
        (mention,) = stored(session, now)
        triage.tag(session, mention, "night", ada, now)
        session.delete(session.get_one(Mention, mention))
        session.flush()
        session.expire_all()
        assert session.get(MentionTag, (mention, "night")) is None


@given(st.text(max_size=200))
def test_a_tag_is_one_short_line_and_stays_what_it_is(words: str) -> None:
    kept = triage.a_tag(words)
    assert len(kept) <= triage.LONGEST_TAG
    assert "," not in kept
    assert "\n" not in kept
    assert triage.a_tag(triage.a_tag(kept)) == triage.a_tag(kept)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001
def test_monday_is_a_monday_at_eight_to_come(moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    again = triage.next_monday(now, NEW_YORK)
    assert (again.weekday(), again.hour) == (0, 8)
    assert timedelta() < again - now < timedelta(days=7, hours=9)
