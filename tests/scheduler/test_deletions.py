"""What somebody took away on a network is gone here too, and from the counts; what cannot be asked stays."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from time import sleep
from types import MappingProxyType

import pytest
import sqlalchemy as sa
from sqlmodel import col, select, update

from config import database, secrets
from config.secrets import Keys
from config.settings import Settings
from listeners import archive_import, mentions, polling, rechecks, sources
from listeners.tables import Mention
from networks import practice, registry
from networks.network import RemoteMention, SignInExpired, Unavailable, Witness, Witnessed
from networks.tables import Account, PracticePost
from scheduler import status
from scheduler.jobs import deletions
from scheduler.status import Trouble
from sentiment import scoring
from sentiment.tables import HourCount
from tests.sentiment.reader import WordReader
from tests.sentiment.street import ZONE


@pytest.fixture
def heard(engine: sa.Engine, keys: Keys, settings: Settings, now: datetime) -> None:
    """Two residents' posts on the practice board, read and scored."""
    with database.writing(engine) as session:
        sources.add(session, network="practice", name="Board", settings={}, every_seconds=60, now=now)
        for text in ("Speeding by the school again", "Thank you for the coffee"):
            practice.post_as_resident(session, "nan", text, now)
    polling.poll_due(engine, settings, keys, now)
    scoring.score_pending(engine, WordReader(), now, zone=ZONE)


def texts(engine: sa.Engine) -> list[str | None]:
    with database.reading(engine) as session:
        return list(session.exec(select(Mention.text).order_by(Mention.id)))  # type: ignore[arg-type]


def posts_counted(engine: sa.Engine) -> int:
    with database.reading(engine) as session:
        return sum(session.exec(select(HourCount.posts).where(HourCount.concern == "")).all())


def delete_first(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        session.delete(session.exec(select(PracticePost).order_by(PracticePost.id)).first())  # type: ignore[arg-type]


class Deaf:
    """A network that cannot be asked now."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def ask(self, remote_ids: Sequence[str]) -> Witnessed:
        raise self.error


def witnessed_by(monkeypatch: pytest.MonkeyPatch, witness: Witness) -> None:
    changed = replace(practice.NETWORK, witness=lambda _: witness)
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType({**registry.NETWORKS, "practice": changed}))


@pytest.mark.usefixtures("heard")
def test_a_post_that_is_gone_there_is_gone_here_with_what_it_counted(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    before = posts_counted(engine)
    delete_first(engine)
    assert deletions.follow(engine, settings, keys, now + timedelta(minutes=9)) == 0
    assert deletions.follow(engine, settings, keys, now + timedelta(minutes=10)) == 1
    assert (texts(engine), before - posts_counted(engine)) == (["Thank you for the coffee"], 1)


@pytest.mark.usefixtures("heard")
def test_what_is_still_there_is_asked_for_again_later(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    deletions.follow(engine, settings, keys, now + timedelta(minutes=10))
    delete_first(engine)
    assert deletions.follow(engine, settings, keys, now + timedelta(minutes=19)) == 0
    assert deletions.follow(engine, settings, keys, now + timedelta(minutes=20)) == 1


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("error", [Unavailable("no answer"), SignInExpired("who are you?")])
def test_a_network_that_cannot_be_asked_empties_nothing(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    witnessed_by(monkeypatch, Deaf(error))
    assert deletions.follow(engine, settings, keys, now + timedelta(hours=1)) == 0
    assert len(texts(engine)) == 2


@pytest.mark.usefixtures("heard")
def test_what_a_network_tells_is_asked_for_before_it_is_believed(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    with database.writing(engine) as session:
        for post in session.exec(select(PracticePost)):
            rechecks.told_gone(session, "practice", str(post.id), keys, now)
    delete_first(engine)
    assert deletions.follow(engine, settings, keys, now) == 1
    assert texts(engine) == ["Thank you for the coffee"]


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_whoever_follows_deletions_waits_in_no_circle_with_a_scorer(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    delete_first(engine)
    waits = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with ThreadPoolExecutor(1) as pool, database.writing(engine) as scorer:
        mentions.take_turn(scorer)
        followed = pool.submit(deletions.follow, engine, settings, keys, now + timedelta(minutes=10))
        while not followed.done():
            with engine.connect() as looking:
                if looking.execute(waits).scalar_one():
                    break
            sleep(0.02)
        scorer.exec(update(Mention).where(col(Mention.id) == 2).values(language="en"))
        scorer.commit()
        assert followed.result(timeout=20) == 1
    assert texts(engine) == ["Thank you for the coffee"]


def check_times(engine: sa.Engine) -> list[datetime | None]:
    with database.reading(engine) as session:
        return list(session.exec(select(Mention.check_at).order_by(Mention.id)))  # type: ignore[arg-type]


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    "unreadable",
    [secrets.derive("a lost key").seal('["1", null]'), b"no token", None],
    ids=["of a lost key", "no token", "none"],
)
def test_a_reference_that_cannot_be_read_holds_up_no_other_and_is_told(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, unreadable: bytes | None
) -> None:
    with database.writing(engine) as session:
        first = session.get_one(Mention, 1)
        first.sealed_reference = unreadable or keys.seal("{}")
        session.add(first)
        session.delete(session.get_one(PracticePost, 2))
    later = now + timedelta(minutes=10)
    assert deletions.follow(engine, settings, keys, later) == 1
    assert texts(engine) == ["Speeding by the school again"]
    assert check_times(engine) == [later + rechecks.LATER]  # not among the first at the next look
    with database.reading(engine) as session:
        found = status.look(session, settings, later)
        assert (found.unfollowed, Trouble.DELETIONS in found.troubles) == (1, True)
        much_later = status.look(session, settings, later + timedelta(days=1))  # it was read since, or has expired
        assert (much_later.unfollowed, Trouble.DELETIONS in much_later.troubles) == (0, False)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("error", [Unavailable("no answer"), ValueError("no such id")])
def test_a_source_whose_witness_fails_is_put_off_and_the_others_are_followed(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with database.writing(engine) as session:
        other = sources.add(session, network="practice", name="Other", settings={"b": "c"}, every_seconds=60, now=now)
        session.flush()
        session.get_one(Mention, 2).source_id = other.id or 0
        session.delete(session.get_one(PracticePost, 2))
    board = practice.NETWORK.witness
    assert board is not None
    changed = replace(practice.NETWORK, witness=lambda to: board(to) if to.settings else Deaf(error))
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType({**registry.NETWORKS, "practice": changed}))
    later = now + timedelta(minutes=10)
    assert deletions.follow(engine, settings, keys, later) == 1
    assert (texts(engine), check_times(engine)) == (["Speeding by the school again"], [later + rechecks.PUT_OFF])


@pytest.mark.usefixtures("heard")
def test_a_mention_that_is_removed_while_its_network_is_asked_keeps_no_other_from_going(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Deaf):
        def ask(self, remote_ids: Sequence[str]) -> Witnessed:
            with database.writing(engine) as session:
                mentions.remove(session, [1])
            return Witnessed(frozenset({"2"}))

    witnessed_by(monkeypatch, Slow(Unavailable("")))
    assert deletions.follow(engine, settings, keys, now + timedelta(minutes=10)) == 1
    assert texts(engine) == []


@pytest.mark.usefixtures("heard")
def test_what_was_not_asked_for_is_asked_for_soon_and_not_after_the_time_of_what_is_there(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Limited(Deaf):
        def ask(self, remote_ids: Sequence[str]) -> Witnessed:
            return Witnessed(frozenset(), unasked=frozenset({"2"}))

    witnessed_by(monkeypatch, Limited(Unavailable("")))
    later = now + timedelta(days=3)
    deletions.follow(engine, settings, keys, later)
    assert check_times(engine) == [later + rechecks.LATER, later + rechecks.PUT_OFF]


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("older", [False, True], ids=["imported now", "imported by an older version"])
def test_an_import_that_names_networks_keeps_no_deletion_there_from_being_followed(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, tmp_path: Path, older: bool
) -> None:
    path = tmp_path / "export.jsonl"
    line = {"text": "Speeding on Main St", "posted_at": (now - timedelta(days=1)).isoformat(), "network": "practice"}
    numbers = range(deletions.AT_ONCE + 1)
    path.write_text("\n".join(json.dumps({**line, "id": f"archived {number}"}) for number in numbers))
    archive_import.import_file(engine, path, settings=settings, keys=keys, now=now)
    imported = col(Mention.text) == line["text"]
    if older:  # which asked for them as for what was heard there
        with database.writing(engine) as session:
            session.exec(update(Mention).where(imported).values(check_at=now))
    delete_first(engine)
    later = now + timedelta(minutes=10)
    assert sum(deletions.follow(engine, settings, keys, later) for _ in range(2 if older else 1)) == 1
    with database.reading(engine) as session:
        assert set(session.exec(select(Mention.check_at).where(imported))) == {None}


@pytest.mark.usefixtures("heard")
def test_what_a_look_finds_edited_says_here_what_it_says_there_and_counts_anew(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shows(Deaf):
        def ask(self, remote_ids: Sequence[str]) -> Witnessed:
            return Witnessed(frozenset({"2"}), edited=[RemoteMention("1", "All is well again", now)])

    witnessed_by(monkeypatch, Shows(Unavailable("")))
    before, later = posts_counted(engine), now + timedelta(minutes=10)
    assert deletions.follow(engine, settings, keys, later) == 1
    assert (texts(engine), before - posts_counted(engine)) == (["All is well again"], 2)  # it is read anew
    assert check_times(engine) == [later + timedelta(minutes=10)]


@pytest.mark.usefixtures("heard")
def test_while_the_account_is_signed_out_its_mentions_wait(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    with database.writing(engine) as session:
        account = Account(network="practice", name="Riverton PD", state="signed_out", created_at=now)
        session.add(account)
        session.flush()
        source = sources.by_name(session, "Board")
        assert source is not None
        source.account_id = account.id
        session.add(source)
    delete_first(engine)
    assert deletions.follow(engine, settings, keys, now + timedelta(hours=1)) == 0
    assert len(texts(engine)) == 2


def test_a_younger_mention_is_asked_for_more_often(now: datetime) -> None:
    ages = [timedelta(0), timedelta(hours=3), timedelta(days=3)]
    waits = [rechecks.next_check(now - age, now) - now for age in ages]
    assert waits == [timedelta(minutes=10), timedelta(hours=2), timedelta(hours=12)]
