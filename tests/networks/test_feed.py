"""Feeds over real HTTP, from a small server of ours on loopback that can misbehave."""

import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
import requests
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from config import clock
from networks import feed, fetching
from networks.fetching import NotFetched
from networks.network import Connection, Page, RateLimited, Rejected, Unavailable

HEAD = "<?xml version='1.0'?>"
RSS = HEAD + "<rss version='2.0'><channel><title>Ledger</title><language>en-us</language>{items}</channel></rss>"
ITEM = """<item><title>{title}</title><guid>{guid}</guid><link>https://ledger.example/{guid}</link>
<description>{text}</description><pubDate>{when}</pubDate></item>"""
WHEN = "Tue, 24 Nov 2026 12:00:00 GMT"
Answer = Callable[[BaseHTTPRequestHandler], None]


def item(guid: str, title: str = "Bridge closed", text: str = "Until noon.", when: str = WHEN) -> str:
    return ITEM.format(title=title, guid=guid, text=text, when=when)


class Server:
    """Answers every GET by `answer`; `asked` has the headers of each request."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answer: Answer = lambda handler: None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append({name.lower(): value for name, value in self.headers.items()})
                server.answer(self)

            def log_message(self, *_arguments: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/feed.xml"
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def saying(body: str | bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        content = body.encode() if isinstance(body, str) else body
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def poll(server: Server, sqlite_engine: sa.Engine) -> Callable[..., Page]:
    def ask(cursor: str | None = None, url: str = "", allow_private: bool = True) -> Page:
        connection = Connection(sqlite_engine, {"url": url or server.url}, allow_private=allow_private)
        assert feed.NETWORK.listener is not None
        return feed.NETWORK.listener(connection).mentions(cursor)

    return ask


def test_entries_become_mentions_without_markup(server: Server, poll: Callable[..., Page]) -> None:
    text = "&lt;p&gt;Police &amp;amp; fire on &lt;b&gt;Elm&lt;/b&gt;.&lt;script&gt;alert(1)&lt;/script&gt;&lt;/p&gt;"
    server.answer = saying(RSS.format(items=item("1", text=text)), Content_Type="application/rss+xml")
    with clock.at(datetime(2026, 11, 25, tzinfo=UTC)):
        (found,) = poll().mentions
    assert (found.remote_id, found.text) == ("1", "Bridge closed. Police & fire on Elm")
    assert (found.posted_at, found.language) == (datetime(2026, 11, 24, 12, tzinfo=UTC), "en")
    assert (found.url, found.author_id) == ("https://ledger.example/1", None)


def test_what_has_not_changed_is_answered_with_304_and_what_has_comes_in(
    server: Server, poll: Callable[..., Page]
) -> None:
    state = {"etag": '"one"', "items": item("1")}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("If-None-Match") == state["etag"]:
            handler.send_response(304)
            handler.end_headers()
        else:
            saying(RSS.format(items=state["items"]), ETag=state["etag"], Last_Modified=WHEN)(handler)

    server.answer = answer
    first = poll()
    second = poll(first.cursor)
    state.update(etag='"two"', items=item("1") + item("2"))
    third = poll(second.cursor)
    assert [len(page.mentions) for page in (first, second, third)] == [1, 0, 1]
    assert (second.cursor, server.asked[1]["if-modified-since"]) == (first.cursor, WHEN)


def test_a_web_page_is_no_feed(server: Server, poll: Callable[..., Page]) -> None:
    server.answer = saying("<!doctype html><title>News</title><p>hello", Content_Type="text/html")
    with pytest.raises(Rejected, match="no feed"):
        poll()


def test_a_server_in_trouble_is_asked_again_later(server: Server, poll: Callable[..., Page]) -> None:
    server.answer = saying("oops", 500)
    with pytest.raises(Unavailable, match="500"):
        poll()
    server.answer = saying("gone", 410)
    with pytest.raises(Rejected, match="410"):
        poll()


@pytest.mark.parametrize(("asked", "minutes"), [("600", 10), ("soon", 15), ("0", 1), ("999999999", 1440), (None, 15)])
def test_a_limit_is_respected_within_reason(
    server: Server, poll: Callable[..., Page], now: datetime, asked: str | None, minutes: int
) -> None:
    server.answer = saying("", 429, **({"Retry_After": asked} if asked else {}))
    with clock.at(now), pytest.raises(RateLimited) as limited:
        poll()
    assert limited.value.retry_at == now + timedelta(minutes=minutes)


def test_redirects_for_ever_end(server: Server, poll: Callable[..., Page]) -> None:
    server.answer = saying("", 302, Location="/again.xml")
    with pytest.raises(NotFetched, match="redirects"):
        poll()


def test_a_redirect_to_something_that_is_not_the_web_is_refused(server: Server, poll: Callable[..., Page]) -> None:
    server.answer = saying("", 302, Location="file:///etc/passwd")
    with pytest.raises(NotFetched, match="no web address"):
        poll()


def test_an_answer_that_is_too_large_is_cut_off(
    server: Server, poll: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 10_000)
    server.answer = saying(b"x" * 50_000)
    with pytest.raises(NotFetched, match="larger"):
        poll()


def test_an_answer_is_unpacked_no_further_than_may_be(server: Server, poll: Callable[..., Page]) -> None:
    whole = RSS.format(items=item("1")).encode()
    server.answer = saying(gzip.compress(whole), Content_Encoding="gzip")
    assert len(poll().mentions) == 1
    server.answer = saying(gzip.compress(bytes(fetching.LARGEST * 4)), Content_Encoding="gzip")
    with pytest.raises(NotFetched, match="larger"):
        poll()
    for encoding in ("gzip, gzip", "br"):
        server.answer = saying(gzip.compress(gzip.compress(whole)), Content_Encoding=encoding)
        with pytest.raises(NotFetched, match="not asked for"):
            poll()
    server.answer = saying(b"no gzip", Content_Encoding="gzip")
    with pytest.raises(Unavailable, match="damaged"):
        poll()


def test_what_libraries_fetch_is_bounded_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = b"<html>" + b"x" * 50_000
    for body, encoding in ((whole, "identity"), (gzip.compress(whole), "gzip")):
        server.answer = saying(body, Content_Encoding=encoding)
        with httpx.Client(transport=fetching.transport(allow_private=True)) as client:
            assert client.get(server.url).content == whole
        assert fetching.session(allow_private=True).get(server.url, timeout=5).content == whole
    assert server.asked[0]["accept-encoding"] == "gzip"
    monkeypatch.setattr(fetching, "ANSWER", 1_000_000)
    for encoding, packed in (("gzip", gzip.compress(bytes(80_000_000))), ("identity", bytes(2_000_000))):
        server.answer = saying(packed, Content_Encoding=encoding)
        with (
            httpx.Client(transport=fetching.transport(allow_private=True)) as client,
            pytest.raises(httpx.DecodingError, match="larger than 1 MB"),
        ):
            client.get(server.url)
        with pytest.raises(requests.ConnectionError, match="too large"):
            fetching.session(allow_private=True).get(server.url, timeout=5)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True), ("2606:4700:4700::1111", True), ("::ffff:1.1.1.1", True), ("64:ff9b::101:101", True),
        ("10.0.0.1", False), ("100.64.0.1", False), ("224.0.0.1", False), ("169.254.169.254", False),
        ("::1", False), ("::ffff:127.0.0.1", False), ("::127.0.0.1", False), ("::ffff:0:127.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False), ("64:ff9b:1::7f00:1", False), ("2002:7f00:1::", False), ("fec0::1", False),
        ("fe80::1%eth0", False), ("fd00::1", False), ("ff02::1", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_an_address_that_stands_for_a_private_one_is_private(address: str, public: bool) -> None:
    assert fetching._is_public(address) is public


def dripping(head: bytes, piece: bytes, wait: float) -> Answer:
    """Begins with `head`, then sends one `piece` after the other without end."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        with suppress(OSError):
            handler.wfile.write(head)
            while True:
                handler.wfile.write(piece)
                time.sleep(wait)

    return answer


@pytest.mark.parametrize(
    ("head", "piece", "wait"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", b"<rss>" * 200, 0.0),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"<", 0.02),
        (b"HTTP/1.0 200 OK\r\nx-never-ends: ", b"a", 0.02),
        (b"H", b"T", 0.02),
    ],
    ids=["a flood", "a body by the byte", "a header by the byte", "a status by the byte"],
)
def test_an_answer_that_never_ends_is_left(
    server: Server, poll: Callable[..., Page], monkeypatch: pytest.MonkeyPatch, head: bytes, piece: bytes, wait: float
) -> None:
    monkeypatch.setattr(fetching, "WHOLE", 0.2)
    server.answer = dripping(head, piece, wait)
    began = time.monotonic()
    with pytest.raises((Unavailable, NotFetched)):
        poll()
    assert time.monotonic() - began < 5


def test_redirects_share_the_time_of_the_whole(
    server: Server, poll: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "WHOLE", 0.3)

    def on(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.1)
        saying("", 302, Location="/again.xml")(handler)

    server.answer = on
    with pytest.raises(Unavailable, match=r"timed out|in time"):
        poll()
    assert len(server.asked) <= fetching.REDIRECTS


def test_a_private_address_is_not_fetched_unless_it_is_meant(server: Server, poll: Callable[..., Page]) -> None:
    server.answer = saying(RSS.format(items=item("1")))
    for url in (server.url, server.url.replace("127.0.0.1", "localhost"), "http://[::1]:9/", "http://169.254.169.254/"):
        with pytest.raises(NotFetched, match="private"):
            poll(url=url, allow_private=False)
    assert server.asked == []


@pytest.mark.parametrize("url", ["ftp://ledger.example/feed", "javascript:alert(1)", "http://", "no address"])
def test_what_is_no_web_address_is_said_so(poll: Callable[..., Page], url: str) -> None:
    with pytest.raises((NotFetched, Unavailable)):
        poll(url=url)


def test_dates_that_are_wrong_or_to_come_count_as_now(server: Server, poll: Callable[..., Page], now: datetime) -> None:
    later = "Tue, 24 Nov 2099 12:00:00 GMT"
    server.answer = saying(RSS.format(items=item("1", when="last week") + item("2", when=later)))
    with clock.at(now):
        assert [found.posted_at for found in poll().mentions] == [now, now]


def test_a_bomb_of_entities_does_no_harm(poll: Callable[..., Page], server: Server) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    server.answer = saying(HEAD + f"<!DOCTYPE x [{entities}]>" + RSS.format(items=item("1", "&e11;"))[len(HEAD) :])
    with pytest.raises(Rejected, match="nested entities"):
        poll()
    harmless = '<!DOCTYPE x [<!ENTITY % a PUBLIC "b"><!ENTITY word "ha">]>'
    server.answer = saying(HEAD + harmless + RSS.format(items=item("1"))[len(HEAD) :])
    assert len(poll().mentions) == 1


def test_an_entry_without_words_is_counted_as_refused(server: Server, poll: Callable[..., Page]) -> None:
    server.answer = saying(RSS.format(items=item("1", title="", text="") + item("2")))
    page = poll()
    assert (len(page.mentions), len(page.refused)) == (1, 1)


JSON_FEED = '{{"version": "https://jsonfeed.org/version/1.1", "language": "es-MX", "items": [{items}]}}'


def test_a_json_feed_is_read_as_any_other(server: Server, poll: Callable[..., Page]) -> None:
    items = (
        '{"id": 7, "url": "https://ledger.example/7", "title": "Puente cerrado", '
        '"content_html": "<p>Hasta las <b>12</b></p><script>x()</script>", '
        '"date_published": "2026-11-24T06:00:00-06:00"},'
        '{"id": "8", "content_text": "Road open", "language": "en", "date_published": "24 November"}, 5'
    )
    server.answer = saying(JSON_FEED.format(items=items), Content_Type="application/feed+json")
    now = datetime(2026, 11, 25, tzinfo=UTC)
    with clock.at(now):
        first, second = poll().mentions
    assert (first.remote_id, first.text) == ("7", "Puente cerrado. Hasta las 12")
    assert (first.language, first.url) == ("es", "https://ledger.example/7")
    assert first.posted_at == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert (second.remote_id, second.language, second.posted_at) == ("8", "en", now)


def test_no_more_of_an_entry_is_read_than_takes_a_moment() -> None:
    entry = {"id": "1", "title": "Bridge closed", "content_html": "<p>Until noon.</p>" + "<ul>" * 40_000 + "late"}
    told = {"version": "https://jsonfeed.org/version/1.1", "title": "Ledger", "items": [entry]}
    page = feed.read(json.dumps(told).encode(), {})
    assert [one.text for one in page.mentions] == ["Bridge closed. Until noon"]


@pytest.mark.parametrize("body", ['{"title": "an API"}', "{" * 100_000, '{"version": "https://jsonfeed.org/version/1"'])
def test_json_that_is_no_feed_is_said_so(server: Server, poll: Callable[..., Page], body: str) -> None:
    server.answer = saying(body)
    with pytest.raises(Rejected, match=r"no (JSON Feed|feed)"):
        poll()


def test_a_redirect_to_a_private_address_is_refused(
    server: Server, poll: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_is_public", lambda address: address == "127.0.0.1")  # our server plays a public one
    server.answer = saying("", 302, Location="http://169.254.169.254/latest/meta-data")
    with pytest.raises(NotFetched, match="private"):
        poll(allow_private=False)
    assert len(server.asked) == 1


@pytest.fixture
def town(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Our server by a name that has an IPv6 address, too, at which nobody answers."""
    port = int(server.url.split(":")[2].split("/")[0])
    dead = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
    live = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
    asked = socket.getaddrinfo

    def known(host: str, *more: Any, **named: Any) -> Any:
        return [dead, live] if host == "town.example" else asked(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", known)
    monkeypatch.setattr(fetching, "_is_public", lambda address: address in ("127.0.0.1", "::1"))
    return server.url.replace("127.0.0.1", "town.example")


def test_a_server_is_reached_by_any_of_its_addresses(server: Server, town: str) -> None:
    server.answer = saying("here")
    host = town.split("/")[2]
    assert fetching.fetch(town, {}, allow_private=False).body == b"here"
    assert fetching.session(allow_private=False).get(town, timeout=5).text == "here"
    assert [asked["host"] for asked in server.asked] == [host, host]


def test_of_many_addresses_the_first_of_both_kinds_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    six = [f"2001:4860:4860::{number}" for number in range(1, 6)]
    found = [*six, six[0], "8.8.8.8", "8.8.4.4", "1.1.1.1"]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, 443)) for address in found])
    assert fetching.public_addresses("town.example", 443) == [six[0], "8.8.8.8", six[1], "8.8.4.4"]
    found = ["8.8.8.8", *six]
    assert fetching.public_addresses("town.example", 443) == ["8.8.8.8", *six[:3]]
    found = [*six, "10.0.0.1"]  # what is not tried is looked at, too
    with pytest.raises(NotFetched, match="private"):
        fetching.public_addresses("town.example", 443)


def test_a_server_that_has_a_private_address_too_is_not_gone_to(
    server: Server, town: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_is_public", lambda address: address == "::1")
    with pytest.raises(NotFetched, match="private"):
        fetching.fetch(town, {}, allow_private=False)
    with pytest.raises(NotFetched, match="private"):
        fetching.session(allow_private=False).get(town, timeout=5)
    assert server.asked == []


def test_what_can_be_no_name_is_an_error_of_the_library() -> None:
    with pytest.raises(requests.exceptions.InvalidURL):
        fetching.session(allow_private=False).get(f"http://{'a' * 70}.example/", timeout=5)


def test_what_was_sent_to_one_address_is_not_sent_to_the_next(
    server: Server, town: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, live = socket.getaddrinfo("town.example", 80)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [live, dead])
    server.answer = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(requests.ConnectionError) as lost:
        fetching.session(allow_private=False).get(town, timeout=5)
    assert (len(server.asked), fetching.never_sent(lost.value)) == (1, False)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "shift_jis", "utf-8-sig"])
@pytest.mark.parametrize("told", ["utf-8", "no-such-encoding", "utf-16"])
def test_a_feed_in_another_encoding_than_it_says_is_read_or_refused(encoding: str, told: str) -> None:
    text = RSS.format(items=item("1", title="Policia en la calle")).replace("?>", f" encoding='{told}'?>")
    with suppress(Rejected):
        assert len(feed.read(text.encode(encoding), {}).mentions) <= 1


@given(st.binary(max_size=400), st.booleans())
@settings(deadline=None)
def test_any_bytes_are_a_feed_or_refused(data: bytes, begun: bool) -> None:
    body = RSS.partition("{")[0].encode() + data if begun else data
    with suppress(Rejected):
        feed.read(body, {"content-type": "text/xml"})


@pytest.mark.parametrize("when", [WHEN, ""])
def test_what_stays_listed_is_given_once_and_what_is_new_beside_it(
    server: Server, poll: Callable[..., Page], when: str
) -> None:
    server.answer = saying(RSS.format(items=item("a", when=when) + item("b", when=when)))
    page = poll()
    assert [one.remote_id for one in page.mentions] == ["a", "b"]
    page = poll(page.cursor)
    assert (list(page.mentions), page.again) == ([], 2)  # heard all the same: it is not silent
    server.answer = saying(RSS.format(items=item("c", when=when) + item("a", when=when)))
    page = poll(page.cursor)
    assert [one.remote_id for one in page.mentions] == ["c"]
    assert list(poll(page.cursor).mentions) == []


def test_a_cursor_from_before_entries_were_remembered_is_read(server: Server, poll: Callable[..., Page]) -> None:
    server.answer = saying(RSS.format(items=item("a")))
    assert [one.remote_id for one in poll('{"etag": "1"}').mentions] == ["a"]
