"""The AT Protocol network of a test run, and what a test does there as a resident or reads back as anybody: plain HTTP,
with nothing of Liaison's connector, so that a mistake there cannot hide itself here.
"""

import json
import os
import re
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.live import installed, processes
from tests.live.waiting import wait_until

_HERE = Path(__file__).parent
Json = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """An account: `handle` (name.test), `did`, the `password` it was made with, and a session's two tokens."""

    handle: str
    did: str
    password: str = field(repr=False)
    access_jwt: str = field(repr=False)
    refresh_jwt: str = field(repr=False)


@dataclass(frozen=True)
class Network:
    """`pds` and `appview` are addresses such as http://localhost:20123, `plc` the directory of identities."""

    pds: str
    appview: str
    plc: str
    http: httpx.Client = field(repr=False)

    # accounts

    def create(self, handle_stem: str) -> Person:
        """A new account whose handle begins with the stem (at most 10 letters and digits); the AppView knows it."""
        handle = f"{handle_stem}-{secrets.token_hex(3)}.test"
        password = secrets.token_urlsafe(12)
        made = self.call(
            "com.atproto.server.createAccount",
            json={"handle": handle, "email": f"{handle}@mail.example", "password": password},
        )
        person = Person(handle, made["did"], password, made["accessJwt"], made["refreshJwt"])
        # a profile's record makes the AppView show the account to everybody
        self._put(person, "app.bsky.actor.profile", "self", {"displayName": handle_stem})
        wait_until(lambda: self._appview_knows(person), f"the AppView to index {handle}")
        return person

    def app_password(self, person: Person, name: str | None = None) -> tuple[str, str]:
        """Makes an app password; gives its (name, password)."""
        name = name or f"liaison-{secrets.token_hex(3)}"
        made = self.call("com.atproto.server.createAppPassword", by=person, json={"name": name})
        return name, str(made["password"])

    def revoke(self, person: Person, app_password_name: str) -> None:
        """From now on the app password opens no session, and its sessions refuse to refresh (400 ExpiredToken). An
        access token that was given out lives on (two hours): to see the sign-in lost, refresh.
        """
        self.call("com.atproto.server.revokeAppPassword", by=person, json={"name": app_password_name})

    # what a resident does

    def post(
        self,
        person: Person,
        text: str,
        facets: Sequence[Json] | None = None,
        reply: str | None = None,
        langs: Sequence[str] | None = None,
        created_at: datetime | None = None,
    ) -> str:
        """Posts; `reply` is the address (at://…) of the post that is answered. Gives the new post's address."""
        at = (created_at or datetime.now(UTC)).astimezone(UTC)
        record: Json = {"$type": "app.bsky.feed.post", "text": text, "createdAt": f"{at:%Y-%m-%dT%H:%M:%S}.000Z"}
        if facets:
            record["facets"] = list(facets)
        if langs:
            record["langs"] = list(langs)
        if reply:
            record["reply"] = self._answered(reply)
        made = self.call(
            "com.atproto.repo.createRecord",
            by=person,
            json={"repo": person.did, "collection": "app.bsky.feed.post", "record": record},
        )
        return str(made["uri"])

    def mention(self, person: Person, whom: Person, text: str, **kept: Any) -> str:
        """Posts `text`, in which every `@handle` of `whom` is made a mention (a facet). Gives the post's address."""
        handle = f"@{whom.handle}"
        text = text if handle in text else f"{handle} {text}"
        facets = [
            {
                "index": {
                    "byteStart": len(text[: found.start()].encode()),
                    "byteEnd": len(text[: found.end()].encode()),
                },
                "features": [{"$type": "app.bsky.richtext.facet#mention", "did": whom.did}],
            }
            for found in re.finditer(re.escape(handle), text)
        ]
        return self.post(person, text, facets=facets, **kept)

    def delete(self, person: Person, uri: str) -> None:
        repo, collection, rkey = _parts(uri)
        self.call(
            "com.atproto.repo.deleteRecord", by=person, json={"repo": repo, "collection": collection, "rkey": rkey}
        )

    # reading back

    def record(self, uri: str) -> Json | None:
        """What the PDS holds at the address: {uri, cid, value}; none where there is nothing."""
        repo, collection, rkey = _parts(uri)
        got = self.http.get(
            f"{self.pds}/xrpc/com.atproto.repo.getRecord",
            params={"repo": repo, "collection": collection, "rkey": rkey},
        )
        if got.status_code == 400 and got.json().get("error") == "RecordNotFound":
            return None
        found: Json = _answer(got)
        return found

    def feed(self, did: str) -> list[Json]:
        """Every post of the account's repository, newest first, each {uri, cid, value}; all pages, from the PDS."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            asked = {"repo": did, "collection": "app.bsky.feed.post", "limit": "100"}
            page = self.call("com.atproto.repo.listRecords", params={**asked, **({"cursor": cursor} if cursor else {})})
            found += page["records"]
            cursor = page.get("cursor")
            if not cursor:
                return found

    def posts(self, uris: Sequence[str], within: float = 10) -> list[Json]:
        """The AppView's view of these posts (record, embed, author, reply counts), in the order asked; waits up to
        `within` seconds until it has them all. Raises NotThere.
        """

        def all_of_them() -> list[Json] | None:
            got = {view["uri"]: view for view in self._views(uris)}
            return [got[uri] for uri in uris] if len(got) == len(set(uris)) else None

        return wait_until(all_of_them, f"the AppView to show {uris}", within)

    def gone(self, uri: str, within: float = 10) -> bool:
        """True once neither the PDS nor the AppView has the post. Raises NotThere."""
        return wait_until(lambda: self.record(uri) is None and not self._views([uri]), f"{uri} to be gone", within)

    def search(self, words: str) -> list[Json]:
        """The AppView's searchPosts, asked without an account."""
        found = self.call("app.bsky.feed.searchPosts", at=self.appview, params={"q": words, "limit": "100"})
        return list(found["posts"])

    def notifications(self, person: Person) -> list[Json]:
        """listNotifications of the account, newest first, asked through its PDS."""
        got = self.call("app.bsky.notification.listNotifications", by=person, params={"limit": "100"})
        return list(got["notifications"])

    def blob(self, did: str, cid: str) -> bytes:
        """A picture's bytes, as the PDS holds them."""
        got = self.http.get(f"{self.pds}/xrpc/com.atproto.sync.getBlob", params={"did": did, "cid": cid})
        got.raise_for_status()
        return got.content

    def call(
        self,
        method: str,
        *,
        by: Person | None = None,
        token: str | None = None,
        at: str | None = None,
        params: dict[str, str] | None = None,
        json: Json | None = None,
        post: bool = False,
    ) -> Any:
        """Any XRPC method, by somebody (or with a token of theirs) or nobody, at the PDS unless told; a POST where
        there is `json`, or where `post` says so (refreshSession takes no body). Raises httpx.HTTPStatusError with
        the server's words.
        """
        bearer = token or (by.access_jwt if by else None)
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        url = f"{at or self.pds}/xrpc/{method}"
        if json is None and not post:
            return _answer(self.http.get(url, params=params, headers=headers))
        return _answer(self.http.post(url, json=json, headers=headers))

    def _put(self, person: Person, collection: str, rkey: str, record: Json) -> None:
        body = {"repo": person.did, "collection": collection, "rkey": rkey, "record": {"$type": collection, **record}}
        self.call("com.atproto.repo.putRecord", by=person, json=body)

    def _answered(self, uri: str) -> Json:
        parent = self.record(uri)
        assert parent is not None, f"{uri} is not there to be answered"
        this = {"uri": parent["uri"], "cid": parent["cid"]}
        return {"root": parent["value"].get("reply", {}).get("root", this), "parent": this}

    def _views(self, uris: Sequence[str]) -> list[Json]:
        got = self.http.get(f"{self.appview}/xrpc/app.bsky.feed.getPosts", params=[("uris", uri) for uri in uris])
        return list(_answer(got)["posts"])

    def _appview_knows(self, person: Person) -> bool:
        got = self.http.get(f"{self.appview}/xrpc/app.bsky.actor.getProfile", params={"actor": person.did})
        return got.is_success and got.json()["handle"] == person.handle


@contextmanager
def running(folder: Path, started: list[processes.Running]) -> Iterator[Network]:
    """The network while the block runs, with all it keeps in `folder`; what it starts is added to `started`."""
    parts = installed.network()
    with ExitStack() as stack:

        def start(name: str, command: Sequence[str | Path], env: dict[str, str] | None = None) -> processes.Running:
            one = processes.start(name, command, folder, env=env)
            stack.callback(one.stop)
            started.append(one)
            return one

        postgres = start("postgres", [sys.executable, "-W", "ignore", _HERE / "postgres_server.py", folder / "pg"])
        redis_port = processes.free_port()
        redis = start("redis", [parts.redis, "--port", str(redis_port), "--bind", "127.0.0.1", "--save", ""])
        redis.listens(redis_port)
        ports = {f"{name}_PORT": str(processes.free_port()) for name in ("PLC", "PDS", "APPVIEW", "OZONE")}
        env = dict(
            ports,
            PATH=os.environ["PATH"],
            TMPDIR=str(folder),  # the PDS keeps repositories and pictures there
            NODE_PACKAGES=str(parts.home),
            DB_POSTGRES_URL=postgres.said("postgresql://"),
            REDIS_HOST=f"127.0.0.1:{redis_port}",
        )
        network = start("atproto", [parts.node, "--no-warnings", _HERE / "bluesky_network.mjs"], env)
        at = json.loads(network.said('{"ready":true'))
        http = stack.enter_context(httpx.Client(timeout=30, trust_env=False))
        yield Network(at["pds"], at["appview"], at["plc"], http)


def _parts(uri: str) -> tuple[str, str, str]:
    """at://did/collection/rkey, taken apart."""
    repo, collection, rkey = uri.removeprefix("at://").split("/")
    return repo, collection, rkey


def _answer(got: httpx.Response) -> Any:
    if got.is_error:
        raise httpx.HTTPStatusError(f"{got.status_code} {got.text[:500]}", request=got.request, response=got)
    return got.json() if got.content else None  # a procedure may say nothing
