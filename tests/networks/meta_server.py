"""Facebook's and Instagram's Graph API of ours, on loopback: no real one can be had for a test. It keeps Pages, posts,
comments and containers, shows posts late, lets identical texts stand, limits rates, loses replies. What it is asked is
checked against the parameters and fields of Meta's own specs (meta_spec.json says where they are from); what those do
not say (error codes, the status of containers, tokens) is as Meta's documentation has it."""

import hashlib
import hmac
import json
import re
import secrets
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import sqlalchemy as sa

from config import database
from config.secrets import Keys
from config.settings import Settings
from networks import accounts
from networks.network import Connection, SignedIn

SPEC: dict[str, Any] = json.loads(Path(__file__).with_name("meta_spec.json").read_text())
PAGE, IG, APP, APP_SECRET = "100", "200", "77", "app secret"
ALWAYS = {"access_token", "appsecret_proof", "fields", "limit", "after"}
FURTHER = {"order", "filter"}  # of comments: in Meta's documentation, not in its specs
SUMMED = {"summary", "total_count"}  # how many an edge holds: in Meta's documentation, as is what insights count
METRICS = {"post": {"post_media_view"}, "ig_media": {"views", "reach", "shares", "saved", "total_interactions"}}
STATUS = {"status_code", "permalink", "permalink_url", "id", "comments", "order", "limit", "filter", "stream"}
ANSWERS = {"replies", "limit"}  # an edge of a comment on Instagram, which may be asked for with it


@dataclass
class Thing:
    """A post, a comment, a picture or a container."""

    id: str
    kind: str  # post | comment | photo | ig_media | ig_comment | container
    text: str
    at: datetime
    shown_at: datetime
    author: str
    parent: str | None = None
    published: bool = True
    status: str = "FINISHED"
    polls: int = 0  # until a container is filled
    more: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)  # what Meta counts of it, by its own names


@dataclass
class Fault:
    """What befalls the next question of this kind. `applied`: it was done before the answer went wrong."""

    status: int  # 0: the connection is reset
    applied: bool = False
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class MetaServer(ThreadingHTTPServer):
    """`now` is its clock; `delays` what it waits before it shows each next post; `faults` by "METHOD edge"."""

    daemon_threads = True

    def __init__(self, now: datetime) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.now, self.lock = now, Lock()
        self.things: dict[str, Thing] = {}
        self.delays: list[timedelta] = []
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[str] = []
        self.against_spec: list[str] = []
        self.tokens = {"page-token": PAGE}
        self.pages = [{"id": PAGE, "name": "Riverton Police", "username": "rivertonpd"}]
        self.has_instagram = True
        self.quota = 0
        self.fill_polls = 0  # how often a new container says that it is in progress
        self.fills = "FINISHED"
        self.expires_at = 0
        self.oldest_answer_first = False  # to a comment on Instagram: Meta does not say in which order they come
        self._number = 1000

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(
        self, kind: str, text: str, author: str, *, parent: str | None = None, at: datetime | None = None,
        delay: timedelta = timedelta(), **more: Any,
    ) -> Thing:  # fmt: skip
        """Something that stands there, by whoever."""
        self._number += 1
        number = f"{PAGE}_{self._number}" if kind == "post" else str(self._number)
        moment = at or self.now
        thing = Thing(number, kind, text, moment, moment + delay, author, parent, more=more)
        self.things[number] = thing
        return thing

    def said(self, kind: str) -> list[str]:
        """What our accounts said, in order."""
        return [one.text for one in self.things.values() if one.kind == kind and one.author in (PAGE, IG)]


@contextmanager
def a_meta(now: datetime) -> Iterator[MetaServer]:
    """A running one; at its end no question may have been against Meta's specs."""
    with MetaServer(now) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
    assert server.against_spec == []


class Told(Exception):
    """An error as Meta says it."""

    def __init__(self, status: int, code: int, words: str, subcode: int | None = None) -> None:
        error = {"message": words, "type": "OAuthException", "code": code, "fbtrace_id": "x"}
        self.status, self.body = status, {"error": {**error, **({"error_subcode": subcode} if subcode else {})}}


class _Handler(BaseHTTPRequestHandler):
    server: MetaServer

    def _handle(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        given = dict(parse_qsl(query, keep_blank_values=True)) | self._form(sent)
        parts = path.strip("/").split("/")[1:]
        edge = parts[1] if len(parts) > 1 else "object"
        with self.server.lock:
            self.server.asked.append(f"{self.command} {edge}")
            waiting = self.server.faults.get(f"{self.command} {edge}", [])
            fault = waiting.pop(0) if waiting else None
            status, body, headers = 200, None, {}  # type: tuple[int, Any, Mapping[str, str]]
            if fault is None or fault.applied:
                try:
                    body = self._answer(parts, given)
                except Told as told:
                    status, body = told.status, told.body
        if fault is not None:
            status, body, headers = fault.status, fault.body, fault.headers
        if status == 0:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        said = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        kind = "text/html" if isinstance(body, str) else "application/json"
        for name, value in {"content-type": kind, **headers, "content-length": str(len(said))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_DELETE = _handle  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass

    def _form(self, sent: bytes) -> dict[str, str]:
        kind = self.headers.get("content-type", "")
        if kind.startswith("multipart/"):
            whole = BytesParser().parsebytes(f"content-type: {kind}\r\n\r\n".encode() + sent)
            found = {}
            for part in whole.get_payload():
                name = re.search(r'name="([^"]+)"', str(part["content-disposition"]))  # type: ignore[index]
                data = part.get_payload(decode=True)  # type: ignore[union-attr]
                found[name[1] if name else ""] = "<file>" if name and name[1] == "source" else data.decode()  # type: ignore[union-attr]
            return found
        return dict(parse_qsl(sent.decode(), keep_blank_values=True))

    def _answer(self, parts: list[str], given: dict[str, str]) -> Any:
        meta = self.server
        if parts == ["oauth", "access_token"]:
            return self._token(given)
        if parts == ["debug_token"]:
            return {"data": {"is_valid": True, "expires_at": 0, "data_access_expires_at": meta.expires_at}}
        owner = self._know(given)
        if parts == ["me", "accounts"]:
            shown = {"instagram_business_account": self._instagram()} if meta.has_instagram else {}
            return {"data": [{**page, "access_token": "page-token", **shown} for page in meta.pages]}
        number, edge = parts[0], parts[1] if len(parts) > 1 else ""
        if number == PAGE and not edge:
            shown = {"instagram_business_account": self._instagram()} if meta.has_instagram else {}
            return {**meta.pages[0], **shown}
        place = "page" if number == PAGE else "ig" if number == IG else self._thing(number).kind
        place = {"post": "post", "comment": "post", "ig_comment": "comment"}.get(place, place)
        if edge:
            self._check(f"{self.command} {place}/{edge}", given)
        del owner
        match self.command, place, edge:
            case "POST", "page", "photos":
                return {"id": self._photo(given).id}
            case "POST", "page", "feed":
                return {"id": self._feed(given).id}
            case "GET", "page", "posts":
                return self._page(self._shown("post", PAGE), given)
            case "GET", "page", "tagged":
                return self._page([one for one in self._shown("post") if one.author != PAGE], given)
            case "POST", "post", "comments":
                return {"id": self._write("comment", given["message"], PAGE, parent=number).id}
            case "GET", "post", "comments":
                return self._page(self._comments("comment", number, given.get("filter", "")), given)
            case "GET", "ig_media", "comments":
                return self._page([one for one in self._shown("ig_comment") if one.parent == number], given)
            case "GET", "post" | "ig_media", "insights":
                return self._insights(self._thing(number), given)
            case "POST", "ig", "media":
                return {"id": self._container(given).id}
            case "POST", "ig", "media_publish":
                return {"id": self._publish(given["creation_id"]).id}
            case "GET", "ig", "content_publishing_limit":
                return {"data": [{"quota_usage": meta.quota, "config": {"quota_total": 100, "quota_duration": 86400}}]}
            case "GET", "ig", "media":
                return self._page(self._shown("ig_media", IG), given)
            case "GET", "ig", "tags":
                return self._page([one for one in self._shown("ig_media") if one.author != IG], given)
            case "POST", "comment", "replies":
                above = self._above(self._thing(number)) or number  # what answers an answer, Meta puts beside it
                return {"id": self._write("ig_comment", given["message"], IG, parent=above).id}
            case "GET", "comment", "replies":
                return self._page(self._comments("ig_comment", number, ""), given)
            case "DELETE", _, "":
                del meta.things[number]
                return {"success": True}
            case "GET", _, "":
                return self._object(self._thing(number), given)
        raise Told(400, 100, f"Unsupported {self.command} request: {parts}")

    def _instagram(self) -> dict[str, str]:
        return {"id": IG, "username": "rivertonpd", "name": "Riverton PD"}

    def _token(self, given: Mapping[str, str]) -> Any:
        if (given.get("client_id"), given.get("client_secret")) != (APP, APP_SECRET):
            raise Told(400, 1, "Error validating client secret.")
        token = secrets.token_urlsafe(8)
        if given.get("code") != "yes" and given.get("fb_exchange_token") not in self.server.tokens:
            raise Told(400, 100, "This authorization code has been used.")
        self.server.tokens[token] = PAGE
        return {"access_token": token, "token_type": "bearer", "expires_in": 5_184_000}

    def _know(self, given: Mapping[str, str]) -> str:
        token = given.get("access_token", "")
        if token not in self.server.tokens:
            raise Told(400, 190, "Error validating access token: Session has expired.", 463)
        proof = hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()
        if given.get("appsecret_proof") != proof:
            raise Told(400, 100, "Invalid appsecret_proof provided in the API argument")
        return self.server.tokens[token]

    def _check(self, route: str, given: Mapping[str, str]) -> None:
        known = SPEC.get(route)
        names = set(given) - ALWAYS - {"source"}
        if "comments" in route or "replies" in route:
            names -= FURTHER
        wrong = sorted(names - set(known or ())) if known is not None else [f"no such edge: {route}"]
        if wrong:
            self.server.against_spec.append(f"{route}: {wrong}")
            raise Told(400, 100, f"Unexpected parameters {wrong}")

    def _thing(self, number: str) -> Thing:
        found = self.server.things.get(number)
        if found is None:
            raise Told(400, 100, f"Unsupported get request. Object with ID '{number}' does not exist", 33)
        return found

    def _write(self, kind: str, text: str, author: str, parent: str | None = None, **more: Any) -> Thing:
        delay = self.server.delays.pop(0) if self.server.delays else timedelta()
        return self.server.add(kind, text, author, parent=parent, delay=delay, **more)

    def _photo(self, given: Mapping[str, str]) -> Thing:
        if given.get("source") != "<file>" and "url" not in given:
            raise Told(400, 324, "Missing or invalid image file")
        alt = given.get("alt_text_custom", "")
        return self.server.add("photo", "", PAGE, published=given.get("published") != "false", alt=alt)

    def _feed(self, given: Mapping[str, str]) -> Thing:
        attached = [one["media_fbid"] for one in json.loads(given.get("attached_media", "[]"))]
        pictures = [self._thing(number) for number in attached]
        recent = [
            one
            for one in self.server.things.values()
            if one.kind == "post" and one.author == PAGE and one.more.get("through_api")
            and one.at > self.server.now - timedelta(seconds=1)
        ]  # fmt: skip
        if any(one.text == given["message"] for one in recent):
            raise Told(400, 506, "Duplicate status message")
        alts = [one.more["alt"] for one in pictures]
        return self._write("post", given["message"], PAGE, link=given.get("link"), alts=alts, through_api=True)

    def _container(self, given: Mapping[str, str]) -> Thing:
        children = json.loads(given.get("children", "[]"))
        if not children and not given.get("image_url", "").startswith("https://"):
            raise Told(400, 9004, "The media could not be fetched from this URI")
        made = self.server.add("container", given.get("caption", ""), IG, children=children, given=dict(given))
        made.polls, made.status = self.server.fill_polls, self.server.fills
        return made

    def _publish(self, number: str) -> Thing:
        container = self._thing(number)
        if container.status == "PUBLISHED":
            raise Told(400, 9007, "The media was published already.", 2207027)
        if container.status != "FINISHED" or container.polls:
            raise Told(400, 9007, "Media is not available", 2207027)
        container.status = "PUBLISHED"
        self.server.quota += 1
        return self._write("ig_media", container.text, IG, container=number)

    def _shown(self, kind: str, author: str | None = None) -> list[Thing]:
        every = [one for one in self.server.things.values() if one.kind == kind and one.shown_at <= self.server.now]
        return sorted(
            (one for one in every if author is None or one.author == author), key=lambda one: one.at, reverse=True
        )

    def _insights(self, one: Thing, given: Mapping[str, str]) -> Any:
        if one.kind not in METRICS or not set(given["metric"].split(",")) <= METRICS[one.kind]:
            raise Told(400, 100, "(#100) The value must be a valid insights metric")
        return {
            "data": [
                {"name": name, "period": given.get("period", ""), "values": [{"value": one.counts[name]}]}
                for name in given["metric"].split(",")
                if name in one.counts
            ]
        }

    def _page(self, rows: list[Thing], given: Mapping[str, str]) -> Any:
        limit, start = int(given.get("limit", 25)), int(given.get("after", 0))
        shown = [self._object(one, given) for one in rows[start : start + limit]]
        if len(rows) <= start + limit:
            return {"data": shown}
        following = {**given, "after": str(start + limit)}
        return {"data": shown, "paging": {"next": f"{self.server.address}/v24.0/x?{urlencode(following)}"}}

    def _object(self, one: Thing, given: Mapping[str, str]) -> Any:
        asked = re.findall(r"[a-z_]+", given.get("fields", "id"))
        known = set(SPEC.get(f"fields {one.kind}", ())) | STATUS
        known |= set(SPEC.get(f"edges {one.kind}", ())) | (SUMMED if "summary" in asked else set())
        known |= ANSWERS if one.kind == "ig_comment" or "comments" in asked else set()
        known |= set(SPEC["fields comment"]) | set(SPEC["fields ig_comment"]) if "comments" in asked else set()
        if one.kind != "container" and (wrong := sorted(set(asked) - known - {"reverse_chronological"})):
            self.server.against_spec.append(f"fields of {one.kind}: {wrong}")
            raise Told(400, 100, f"Tried accessing nonexisting field {wrong}")
        if one.kind == "container":
            status = "IN_PROGRESS" if one.polls else one.status
            one.polls = max(0, one.polls - 1)
            return {"id": one.id, "status_code": status}
        written = f"{one.at:%Y-%m-%dT%H:%M:%S}+0000"
        address = f"https://www.example/{one.id}"
        told: dict[str, Any] = {"id": one.id}
        if one.kind in ("post", "comment"):
            told |= {"message": one.text, "created_time": written, "permalink_url": address}
            told["from"] = {"id": one.author, "name": "x"}
        elif one.kind in ("ig_media", "ig_comment"):
            told |= {"timestamp": written, "permalink": address, "username": one.more.get("username", "rivertonpd")}
            told |= {"caption": one.text} if one.kind == "ig_media" else {"text": one.text, "from": {"id": one.author}}
        if "parent_id" in asked and (above := self._above(one)) is not None:
            told["parent_id"] = above
        told |= {name: one.counts[name] for name in one.counts if name in asked and name.endswith("_count")}
        if "shares" in asked and one.counts.get("shares"):
            told["shares"] = {"count": one.counts["shares"]}
        if "summary" in asked:
            edges = [name for name in ("reactions", "comments") if name in asked]
            return told | {name: {"data": [], "summary": {"total_count": one.counts.get(name, 0)}} for name in edges}
        if "comments" in asked:
            kind = "comment" if one.kind == "post" else "ig_comment"
            further = {"filter": "stream"} if "filter(stream)" in given["fields"] else {}
            inner = given["fields"].partition("comments")[2].partition("{")[2].removesuffix("}")
            rows = self._comments(kind, one.id, further.get("filter", ""))
            told["comments"] = self._page(rows, {"fields": inner, "limit": "50", **further})
        if "replies" in asked and one.kind == "ig_comment":
            told["replies"] = self._page(self._comments(one.kind, one.id, ""), {"limit": "50"})
        return told

    def _above(self, one: Thing) -> str | None:
        """The comment that one on Instagram answers; none where it stands right below a picture."""
        above = self.server.things.get(one.parent or "")
        return above.id if above is not None and above.kind == "ig_comment" else None

    def _comments(self, kind: str, number: str, chosen: str) -> list[Thing]:
        """What stands right below it; as a stream (on Facebook) also what answers that."""
        shown, below = self._shown(kind), {number}
        while chosen == "stream" and (more := {one.id for one in shown if one.parent in below} - below):
            below |= more
        found = [one for one in shown if one.parent in below]
        above = self.server.things.get(number)
        oldest_first = self.server.oldest_answer_first and above is not None and above.kind == "ig_comment"
        return found[::-1] if oldest_first else found


def account_on(
    meta: MetaServer, network: str, engine: sa.Engine, keys: Keys, settings: Settings, **more: str
) -> Connection:
    """An account that is signed in there, as the store keeps it; `more`: a source's settings."""
    secret = json.dumps({"app_id": APP, "app_secret": APP_SECRET})
    own = {"service": meta.address, "version": "v24.0", "page_id": PAGE}
    signed = SignedIn(PAGE if network == "facebook" else IG, "rivertonpd", "Riverton PD", own, secret, "page-token")
    with database.writing(engine) as store:
        account = accounts.connect(store, network, signed, keys, meta.now)
    private = settings.model_copy(update={"fetch_private_addresses": True})
    return accounts.connection(engine, account, keys, private, more)


def says_yes(url: str) -> tuple[str, dict[str, str]]:
    """What a person does on Facebook's page: the code that comes back, and what was asked."""
    return "yes", dict(parse_qsl(urlsplit(url).query))
