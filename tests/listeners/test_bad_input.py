"""What networks and crowds may send: brigades, repeats, any script, clocks that are wrong, refusals, silence."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlmodel import col, select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from listeners import health, polling, rules, sources
from listeners.tables import Mention, Source
from networks import practice, registry
from networks.jetstream import line
from networks.network import NetworkError, Page, RateLimited, Rejected, RemoteMention, SignInExpired, Unavailable
from networks.tables import Account, PracticePost
from tests.listeners import said
from tests.networks import jetstream_server
from tests.networks.jetstream_server import V1, Network, post

HATE = "These officers are useless and everybody at the river bridge saw it this morning, share before they delete it"
Answer = Page | Exception


class Told:
    """A network that answers what it was told to, one after the other; the last one for ever."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers, self.asked = answers, 0

    def mentions(self, cursor: str | None) -> Page:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """`network(answer, …)`: what the practice board's place is taken by."""

    def be(*answers: Answer) -> Told:
        made = Told(list(answers))
        changed = replace(practice.NETWORK, listener=lambda connection: made)
        monkeypatch.setattr(registry, "NETWORKS", MappingProxyType({**registry.NETWORKS, "practice": changed}))
        return made

    return be


def stored(engine: sa.Engine, number: int = 1) -> Source:
    with database.reading(engine) as session:
        return session.get_one(Source, number)


@pytest.mark.long
def test_ten_thousand_mentions_of_a_brigade_in_one_go_are_listed_once_and_all_counted(
    engine: sa.Engine, network: Callable[..., Told], keys: Keys, settings: Settings, now: datetime
) -> None:
    source = said.a_source(engine, now)
    handles = [f"@friend{n}" for n in range(7)]
    brigade = [
        RemoteMention(f"b{n}", f"{handles[n % 7]} {HATE} {n % 11}", now, f"author {n % 3000}") for n in range(9_999)
    ]
    neighbour = RemoteMention(
        "n", "My street lamp on Elm has been dark for a week, whom do I tell about it?", now, "nan"
    )
    network(Page([*brigade[:5000], neighbour, *brigade[5000:]], "1"))
    assert polling.poll(engine, source, settings, keys, now) == 10_000
    said.read_all(engine, now)
    assert (sorted(said.listed(engine).values()), said.counted(engine)) == ([0, 9_998], 10_000)


def test_an_id_that_comes_again_in_a_page_and_later_is_taken_in_once(
    engine: sa.Engine, network: Callable[..., Told], keys: Keys, settings: Settings, now: datetime
) -> None:
    source = said.a_source(engine, now)
    same = [RemoteMention("1", f"said {time}", now, "nan") for time in range(50)]
    network(Page(same, "1", more=True), Page(same, "2", more=True), Page(same, "3"))
    assert polling.poll(engine, source, settings, keys, now) == 1
    assert [one.text for one in said.stored(engine)] == ["said 0"]
    assert stored(engine).cursor == "3"


def test_a_page_that_always_says_there_is_more_ends_the_look_and_goes_on_at_the_next(
    engine: sa.Engine, network: Callable[..., Told], keys: Keys, settings: Settings, now: datetime
) -> None:
    source = said.a_source(engine, now)
    endless = network(Page([], "same", more=True))
    polling.poll(engine, source, settings, keys, now)
    assert endless.asked == polling.PAGES
    assert stored(engine).failures == 0


@pytest.mark.parametrize(
    "text",
    [
        "الشرطة أغلقت الجسر هذا الصباح",
        "警察今天早上关闭了大桥",
        "पुलिस ने आज सुबह पुल बंद कर दिया",
        "ตำรวจปิดสะพานเมื่อเช้านี้",
        "המשטרה סגרה את הגשר",
        "Z̸̢̛͔a̶l̷g̶o̵ " * 40,
        "\u202e desrever si siht",
        "👩‍👩‍👧‍👦" * 100,
        "𝓟𝓸𝓵𝓲𝓬𝓮 ｏｎ 𝔈𝔩𝔪",
        "\x00NUL\x00 and \ud800 half a character",
        "a" * 100_000,
        "\n\t \u200b",
    ],
)
def test_any_script_comes_in_is_read_and_listed(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, text: str
) -> None:
    source = said.a_source(engine, now)
    assert said.take_in(engine, source, [RemoteMention("1", text, now, "nan")], keys, settings, now) == 1
    said.read_all(engine, now)
    (found,) = said.stored(engine)
    assert found.scored_at == now
    assert found.text is not None
    assert "\x00" not in found.text


ODD = st.text(st.characters(), max_size=40) | st.sampled_from(["\x00", "\ud800", "", "RT @", "@", "und", "\U0010ffff"])
WHEN = st.datetimes(timezones=st.just(UTC))


@how(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.builds(
    RemoteMention, remote_id=ODD, text=ODD, posted_at=WHEN, author_id=st.none() | ODD,
    author_created_at=st.none() | WHEN, language=st.none() | ODD, url=st.none() | ODD, root_id=st.none() | ODD,
    repost=st.booleans(), automatic=st.booleans(),
), max_size=6))  # fmt: skip
def test_whatever_a_network_puts_into_its_fields_is_stored_scored_and_counted(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, posts: list[RemoteMention]
) -> None:
    with database.writing(engine) as session:
        for table in ("mention", "hour_count", "author_day", "source"):
            session.execute(sa.text(f"DELETE FROM {table}"))
    source = said.a_source(engine, now)
    new = said.take_in(engine, source, posts, keys, settings, now)
    said.read_all(engine, now)
    found = said.stored(engine)
    assert new == len(found) == len({post.remote_id for post in posts})
    assert all(one.scored_at == now and one.posted_at <= now for one in found)


@pytest.mark.parametrize(
    "said_at",
    [
        datetime(2026, 11, 24, 13, 11, tzinfo=UTC),
        datetime(2099, 1, 1, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
    ],
)
def test_a_post_from_the_future_or_from_before_there_were_any_counts_as_of_now(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, said_at: datetime
) -> None:
    source = said.a_source(engine, now)
    said.take_in(engine, source, [RemoteMention("1", "Thank you officers", said_at, "nan")], keys, settings, now)
    said.read_all(engine, now)
    assert (said.stored(engine)[0].posted_at, said.counted(engine)) == (now, 1)


def test_a_storm_of_refusals_is_waited_out_and_then_all_is_heard(
    engine: sa.Engine, network: Callable[..., Told], keys: Keys, settings: Settings, now: datetime
) -> None:
    source = said.a_source(engine, now)
    wait = timedelta(minutes=15)
    storm = [RateLimited(now + wait * (number + 1)) for number in range(8)]
    asked = network(*storm, Page([RemoteMention("1", "at last", now, "nan")], "1"))
    for second in range(0, 3 * 60 * 60, 60):
        polling.poll_due(engine, settings, keys, now + timedelta(seconds=second))
        if said.stored(engine):
            break
    assert (asked.asked, second) == (9, 8 * 15 * 60)
    held = stored(engine)
    assert (held.failures, held.last_error, held.id) == (0, None, source)


def test_a_refusal_that_names_a_time_which_is_over_is_no_call_to_ask_at_once(
    engine: sa.Engine, network: Callable[..., Told], keys: Keys, settings: Settings, now: datetime
) -> None:
    source = said.a_source(engine, now, every_seconds=60)
    network(RateLimited(now - timedelta(hours=1)))
    polling.poll(engine, source, settings, keys, now)
    assert stored(engine).next_poll_at == now + timedelta(seconds=60)


@pytest.mark.parametrize(
    "error", [Unavailable("gone \x00 away"), Rejected("no \ud800"), NetworkError("x" * 2000), RuntimeError("a bug\x00")]
)
def test_whatever_an_error_says_it_is_kept_and_asked_again_later_each_time(
    engine: sa.Engine, network: Callable[..., Told], keys: Keys, settings: Settings, now: datetime, error: Exception
) -> None:
    source = said.a_source(engine, now)
    network(error)
    waits = []
    for _ in range(12):
        polling.poll(engine, source, settings, keys, now)
        held = stored(engine)
        assert held.next_poll_at is not None
        waits.append((held.next_poll_at - now).total_seconds())
    assert held.failures == 12
    assert held.last_error
    assert waits[0] < waits[3] < waits[7] <= waits[11] * 1.5
    assert waits[11] <= polling.LONGEST_WAIT.total_seconds() * 1.2
    assert held.lease_until is None


def test_one_source_in_a_storm_keeps_no_other_from_being_heard(
    engine: sa.Engine, network: Callable[..., Told], keys: Keys, settings: Settings, now: datetime
) -> None:
    said.a_source(engine, now)
    with database.writing(engine) as session:
        sources.add(
            session, network="feed", name="Away", settings={"url": "http://127.0.0.1:1/"}, every_seconds=60, now=now
        )
    network(Page([RemoteMention("1", "hello", now, "nan")], "1"))
    assert polling.poll_due(engine, settings, keys, now) == 1
    assert "private address" in (stored(engine, 2).last_error or "")


@pytest.fixture
def mute() -> Iterator[str]:
    """The address of a server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_a_feed_whose_server_accepts_and_says_nothing_fails_and_is_asked_later(
    engine: sa.Engine, mute: str, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("networks.fetching.SECONDS", 0.2)
    private = settings.model_copy(update={"fetch_private_addresses": True})
    with database.writing(engine) as session:
        sources.add(
            session, network="feed", name="Mute", settings={"url": f"http://{mute}/feed"}, every_seconds=60, now=now
        )
    polling.poll_due(engine, private, keys, now)
    held = stored(engine)
    assert (held.failures, held.last_error) == (1, "127.0.0.1 did not answer: timed out")
    assert health.health(held, now).state == "failing"


def test_asking_a_stream_that_says_nothing_ends_and_says_so(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "ASKED", 0.3)
    monkeypatch.setattr(line, "BURST", 0.05)
    private = settings.model_copy(update={"fetch_private_addresses": True})
    with jetstream_server.running(Network(silent=True)) as server:
        number = a_stream(engine, server, now)
        with pytest.raises(Unavailable, match="said nothing"):
            polling.ask(engine, number, private, keys)
    assert stored(engine).failures == 0


def a_stream(engine: sa.Engine, server: str, now: datetime) -> int:
    with database.writing(engine) as session:
        made = sources.add(
            session, network="bluesky", name="Bluesky", every_seconds=10, now=now,
            settings={"kind": "everything", "servers": server + V1},
        )  # fmt: skip
        return made.id or 0


def test_asking_a_stream_gives_what_comes_whatever_the_rules_and_stores_nothing(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "BURST", 0.05)
    private = settings.model_copy(update={"fetch_private_addresses": True})
    with database.writing(engine) as session:
        rules.add(session, "Elm", "elm")
    with jetstream_server.running(Network(), 0) as server:
        number = a_stream(engine, server, now)
    network = Network()
    network.hang_up_after = 0
    with jetstream_server.running(network, int(server.rpartition(":")[2])):
        from threading import Thread
        from time import sleep

        def talk() -> None:
            while not any(path.startswith(V1) for path in network.asked):
                sleep(0.02)
            for step in range(40):
                network.tell(post(step, "lunch", clock.now()))
                sleep(0.05)

        Thread(target=talk, daemon=True).start()
        page = polling.ask(engine, number, private, keys)
    assert page.mentions
    assert {one.text for one in page.mentions} == {"lunch"}
    assert (said.stored(engine), stored(engine).cursor, stored(engine).last_ok_at) == ([], None, None)


def test_asking_a_source_stores_nothing_and_moves_nothing(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    number = said.a_source(engine, now)
    with database.writing(engine) as session:
        for text in ("one", "two", "three"):
            practice.post_as_resident(session, "nan", text, now)
        session.get_one(Source, number).cursor = "1"
    before = stored(engine).model_dump()
    asked = [[one.text for one in polling.ask(engine, number, settings, keys).mentions] for _ in range(2)]
    assert asked == [["two", "three"]] * 2
    assert (stored(engine).model_dump(), said.stored(engine)) == (before, [])


def test_a_source_that_comes_by_hand_cannot_be_asked(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    number = said.a_source(engine, now, "archive", 0)
    with pytest.raises(Rejected, match="by hand"):
        polling.ask(engine, number, settings, keys)


def test_asking_by_an_account_that_is_signed_out_says_so_and_changes_nothing(
    engine: sa.Engine, network: Callable[..., Told], keys: Keys, settings: Settings, now: datetime
) -> None:
    number = said.a_source(engine, now)
    network(SignInExpired("who are you?"))
    with pytest.raises(SignInExpired):
        polling.ask(engine, number, settings, keys)
    assert stored(engine).failures == 0


def test_what_we_say_ourselves_never_comes_in(engine: sa.Engine, keys: Keys, settings: Settings, now: datetime) -> None:
    source = said.a_source(engine, now)
    with database.writing(engine) as session:
        session.add(Account(network="practice", name="Riverton PD", handle="rpd", remote_id="our-id", created_at=now))
        session.add(Account(network="x", name="Riverton PD", handle="rpd", remote_id="x-id", created_at=now))
        session.add(
            Account(network="practice", name="Old", handle="old", remote_id="old-id", state="removed", created_at=now)
        )
    posts = [
        RemoteMention(str(number), f"by {author}", now, author, addressed=True)
        for number, author in enumerate(["our-id", "x-id", "old-id", None, "rpd"])
    ]
    said.take_in(engine, source, posts, keys, settings, now)
    assert [one.text for one in said.stored(engine)] == ["by x-id", "by None", "by rpd"]


@pytest.mark.parametrize("how_told", [{"repost": True}, {"automatic": True}, {"text": "RT @nan: Speeding again"}])
def test_reposts_and_programs_are_counted_but_not_listed(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime, how_told: dict[str, object]
) -> None:
    source = said.a_source(engine, now)
    post = replace(RemoteMention("1", "Speeding again", now, "nan"), **how_told)  # type: ignore[arg-type]
    said.take_in(engine, source, [post], keys, settings, now)
    said.read_all(engine, now)
    assert (said.listed(engine), said.counted(engine)) == ({}, 1)


def test_a_quote_stands_in_the_thread_of_its_root(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    source = said.a_source(engine, now)
    posts = [
        RemoteMention("1", "root", now),
        RemoteMention("2", "answer", now, root_id="1"),
        RemoteMention("3", "x", now),
    ]
    said.take_in(engine, source, posts, keys, settings, now)
    root, answer, other = said.stored(engine)
    assert root.thread == answer.thread != other.thread


def test_the_sealed_reference_of_an_odd_id_opens_again(
    engine: sa.Engine, keys: Keys, settings: Settings, now: datetime
) -> None:
    source = said.a_source(engine, now)
    odd = 'at://"\\\ud800\x00/…'
    said.take_in(engine, source, [RemoteMention(odd, "hello", now, url="https://t.example/é")], keys, settings, now)
    with database.reading(engine) as session:
        found = session.exec(select(Mention).order_by(col(Mention.id))).one()
        assert session.exec(select(PracticePost)).all() == []
    assert found.sealed_reference is not None
    assert json.loads(keys.open(found.sealed_reference)) == [odd, "https://t.example/é"]
