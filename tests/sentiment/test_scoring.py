"""Each mention is scored once and counted once, whatever happens on the way."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database
from listeners import mentions, places
from listeners.tables import Mention
from sentiment import counts, scoring
from sentiment.model import Reading
from sentiment.tables import ALL, AuthorDay, HourCount, MentionConcern, Score
from tests import killing
from tests.sentiment import reader, street
from tests.sentiment.reader import WordReader
from tests.sentiment.street import ZONE, Said

AT = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)


def _hear(engine: sa.Engine, *texts: str | None) -> list[int]:
    with database.writing(engine) as session:
        return street.hear(
            session, [Said(AT + timedelta(minutes=n), f"author {n}", text) for n, text in enumerate(texts)]
        )


def _score(engine: sa.Engine, now: datetime, limit: int = 512) -> int:
    return scoring.score_pending(engine, WordReader(), now, zone=ZONE, limit=limit)


def _posts(session: Session, table: type[AuthorDay] | type[HourCount]) -> dict[str, int]:
    """How many posts each concern has."""
    rows = session.connection().execute(
        sa.select(col(table.concern), sa.func.sum(col(table.posts))).group_by(col(table.concern))
    )
    return {concern: int(number) for concern, number in rows}


def test_a_mention_gets_its_score_its_concerns_and_its_counts(engine: sa.Engine, now: datetime) -> None:
    (mention_id,) = _hear(engine, "Speeding by the school again, useless police on this road")
    assert _score(engine, now) == 1
    with database.reading(engine) as session:
        score = session.get_one(Score, mention_id)
        mention = session.get_one(Mention, mention_id)
        concerns = session.exec(select(MentionConcern.concern).order_by(MentionConcern.concern)).all()
        both = _posts(session, AuthorDay), _posts(session, HourCount)
    assert (score.model, score.trust_label, score.sentiment_label, score.mistrust_flag) == (
        "words-1",
        "mistrust",
        "negative",
        True,
    )
    assert score.day.isoformat() == "2026-11-20"
    assert np.frombuffer(score.embedding, dtype=np.float16).shape == (384,)
    assert concerns == ["traffic_safety", "youth_schools"]
    assert mention.scored_at == now
    assert both == ({ALL: 1, "traffic_safety": 1, "youth_schools": 1},) * 2


def test_the_place_and_the_language_that_the_text_tells_are_counted(engine: sa.Engine, now: datetime) -> None:
    with database.writing(engine) as session:
        elm = places.add(session, "Elm Street", ["la Elm"]).id
    with database.writing(engine) as session:
        street.hear(
            session,
            [Said(AT, "ana", "Otra vez pasan muy rápido por la Elm, la policía no hace nada", language="und")],
        )
    _score(engine, now)
    with database.reading(engine) as session:
        rows = session.exec(select(HourCount.place_id, HourCount.language)).all()
        mention = session.exec(select(Mention)).one()
    assert rows == [(elm, "es")]
    assert (mention.place_id, mention.language) == (elm, "es")


def test_nothing_pending_is_nothing_done(engine: sa.Engine, now: datetime) -> None:
    assert _score(engine, now) == 0


def test_a_second_run_finds_nothing_and_counts_nothing(engine: sa.Engine, now: datetime) -> None:
    _hear(engine, "drugs in the park", "thank you officer")
    assert [_score(engine, now), _score(engine, now)] == [2, 0]
    with database.reading(engine) as session:
        assert _posts(session, HourCount) == {ALL: 2, "drugs": 1}


def test_batches_go_on_where_the_last_one_ended(engine: sa.Engine, now: datetime) -> None:
    _hear(engine, *[f"drugs in the park, day {n}" for n in range(10)])
    assert [_score(engine, now, limit=4) for _ in range(4)] == [4, 4, 2, 0]
    with database.reading(engine) as session:
        assert _posts(session, AuthorDay) == {ALL: 10, "drugs": 10}


def test_of_a_never_tracked_mention_nothing_is_kept(engine: sa.Engine, now: datetime) -> None:
    mention_id, other = _hear(engine, "Protest at city hall, useless police", "drugs again")
    assert _score(engine, now) == 2
    with database.reading(engine) as session:
        mention = session.get_one(Mention, mention_id)
        assert session.exec(select(Score.mention_id)).all() == [other]
        assert _posts(session, HourCount) == {ALL: 1, "drugs": 1}
    assert (mention.shown, mention.text, mention.sealed_reference, mention.scored_at) == (False, None, None, now)


def test_what_has_no_words_is_marked_and_not_counted(engine: sa.Engine, now: datetime) -> None:
    ids = _hear(engine, "!!! 👍", None)
    assert [_score(engine, now), _score(engine, now)] == [2, 0]
    with database.reading(engine) as session:
        assert session.exec(select(Score)).all() == []
        assert _posts(session, HourCount) == {}
        assert [session.get_one(Mention, number).scored_at for number in ids] == [now, now]


class _Meanwhile(WordReader):
    """Does something else to the store while the model reads."""

    def __init__(self, engine: sa.Engine, now: datetime, gone: Sequence[int] = ()) -> None:
        self._engine, self._now, self._gone = engine, now, gone

    def read(self, texts: Sequence[str]) -> list[Reading | None]:
        if self._gone:
            with database.writing(self._engine) as session:
                counts.subtract(session, self._gone)
                mentions.remove(session, self._gone)
        else:
            scoring.score_pending(self._engine, WordReader(), self._now, zone=ZONE)
        return super().read(texts)


def test_two_scorers_at_once_count_once(engine: sa.Engine, now: datetime) -> None:
    _hear(engine, "drugs in the park", "thank you officer")
    scoring.score_pending(engine, _Meanwhile(engine, now), now, zone=ZONE)
    with database.reading(engine) as session:
        assert _posts(session, HourCount) == {ALL: 2, "drugs": 1}


def test_a_mention_that_is_deleted_while_it_is_read_leaves_nothing(engine: sa.Engine, now: datetime) -> None:
    first, _ = _hear(engine, "drugs in the park", "thank you officer")
    scoring.score_pending(engine, _Meanwhile(engine, now, [first]), now, zone=ZONE)
    with database.reading(engine) as session:
        assert _posts(session, HourCount) == {ALL: 1}


class _Reworded(WordReader):
    """Its author changes a post while the model reads it."""

    def __init__(self, engine: sa.Engine, mention_id: int, now: datetime) -> None:
        self._engine, self._mention_id, self._now = engine, mention_id, now

    def read(self, texts: Sequence[str]) -> list[Reading | None]:
        with database.writing(self._engine) as session:
            mentions.reword(session, {self._mention_id: "speeding by the school"}, self._now)
        return super().read(texts)


def test_words_that_change_while_the_old_ones_are_read_are_read_next(engine: sa.Engine, now: datetime) -> None:
    first, _ = _hear(engine, "drugs in the park", "thank you officer")
    scoring.score_pending(engine, _Reworded(engine, first, now), now, zone=ZONE)
    with database.reading(engine) as session:
        assert _posts(session, HourCount) == {ALL: 1}
    assert [_score(engine, now), _score(engine, now)] == [1, 0]
    with database.reading(engine) as session:
        assert _posts(session, HourCount) == {ALL: 2, "traffic_safety": 1, "youth_schools": 1}


def test_of_what_is_older_than_author_days_are_kept_only_the_hours_are_counted(
    sqlite_engine: sa.Engine, now: datetime
) -> None:
    _hear(sqlite_engine, "drugs in the park")
    _score(sqlite_engine, now + timedelta(days=70))
    with database.reading(sqlite_engine) as session:
        assert (_posts(session, HourCount), _posts(session, AuthorDay)) == ({ALL: 1, "drugs": 1}, {})


class _Broken(WordReader):
    def read(self, texts: Sequence[str]) -> list[Reading | None]:
        raise MemoryError("no memory left to read")


def test_a_reader_that_breaks_leaves_everything_pending(engine: sa.Engine, now: datetime) -> None:
    _hear(engine, "drugs in the park")
    with pytest.raises(MemoryError):
        scoring.score_pending(engine, _Broken(), now, zone=ZONE)
    with database.reading(engine) as session:
        assert _posts(session, HourCount) == {}
    assert _score(engine, now) == 1


@pytest.mark.long
def test_killed_ten_times_it_scores_all_once(sqlite_engine: sa.Engine, now: datetime) -> None:
    texts = [f"drugs by the school, useless, case {n}" if n % 2 else f"thank you, day {n}" for n in range(600)]
    _hear(sqlite_engine, *texts)
    chance = random.Random(6)
    for _ in range(10):
        with killing.at_work(reader.read_all, str(sqlite_engine.url), now) as (_process, hear):
            killing.heard(hear, 1 + chance.randrange(4))  # so that it is killed at work, not while it starts
    while _score(sqlite_engine, now):
        pass
    with database.reading(sqlite_engine) as session:
        both = _posts(session, AuthorDay), _posts(session, HourCount)
        assert session.exec(select(sa.func.count()).select_from(Score)).one() == 600
    assert both == ({ALL: 600, "drugs": 300, "youth_schools": 300},) * 2
