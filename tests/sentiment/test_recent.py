"""The memory of recent posts says what the store says, whatever became of them meanwhile."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database
from listeners import mentions
from listeners.tables import Mention
from sentiment import recent, topics
from sentiment.emerging import Group
from sentiment.recent import Memory
from sentiment.tables import Score
from tests.sentiment import street
from tests.sentiment.street import Said

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)


def _posts(number: int, days: int = 20, seed: int = 3) -> list[Said]:
    rng = np.random.default_rng(seed)
    words = [
        "market",
        "river",
        "bus",
        "window",
        "garden",
        "library",
        "bridge",
        "music",
        "coffee",
        "weather",
        "school",
        "dinner",
    ]
    return sorted(
        (
            Said(
                NOW - timedelta(hours=float(rng.uniform(1, 24 * days))),
                f"resident {rng.integers(300)}",
                text=" ".join(rng.choice(words, 6)) + f" today, number {index}",
            )
            for index in range(number)
        ),
        key=lambda post: post.at,
    )


def _same(one: Memory, other: Memory) -> None:
    order, others = np.argsort(one.ids), np.argsort(other.ids)
    np.testing.assert_array_equal(one.ids[order], other.ids[others])
    for name in ("hours", "authors", "vectors", "concerns", "raised", "tied", "places", "pieces"):
        np.testing.assert_array_equal(getattr(one, name)[order], getattr(other, name)[others])
    for index, twin in zip(order, others, strict=True):
        np.testing.assert_array_equal(
            one.terms[one.ends[index] : one.ends[index + 1]], other.terms[other.ends[twin] : other.ends[twin + 1]]
        )


def _anew(session: Session, now: datetime) -> Memory:
    memory = Memory()
    memory.refresh(session, now)
    return memory


@pytest.mark.parametrize("spelt", ["in Lac-Mégantic", "near lac megantic now", "#LacMegantic", "LAC MÉGANTIC!"])
def test_a_name_is_one_term_however_people_spell_it(spelt: str) -> None:
    (term,) = recent.hashes("Lac-Mégantic")
    assert term in recent.hashes(spelt)
    assert recent.named([spelt], (int(term),)) != []
    assert term not in recent.hashes("a lac, and Megantic")


def test_hour_by_hour_it_holds_what_reading_all_at_once_would(engine: sa.Engine) -> None:
    posts = _posts(60, days=3)
    with database.writing(engine) as session:
        memory = Memory()
        for back in range(72, -1, -6):
            at = NOW - timedelta(hours=back)
            street.say(session, [post for post in posts if at - timedelta(hours=6) < post.at <= at])
            memory.refresh(session, at)
        assert memory.ids.size == 60
        _same(memory, _anew(session, NOW))


def test_what_was_deleted_hidden_or_became_a_copy_is_let_go(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        ids = street.say(session, _posts(30))
        memory = _anew(session, NOW)
        mentions.remove(session, ids[:3])
        mentions.hide(session, ids[3:5])
        session.execute(sa.update(Mention).where(col(Mention.id) == ids[5]).values(shown=False))  # a legal hold
        later = NOW + timedelta(minutes=5)
        memory.refresh(session, later)
        assert set(memory.ids.tolist()) == set(ids[6:])
        _same(memory, _anew(session, later))


def test_what_a_scorer_that_began_earlier_stored_later_is_heard_and_nothing_twice(engine: sa.Engine) -> None:
    posts = _posts(30)
    with database.writing(engine) as session:
        ids = street.hear(session, posts)
        street.score(session, ids[:20], posts[:20])
        session.execute(sa.update(Mention).where(col(Mention.id).in_(ids[:20])).values(scored_at=NOW))
        memory = _anew(session, NOW)
        street.score(session, ids[20:], posts[20:])
        earlier = NOW - timedelta(seconds=40)
        session.execute(sa.update(Mention).where(col(Mention.id).in_(ids[20:])).values(scored_at=earlier))
        read: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            read.extend([statement] if "embedding" in statement else [])

        sa.event.listen(engine, "before_cursor_execute", note)
        for minutes in (1, 2):
            memory.refresh(session, NOW + timedelta(minutes=minutes))
        assert len(read) == 1
        sa.event.remove(engine, "before_cursor_execute", note)
        _same(memory, _anew(session, NOW + timedelta(minutes=2)))


def test_the_posts_of_a_topic_that_are_hidden_are_none_of_it(sqlite_engine: sa.Engine) -> None:
    before = _posts(30)  # a phrase is told by what sets it apart from those
    posts = [Said(NOW - timedelta(minutes=n), f"rider {n}", f"the train derailed at the bridge, {n}") for n in range(6)]
    with database.writing(sqlite_engine) as session:
        street.say(session, before)
        ids = street.say(session, sorted(posts, key=lambda post: post.at))
        memory = _anew(session, NOW)
        mentions.hide(session, ids[:2])
        six = frozenset(np.flatnonzero(np.isin(memory.ids, ids)).tolist())
        group = Group(six, six, (), 0, hours=2, authors=6, expected=0.1, p_value=1e-6, spoken=3.0)
        topic = topics._topic(session, memory, group)
        assert topic is not None
        assert topic.mention_ids == frozenset(ids[2:])


def test_words_that_changed_are_read_again(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        ids = street.say(session, _posts(30))
        memory = _anew(session, NOW)
        later = NOW + timedelta(minutes=5)
        session.execute(
            sa.update(Mention).where(col(Mention.id) == ids[4]).values(text="Streetlights out again", scored_at=later)
        )
        score = session.exec(select(Score).where(Score.mention_id == ids[4])).one()
        score.embedding = np.eye(384, dtype=np.float16)[0].tobytes()
        session.flush()
        memory.refresh(session, later)
        _same(memory, _anew(session, later))
        assert memory.ids.size == 30


def test_programs_and_copies_are_no_voices(sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        ids = street.say(session, _posts(30))
        changes: tuple[dict[str, object], ...] = ({"automatic": True}, {"copy_of": ids[9]})
        for number, change in zip(ids, changes, strict=False):
            session.execute(sa.update(Mention).where(col(Mention.id) == number).values(**change))
        assert set(_anew(session, NOW).ids.tolist()) == set(ids[2:])


def test_the_first_repost_of_what_was_not_heard_stands_for_who_wrote_it(sqlite_engine: sa.Engine) -> None:
    town = "downtown is in flames after a train derailed, the mayor says, and the centre is gone"
    words = [f"RT @…: {town} https://a.example", f"RT @…: RT @…: {town[:60]}…", town, "RT @…: a school took people in"]
    posts = [Said(NOW - timedelta(hours=9 - hour), f"neighbour {hour}", text) for hour, text in enumerate(words)]
    with database.writing(sqlite_engine) as session:
        ids = street.say(session, posts)
        session.execute(sa.update(Mention).where(col(Mention.text).startswith("RT")).values(repost=True))
        memory = Memory()
        for post in posts:
            memory.refresh(session, post.at)
        assert memory.ids.tolist() == _anew(session, NOW).ids.tolist() == [ids[0], ids[3]]


def test_a_late_post_stands_where_it_belongs_in_time(sqlite_engine: sa.Engine) -> None:
    posts = _posts(30)
    with database.writing(sqlite_engine) as session:
        street.say(session, posts[:10] + posts[11:])
        memory = _anew(session, NOW)
        ids = street.say(session, [posts[10]])
        session.execute(sa.update(Mention).where(col(Mention.id) == ids[0]).values(scored_at=NOW))
        memory.refresh(session, NOW)
        assert (np.diff(memory.hours) >= 0).all()
        _same(memory, _anew(session, NOW))


def test_what_is_new_is_looked_up_by_when_it_was_scored(sqlite_engine: sa.Engine) -> None:
    """Not by when it was posted, or each look would go through all posts of three weeks."""
    asked = []

    def note(_connection: object, _cursor: object, said: str, values: tuple[object, ...], *_: object) -> None:
        if "scored_at >=" in said:
            asked.append((said, values))

    with database.writing(sqlite_engine) as session:
        street.say(session, _posts(30))
        memory = _anew(session, NOW)
        sa.event.listen(sqlite_engine, "before_cursor_execute", note)
        memory.refresh(session, NOW)
        sa.event.remove(sqlite_engine, "before_cursor_execute", note)
        ((said, values),) = asked
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values).all()
    assert any("ix_mention_pending" in str(step) for step in plan)
    assert not any("ix_mention_posted" in str(step) for step in plan)


@pytest.mark.parametrize(
    ("words", "place", "title"),
    [
        (["streetlights", "dark"], "Elm Street", "New: Streetlights, dark near Elm Street"),
        (["elm", "streetlights"], "Elm Street", "New: Streetlights near Elm Street"),
        (["metro-north"], None, "New: Metro-North"),
        ([], None, "New: Emergencies"),
    ],
)
def test_titles_say_what_and_where(words: list[str], place: str | None, title: str) -> None:
    texts = ["Streetlights out, so dark", "streetlights again", "Streetlights", "Metro-North derailed", "Metro-North"]
    assert topics.title("Emergencies", words, texts, place) == title
