"""Mastodon where its details decide: whose words are found again, what a late post does to a cursor, what proves that a
post is gone, what a server may not hand us, and the exchange of a code. The servers are ours (answering, and Town)."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import sqlalchemy as sa

from config import clock, database
from config.secrets import Keys
from listeners import data_requests, intake
from networks import mastodon
from networks.fetching import never_sent
from networks.mastodon import hearing
from networks.mastodon.hearing import PAGE, before_late
from networks.mastodon.sign_in import challenge
from networks.mastodon.words import limits_of, names, plain
from networks.network import (
    Connection,
    Listener,
    NetworkError,
    OutcomeUnknown,
    Outgoing,
    PageSignIn,
    Publisher,
    RateLimited,
    Rejected,
    SignInExpired,
    Unavailable,
    Witness,
)
from tests.networks.answering import Answer
from tests.networks.test_what_errors_mean import answering

KEY = "0193a7d2f0007c3ea8b0123456789abc"
THANKS = "Thank you, we passed it on."
POSTED = "POST /api/v1/statuses"
OURS = "GET /api/v1/accounts/7/statuses"
CREDENTIALS = {"id": "7", "acct": "pd", "display_name": "Riverton PD"}
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
INSTANCE = {"configuration": {"statuses": {"max_characters": 700}}}


def snowflake(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000) << 16)


def status(number: str, text: str, at: datetime, *, to: str | None = None, by: str = "7", acct: str = "pd") -> Any:
    return {
        "id": number, "content": f"<p>{text}</p>", "created_at": at.isoformat(), "in_reply_to_id": to, "reblog": None,
        "visibility": "public", "spoiler_text": "", "language": "en", "url": f"https://town.example/{number}",
        "uri": f"https://town.example/{number}",
        "account": {"id": by, "acct": acct, "url": f"https://town.example/@{acct}", "created_at": at.isoformat()},
    }  # fmt: skip


def connection(engine: sa.Engine, address: str, **settings: str) -> Connection:
    host = address.removeprefix("http://")
    secret = json.dumps({"token": "t"})
    return Connection(engine, {"home": address, **settings}, secret, 1, True, f"7@{host}", handle=f"pd@{host}")


def desk(engine: sa.Engine, address: str) -> Publisher:
    assert mastodon.NETWORK.publisher is not None
    return mastodon.NETWORK.publisher(connection(engine, address))


def ear(made: Connection) -> Listener:
    assert mastodon.NETWORK.listener is not None
    return mastodon.NETWORK.listener(made)


def eye(made: Connection) -> Witness:
    assert mastodon.NETWORK.witness is not None
    return mastodon.NETWORK.witness(made)


def sign_in() -> PageSignIn:
    assert isinstance(mastodon.NETWORK.sign_in, PageSignIn)
    return mastodon.NETWORK.sign_in


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(200, status("1", "x", NOON), {"X-RateLimit-Reset": "soon"}), OutcomeUnknown),  # it was applied
        (Answer(408, {"error": "Request timeout"}), OutcomeUnknown),
        (Answer(503, {"error": "Under maintenance"}), OutcomeUnknown),
        (Answer(403, {"error": "Your login is currently disabled"}), SignInExpired),
        (Answer(403, {"error": "This action is outside the authorized scopes"}), SignInExpired),
        (Answer(404, {"error": "Record not found"}), Rejected),
    ],
)  # fmt: skip
def test_what_a_server_says_to_a_post_proves_no_more_than_it_does(
    sqlite_engine: sa.Engine, answer: Answer, error: type[NetworkError]
) -> None:
    with answering({POSTED: answer}) as server, pytest.raises(error):
        desk(sqlite_engine, server.address).publish(Outgoing(KEY, "Coffee at nine."))
    assert server.asked == [POSTED]


def test_a_name_that_is_not_known_was_never_gone_to() -> None:
    unknown = requests.ConnectionError("town.example is not known")
    unknown.__cause__ = socket.gaierror(-2, "Name or service not known")
    assert (never_sent(unknown), never_sent(requests.ConnectionError("reset by peer"))) == (True, False)


@pytest.mark.parametrize(
    ("reply_to", "there", "found"),
    [
        ("5", [("11", "5"), ("12", "6")], "11"),  # two were thanked in the same words
        ("6", [("11", "5"), ("12", "6")], "12"),
        ("9", [("11", "5"), ("12", "6")], None),
        (None, [("11", "5"), ("12", None)], "12"),
        (None, [("11", "5")], None),
        ("5", [("11", "5"), ("12", "5")], OutcomeUnknown),
        ("5", [("11", None)], OutcomeUnknown),  # what was answered may be gone
    ],
)
def test_an_answer_is_found_by_its_words_and_by_what_it_answers(
    sqlite_engine: sa.Engine,
    reply_to: str | None,
    there: list[tuple[str, str | None]],
    found: str | type[NetworkError] | None,
) -> None:
    now = clock.now()
    begun = now - timedelta(minutes=12)
    listed = [status(number, f"@ines {THANKS}", begun, to=to) for number, to in there]
    older = status("1", "Long ago", begun - timedelta(hours=1))
    me = {"GET /api/v1/accounts/verify_credentials": Answer(200, CREDENTIALS)}
    with answering({OURS: Answer(200, [*listed, older]), **me}) as server:
        host = server.address.removeprefix("http://")
        outgoing = Outgoing(KEY, THANKS, reply_to=f"{reply_to}@{host}" if reply_to else None, begun_at=begun)
        if isinstance(found, type):
            with pytest.raises(found):
                desk(sqlite_engine, server.address).find(outgoing)
        else:
            receipt = desk(sqlite_engine, server.address).find(outgoing)
            assert (receipt and receipt.remote_id) == (found and f"{found}@{host}")


def test_another_post_of_ours_in_the_same_words_is_not_taken_for_it(sqlite_engine: sa.Engine) -> None:
    begun = clock.now() - timedelta(minutes=12)
    listed = [status(number, f"@ines {THANKS}", begun) for number in ("11", "12")]
    older = status("1", "Long ago", begun - timedelta(hours=1))
    with answering({OURS: Answer(200, [*listed, older])}) as server:
        host = server.address.removeprefix("http://")
        outgoing = Outgoing(KEY, THANKS, begun_at=begun)
        with pytest.raises(OutcomeUnknown) as told:
            desk(sqlite_engine, server.address).find(outgoing)
        receipt = desk(sqlite_engine, server.address).find(replace(outgoing, others=frozenset({f"11@{host}"})))
    assert receipt is not None and receipt.remote_id == f"12@{host}"
    assert [one.remote_id for one in told.value.found] == [f"11@{host}", f"12@{host}"]


def test_a_token_that_ended_proves_nothing_even_where_the_list_is_shown_to_anybody(sqlite_engine: sa.Engine) -> None:
    begun = clock.now() - timedelta(minutes=12)
    ended = {"GET /api/v1/accounts/verify_credentials": Answer(401, {"error": "The access token was revoked"})}
    with answering({OURS: Answer(200, []), **ended}) as server, pytest.raises(SignInExpired):
        desk(sqlite_engine, server.address).find(Outgoing(KEY, THANKS, begun_at=begun))


@pytest.mark.parametrize("minutes", [1, 9])
def test_what_is_not_there_yet_is_not_proven_absent(sqlite_engine: sa.Engine, minutes: int) -> None:
    begun = clock.now() - timedelta(minutes=minutes)
    with answering({OURS: Answer(200, [])}) as server, pytest.raises(OutcomeUnknown, match="not there yet"):
        desk(sqlite_engine, server.address).find(Outgoing(KEY, THANKS, begun_at=begun))


def test_a_list_that_does_not_reach_back_far_enough_proves_nothing(sqlite_engine: sa.Engine) -> None:
    begun = clock.now() - timedelta(minutes=30)
    endless = [status(str(number), f"Number {number}", begun) for number in range(40)]
    source = {"GET /api/v1/statuses/": Answer(404, {"error": "no source here"})}
    with answering({OURS: Answer(200, endless), **source}) as server, pytest.raises(OutcomeUnknown, match="too many"):
        desk(sqlite_engine, server.address).find(Outgoing(KEY, THANKS, begun_at=begun))


@pytest.mark.parametrize(
    ("text", "acct", "told"),
    [
        ("@ines thanks", "ines", True),
        ("Thanks, @Ines.", "ines", True),
        ("@ines@town.example thanks", "ines", True),
        ("@ines@other.example thanks", "ines", False),  # somebody else
        ("@inesita thanks", "ines", False),
        ("@ines.b thanks", "ines", False),
        ("mail pd@ines", "ines", False),
        ("@omar thanks", "omar@other.example", False),
        ("@omar@other.example thanks", "omar@other.example", True),
        ("@omar@other.example.org thanks", "omar@other.example", False),
    ],
)
def test_who_is_answered_is_told_only_by_a_name_of_theirs(text: str, acct: str, told: bool) -> None:
    assert names(text, acct, "town.example") is told


def test_lists_and_quotes_keep_their_lines() -> None:
    content = "<blockquote><p>So slow</p></blockquote><p>Why?</p><ul><li>the lamp</li><li>the road</li></ul><p>Tell</p>"
    assert plain(content) == "So slow\n\nWhy?\n\nthe lamp\nthe road\n\nTell"


def test_a_link_in_a_content_warning_counts_in_full() -> None:
    warning = "https://riverton.example/a/very/long/address/indeed"
    outgoing = Outgoing(KEY, "x", options={"content_warning": warning})
    assert limits_of({}).used(outgoing) == 1 + len(warning)


def test_a_hashtag_goes_on_from_where_posts_of_other_servers_may_still_come_in(sqlite_engine: sa.Engine) -> None:
    now = clock.now()
    recent = now - timedelta(seconds=20)
    page = [status(snowflake(recent), "The lamp", recent, by="9", acct="ines")]
    with answering({"GET /api/v1/timelines/tag/lamp": Answer(200, page)}) as server:
        made = connection(sqlite_engine, server.address, kind="hashtag", hashtag="#lamp")
        found = ear(made).mentions(snowflake(now - timedelta(hours=1)))
    went_back = clock.now() - datetime.fromtimestamp((int(found.cursor or 0) >> 16) / 1000, UTC)
    assert ([one.text for one in found.mentions], found.more) == (["The lamp"], False)
    assert timedelta(minutes=10) <= went_back < timedelta(minutes=11)


def test_a_full_page_goes_on_from_its_newest(sqlite_engine: sa.Engine) -> None:
    now = clock.now()
    times = [now - timedelta(seconds=number) for number in range(PAGE)]
    page = [status(snowflake(at), "The lamp", at, by="9", acct="ines") for at in times]
    with answering({"GET /api/v1/timelines/tag/lamp": Answer(200, page)}) as server:
        made = connection(sqlite_engine, server.address, kind="hashtag", hashtag="lamp")
        found = ear(made).mentions(snowflake(now - timedelta(hours=1)))
    assert (found.cursor, found.more) == (snowflake(now), True)


def test_after_a_last_page_that_was_full_posts_may_still_come_in(sqlite_engine: sa.Engine) -> None:
    now = clock.now()
    with answering({"GET /api/v1/timelines/tag/lamp": Answer(200, [])}) as server:
        made = connection(sqlite_engine, server.address, kind="hashtag", hashtag="lamp")
        cursors = [ear(made).mentions(at).cursor for at in (snowflake(now), snowflake(now - timedelta(hours=1)), "17")]
    went_back = now - datetime.fromtimestamp((int(cursors[0] or 0) >> 16) / 1000, UTC)
    assert timedelta(minutes=9) < went_back <= timedelta(minutes=10)
    assert cursors[1:] == [snowflake(now - timedelta(hours=1)), "17"]


@pytest.mark.parametrize("newest", ["17", "01F8MH1H7YV1Z7D2C8K2730QBF"])
def test_ids_that_hold_no_time_are_taken_as_they_are(newest: str) -> None:
    now = clock.now()
    assert before_late(newest, now, now) == newest


def test_our_own_posts_are_left_out_wherever_they_are_read(sqlite_engine: sa.Engine) -> None:
    now = clock.now()
    with answering({}) as home, answering({}) as away:
        host = home.address.removeprefix("http://")
        page = [
            status("3", "ours", now, by="81", acct=f"PD@{host}"),
            status("2", "theirs", now, by="82", acct=f"ines@{host}"),
            status("1", "another pd", now, by="83", acct="pd"),
        ]
        away.answers["GET /api/v1/timelines/tag/lamp"] = Answer(200, page)
        made = connection(sqlite_engine, home.address, kind="hashtag", hashtag="lamp", server=away.address)
        assert [one.text for one in ear(made).mentions(None).mentions] == ["theirs", "another pd"]


def test_a_server_that_asks_for_an_account_ends_no_sign_in_on_another(sqlite_engine: sa.Engine) -> None:
    asks = Answer(401, {"error": "The access token is invalid"})
    with answering({}) as home, answering({"GET /api/v1/": asks}) as away:
        made = connection(sqlite_engine, home.address, kind="hashtag", hashtag="lamp", server=away.address)
        with pytest.raises(Rejected, match="only to its own accounts"):
            ear(made).mentions(None)
        assert eye(made).ask([f"1@{away.address.removeprefix('http://')}"]).gone == frozenset()


def test_only_mentions_are_heard_from_a_server_that_tells_more(sqlite_engine: sa.Engine) -> None:
    now = clock.now()
    said = status("2", "@pd why?", now, by="9", acct="ines")
    told = [{"id": "12", "type": "status", "status": said}, {"id": "11", "type": "mention", "status": said}]
    with answering({"GET /api/v1/notifications": Answer(200, told)}) as server:
        page = ear(connection(sqlite_engine, server.address, kind="mentions")).mentions("10")
    assert ([one.text for one in page.mentions], page.cursor) == (["@pd why?"], "12")


TOWN = {"GET /api/v2/instance": Answer(200, {"title": "Town"})}
GONE, HIDDEN = Answer(404, {"error": "Record not found"}), Answer(403, {"error": "This action is not allowed"})
LIMITED = Answer(429, {"error": "Too many requests"})


@pytest.mark.parametrize(
    ("answers", "gone", "unasked"),
    [
        ({"1": HIDDEN, "2": GONE}, {"2"}, set()),
        ({"1": GONE, "2": LIMITED, "3": GONE}, {"1"}, {"2", "3"}),
        ({"1": GONE, "2": Answer(502, "<html>"), "3": GONE}, {"1"}, {"2", "3"}),
        ({"1": LIMITED}, RateLimited, set()),
        ({"1": GONE, "2": Answer(401, {"error": "revoked"})}, SignInExpired, set()),
    ],
)
def test_what_is_known_to_be_gone_is_told_even_if_the_rest_cannot_be_asked(
    sqlite_engine: sa.Engine, answers: Mapping[str, Answer], gone: set[str] | type[NetworkError], unasked: set[str]
) -> None:
    with answering({f"GET /api/v1/statuses/{number}": one for number, one in answers.items()} | TOWN) as server:
        host = server.address.removeprefix("http://")
        asked = ["1@another.example", *(f"{number}@{host}" for number in answers)]
        witness = eye(connection(sqlite_engine, server.address))
        if isinstance(gone, type):
            with pytest.raises(gone):
                witness.ask(asked)
        else:
            told = witness.ask(asked)
            assert told.gone == {f"{number}@{host}" for number in gone}
            assert told.unasked == {f"{number}@{host}" for number in unasked}


@pytest.mark.parametrize("left", [99, None], ids=["a third of the rate is left", "it took long"])
def test_following_deletions_leaves_time_and_rate_for_the_rest(
    sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, left: int | None
) -> None:
    soon = (clock.now() + timedelta(minutes=5)).isoformat()
    rate = {"X-RateLimit-Limit": "300", "X-RateLimit-Reset": soon, "X-RateLimit-Remaining": str(left or 290)}
    there = status("1", "The lamp", clock.now(), by="9", acct="ines")
    if left is None:
        monkeypatch.setattr(hearing, "A_LOOK", 0.0)
    with answering({"GET /api/v1/statuses/": Answer(200, there, rate)}) as server:
        asked = [f"{number}@{server.address.removeprefix('http://')}" for number in range(4)]
        told = eye(connection(sqlite_engine, server.address)).ask(["1@another.example", *asked])
    assert (told.gone, told.unasked, len(server.asked)) == (frozenset(), frozenset(asked[1:]), 1)


def test_a_post_that_cannot_be_read_keeps_nothing_of_its_page_back(sqlite_engine: sa.Engine) -> None:
    now = clock.now()
    odd = status("1", "whose", now, by="9", acct="ines")
    del odd["account"]
    with answering(
        {"GET /api/v1/timelines/tag/lamp": Answer(200, [status("2", "as it is", now, by="9", acct="ines"), odd])}
    ) as server:
        page = ear(connection(sqlite_engine, server.address, kind="hashtag", hashtag="lamp")).mentions("0")
    assert ([one.text for one in page.mentions], page.refused) == (["as it is"], ["post 1: AttributeError"])


def test_whoever_is_heard_can_have_their_own_data_deleted_by_a_uri_however_little_the_server_tells_of_them(
    sqlite_engine: sa.Engine, keys: Keys
) -> None:
    told: list[dict[str, str | None]] = [
        {"uri": "https://town.example/users/ines"}, {"uri": "https://blog.example/@ines"}, {},
        {"url": None}, {"url": None, "acct": "ines@far.example"},
    ]  # fmt: skip
    said = [status(str(number), "lamp", clock.now(), by="9", acct="ines") for number in range(1, len(told) + 1)]
    for one, account in zip(said, told, strict=True):
        one["account"] |= account
    with answering({"GET /api/v1/timelines/tag/lamp": Answer(200, said)}) as server:
        page = ear(connection(sqlite_engine, server.address, kind="hashtag", hashtag="lamp")).mentions("0")
    assert len({one.author_id for one in page.mentions}) == len(told)
    with database.reading(sqlite_engine) as session:
        for one in page.mentions:
            kept_as = intake.whose("mastodon", one.author_id, one.remote_id, keys)
            address = urlsplit(one.author_id or "")
            host = address.netloc or address.path.partition("@")[2]
            uri = f"https://{host}/users/ines"
            assert kept_as in data_requests.hashes_of(session, "mastodon", uri, keys), one.author_id


def test_an_edited_post_that_cannot_be_read_keeps_nothing_of_the_others_back(sqlite_engine: sa.Engine) -> None:
    now = clock.now()
    odd = {**status("1", "whose", now, by="9", acct="ines"), "edited_at": now.isoformat()}
    del odd["account"]
    edited = {**status("2", "as it is", now, by="9", acct="ines"), "edited_at": now.isoformat()}
    answers = {"GET /api/v1/statuses/1": Answer(200, odd), "GET /api/v1/statuses/2": Answer(200, edited)}
    with answering(answers) as server:
        host = server.address.removeprefix("http://")
        told = eye(connection(sqlite_engine, server.address)).ask([f"{number}@{host}" for number in (1, 2)])
    assert (told.gone, told.unasked, [one.text for one in told.edited]) == (frozenset(), frozenset(), ["as it is"])


def test_what_was_edited_is_told_as_it_is_now(sqlite_engine: sa.Engine) -> None:
    now = clock.now()
    same = status("1", "as it was", now, by="9", acct="ines")
    edited = {**status("2", "not as <b>it</b> was", now, by="9", acct="ines"), "edited_at": now.isoformat()}
    answers = {"GET /api/v1/statuses/1": Answer(200, same), "GET /api/v1/statuses/2": Answer(200, edited)}
    with answering(answers) as server:
        host = server.address.removeprefix("http://")
        told = eye(connection(sqlite_engine, server.address)).ask([f"1@{host}", f"2@{host}"])
    assert [(one.remote_id, one.text) for one in told.edited] == [(f"2@{host}", "not as it was")]
    assert told.gone == frozenset()


def test_a_server_cannot_have_a_file_of_ours_by_calling_it_a_token(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    kept = tmp_path / "secret.key"
    kept.write_text("not for others")
    app = Answer(200, {"client_id": str(kept), "client_secret": "s"})
    with answering({"POST /api/v1/apps": app}) as server:
        with pytest.raises(Rejected, match="no token"):
            sign_in().begin({"server": server.address}, "https://desk.example/back", "state", True)
        assert server.asked == ["POST /api/v1/apps"]
        server.answers["POST /oauth/token"] = Answer(200, {"access_token": str(kept)})
        begun = {
            "server": server.address,
            "client_id": "c",
            "client_secret": "s",
            "redirect_uri": "https://desk.example",
        }
        with pytest.raises(Rejected, match="no token"):
            sign_in().finish(json.dumps(begun | {"token_at": f"{server.address}/oauth/token"}), "code", True)
    assert server.asked == ["POST /api/v1/apps", "POST /oauth/token"]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (Answer(200, "<html>Welcome</html>", {"content-type": "text/html"}), Rejected, "does not speak Mastodon"),
        (Answer(403, {"error": "No more applications"}), Rejected, "does not speak Mastodon"),
        (Answer(0), Unavailable, "did not answer"),
    ],
)
def test_a_server_that_is_no_mastodon_is_told_from_one_that_is_away(
    answer: Answer, error: type[NetworkError], words: str
) -> None:
    with answering({"POST /api/v1/apps": answer}) as server, pytest.raises(error, match=words):
        sign_in().begin({"server": server.address}, "https://desk.example/back", "state", True)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(400, {"error": "invalid_grant"}), Rejected),
        (Answer(503, "<html>"), Unavailable),
        (Answer(0), Unavailable),
    ],
)
def test_a_code_that_is_refused_is_told_from_a_server_that_is_away(answer: Answer, error: type[NetworkError]) -> None:
    with answering({"POST /oauth/token": answer}) as server:
        begun = {
            "server": server.address,
            "client_id": "c",
            "client_secret": "s",
            "redirect_uri": "https://desk.example",
        }
        with pytest.raises(error):
            sign_in().finish(json.dumps(begun | {"token_at": f"{server.address}/oauth/token"}), "code", True)


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()


class Town(BaseHTTPRequestHandler):
    """A server of ours that gives a token for a code only to who knows the verifier of the challenge (RFC 7636)."""

    shown = ""

    def do_GET(self) -> None:
        self.answer(
            {
                "/.well-known/oauth-authorization-server": {"code_challenge_methods_supported": ["S256"]},
                "/api/v1/accounts/verify_credentials": CREDENTIALS,
                "/api/v2/instance": INSTANCE,
            }.get(urlsplit(self.path).path.rstrip("/"))
        )

    def do_POST(self) -> None:
        given = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        if self.path == "/api/v1/apps":
            return self.answer({"client_id": "c", "client_secret": "s"})
        proven = challenge(given.get("code_verifier", [""])[0]) == Town.shown
        return self.answer({"access_token": "t"} if self.path == "/oauth/token" and proven else None)

    def answer(self, said: Any) -> None:
        body = json.dumps(said).encode()
        self.send_response(404 if said is None else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def test_a_code_is_exchanged_with_the_verifier_of_its_challenge() -> None:
    # the example of RFC 7636, appendix B
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    with ThreadingHTTPServer(("127.0.0.1", 0), Town) as server, served(server) as address:
        departure = sign_in().begin({"server": address}, "https://desk.example/back", "the state", True)
        asked = parse_qs(urlsplit(departure.url).query)
        Town.shown = asked["code_challenge"][0]
        signed = sign_in().finish(departure.kept, "code", True)
    assert (asked["state"], asked["code_challenge_method"]) == (["the state"], ["S256"])
    assert (signed.remote_id, signed.handle) == (f"7@{address[7:]}", f"pd@{address[7:]}")
    assert (signed.settings, json.loads(signed.secret)["token"]) == ({"home": address, "characters": "700"}, "t")
