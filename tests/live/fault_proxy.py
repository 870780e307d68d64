"""Faults between a connector and a real server: mitmproxy, told by a test what the next request is to meet.
What happens inside it is faults_addon.py.
"""

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx

from tests.live import installed, processes
from tests.live.waiting import wait_until

# what a request may meet; the first three never reach the server, the others are applied there
Kind = Literal["429", "reset", "html-502", "slow", "slow-reply", "lost-reply", "late", "500-after", "rates"]


@dataclass(frozen=True)
class Seen:
    """A request that came by: `path` with its query, `headers` in lower case, the `fault` it met (or ""), whether it
    `reached` the server, and the `status` the server gave (none yet, or none ever).
    """

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    fault: str
    reached: bool
    status: int | None


@dataclass(frozen=True)
class Proxy:
    """`url` is such as http://127.0.0.1:20123: what a connector is given in place of the server's."""

    url: str
    upstream: str
    http: httpx.Client = field(repr=False)

    def next(self, kind: Kind, part: str = "", times: int = 1, seconds: float = 2, remaining: int = 299) -> None:
        """The next `times` requests in whose "METHOD /path?query" the `part` stands meet the fault (several that fit
        are taken in the order they were asked for):

        - "429": refused, Retry-After 1 and rate headers of both networks (`0` left)
        - "reset": the connection is reset (TCP)
        - "html-502": a gateway's HTML page
        - "slow": passed on after `seconds`, if the client still waits then
        - "late": the connection is closed at once, and the request applied `seconds` later
        - "slow-reply": applied at once, its reply after `seconds`
        - "lost-reply": applied, the connection closed without a reply
        - "500-after": applied, answered with 500
        - "rates": nothing goes wrong, the reply says `remaining` of 300 are left for `seconds`
        """
        script = {"kind": kind, "part": part, "times": times, "seconds": seconds, "remaining": remaining}
        self._tell("next", script)

    def seen(self, part: str = "") -> list[Seen]:
        """Requests that reached the server, in order, with `part` in their "METHOD /path?query"."""
        return [one for one in self.asked(part) if one.reached]

    def asked(self, part: str = "") -> list[Seen]:
        """Requests that reached the proxy, whatever became of them."""
        found = self.http.get(f"{self.url}/_faults").raise_for_status().json()["record"]
        every = [Seen(**{**one, "body": base64.b64decode(one["body"])}) for one in found]
        return [one for one in every if part in f"{one.method} {one.path}"]

    def applied(self, part: str = "", times: int = 1, within: float = 20) -> list[Seen]:
        """Waits until the server has answered `times` such requests, though the client may still wait for the reply:
        the moment to kill a publisher. Raises NotThere.
        """

        def answered() -> list[Seen] | None:
            found = [one for one in self.seen(part) if one.status is not None]
            return found if len(found) >= times else None

        return wait_until(answered, f"{times} request(s) with {part!r} to be applied", within)

    def clear(self) -> None:
        """Forgets what was seen and what was still to happen."""
        self._tell("clear")

    def _tell(self, what: str, json: dict[str, Any] | None = None) -> None:
        self.http.post(f"{self.url}/_faults/{what}", json=json or {}).raise_for_status()


class Faults:
    """Proxies of a test run, one for each server, started when first asked for."""

    def __init__(self, folder: Path, started: list[processes.Running], stack: ExitStack, http: httpx.Client) -> None:
        self._folder, self._started, self._stack, self._http = folder, started, stack, http
        self._proxies: dict[str, Proxy] = {}

    def before(self, upstream: str) -> Proxy:
        """A proxy in front of the server at `upstream`, with nothing seen and nothing about to happen."""
        upstream = upstream.rstrip("/")
        if upstream not in self._proxies:
            self._proxies[upstream] = self._start(upstream)
        proxy = self._proxies[upstream]
        proxy.clear()
        return proxy

    def clear(self) -> None:
        for proxy in self._proxies.values():
            proxy.clear()

    def _start(self, upstream: str) -> Proxy:
        python, port = installed.fault_proxy(), processes.free_port()
        url = f"http://127.0.0.1:{port}"
        options = {
            "confdir": self._folder,
            "connection_strategy": "lazy",  # a request that is refused here leaves no trace there
            "flow_detail": 0,
        }
        command: list[str | Path] = [
            python,
            "-c",
            "from mitmproxy.tools.main import mitmdump; mitmdump()",
            "--mode",
            f"reverse:{upstream}",
        ]
        command += ["--listen-host", "127.0.0.1", "--listen-port", str(port)]
        command += ["--scripts", Path(__file__).with_name("faults_addon.py")]
        for name, value in options.items():
            command += ["--set", f"{name}={value}"]
        env = dict(os.environ, UPSTREAM=upstream, HERE=url)
        proxy = processes.start(f"faults-{port}", command, self._folder, env=env)
        self._started.append(proxy)
        self._stack.callback(proxy.stop)
        proxy.listens(port)
        return Proxy(url, upstream, self._http)


@contextmanager
def running(folder: Path, started: list[processes.Running]) -> Iterator[Faults]:
    with ExitStack() as stack, httpx.Client(timeout=30, trust_env=False) as http:
        yield Faults(folder, started, stack, http)
