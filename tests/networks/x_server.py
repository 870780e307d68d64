"""An X of ours, on loopback: no real one can be had for a test. It keeps posts, shows them late, rotates tokens,
refuses copies, loses replies. Questions are checked against X's own OpenAPI, and so are the posts and problems it says
(tests.networks.x_openapi). What X does that its OpenAPI does not say (t.co, HTML, names put in front of an answer, 403
for a copy) is as its documentation has it. It is long, for all that one X knows of itself is in one place."""

import base64
import hashlib
import html
import json
import re
import secrets
import socket
import struct
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import oauthlib.oauth1
import sqlalchemy as sa
from twitter_text import extract_urls_with_indices

from config import database
from config.secrets import Keys
from config.settings import Settings
from networks import accounts
from networks.network import Connection, SignedIn
from tests.networks.x_openapi import against, as_told, route_of
from tests.networks.x_search import finds

EPOCH_MS = 1_288_834_974_657
KEYS = ("consumer", "consumer-secret", "access", "access-secret")  # of OAuth 1.0a
ME, HANDLE = "700", "RivertonPD"
LIVES = 7200  # seconds of an access token


@dataclass
class XPost:
    id: str
    author: str
    raw: str  # as X holds it: t.co, HTML
    urls: list[dict[str, Any]]
    written: str
    at: datetime
    shown_at: datetime
    reply_to: str | None = None
    media: tuple[str, ...] = ()
    note: str | None = None
    lang: str = "en"
    quotes: str | None = None
    counts: dict[str, int] = field(default_factory=dict)  # what X counts of it, by its own names


@dataclass
class Fault:
    """What befalls the next question of this kind. `applied`: it was done before the answer went wrong; `meanwhile`:
    what somebody else does before the answer."""

    status: int  # 0: the connection is reset
    applied: bool = False
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Callable[[], None] | None = None


class XServer(ThreadingHTTPServer):
    """`now` is its clock; `delays` what it waits before it shows each next post of ours; `faults` by "METHOD /path"."""

    daemon_threads = True

    def __init__(self, now: datetime) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.now, self.lock = now, Lock()
        self.posts: dict[str, XPost] = {}
        self.problems: dict[str, str] = {}  # of posts: title of what X says instead of showing them
        self.users: dict[str, dict[str, Any]] = {}
        self.media: dict[str, dict[str, Any]] = {}
        self.delays: list[timedelta] = []
        self.faults: dict[str, list[Fault]] = {}
        self.asked: list[str] = []
        self.against_openapi: list[str] = []
        self.client_secret: str | None = None
        self.access: dict[str, datetime] = {}
        self.refresh_tokens: set[str] = set()
        self.refreshed = 0
        self.codes: dict[str, tuple[str, str]] = {}  # code: challenge, redirect_uri
        self.old_names = False  # does it still know only tweet.fields
        self.processing = 0  # how often it says of a picture that it is not done
        self.page = 100
        self.refuses: set[str] = set()  # searches that it does not take
        self._number = 0
        self.add_user(ME, HANDLE, "Riverton PD")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add_user(self, number: str, username: str, name: str = "", *, protected: bool = False) -> None:
        created = "2019-05-04T10:00:00.000Z"
        self.users[number] = {
            "id": number, "username": username, "name": name or username, "created_at": created, "protected": protected,
        }  # fmt: skip

    def tokens(self) -> dict[str, Any]:
        """A new pair."""
        access, refresh = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
        self.access[access] = self.now + timedelta(seconds=LIVES)
        self.refresh_tokens.add(refresh)
        return {"token_type": "bearer", "expires_in": LIVES, "access_token": access, "refresh_token": refresh}

    def says_yes(self, url: str) -> str:
        """What a person does on X's page: the code that comes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["code_challenge_method"] == "S256"
        assert set(asked["scope"].split()) == {
            "tweet.read", "tweet.write", "users.read", "media.write", "offline.access",
        }  # fmt: skip
        code = secrets.token_urlsafe(8)
        self.codes[code] = (asked["code_challenge"], asked["redirect_uri"])
        return code

    def write(
        self, text: str, *, by: str = ME, reply_to: str | None = None, media: tuple[str, ...] = (),
        delay: timedelta = timedelta(), at: datetime | None = None, note: str | None = None, lang: str = "en",
    ) -> XPost:  # fmt: skip
        """A post, by whoever and however it was written."""
        moment = at or self.now
        self._number += 1
        number = str(((int(moment.timestamp() * 1000) - EPOCH_MS) << 22) + self._number)
        answered = self.posts.get(reply_to or "")
        named = f"@{self.users[answered.author]['username']} " if answered and answered.author != by else ""
        raw, urls = as_x_holds_it(text, number, len(media))
        post = XPost(number, by, named + raw, urls, text, moment, moment + delay, reply_to, media, note, lang)
        self.posts[number] = post
        return post

    def said(self) -> list[str]:
        """What our account said, in order."""
        return [post.written for post in self.posts.values() if post.author == ME]


def as_x_holds_it(text: str, number: str, media: int) -> tuple[str, list[dict[str, Any]]]:
    """X's own form of a text: composed, addresses behind t.co, HTML escaped, an address of its own for pictures."""
    text = unicodedata.normalize("NFC", text)
    urls: list[dict[str, Any]] = []
    parts, end = [], 0

    def short(expanded: str, **more: Any) -> str:
        digest = hashlib.blake2b(f"{number}{len(urls)}".encode(), digest_size=5).hexdigest()
        urls.append({"start": 0, "end": 23, "url": f"https://t.co/{digest}", "expanded_url": expanded, **more})
        return f"https://t.co/{digest}"

    for found in extract_urls_with_indices(text):
        start, after = found["indices"]
        url = found["url"] if "://" in found["url"] else f"http://{found['url']}"
        parts += [html.escape(text[end:start], quote=False), short(url)]
        end = after
    raw = "".join([*parts, html.escape(text[end:], quote=False)]).strip()
    if media:
        raw += " " + short(f"https://x.com/{HANDLE}/status/{number}/photo/1", media_key="3_1")
    return raw, urls


@contextmanager
def an_x(now: datetime) -> Iterator[XServer]:
    """A running X; at its end no question may have been against X's OpenAPI."""
    with XServer(now) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
    assert server.against_openapi == []


class _Answered(Exception):
    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.body, self.headers = status, body, headers or {}


def _problem(status: int, title: str, detail: str, kind: str = "about:blank") -> _Answered:
    return _Answered(status, {"title": title, "detail": detail, "type": kind, "status": status})


class _Handler(BaseHTTPRequestHandler):
    server: XServer

    def _handle(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        with self.server.lock:
            self.server.asked.append(f"{self.command} {path}")
            waiting = next(
                (found for start, found in self.server.faults.items() if f"{self.command} {path}" == start and found),
                [],
            )
            fault = waiting.pop(0) if waiting else None
            status, body, headers = 200, None, {}  # type: tuple[int, Any, Mapping[str, str]]
            if fault is None or fault.applied:
                try:
                    status, body = self._answer(path, query, sent)
                except _Answered as answered:
                    status, body, headers = answered.status, answered.body, answered.headers
        if fault is not None:
            if fault.meanwhile is not None:
                fault.meanwhile()
            status, body, headers = fault.status, fault.body, fault.headers
        if status == 0:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        said = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        resets = str(int((self.server.now + timedelta(minutes=15)).timestamp()))
        rate = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "99", "x-rate-limit-reset": resets}
        for name, value in {"content-type": "application/json", **rate, **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_DELETE = _handle  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass

    def _answer(self, path: str, query: str, sent: bytes) -> tuple[int, Any]:
        if (self.command, path) == ("POST", "/2/oauth2/token"):
            return self._token(sent)
        found = route_of(self.command, path)
        if found is None:
            self.server.against_openapi.append(f"{self.command} {path}: no such question")
            raise _problem(404, "Not Found", "no such address")
        route, places = found
        asked = dict(parse_qsl(query, keep_blank_values=True))
        body = json.loads(sent) if sent else None
        self._know(path)
        if self.server.old_names and "post.fields" in asked:
            words = "The query parameter [post.fields] is not one of [expansions,id,max_results,tweet.fields]"
            raise _Answered(400, {"title": "Invalid Request", "detail": "invalid", "errors": [{"message": words}]})
        wrong = against(self.command, route, places, asked, body)
        if wrong and not self.server.old_names:
            self.server.against_openapi.append(f"{self.command} {route}: {wrong}")
            raise _problem(400, "Invalid Request", wrong)
        name = f"{self.command} {route}"
        match name:
            case "GET /2/users/me":
                me = self.server.users[ME]
                return 200, {"data": {"id": ME, "username": me["username"], "name": me["name"]}}
            case "POST /2/tweets":
                return self._create(body)
            case "DELETE /2/tweets/{id}":
                return self._delete(places["id"])
            case "GET /2/tweets":
                return self._look_up(asked)
            case "GET /2/users/{id}/tweets":
                return self._listed([one for one in self._shown() if one.author == places["id"]], asked)
            case "GET /2/users/{id}/mentions":
                name = f"@{self.server.users[places['id']]['username']}".casefold()
                return self._listed([one for one in self._shown() if name in one.raw.casefold()], asked)
            case "GET /2/tweets/search/recent":
                return self._search(asked)
        return self._media(name, asked, body)

    def _know(self, path: str) -> None:
        given = self.headers.get("authorization", "")
        if given.startswith("Bearer "):
            ends = self.server.access.get(given.removeprefix("Bearer "))
            if ends is not None and self.server.now < ends:
                return
        elif given.startswith("OAuth ") and self._is_signed(given):
            return
        raise _problem(401, "Unauthorized", "Unauthorized")

    def _is_signed(self, given: str) -> bool:
        said = dict(re.findall(r'(\w+)="([^"]*)"', given))
        client = oauthlib.oauth1.Client(
            KEYS[0], KEYS[1], KEYS[2], KEYS[3], nonce=said.get("oauth_nonce"), timestamp=said.get("oauth_timestamp")
        )
        _, headers, _ = client.sign(f"{self.server.address}{self.path}", http_method=self.command)
        mine = dict(re.findall(r'(\w+)="([^"]*)"', headers["Authorization"]))
        return bool(mine["oauth_signature"] == said.get("oauth_signature"))

    def _token(self, sent: bytes) -> tuple[int, Any]:
        form = dict(parse_qsl(sent.decode()))
        if self.server.client_secret is not None:
            basic = base64.b64encode(f"liaison:{self.server.client_secret}".encode()).decode()
            if self.headers.get("authorization") != f"Basic {basic}":
                words = {"error": "unauthorized_client", "error_description": "Missing valid authorization header"}
                raise _Answered(401, words)
        if form.get("client_id") != "liaison":
            raise _Answered(400, {"error": "invalid_client", "error_description": "no such app"})
        wrong = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.server.refresh_tokens:
                raise _Answered(400, wrong)
            self.server.refresh_tokens.remove(form["refresh_token"])
            self.server.refreshed += 1
            return 200, self.server.tokens()
        challenge, redirect_uri = self.server.codes.pop(form.get("code", ""), ("", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        shown = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != shown or redirect_uri != form.get("redirect_uri"):
            raise _Answered(400, wrong)
        return 200, self.server.tokens()

    def _create(self, body: Any) -> tuple[int, Any]:
        x = self.server
        text = body["text"]
        reply_to = (body.get("reply") or {}).get("in_reply_to_tweet_id")
        if reply_to is not None:
            answered = x.posts.get(reply_to)
            if answered is None:
                words = "You attempted to reply to a Tweet that is deleted or not visible to you."
                raise _problem(403, "Forbidden", words)
            if answered.author != ME and f"@{HANDLE}".casefold() not in answered.raw.casefold():
                raise _problem(403, "Forbidden", "Reply to this conversation is not allowed: you were not mentioned.")
        recent = [one for one in x.posts.values() if one.author == ME and one.at > x.now - timedelta(days=1)]
        if any((one.written, one.reply_to) == (text, reply_to) for one in recent):
            raise _problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
        media = tuple((body.get("media") or {}).get("media_ids") or ())
        if any(one not in x.media for one in media):
            raise _problem(400, "Invalid Request", "Your media IDs are invalid.")
        delay = x.delays.pop(0) if x.delays else timedelta()
        post = x.write(text, reply_to=reply_to, media=media, delay=delay)
        return 201, as_told("CreatePostsResponse", {"data": {"id": post.id, "text": post.raw}})

    def _delete(self, number: str) -> tuple[int, Any]:
        post = self.server.posts.get(number)
        if post is None:
            raise _problem(404, "Not Found Error", "Could not find that post.")
        if post.author != ME:
            raise _problem(403, "Forbidden", "You are not allowed to delete this post.")
        del self.server.posts[number]
        return 200, as_told("DeletePostsResponse", {"data": {"deleted": True}})

    def _look_up(self, asked: Mapping[str, str]) -> tuple[int, Any]:
        data, errors = [], []
        for number in asked["ids"].split(","):
            title = self.server.problems.get(number) or ("" if number in self.server.posts else "Not Found Error")
            if title == "lost":  # neither shown nor explained
                continue
            if not title:
                data.append(self._post(self.server.posts[number], asked))
                continue
            kinds = {
                "Not Found Error": ("resource-not-found", "ResourceNotFoundProblem"),
                "Authorization Error": ("not-authorized-for-resource", "NotAuthorizedForResourceProblem"),
            }
            kind, schema = kinds[title]
            words = {
                "title": title, "detail": f"{title}: {number}", "resource_type": "tweet", "resource_id": number,
                "value": number, "parameter": "ids", "type": f"https://api.x.com/2/problems/{kind}",
            }  # fmt: skip
            errors.append(as_told(schema, words))
        return 200, ({"data": data} if data else {}) | ({"errors": errors} if errors else {})

    def _shown(self) -> list[XPost]:
        return [
            one for one in self.server.posts.values()
            if one.shown_at <= self.server.now and one.id not in self.server.problems
        ]  # fmt: skip

    def _search(self, asked: Mapping[str, str]) -> tuple[int, Any]:
        found = re.fullmatch(r"\((.*)\) -is:retweet", asked["query"])
        assert found is not None
        if found.group(1) in self.server.refuses:
            raise _problem(400, "Invalid Request", "There were errors processing your request")
        oldest = self.server.now - timedelta(days=7)
        since = asked.get("since_id")
        moment = datetime.fromtimestamp(((int(since) >> 22) + EPOCH_MS) / 1000, UTC) if since else None
        start = datetime.fromisoformat(asked["start_time"]) if "start_time" in asked else moment
        if start is not None and start < oldest:
            raise _problem(400, "Invalid Request", "'since_id' must be a tweet id created after a week ago")
        return self._listed([one for one in self._shown() if finds(found.group(1), one.raw)], asked)

    def _listed(self, posts: list[XPost], asked: Mapping[str, str]) -> tuple[int, Any]:
        x = self.server
        if "start_time" in asked:
            posts = [one for one in posts if one.at >= datetime.fromisoformat(asked["start_time"])]
        if "since_id" in asked:
            posts = [one for one in posts if int(one.id) > int(asked["since_id"])]
        posts = sorted(posts, key=lambda one: int(one.id), reverse=True)
        if "pagination_token" in asked:
            if not asked["pagination_token"].startswith("before-"):
                raise _problem(400, "Invalid Request", "pagination_token is not valid")
            posts = [one for one in posts if int(one.id) < int(asked["pagination_token"].removeprefix("before-"))]
        most = min(int(asked.get("max_results", "10")), x.page)
        page, rest = posts[:most], posts[most:]
        if not page:
            return 200, {"meta": {"result_count": 0}}
        meta = {"result_count": len(page), "newest_id": page[0].id, "oldest_id": page[-1].id}
        authors = sorted({one.author for one in page})
        return 200, {
            "data": [self._post(one, asked) for one in page],
            "includes": {"users": [as_told("User", x.users[one]) for one in authors]},
            "meta": meta | ({"next_token": f"before-{page[-1].id}"} if rest else {}),
        }

    def _post(self, post: XPost, asked: Mapping[str, str]) -> Any:
        old = self.server.old_names
        fields = asked.get("tweet.fields" if old else "post.fields", "").split(",")
        expansions = asked.get("expansions", "").split(",")
        told: dict[str, Any] = {"id": post.id, "text": post.raw}
        if "created_at" in fields:
            told["created_at"] = post.at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        if "lang" in fields:
            told["lang"] = post.lang
        if "entities" in fields and post.urls:
            told["entities"] = {"urls": post.urls}
        if "author_id" in expansions:
            told["author_id"] = post.author
        if post.note is not None and ("note_tweet" if old else "note_post") in fields:
            told["note_tweet" if old else "note_post"] = {"text": post.note}
        if post.reply_to is not None and ("referenced_tweets.id" if old else "referenced_posts") in expansions:
            references = [{"type": "replied_to", "id": post.reply_to}]
            told["referenced_tweets" if old else "referenced_posts"] = references
        if "public_metrics" in fields:
            names = ("impression", "like", "retweet" if old else "repost", "quote", "reply", "bookmark")
            told["public_metrics"] = {
                f"{name}_count": post.counts.get(name.replace("retweet", "repost"), 0) for name in names
            }
        return told if old else as_told("Post", told)

    def _media(self, name: str, asked: Mapping[str, str], body: Any) -> tuple[int, Any]:
        x = self.server
        match name:
            case "POST /2/media/upload":
                number = str(9000 + len(x.media))
                x.media[number] = {"data": base64.b64decode(body["media"], validate=True), "alt": None}
            case "GET /2/media/upload":
                number = asked["media_id"]
            case _:
                x.media[body["id"]]["alt"] = body["metadata"]["alt_text"]["text"]
                return 200, {"data": {"id": body["id"]}}
        told: dict[str, Any] = {"id": number, "media_key": f"3_{number}"}
        if x.processing > 0:
            x.processing -= 1
            waits = {"state": "in_progress", "check_after_secs": 0}
            told["processing_info"] = as_told("MediaUploadResponseDataProcessingInfo", waits)
        return 200, {"data": told}


def account_on(x: XServer, engine: sa.Engine, keys: Keys, settings: Settings, **more: str) -> Connection:
    """An account that is signed in there, as the store keeps it; `more`: a source's settings."""
    given = x.tokens()
    session = {
        "access": given["access_token"],
        "refresh": given["refresh_token"],
        "expires_at": (x.now + timedelta(seconds=LIVES)).isoformat(),
    }
    secret = json.dumps({"client_id": "liaison", "client_secret": x.client_secret or ""})
    signed = SignedIn(ME, HANDLE, "Riverton PD", {"service": x.address}, secret, json.dumps(session))
    with database.writing(engine) as store:
        account = accounts.connect(store, "x", signed, keys, x.now)
    private = settings.model_copy(update={"fetch_private_addresses": True})
    return accounts.connection(engine, account, keys, private, more)
