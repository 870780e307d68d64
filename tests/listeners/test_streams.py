import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from listeners import rechecks, rules, sources, streams
from listeners.streams import Streams
from listeners.tables import Mention, Source, SourceGap
from networks.jetstream import line
from networks.network import RemoteMention
from scheduler import skew
from scheduler.jobs import edits
from sentiment import scoring
from sentiment.tables import ALL, HourCount
from tests.networks import jetstream_server
from tests.networks.jetstream_server import V1, V2, Network, Told, post
from tests.sentiment.reader import WordReader

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "BURST", 0.05)
    monkeypatch.setattr(streams, "SAVE_AFTER", 0.05)
    monkeypatch.setattr(streams, "RULES_AFTER", 0.05)


@pytest.fixture
def open_to_loopback(settings: Settings) -> Settings:
    return settings.model_copy(update={"fetch_private_addresses": True})


def a_source(engine: sa.Engine, server: str) -> int:
    with database.writing(engine) as session:
        found = sources.add(
            session,
            network="bluesky",
            name="Bluesky",
            settings={"kind": "everything", "servers": server},
            every_seconds=10,
            now=clock.now(),
        )
        return found.id or 0


@contextmanager
def reading(engine: sa.Engine, settings: Settings, keys: Keys) -> Iterator[Streams]:
    found = Streams(engine, settings, keys, partial(edits.apply, engine, settings, keys))
    found.keep()
    try:
        yield found
    finally:
        found.stop()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def texts(engine: sa.Engine) -> list[str | None]:
    with database.reading(engine) as session:
        return list(session.exec(select(Mention.text).order_by(col(Mention.id))))


def row(engine: sa.Engine, number: int) -> Source:
    with database.reading(engine) as session:
        return session.get_one(Source, number)


@pytest.mark.parametrize("wire", [V1, V2])
def test_what_a_rule_matches_is_stored_once_with_its_cursor(
    engine: sa.Engine, open_to_loopback: Settings, keys: Keys, wire: str
) -> None:
    with database.writing(engine) as session:
        rules.add(session, "Elm", "elm police")
    network = Network()
    with jetstream_server.running(network) as server:
        number = a_source(engine, server + wire)
        with reading(engine, open_to_loopback, keys):
            until(lambda: any(path.startswith(wire) for path in network.asked))
            time.sleep(0.2)
            network.tell(post(1, "Police on Elm", AT), post(2, "lunch", AT), post(1, "Police on Elm", AT))
            network.tell(*[post(n, "more lunch", AT + timedelta(seconds=n)) for n in range(3, 9)])
            until(lambda: row(engine, number).position_at == AT + timedelta(seconds=8))
    held = row(engine, number)
    assert texts(engine) == ["Police on Elm"]
    assert (held.lease_until, held.failures, held.last_error) == (None, 0, None)


def test_a_reader_that_was_taken_over_while_it_slept_saves_nothing_and_ends(
    engine: sa.Engine, open_to_loopback: Settings, keys: Keys
) -> None:
    with database.writing(engine) as session:
        rules.add(session, "Elm", "elm police")
    network = Network()
    with jetstream_server.running(network) as server:
        number = a_source(engine, server + V1)
        with reading(engine, open_to_loopback, keys):
            until(lambda: bool(network.asked))
            time.sleep(0.2)
            theirs = clock.now() + timedelta(seconds=90)
            with database.writing(engine) as session:
                session.get_one(Source, number).lease_until = theirs
            network.tell(post(1, "Police on Elm", AT))
            until(lambda: not any(thread.name == f"stream-{number}" for thread in threading.enumerate()))
    assert (texts(engine), row(engine, number).cursor, row(engine, number).lease_until) == ([], None, theirs)


def test_without_a_rule_nothing_is_kept_and_a_new_rule_holds_at_once(
    engine: sa.Engine, open_to_loopback: Settings, keys: Keys
) -> None:
    network = Network()
    with jetstream_server.running(network) as server:
        number = a_source(engine, server + V1)
        with reading(engine, open_to_loopback, keys):
            until(lambda: bool(network.asked))
            time.sleep(0.2)
            network.tell(post(1, "Police on Elm", AT))
            until(lambda: row(engine, number).position_at == AT)
            with database.writing(engine) as session:
                rules.add(session, "Elm", "elm")
            time.sleep(0.1)
            network.tell(post(2, "elm again", AT + timedelta(seconds=2)))
            until(lambda: texts(engine) == ["elm again"])


def test_a_deleted_post_is_asked_for_at_once_and_so_are_all_of_a_closed_account(
    engine: sa.Engine, open_to_loopback: Settings, keys: Keys
) -> None:
    with database.writing(engine) as session:
        rules.add(session, "Elm", "elm")
    network = Network()
    with jetstream_server.running(network) as server:
        a_source(engine, server + V1)
        with reading(engine, open_to_loopback, keys):
            until(lambda: bool(network.asked))
            time.sleep(0.2)
            network.tell(*[post(n, f"elm {n}", AT, did=f"did:plc:{who}") for n, who in enumerate("abcc")])
            until(lambda: len(texts(engine)) == 4)
            network.tell(Told("did:plc:a", "delete", AT, rkey="k0"), Told("did:plc:c", "deleted", AT))

            def due() -> list[str]:
                soon = clock.now() + timedelta(seconds=1)
                with database.reading(engine) as session:
                    found = session.exec(select(Mention.text).where(col(Mention.check_at) <= soon)).all()
                return sorted(text or "" for text in found)

            until(lambda: due() == ["elm 0", "elm 2", "elm 3"])


def test_an_edit_takes_back_what_the_old_words_counted(
    engine: sa.Engine, open_to_loopback: Settings, keys: Keys
) -> None:
    with database.writing(engine) as session:
        rules.add(session, "Elm", "elm")
    network = Network()
    with jetstream_server.running(network) as server:
        a_source(engine, server + V1)
        with reading(engine, open_to_loopback, keys):
            until(lambda: bool(network.asked))
            time.sleep(0.2)
            network.tell(post(1, "elm is calm", AT))
            until(lambda: texts(engine) == ["elm is calm"])
            zone = open_to_loopback.department.zone
            scoring.score_pending(engine, WordReader(), AT, zone=zone)
            network.tell(Told("did:plc:ana", "update", AT, rkey="k1", record={"text": "elm, and @bo"}))
            until(lambda: texts(engine) == ["elm, and @…"])
    with database.reading(engine) as session:
        edited = session.exec(select(Mention)).one()
        assert edited.edited_at is not None
        assert edited.scored_at is None
        assert session.exec(select(HourCount)).all() == []
    scoring.score_pending(engine, WordReader(), AT, zone=zone)
    with database.reading(engine) as session:
        assert [one.posts for one in session.exec(select(HourCount).where(HourCount.concern == ALL))] == [1]


def test_a_reader_that_dies_before_the_edits_are_applied_reads_them_again(
    engine: sa.Engine, open_to_loopback: Settings, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LONGEST_WAIT", 0.1)
    with database.writing(engine) as session:
        rules.add(session, "Elm", "elm")
    covered: list[datetime | None] = []  # by the cursor, each time edits are to be applied

    def edited(network: str, posts: Sequence[RemoteMention]) -> None:
        covered.append(row(engine, number).position_at)
        if len(covered) == 1:
            raise RuntimeError("as if it was killed here")
        edits.apply(engine, open_to_loopback, keys, network, posts)

    network = Network()
    with jetstream_server.running(network) as server:
        number = a_source(engine, server + V1)
        found = Streams(engine, open_to_loopback, keys, edited)
        found.keep()
        try:
            until(lambda: bool(network.asked))
            time.sleep(0.2)
            network.tell(post(1, "elm is calm", AT))
            until(lambda: texts(engine) == ["elm is calm"])
            later = AT + timedelta(seconds=2)
            network.tell(
                post(2, "elm too", AT + timedelta(seconds=1)),  # said and changed in one burst
                Told("did:plc:ana", "update", later, rkey="k1", record={"text": "elm is loud"}),
                Told("did:plc:ana", "update", later, rkey="k2", record={"text": "elm as well"}),
            )
            until(lambda: texts(engine) == ["elm is loud", "elm as well"])
            until(lambda: row(engine, number).position_at == later)
        finally:
            found.stop()
    assert all(until_then is not None and until_then < later for until_then in covered[:2])


def test_a_death_is_made_good_within_half_a_minute_though_clocks_are_as_far_off_as_they_may_be() -> None:
    assert streams.LEASE.total_seconds() + streams.LOOK + skew.MOST <= 30
    assert streams.LEASE.total_seconds() > streams.SAVE_AFTER * 5  # a living reader says so often enough


def test_only_one_process_reads_a_source_and_another_takes_over(
    engine: sa.Engine, open_to_loopback: Settings, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network()
    with jetstream_server.running(network) as server:
        number = a_source(engine, server + V1)
        with reading(engine, open_to_loopback, keys), reading(engine, open_to_loopback, keys) as second:
            until(lambda: bool(network.asked))
            assert second.keep() == 0
            assert len(network.asked) == 1
        with reading(engine, open_to_loopback, keys) as third:
            assert third.keep() == 1
        with database.writing(engine) as session:  # as a killed reader leaves it
            held = session.get_one(Source, number)
            held.lease_until = clock.now() + timedelta(seconds=30)
            session.add(held)
        with reading(engine, open_to_loopback, keys) as fourth:
            assert fourth.keep() == 0
            later = clock.now() + timedelta(seconds=31)
            with clock.at(later):
                assert fourth.keep() == 1


def test_what_the_network_could_not_give_any_more_is_kept_as_a_gap(
    engine: sa.Engine, open_to_loopback: Settings, keys: Keys
) -> None:
    network = Network([post(n, "lunch", AT + timedelta(minutes=n)) for n in range(30)], floor=20)
    with jetstream_server.running(network) as server:
        number = a_source(engine, server + V2)
        with database.writing(engine) as session:
            held = session.get_one(Source, number)
            held.cursor = f'{{"server": "{server + V2}", "number": 3, "time_us": {int(AT.timestamp() * 1e6)}}}'
            session.add(held)
        with reading(engine, open_to_loopback, keys):
            until(lambda: row(engine, number).position_at == AT + timedelta(minutes=29))
    with database.reading(engine) as session:
        gap = session.exec(select(SourceGap)).one()
    assert (gap.source_id, gap.began_at, gap.lost) == (number, AT, True)


def test_a_server_that_cannot_be_reached_is_told_and_tried_again(
    engine: sa.Engine, open_to_loopback: Settings, keys: Keys
) -> None:
    number = a_source(engine, "ws://127.0.0.1:1/subscribe")
    with reading(engine, open_to_loopback, keys):
        until(lambda: row(engine, number).failures > 0)
    assert "hung up" in (row(engine, number).last_error or "")


def test_many_deletions_are_looked_up_in_parts(engine: sa.Engine, keys: Keys) -> None:
    with database.reading(engine) as session:
        assert rechecks.known(session, "bluesky", [f"at://{n}" for n in range(2000)], [], keys) == []
