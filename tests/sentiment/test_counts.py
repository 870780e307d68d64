"""Counts are what the mentions that live add up to, whatever happened on the way."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, SQLModel, col, select

from config import database, people
from listeners.tables import Mention
from sentiment import counts, inbox
from sentiment.tables import ALL, AuthorDay, Correction, DayChange, HourCount, MentionConcern, Score
from tests.sentiment import street
from tests.sentiment.street import ZONE, Said

AT = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
MEASURES = ("posts", "mistrust", "trust", "negative", "positive")
Sums = dict[tuple[object, ...], tuple[float, ...]]


def _stored(session: Session, model: type[SQLModel]) -> Sums:
    keys = [column.name for column in model.__table__.primary_key]  # type: ignore[attr-defined]
    return {
        tuple(getattr(row, key) for key in keys): tuple(getattr(row, measure) for measure in MEASURES)
        for row in session.exec(select(model).execution_options(populate_existing=True))
    }


def _recount(session: Session) -> tuple[Sums, Sums]:
    """Author-days and hours counted afresh, mention by mention, in exact fractions."""
    author_days: dict[tuple[object, ...], list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 5)
    hours: dict[tuple[object, ...], list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 5)
    for mention, score in session.exec(
        select(Mention, Score)
        .join(Score, col(Score.mention_id) == col(Mention.id))
        .execution_options(populate_existing=True)
    ):
        amounts = {
            "mistrust": score.mistrust,
            "trust": score.trust,
            "negative": score.negative,
            "positive": score.positive,
        }
        for correction in session.exec(
            select(Correction).where(col(Correction.mention_id) == mention.id).order_by(col(Correction.id))
        ):
            if correction.trust:
                amounts |= {name: float(name == correction.trust) for name in ("mistrust", "trust")}
            if correction.sentiment:
                amounts |= {name: float(name == correction.sentiment) for name in ("negative", "positive")}
        exact = [Fraction(1)] + [Fraction(round(amounts[name] * 2**20), 2**20) for name in MEASURES[1:]]
        concerns = session.exec(
            select(MentionConcern.concern).where(col(MentionConcern.mention_id) == mention.id)
        ).all()
        for concern in (ALL, *concerns):
            where = (concern, mention.place_id or 0, mention.network, mention.language)
            hour = mention.posted_at.replace(minute=0, second=0, microsecond=0)
            day = mention.posted_at.astimezone(ZONE).date()
            for sums, key in ((author_days, (mention.author, day, *where)), (hours, (hour, *where))):
                sums[key] = [total + amount for total, amount in zip(sums[key], exact, strict=True)]
    return (
        {key: tuple(float(total) for total in totals) for key, totals in author_days.items()},
        {key: tuple(float(total) for total in totals) for key, totals in hours.items()},
    )


def _delete(session: Session, ids: list[int]) -> None:
    counts.subtract(session, ids)
    session.execute(sa.delete(Mention).where(col(Mention.id).in_(ids)))


def test_a_mention_with_two_concerns_counts_once_in_all_and_once_in_each(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm = street.place(session, "Elm Street")
        street.say(session, [Said(AT, "ann", concerns=("drugs", "traffic_safety"), place_id=elm, mistrust=0.75)])
        hours = _stored(session, HourCount)
    assert hours == {
        (AT.replace(minute=0), concern, elm, "x", "en"): (
            1,
            0.75,
            round(0.1 * 2**20) / 2**20,
            round(0.4 * 2**20) / 2**20,
            round(0.2 * 2**20) / 2**20,
        )
        for concern in (ALL, "drugs", "traffic_safety")
    }


def test_the_author_s_day_is_the_department_s(engine: sa.Engine) -> None:
    late = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # still the 20th in Riverton
    with database.writing(engine) as session:
        street.say(session, [Said(AT, "ann"), Said(late, "ann")])
        rows = session.exec(select(AuthorDay)).all()
    assert [(row.day.isoformat(), row.posts) for row in rows] == [("2026-11-20", 2)]


def test_two_batches_add_up_to_what_one_would(engine: sa.Engine) -> None:
    posts = [Said(AT + timedelta(minutes=7 * n), f"author {n % 3}", concerns=("drugs",)) for n in range(12)]
    with database.writing(engine) as session:
        street.say(session, posts[:5])
        street.say(session, posts[5:])
        assert (_stored(session, AuthorDay), _stored(session, HourCount)) == _recount(session)


def test_a_deletion_leaves_no_trace(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        kept = Said(AT, "ann", concerns=("drugs",), mistrust=0.3)
        street.say(session, [kept])
        before = _stored(session, AuthorDay), _stored(session, HourCount)
        gone = [Said(AT, "ann", concerns=("drugs",), mistrust=0.1), Said(AT, "bob", concerns=("youth_schools",))]
        _delete(session, street.say(session, gone))
        assert (_stored(session, AuthorDay), _stored(session, HourCount)) == before


def test_a_deletion_of_something_unscored_changes_nothing(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, [Said(AT, "ann")])
        before = _stored(session, HourCount)
        _delete(session, street.hear(session, [Said(AT, "bob")]))
        assert _stored(session, HourCount) == before


def test_a_deletion_after_the_author_days_are_gone_still_corrects_the_hours(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        ids = street.say(session, [Said(AT, "ann", concerns=("drugs",))])
        assert counts.forget_author_days(session, counts.kept_from(AT + timedelta(days=61), ZONE), 100) == 2
        _delete(session, ids)
        assert (_stored(session, AuthorDay), _stored(session, HourCount)) == ({}, {})


def test_what_is_taken_back_changes_the_days_whose_author_days_are_kept(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        ids = street.say(session, [Said(AT - timedelta(days=days), "ann") for days in (0, 60, 61)])
        counts.forget_author_days(session, counts.kept_from(AT, ZONE), 100)
        session.execute(sa.delete(DayChange))
        _delete(session, ids)
        changed = [row.day for row in session.exec(select(DayChange).order_by(col(DayChange.day)))]
        assert (_stored(session, AuthorDay), _stored(session, HourCount)) == ({}, {})
    assert changed == [(AT - timedelta(days=days)).astimezone(ZONE).date() for days in (60, 0)]


def test_the_expiry_of_a_mention_leaves_the_counts(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        ids = street.say(session, [Said(AT, "ann", concerns=("drugs",))])
        before = _stored(session, AuthorDay), _stored(session, HourCount)
        session.execute(sa.delete(Mention).where(col(Mention.id).in_(ids)))
        assert (_stored(session, AuthorDay), _stored(session, HourCount)) == before


def test_author_days_go_after_sixty_days_a_few_at_a_time(engine: sa.Engine) -> None:
    today = AT.astimezone(ZONE).date()
    with database.writing(engine) as session:
        street.say(session, [Said(AT - timedelta(days=days), "ann") for days in (0, 60, 61, 62, 63)])
        removed = [counts.forget_author_days(session, counts.kept_from(AT, ZONE), 2) for _ in range(3)]
        left = sorted((today - row.day).days for row in session.exec(select(AuthorDay)))
    assert removed == [2, 1, 0]
    assert left == [0, 60]


_probability = st.integers(0, 1000).map(lambda number: number / 1000)
_said = st.builds(
    Said,
    at=st.integers(0, 60).map(lambda hours: AT + timedelta(hours=hours)),
    author=st.sampled_from(["ann", "bob", "cem"]),
    concerns=st.sampled_from([(), ("drugs",), ("drugs", "traffic_safety")]),
    network=st.sampled_from(["x", "facebook"]),
    mistrust=_probability,
    trust=_probability,
    negative=_probability,
    positive=_probability,
)


@dataclass(frozen=True)
class Say:
    posts: list[Said]


@dataclass(frozen=True)
class Delete:
    which: int


@dataclass(frozen=True)
class Correct:
    which: int
    trust: str | None
    sentiment: str
    concerns: list[str] | None


_step = st.one_of(
    st.builds(Say, st.lists(_said, min_size=1, max_size=4)),
    st.builds(Delete, st.integers(0, 30)),
    st.builds(
        Correct,
        st.integers(0, 30),
        st.sampled_from([None, "mistrust", "neither", "trust"]),
        st.sampled_from(["negative", "neutral", "positive"]),
        st.sampled_from([None, [], ["youth_schools"], ["drugs", "traffic_safety"]]),
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_step, min_size=1, max_size=12))
def test_whatever_is_scored_corrected_and_deleted_a_recount_agrees(
    sqlite_engine: sa.Engine, now: datetime, steps: list[Say | Delete | Correct]
) -> None:
    with Session(sqlite_engine.execution_options(writes=True)) as session:  # rolled back: each example starts empty
        person = people.add_person(
            session, name="Ada", email="ada@riverton.example", password=None, roles=[], time_zone="UTC", now=now
        )
        alive: list[int] = []
        for step in steps:
            if isinstance(step, Say):
                alive += street.say(session, step.posts)
            elif alive and isinstance(step, Delete):
                _delete(session, [alive.pop(step.which % len(alive))])
            elif alive and isinstance(step, Correct):
                chosen = alive[step.which % len(alive)]
                inbox.correct(
                    session,
                    chosen,
                    person.id or 0,
                    now,
                    ZONE,
                    trust=step.trust,
                    sentiment=step.sentiment,
                    concerns=step.concerns,
                )
        assert (_stored(session, AuthorDay), _stored(session, HourCount)) == _recount(session)
        session.rollback()
