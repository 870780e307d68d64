"""Heard in person: counted by concern, without names; words go, counts stay."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from config import database
from posts import heard
from posts.heard import InPerson
from posts.tables import Heard
from posts.workflow import WrongState
from tests.posts.conftest import Desk

TODAY = date(2026, 11, 24)
KEEP = timedelta(days=30)


def note(session: Session, desk: Desk, **more: object) -> Heard:
    given = {"heard_on": TODAY, "today": TODAY, "channel": "meeting", "concern": "traffic_safety", "keep": KEEP}
    return heard.write_down(session, desk.officer, desk.now, **{**given, **more})  # type: ignore[arg-type]


def test_people_are_counted_by_concern_within_the_days_asked_for(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        note(session, desk, people=4, trust="mistrust")
        note(session, desk, people=3, trust="trust")
        note(session, desk, concern="noise")
        note(session, desk, people=9, heard_on=TODAY - timedelta(days=28))
        assert heard.counted(session, TODAY - heard.SHOWN, TODAY) == [
            InPerson("traffic_safety", people=7, mistrust=4, trust=3, notes=2),
            InPerson("noise", people=1, mistrust=0, trust=0, notes=1),
        ]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("Call me at (555) 010-0199 please", "Call me at (… please"),
        ("Write to jo@home.example or @jo_h", "Write to @… or @…"),
        ("At 9:30 on Route 9, 40 mph in a 25 zone", "At 9:30 on Route 9, 40 mph in a 25 zone"),
    ],
)
def test_ways_to_reach_somebody_are_masked(words: str, kept: str) -> None:
    assert heard.nameless(words) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        {"people": 0},
        {"people": 501},
        {"channel": "spying"},
        {"trust": "maybe"},
        {"heard_on": TODAY + timedelta(days=1)},
        {"heard_on": TODAY - timedelta(days=400)},
        {"words": "x" * 1001},
    ],
)
def test_what_cannot_have_been_heard_is_refused(desk: Desk, wrong: dict[str, object]) -> None:
    with database.writing(desk.engine) as session, pytest.raises(WrongState):
        note(session, desk, **wrong)


def test_words_go_with_their_time_unless_held_and_counts_stay(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        note(session, desk, words="Cars do not stop.")
        assert heard.expire(session, desk.now + KEEP - timedelta(seconds=1), 10) == 0
        assert heard.expire(session, desk.now + KEEP, 10, [(TODAY, TODAY)]) == 0
        assert heard.expire(session, desk.now + KEEP, 10) == 1
        assert session.exec(select(Heard.words, Heard.people)).one() == (None, 1)


def test_a_mistake_is_taken_out_and_its_count_with_it(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        made = note(session, desk)
        heard.remove(session, made.id or 0, desk.officer, desk.now)
        heard.remove(session, made.id or 0, desk.officer, desk.now)
        assert heard.counted(session, TODAY, TODAY) == []
