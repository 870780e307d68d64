import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import libipld
import pytest
import sqlalchemy as sa
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from networks.jetstream import frames, line
from networks.jetstream.firehose import Firehose
from networks.jetstream.frames import Frames, StreamEnded, unpacker
from networks.network import Burst, Connection, Rejected, RemoteMention, Unavailable
from tests.networks import jetstream_server
from tests.networks.jetstream_server import V1, V2, ZDICT, Network, Told, like, post

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
WIRES = pytest.mark.parametrize("wire", [V1, V2])


def about_elm(text: str, language: str | None) -> bool:
    return "elm" in text.lower()


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "BURST", 0.05)
    monkeypatch.setattr(line, "SILENCE", 0.4)


def heard(engine: sa.Engine, servers: str, cursor: str | None, until: Callable[[list[Burst]], bool]) -> list[Burst]:
    connection = Connection(engine=engine, settings={"servers": servers}, allow_private=True)
    stop, found = Event(), []
    for burst in line.stream(connection, cursor, about_elm, stop):
        found.append(burst)
        if until(found):
            break
    return found


def texts(bursts: list[Burst]) -> list[str]:
    return [mention.text for burst in bursts for mention in burst.mentions]


def start(server: str, before: datetime, number: int = 1) -> str:
    return json.dumps({"server": server, "number": number, "time_us": int(before.timestamp() * 1e6)})


@WIRES
def test_what_is_wanted_comes_whole_and_the_rest_is_passed_over(engine: sa.Engine, wire: str) -> None:
    root = {"root": {"uri": "at://did:plc:bo/app.bsky.feed.post/r", "cid": "c"}, "parent": {"uri": "x", "cid": "c"}}
    network = Network(
        [
            post(1, "Police on Elm", NOW, reply=root), like(2, NOW), post(3, "lunch", NOW),
            Told("did:plc:ana", "delete", NOW, rkey="k9"), Told("did:plc:bo", "deleted", NOW),
            Told("did:plc:ana", "update", NOW, rkey="k3", record={"text": "supper"}),
        ]
    )  # fmt: skip
    with jetstream_server.running(network) as server:
        found = heard(engine, server + wire, start(server + wire, NOW), lambda so_far: bool(so_far[-1].edited))
    assert [mention for burst in found for mention in burst.mentions] == [
        RemoteMention(
            remote_id="at://did:plc:ana/app.bsky.feed.post/k1",
            text="Police on Elm",
            posted_at=NOW,
            author_id="did:plc:ana",
            language="en",
            url="https://bsky.app/profile/did:plc:ana/post/k1",
            root_id="at://did:plc:bo/app.bsky.feed.post/r",
        )
    ]
    assert [one for burst in found for one in burst.deleted] == ["at://did:plc:ana/app.bsky.feed.post/k9"]
    assert [one for burst in found for one in burst.left] == ["did:plc:bo"]
    assert [one.text for burst in found for one in burst.edited] == ["supper"]
    assert sum(burst.read for burst in found) == 6
    asked = network.asked[-1]
    assert ("compress=true" if wire == V1 else "zstdDictionary=1612007021") in asked


@WIRES
def test_a_broken_line_goes_on_where_it_was(engine: sa.Engine, wire: str) -> None:
    network = Network([post(n, f"elm {n}", NOW + timedelta(seconds=n)) for n in range(40)], hang_up_after=25)
    with jetstream_server.running(network) as server:
        everything = {f"elm {n}" for n in range(40)}
        found = heard(engine, server + wire, start(server + wire, NOW), lambda all_: set(texts(all_)) == everything)
    assert len(network.asked) > 1
    assert found[-1].position == NOW + timedelta(seconds=39)


def test_the_next_server_is_asked_by_time_when_one_says_nothing(engine: sa.Engine) -> None:
    mute = Network(silent=True)
    good = Network([post(n, f"elm {n}", NOW + timedelta(seconds=n)) for n in range(3)])
    with jetstream_server.running(mute) as first, jetstream_server.running(good) as second:
        servers = f"{first}{V2} {second}{V2}"
        found = heard(engine, servers, start(first + V2, NOW, 900), lambda all_: len(texts(all_)) == 3)
    assert json.loads(found[-1].cursor)["server"] == second + V2
    assert f"cursor={int((NOW - line.REWIND).timestamp() * 1e6)}" in good.asked[-1]


def test_a_cursor_that_is_too_old_is_told_as_a_loss(engine: sa.Engine) -> None:
    network = Network([post(n, f"elm {n}", NOW + timedelta(minutes=n)) for n in range(30)], floor=20)
    with jetstream_server.running(network) as server:
        cursor = start(server + V2, NOW, 3)
        found = heard(engine, server + V2, cursor, lambda all_: len(texts(all_)) == 10)
    lost = found[0].lost
    assert lost is not None
    assert lost[0] == NOW
    assert NOW + timedelta(minutes=20) <= lost[1]


def test_a_silent_clamp_of_the_first_wire_is_noticed(engine: sa.Engine) -> None:
    network = Network([post(n, f"elm {n}", NOW + timedelta(minutes=n)) for n in range(30)], floor=20)
    with jetstream_server.running(network) as server:
        found = heard(engine, server + V1, start(server + V1, NOW), lambda all_: len(texts(all_)) == 10)
    assert found[0].lost is not None


def test_frames_that_cannot_be_read_are_counted_and_stop_nothing(engine: sa.Engine) -> None:
    whole = unpackable(json.dumps(post(1, "elm", NOW).v1()))
    network = Network(
        [post(2, "elm again", NOW)],
        faults=[
            b"not zstd",
            whole[: len(whole) // 2],
            b"",
            '{"kind":"commit","commit":{"collection":"app.bsky.feed.post"',
        ],
    )
    with jetstream_server.running(network) as server:
        found = heard(engine, server + V1, start(server + V1, NOW), lambda all_: texts(all_) == ["elm again"])
    assert sum(burst.refused for burst in found) == 4


def unpackable(text: str) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(ZDICT)).compress(text.encode())


def test_without_a_dictionary_the_second_wire_comes_as_it_is(engine: sa.Engine) -> None:
    network = Network([post(1, "elm", NOW)], unpacked=True)
    with jetstream_server.running(network) as server:
        found = heard(engine, server + V2, start(server + V2, NOW), lambda all_: bool(texts(all_)))
    assert texts(found) == ["elm"]
    assert "zstdDictionary" not in network.asked[-1]


def test_too_many_requests_and_no_server_at_all_are_unavailable(engine: sa.Engine) -> None:
    network = Network(refuse=1)
    with jetstream_server.running(network) as server, pytest.raises(Unavailable):
        heard(engine, server + V1, None, lambda _: True)
    with pytest.raises(Unavailable):
        heard(engine, "ws://127.0.0.1:1/subscribe", None, lambda _: True)


@pytest.mark.parametrize("server", ["https://jetstream.example/subscribe", "nonsense", "ws://127.0.0.1:9/subscribe"])
def test_an_address_that_may_not_be_is_refused(engine: sa.Engine, server: str) -> None:
    connection = Connection(engine=engine, settings={"servers": server})
    with pytest.raises(Rejected):
        next(line.stream(connection, None, about_elm, Event()))


def test_a_clock_that_runs_ahead_does_not_carry_the_position_away() -> None:
    reader = Frames(1, about_elm)
    reader.feed([json.dumps(post(1, "elm", NOW + timedelta(days=400)).v1())])
    found = reader.burst(NOW)
    assert found is not None
    assert found.position == NOW


def test_the_servers_own_goodbye_ends_the_line() -> None:
    with pytest.raises(StreamEnded, match="ConsumerTooSlow"):
        Frames(2, about_elm).feed(['{"$type":"error","error":"ConsumerTooSlow","message":"too far behind"}'])


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(["text", "langs", "createdAt", "reply", "embed"]), JSON), st.sampled_from([1, 2])
)
def test_whatever_an_author_puts_into_a_post_is_read_or_counted(record: dict[str, Any], version: int) -> None:
    told = Told("did:plc:x", "create", NOW, rkey="k", record={"$type": frames.POST, **record})
    reader = Frames(version, lambda text, language: True)
    reader.feed([json.dumps(told.v1() if version == 1 else told.v2(5))])
    found = reader.burst(NOW)
    assert found is not None
    wordless = record.get("text", "") == ""
    assert len(found.mentions) + found.refused == (0 if wordless else 1)


def test_a_frame_that_would_grow_too_large_is_not_unpacked() -> None:
    dictionary = zstandard.ZstdCompressionDict(ZDICT)
    for names_its_size in (True, False):
        packing = zstandard.ZstdCompressor(dict_data=dictionary, write_content_size=names_its_size)
        with pytest.raises(zstandard.ZstdError):
            unpacker(ZDICT)(packing.compress(bytes(frames.LARGEST + 1)))
        assert unpacker(ZDICT)(packing.compress(bytes(1000))) == bytes(1000)


DEEP = 5000


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("where", ["embed", "reply", "langs", "other"])
def test_a_record_that_is_nested_without_end_stops_no_other(version: int, where: str) -> None:
    told = Told("did:plc:x", "create", NOW, rkey="k", record={"$type": frames.POST, "text": "elm", where: "here"})
    raw = json.dumps(told.v1() if version == 1 else told.v2(5)).replace('"here"', "[" * DEEP + "]" * DEEP)
    after = post(6, "elm again", NOW)
    reader = Frames(version, about_elm)
    reader.feed([raw, json.dumps(after.v1() if version == 1 else after.v2(6))])
    found = reader.burst(NOW)
    assert found is not None
    assert found.mentions[-1].text == "elm again"
    assert len(found.mentions) + found.refused == 2


def test_a_frame_of_the_firehose_that_is_nested_without_end_stops_no_other() -> None:
    header = libipld.encode_dag_cbor({"op": 1, "t": "#account"})
    body = {"did": "did:plc:x", "seq": 7, "time": NOW.isoformat(), "active": False, "status": "deleted"}
    reader = Firehose(0, about_elm)
    reader.feed([b"\x81" * DEEP + b"\x01", header + libipld.encode_dag_cbor(body)])
    found = reader.burst(NOW)
    assert found is not None
    assert (found.left, found.refused) == (["did:plc:x"], 1)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_counted(raw: bytes) -> None:
    reader = Frames(1, about_elm, unpacker(ZDICT))
    reader.feed([raw])
    assert reader.read == 1
