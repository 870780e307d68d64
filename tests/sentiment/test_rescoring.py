"""After a change of the model, mentions are read anew: exactly as if the new one had read them from the start."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database, legal_holds
from config.legal_holds import Kind
from config.permissions import Role
from config.settings import Settings
from config.tables import Person
from listeners import mentions
from listeners.tables import Mention
from scheduler.jobs import expiry
from scheduler.jobs import rescoring as job
from sentiment import alert_details, alerts, counts, inbox, rescoring, scoring
from sentiment.model import Reading
from sentiment.tables import AuthorDay, Correction, HourCount, MentionConcern, Score
from sentiment.topics import Topic
from sentiment.tuning import Tuning
from tests.sentiment import street
from tests.sentiment.reader import WordReader
from tests.sentiment.street import ZONE, Said

AT = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
WORDS = ("speeding by the school, useless", "thank you", "a march of drugs", "the school", "speeding again", "nothing")
MANY = 40


class NewReader(WordReader):
    """Another mind: gratitude is worry, a march is a protest. `breaks`: at every so many batches."""

    name = "words-2"

    def __init__(self, breaks: int = 0) -> None:
        self._breaks, self._batches = breaks, 0

    def read(self, texts: Sequence[str]) -> list[Reading | None]:
        self._batches += 1
        if self._breaks and self._batches % self._breaks == 0:
            raise RuntimeError("cut off")
        return super().read([t.replace("thank", "useless drugs").replace("march", "protest") for t in texts])


def hear(engine: sa.Engine, now: datetime, reader: WordReader | None = None) -> None:
    with database.writing(engine) as session:
        street.hear(
            session,
            [Said(AT + timedelta(minutes=7 * n), f"author {n % 9}", WORDS[n % len(WORDS)]) for n in range(MANY)],
        )
    scoring.score_pending(engine, reader or WordReader(), now, zone=ZONE)


def hear_again(engine: sa.Engine, now: datetime) -> None:
    """The same mentions, as if only the old model had read them."""
    with database.writing(engine) as session:
        for table in (Correction, MentionConcern, Score, HourCount, AuthorDay):
            session.connection().execute(sa.delete(table))
        for number in range(MANY):
            mention = session.get_one(Mention, number + 1)
            mention.text, mention.shown, mention.scored_at = WORDS[number % len(WORDS)], True, None
    scoring.score_pending(engine, WordReader(), now, zone=ZONE)


def correct(engine: sa.Engine, person_id: int, now: datetime) -> None:
    """Officers' words on a grateful one, and on one in two steps."""
    with database.writing(engine) as session:
        inbox.correct(session, 2, person_id, now, ZONE, trust="trust")
        inbox.correct(session, 4, person_id, now, ZONE, sentiment="positive", concerns=["drugs"])
        inbox.correct(session, 4, person_id, now, ZONE, sentiment="negative")


def everything(engine: sa.Engine) -> dict[str, list[Any]]:
    """Scores, concerns, counts, whether shown: all that reading leaves behind."""
    found: dict[str, list[Any]] = {}
    with database.reading(engine) as session:
        for table in (Score, MentionConcern, HourCount, AuthorDay):
            found[table.__name__] = sorted(repr(one.model_dump()) for one in session.exec(select(table)))
        shown = select(Mention.id, Mention.shown, Mention.text).order_by(col(Mention.id))
        found["shown"] = [tuple(row) for row in session.exec(shown)]
        found["corrections"] = [one.mention_id for one in session.exec(select(Correction).order_by(col(Correction.id)))]
    return found


def begin(engine: sa.Engine, now: datetime, model: str = NewReader.name) -> None:
    with database.writing(engine) as session:
        rescoring.begin(session, model, None, now)


def ended(engine: sa.Engine) -> tuple[str, int, int]:
    with database.reading(engine) as session:
        found = rescoring.progress(session)
    assert found is not None
    return found.outcome, found.done, found.of


def test_cut_off_anywhere_and_gone_on_with_it_is_as_if_the_new_model_had_read_all(
    engine: sa.Engine, now: datetime, person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescoring, "BATCH", 2)
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
    hear(engine, now, NewReader())
    correct(engine, ada, now)
    from_the_start = everything(engine)
    hear_again(engine, now)
    correct(engine, ada, now)
    begin(engine, now)
    reader, commits = NewReader(breaks=3), count(1)

    def break_commit(_session: object) -> None:
        if next(commits) % 4 == 0:
            raise RuntimeError("cut off at the commit")

    sa.event.listen(Session, "before_commit", break_commit)
    cut = 0
    for tries in range(300):
        try:
            rescoring.step(engine, reader, now, tries * 5 % rescoring.PARTS, zone=ZONE)
        except RuntimeError:
            cut += 1
        if ended(engine)[0]:
            break
    sa.event.remove(Session, "before_commit", break_commit)
    assert (ended(engine), cut > 10) == (("done", MANY, MANY), True)
    assert everything(engine) == from_the_start


def test_an_officers_word_keeps_what_the_new_model_would_leave_out(
    sqlite_engine: sa.Engine, now: datetime, person: Callable[..., Person]
) -> None:
    hear(sqlite_engine, now)
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        inbox.correct(session, 3, ada, now, ZONE, concerns=["youth_schools"])
    begin(sqlite_engine, now)
    job.go_on(sqlite_engine, NewReader(), now, zone=ZONE)
    with database.reading(sqlite_engine) as session:
        concerns = select(MentionConcern.concern).where(MentionConcern.mention_id == 3)
        assert (session.get_one(Mention, 3).shown, list(session.exec(concerns))) == (True, ["youth_schools"])
        assert (session.get_one(Mention, 9).shown, session.get(Score, 9)) == (False, None)


def test_who_reads_with_another_model_does_nothing_and_what_is_new_goes_first(engine: sa.Engine, now: datetime) -> None:
    hear(engine, now)
    begin(engine, now)
    before = everything(engine)
    assert rescoring.step(engine, WordReader(), now, 0, zone=ZONE) == 0
    with database.writing(engine) as session:
        street.hear(session, [Said(AT, "late", "speeding")])
    assert job.go_on(engine, NewReader(), now, zone=ZONE) == 0  # a mention waits
    assert everything(engine)["Score"] == before["Score"]
    scoring.score_pending(engine, NewReader(), now, zone=ZONE)
    assert job.go_on(engine, NewReader(), now, zone=ZONE) == MANY
    assert ended(engine) == ("done", MANY, MANY)


def test_it_is_stopped_and_begun_again_with_the_rest(sqlite_engine: sa.Engine, now: datetime) -> None:
    hear(sqlite_engine, now)
    begin(sqlite_engine, now)
    done = rescoring.step(sqlite_engine, NewReader(), now, 0, zone=ZONE)
    with database.writing(sqlite_engine) as session:
        assert (rescoring.stop(session, now), rescoring.stop(session, now)) == (True, False)
    assert job.go_on(sqlite_engine, NewReader(), now, zone=ZONE) == 0
    begin(sqlite_engine, now)
    assert ended(sqlite_engine) == ("", 0, MANY - done)
    begin(sqlite_engine, now, "words-3")
    assert ended(sqlite_engine) == ("", 0, MANY)
    with database.reading(sqlite_engine) as session, pytest.raises(rescoring.NothingToRescore):
        session.connection().execute(sa.update(Score).values(model="words-4"))
        rescoring.begin(session, "words-4", None, now)


def test_what_was_reworded_or_expired_meanwhile_is_left_alone(sqlite_engine: sa.Engine, now: datetime) -> None:
    hear(sqlite_engine, now)
    begin(sqlite_engine, now)
    with database.writing(sqlite_engine) as session:
        session.get_one(Mention, 1).text = None

    class Slow(NewReader):
        def read(self, texts: Sequence[str]) -> list[Reading | None]:
            with database.writing(sqlite_engine) as session:
                counts.subtract(session, [9])
                scoring.forget(session, [9])
                mentions.reword(session, {9: "speeding"}, now)
            return super().read(texts)

    while rescoring.step(sqlite_engine, Slow(), now, 1, zone=ZONE):  # 1, 9, 17, … are of this part
        pass
    with database.reading(sqlite_engine) as session:
        assert (session.get_one(Score, 1).model, session.get(Score, 9)) == ("words-1", None)
        assert session.get_one(Score, 17).model == "words-2"


def test_an_author_day_that_is_gone_is_not_made_again(sqlite_engine: sa.Engine, now: datetime) -> None:
    hear(sqlite_engine, now)
    with database.writing(sqlite_engine) as session:
        session.connection().execute(sa.delete(AuthorDay))
    later = now + timedelta(days=70)
    begin(sqlite_engine, later)
    assert job.go_on(sqlite_engine, NewReader(), later, zone=ZONE) == MANY
    assert (everything(sqlite_engine)["AuthorDay"], everything(sqlite_engine)["HourCount"] != []) == ([], True)


def test_an_author_day_that_is_kept_by_the_departments_date_is_kept(sqlite_engine: sa.Engine) -> None:
    evening = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # the 23rd there
    first = counts.kept_from(evening, ZONE)
    with database.writing(sqlite_engine) as session:
        street.hear(session, [Said(datetime(first.year, first.month, first.day, 23, tzinfo=ZONE), "ann", "speeding")])
    scoring.score_pending(sqlite_engine, WordReader(), evening, zone=ZONE)
    begin(sqlite_engine, evening)
    assert job.go_on(sqlite_engine, NewReader(), evening, zone=ZONE) == 1
    with database.reading(sqlite_engine) as session:
        assert set(session.exec(select(col(AuthorDay.day)))) == {first}


def test_what_a_new_model_takes_for_a_protest_leaves_alerts_with_its_words(engine: sa.Engine, now: datetime) -> None:
    hear(engine, now)
    with database.writing(engine) as session:
        marches = [number + 1 for number in range(MANY) if "march" in WORDS[number % len(WORDS)]]
        topic = Topic(
            concern="emergencies",
            place_id=None,
            title="New: March",
            keyphrases=("march",),
            mention_ids=frozenset([*marches[:3], 1, 2]),
            kin=frozenset(),
            hours=2,
            authors=5,
            expected=0.1,
            p_value=1e-6,
            since=AT,
        )
        alerts.put(session, alerts.Found([], [topic], Tuning()), now, ZONE)
        rescoring.begin(session, NewReader.name, None, now)
    for part in range(rescoring.PARTS):
        while rescoring.step(engine, NewReader(), now, part, zone=ZONE):
            pass
    with database.reading(engine) as session:
        (alert,) = alerts.all_alerts(session)
        assert alerts.mentions_of(session, alert.id or 0) == {1, 2}
        assert (alert.title, alert.keyphrases, alert.posts) == ("New: Emergencies", [], 2)


def _read_anew(engine: sa.Engine, now: datetime) -> None:
    begin(engine, now)
    job.go_on(engine, NewReader(), now, zone=ZONE)


def test_what_a_legal_hold_alone_keeps_is_not_read_anew(engine: sa.Engine, settings: Settings, now: datetime) -> None:
    hear(engine, now)
    with database.writing(engine) as session:
        period = (AT + timedelta(minutes=7), AT + timedelta(minutes=7 * 3))  # thanks, and a march
        legal_holds.place(session, Kind.PERIOD, "Doe v. Town", None, now, period=period)
    later = now + timedelta(days=40)
    expiry.expire(engine, settings, later)
    before = everything(engine)
    assert before["shown"] == [(2, False, "thank you"), (3, False, "a march of drugs")]
    with database.writing(engine) as session, pytest.raises(rescoring.NothingToRescore):
        rescoring.begin(session, NewReader.name, None, later)
    with database.writing(engine) as session:
        street.hear(session, [Said(later, "late", "the school")])
    scoring.score_pending(engine, WordReader(), later, zone=ZONE)
    _read_anew(engine, later)
    assert (ended(engine), everything(engine)["shown"][:2]) == (("done", 1, 1), before["shown"])


@pytest.mark.parametrize("kind", [Kind.PERIOD, Kind.ALERT])
def test_what_a_new_model_takes_for_a_protest_leaves_the_desk_and_keeps_its_words_under_a_legal_hold(
    engine: sa.Engine, settings: Settings, now: datetime, kind: Kind
) -> None:
    hear(engine, now)
    held, march, thanks = 3, 9, 2
    with database.writing(engine) as session:
        session.execute(sa.update(Mention).values(check_at=now, sealed_reference=b"sealed"))
        topic = Topic(
            concern="drugs", place_id=None, title="New: March", keyphrases=("march",),
            mention_ids=frozenset([thanks, held]), kin=frozenset(), hours=2, authors=2, expected=0.1, p_value=1e-6,
            since=AT,
        )  # fmt: skip
        alerts.put(session, alerts.Found([], [topic], Tuning()), now, ZONE)
        (alert,) = alerts.all_alerts(session)
        number = alert.id or 0
        subject, period = (number, None) if kind is Kind.ALERT else (None, (AT, AT + timedelta(minutes=7 * 3)))
        hold = legal_holds.place(session, kind, "Doe v. Town", None, now, subject_id=subject, period=period).id or 0
    _read_anew(engine, now)

    def stands(mention_id: int) -> tuple[bool, str | None, bool]:
        with database.reading(engine) as session:
            mention = session.get_one(Mention, mention_id)
            kept = (mention.check_at is not None, mention.sealed_reference is not None)
            assert kept == (mention.text is not None,) * 2
            return mention.shown, mention.text, session.get(Score, mention_id) is not None

    assert (stands(held), stands(march)) == ((False, "a march of drugs", False), (False, None, False))
    with database.reading(engine) as session:
        (alert,) = alerts.all_alerts(session)
        assert (alerts.mentions_of(session, number), alert.posts) == (frozenset({thanks}), 1)
        (detail,) = alert_details.of_each(session, [alert], ZONE)
        assert (detail.networks, [quote.text for quote in detail.quotes]) == ((("x", 1),), ["thank you"])
    expiry.expire(engine, settings, now)
    assert stands(held) == (False, "a march of drugs", False)
    with database.writing(engine) as session:
        legal_holds.lift(session, hold, "Settled.", None, now)
    assert expiry.expire(engine, settings, now)["left_out"] == 1
    assert stands(held) == (False, None, False)
