"""The inbox: what it shows, in which order, and what an officer's correction does."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database
from config.permissions import Role
from config.tables import AuditEntry, Person
from listeners.tables import Mention, MentionTag
from sentiment import counts, inbox
from sentiment.inbox import Filters
from sentiment.tables import ALL, AuthorDay, Correction, HourCount, Score
from tests.sentiment import street
from tests.sentiment.street import ZONE, Said

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _said(number: int, **changes: object) -> Said:
    values: dict[str, object] = {"at": AT + timedelta(minutes=number), "author": f"author {number}"}
    return Said(**(values | changes))  # type: ignore[arg-type]


def _ids(page: inbox.InboxPage) -> list[int | None]:
    return [row.mention.id for row in page.rows]


def test_the_newest_stand_first_and_pages_follow_without_a_gap(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        ids = street.say(session, [_said(number // 3) for number in range(11)])  # three at the same minute
        first = inbox.mentions(session, Filters(), limit=4)
        second = inbox.mentions(session, Filters(), first.after, limit=4)
        third = inbox.mentions(session, Filters(), second.after, limit=4)
    assert _ids(first) + _ids(second) + _ids(third) == sorted(ids, reverse=True)
    assert third.after is None


def test_what_arrives_meanwhile_does_not_shift_the_next_page(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        ids = street.say(session, [_said(number) for number in range(6)])
        first = inbox.mentions(session, Filters(), limit=3)
        street.say(session, [_said(50)])
        assert _ids(inbox.mentions(session, Filters(), first.after, limit=3)) == list(reversed(ids[:3]))


def test_hidden_unscored_and_expired_mentions_are_not_shown(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        hidden, gone, shown = street.say(session, [_said(1), _said(2, text=None), _said(3)])
        street.hear(session, [_said(4)])
        session.execute(sa.update(Mention).where(col(Mention.id) == hidden).values(shown=False))
        page = inbox.mentions(session, Filters())
        single = [inbox.mention(session, number) for number in (hidden, gone)]
    assert (_ids(page), page.counts, single) == ([shown], {"new": 1}, [None, None])


def test_a_mention_without_words_is_shown_without_labels(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        (mention_id,) = street.hear(session, [_said(1, text="👍")])
        session.get_one(Mention, mention_id).scored_at = AT
        row = inbox.mention(session, mention_id)
    assert row is not None
    assert (row.score, row.trust, row.sentiment, row.concerns) == (None, None, None, ())


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), {0, 1, 2, 3}),
        (Filters(concern="drugs"), {0, 2}),
        (Filters(place_id=1), {1}),
        (Filters(place_id=0), {0, 2, 3}),
        (Filters(network="facebook"), {3}),
        (Filters(language="es"), {2}),
        (Filters(sentiment="negative"), {0}),
        (Filters(trust="mistrust"), {0, 1}),
        (Filters(trust="trust"), {2}),
        (Filters(state="done"), {1}),
        (Filters(since=AT + timedelta(minutes=1), until=AT + timedelta(minutes=3)), {1, 2}),
        (Filters(concern="drugs", language="es"), {2}),
    ],
)
def test_each_filter_shows_what_it_says(engine: sa.Engine, filters: Filters, expected: set[int]) -> None:
    with database.writing(engine) as session:
        elm = street.place(session, "Elm Street")
        assert elm == 1
        ids = street.say(
            session,
            [
                _said(0, concerns=("drugs",), mistrust=0.9, negative=0.8),
                _said(1, place_id=elm, mistrust=0.8),
                _said(2, concerns=("drugs", "youth_schools"), language="es", trust=0.7),
                _said(3, network="facebook"),
            ],
        )
        session.get_one(Mention, ids[1]).state = "done"
        session.flush()
        page = inbox.mentions(session, filters)
    assert {ids.index(row.mention.id or 0) for row in page.rows} == expected


def test_the_counts_by_state_keep_to_the_other_filters(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        ids = street.say(session, [_said(n, concerns=("drugs",) if n < 3 else ()) for n in range(5)])
        session.get_one(Mention, ids[0]).state = "done"
        session.get_one(Mention, ids[4]).state = "done"
        session.flush()
        page = inbox.mentions(session, Filters(concern="drugs", state="done"))
    assert (_ids(page), page.counts) == ([ids[0]], {"done": 1, "new": 2})


@pytest.mark.parametrize("done", [0, 1, 4])
@pytest.mark.parametrize("new", [0, 1, 2, 7])
def test_a_state_that_is_rare_among_the_newest_of_a_concern_is_counted_too(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, new: int, done: int
) -> None:
    monkeypatch.setattr(inbox, "COUNTED", 2)
    monkeypatch.setattr(inbox, "AT_ONCE", 3)
    with database.writing(engine) as session:
        ids = street.say(session, [_said(n, concerns=("drugs", "youth_schools")) for n in range(new + done)])
        for number in ids[:done]:  # the oldest
            session.get_one(Mention, number).state = "done"
        session.flush()
        counts = inbox.mentions(session, Filters(concern="drugs")).counts
    assert counts == {state: min(2, number) for state, number in (("new", new), ("done", done)) if number}


@pytest.mark.parametrize("filters", [Filters(concern="drugs", since=AT), Filters(place_id=1), Filters(tag="lights")])
def test_every_state_is_counted_however_the_store_is_gone_through(engine: sa.Engine, filters: Filters) -> None:
    with database.writing(engine) as session:
        place = street.place(session, "Elm Street")
        said = [_said(n, concerns=("drugs",), place_id=place) for n in range(12)]
        ids = street.say(session, [*said, _said(-60, concerns=("drugs",)), _said(20, concerns=("youth_schools",))])
        for number, state in zip(ids[:9], (*["assigned"] * 5, "snoozed", *["done"] * 3), strict=True):
            session.get_one(Mention, number).state = state
        session.add_all([MentionTag(mention_id=number, tag="lights") for number in ids[:12]])
        session.flush()
        page = inbox.mentions(session, dataclasses.replace(filters, state="assigned"))
    of_a_place = {"assigned": 5}  # in whole fives
    assert sorted(number or 0 for number in _ids(page)) == ids[:5]
    assert page.counts == (of_a_place if filters.place_id else {"new": 3, "assigned": 5, "snoozed": 1, "done": 3})


def _hours(session: Session) -> dict[str, tuple[int, float, float]]:
    return {
        row.concern: (row.posts, row.mistrust, row.negative)
        for row in session.exec(select(HourCount).execution_options(populate_existing=True))
    }


def test_a_correction_counts_at_once_and_is_on_record(engine: sa.Engine, person: Callable[..., Person]) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        (mention_id,) = street.say(session, [_said(1, concerns=("drugs",), mistrust=0.75, negative=0.5)])
        inbox.correct(session, mention_id, ada, AT, ZONE, trust="trust", concerns=["youth_schools"])
        row = inbox.mention(session, mention_id)
        assert row is not None
        assert (row.trust, row.sentiment, row.concerns, row.corrected) == ("trust", "neutral", ("youth_schools",), True)
        assert _hours(session) == {ALL: (1, 0.0, 0.5), "youth_schools": (1, 0.0, 0.5)}
        entry = session.exec(select(AuditEntry)).one()
    assert (entry.action, entry.subject, entry.detail) == (
        "mention.correct",
        f"mention:{mention_id}",
        {"trust": "trust", "sentiment": None, "concerns": ["youth_schools"]},
    )


def test_a_correction_of_an_old_mention_makes_no_author_day_anew(
    sqlite_engine: sa.Engine, person: Callable[..., Person]
) -> None:
    later = AT + timedelta(days=70)
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        (mention_id,) = street.say(session, [_said(1, mistrust=0.75, negative=0.5)])
        counts.forget_author_days(session, counts.kept_from(later, ZONE), 100)
        inbox.correct(session, mention_id, ada, later, ZONE, trust="mistrust")
        assert _hours(session) == {ALL: (1, 1.0, 0.5)}
        assert session.exec(select(AuthorDay)).all() == []


def test_a_later_correction_keeps_what_it_does_not_name(engine: sa.Engine, person: Callable[..., Person]) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        (mention_id,) = street.say(session, [_said(1, mistrust=0.75, negative=0.5)])
        inbox.correct(session, mention_id, ada, AT, ZONE, trust="mistrust")
        inbox.correct(session, mention_id, ada, AT, ZONE, sentiment="positive")
        row = inbox.mention(session, mention_id)
        assert row is not None
        assert (row.trust, row.sentiment) == ("mistrust", "positive")
        assert _hours(session) == {ALL: (1, 1.0, 0.0)}


def test_a_correction_keeps_what_the_model_said(engine: sa.Engine, person: Callable[..., Person]) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        (mention_id,) = street.say(session, [_said(1, mistrust=0.75)])
        inbox.correct(session, mention_id, ada, AT, ZONE, trust="neither")
        score = session.get_one(Score, mention_id)
    assert (score.mistrust, score.mistrust_flag, score.trust_label) == (0.75, True, "neither")


def test_an_officer_who_sees_a_protest_takes_the_mention_out_whole(
    engine: sa.Engine, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        (mention_id,) = street.say(session, [_said(1, concerns=("drugs",))])
        inbox.correct(session, mention_id, ada, AT, ZONE, concerns=["drugs", "protest_public_order"])
        assert (inbox.mention(session, mention_id), _hours(session)) == (None, {})
        mention = session.exec(select(Mention).execution_options(populate_existing=True)).one()
    assert (mention.shown, mention.text) == (False, None)


@pytest.mark.parametrize(
    "labels",
    [{}, {"trust": "angry"}, {"sentiment": "mistrust"}, {"concerns": ["drugs", "weather"]}],
)
def test_a_label_that_does_not_exist_changes_nothing(
    sqlite_engine: sa.Engine, person: Callable[..., Person], labels: dict[str, object]
) -> None:
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        (mention_id,) = street.say(session, [_said(1)])
        before = _hours(session)
        with pytest.raises(inbox.WrongLabel):
            inbox.correct(session, mention_id, ada, AT, ZONE, **labels)  # type: ignore[arg-type]
        assert (_hours(session), session.exec(select(Correction)).all()) == (before, [])


def test_what_is_not_read_yet_cannot_be_corrected(sqlite_engine: sa.Engine, person: Callable[..., Person]) -> None:
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        (mention_id,) = street.hear(session, [_said(1)])
        with pytest.raises(inbox.NoSuchMention):
            inbox.correct(session, mention_id, ada, AT, ZONE, trust="trust")


def test_an_answer_is_on_what_the_model_is_surest_of(sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        street.say(session, [_said(1, concerns=("bias_fairness", "traffic_safety"))])
        score = session.exec(select(Score)).one()
        score.concerns = {"bias_fairness": 0.27, "traffic_safety": 0.68}
        [row] = inbox.mentions(session, Filters(), limit=1).rows
    assert row.likeliest == "traffic_safety"
    assert dataclasses.replace(row, score=None).likeliest == "bias_fairness"
    assert dataclasses.replace(row, concerns=("drugs",)).likeliest == "drugs"
    assert dataclasses.replace(row, concerns=()).likeliest is None
