"""The Mastodon API server of a test run (mastodon-mock 0.6.1: stateful, over real HTTP), and what a test does there.

What it does, tried: OAuth from POST /api/v1/apps over the page at /oauth/authorize (a form of accounts to choose from;
`authorize` does what a person does there), the exchange at /oauth/token and POST /oauth/revoke, after which the token
gives 401; v1 and v2 instance (500 characters, 4 pictures, 23 a link); v2 media with description, at once (200, never
202); /statuses/:id/source; mention notifications; hashtag timelines and search without an account; streaming as SSE and
WebSocket; a second Idempotency-Key answers with the first status; X-RateLimit-* on every reply (its reset is an epoch,
Mastodon's own is ISO 8601). What it does not: a code may be exchanged twice and neither client_secret, redirect_uri nor
PKCE is looked at; length is counted in code points, so a long link counts in full; alt text has no limit; whoever is
not local is not mentioned; direct and private statuses are shown to anybody by id.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.live import installed, processes

Json = dict[str, Any]

_CONFIG = """
title = "Riverton Social"
[ratelimit]
enabled = true
limit = 30000
[[seed.accounts]]
username = "rivertonpd"
display_name = "Riverton Police Department"
access_token = "department-token"
[[seed.accounts]]
username = "resident"
access_token = "resident-token"
"""


@dataclass(frozen=True)
class Account:
    """An account of the server: its `username`, `id` and an access `token` with every scope."""

    username: str
    id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Server:
    """`url` is such as http://127.0.0.1:20123. `department` (@rivertonpd) and `resident` are there from the start."""

    url: str
    department: Account
    resident: Account
    http: httpx.Client = field(repr=False)

    def create(self, stem: str) -> Account:
        """A new account, its username beginning with the stem: for a test that wants nobody else's posts."""
        made = self.call("POST", "/api/v1/_mock/dev_user", json={"username": f"{stem}_{secrets.token_hex(3)}"})
        return Account(made["username"], made["id"], made["access_token"])

    def sign_in(self, account: Account) -> str:
        """A further token of the account, to be revoked without harm to others."""
        got = self.call("POST", "/api/v1/_mock/login", json={"username": account.username})
        return str(got["access_token"])

    def authorize(self, address: str, account: Account) -> str:
        """What a person does at an address of /oauth/authorize: chooses the account and agrees. Gives the address that
        the browser is sent back to (with code and state), or the bare code where redirect_uri was
        urn:ietf:wg:oauth:2.0:oob.
        """
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        page = self.http.get(address)
        page.raise_for_status()
        form = {name: asked.get(name, "") for name in ("redirect_uri", "client_id", "scope", "state")}
        answer = self.http.post(f"{self.url}/oauth/authorize", data={**form, "username": account.username})
        if answer.is_redirect:
            return answer.headers["location"]
        answer.raise_for_status()
        return answer.text.split("Authorization code: ")[1].split("<")[0]

    def revoke(self, token: str) -> None:
        """The token is no more: whatever it is used for is answered with 401."""
        self.http.post(f"{self.url}/oauth/revoke", data={"token": token}).raise_for_status()

    def post(self, token: str, text: str, visibility: str = "public", reply_to: str | None = None, **more: Any) -> Json:
        """Posts and gives the status; `more` is anything else of POST /api/v1/statuses (spoiler_text, language …)."""
        body = {"status": text, "visibility": visibility, **({"in_reply_to_id": reply_to} if reply_to else {}), **more}
        status: Json = self.call("POST", "/api/v1/statuses", token=token, json=body)
        return status

    def delete(self, token: str, status_id: str) -> None:
        self.call("DELETE", f"/api/v1/statuses/{status_id}", token=token)

    def status(self, status_id: str) -> Json | None:
        got = self.http.get(f"{self.url}/api/v1/statuses/{status_id}")
        return None if got.status_code == 404 else _answer(got)

    def statuses(self, account: Account) -> list[Json]:
        """Everything the account has posted, newest first; `text`, its source, is added to each."""
        found: list[Json] = []
        while True:
            asked = {"limit": "40", **({"max_id": found[-1]["id"]} if found else {})}
            page = self.call("GET", f"/api/v1/accounts/{account.id}/statuses", token=account.token, params=asked)
            if not page:
                return found
            for one in page:
                source = self.call("GET", f"/api/v1/statuses/{one['id']}/source", token=account.token)
                found.append({**one, "text": source["text"]})

    def mentions(self, token: str) -> list[Json]:
        """Notifications of type mention, newest first."""
        asked = {"types[]": "mention", "limit": "80"}
        return list(self.call("GET", "/api/v1/notifications", token=token, params=asked))

    def fault(self, effect: str, path: str, *, methods: tuple[str, ...] = (), times: int = 1, **how: Any) -> None:
        """The next `times` requests whose path fits (`*` stands for anything) meet the server's own fault: "status"
        (status=503), "ratelimit", "latency" (delay_ms=…), "malformed", "timeout". What is refused or malformed is not
        applied. The proxy of fault_proxy.py knows more.
        """
        match = {"path": path, **({"methods": list(methods)} if methods else {})}
        self.call(
            "POST", "/api/v1/_mock/faults", json={"match": match, "effect": {"type": effect, **how}, "count": times}
        )

    def no_faults(self) -> None:
        self.http.delete(f"{self.url}/api/v1/_mock/faults").raise_for_status()

    def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        params: dict[str, str] | None = None,
        json: Any = None,
    ) -> Any:
        """Any request, by a token or nobody. Raises httpx.HTTPStatusError with the server's words."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return _answer(self.http.request(method, self.url + path, params=params, json=json, headers=headers))


@contextmanager
def running(folder: Path, started: list[processes.Running]) -> Iterator[Server]:
    """The server while the block runs, with all it keeps in `folder`; it is added to `started`."""
    python = installed.mastodon_server()
    port = processes.free_port()
    config = folder / "mastodon.toml"
    config.write_text(_CONFIG)
    command: list[str | Path] = [python, "-m", "mastodon_mock", "serve", "--in-memory", "--config", config]
    with ExitStack() as stack:
        server = processes.start(
            "mastodon",
            [*command, "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"],
            folder,
            cwd=folder,
        )
        started.append(server)
        stack.callback(server.stop)
        server.listens(port)
        http = stack.enter_context(httpx.Client(timeout=30, trust_env=False))
        url = f"http://127.0.0.1:{port}"
        yield Server(url, _seeded(http, url, "department-token"), _seeded(http, url, "resident-token"), http)


def _seeded(http: httpx.Client, url: str, token: str) -> Account:
    headers = {"authorization": f"Bearer {token}"}
    got = _answer(http.get(f"{url}/api/v1/accounts/verify_credentials", headers=headers))
    return Account(got["username"], got["id"], token)


def _answer(got: httpx.Response) -> Any:
    if got.is_error:
        raise httpx.HTTPStatusError(f"{got.status_code} {got.text[:500]}", request=got.request, response=got)
    return json.loads(got.text)
