"""Goes to addresses that a person named: public ones only, checked when connecting; bounded in time and size.

The check is made on the address that the connection really goes to, so a name that changes its mind cannot slip in.
`fetch` is for pages; `transport` (httpx) and `session` (requests) for the libraries of networks with many servers."""

import ipaddress
import math
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpcore
import httpx
import requests
import urllib3
from requests.adapters import HTTPAdapter

from networks.network import NetworkError, Unavailable

SECONDS = 10.0  # without a byte
WHOLE = 30.0  # for all of a page, its redirects too
QUESTION = 120.0  # for one question of a library and its answer, pictures too
LARGEST = 5_000_000  # bytes of a page
ANSWER = 20_000_000  # bytes of a library's answer
REDIRECTS = 5
TRIED = 4  # addresses of a server
TRYING = 3.0  # seconds for each but the last
_PIECE = 65536  # bytes written at once, so that the time is looked at in between
_UNICAST = ipaddress.ip_network("2000::/3")  # all that was ever given out of IPv6
_TUNNELS = tuple(map(ipaddress.ip_network, ("2002::/16", "3fff::/20")))  # 6to4, which names any IPv4; examples
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # how a network of IPv6 alone names IPv4 addresses
AGENT = "Liaison (community desk; reads public feeds)"
T = TypeVar("T")


class NotFetched(NetworkError):
    """The address may not or cannot be fetched as it is; the message says why."""


@dataclass(frozen=True)
class Fetched:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Backend(httpcore.NetworkBackend):
    """Connects only to addresses of the open internet, or to any; no connection lasts longer than it may."""

    def __init__(self, *, allow_private: bool, until: float | None) -> None:
        self._backend, self._allow_private, self._until = httpcore.SyncBackend(), allow_private, until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        until = self._until if self._until is not None else time.monotonic() + QUESTION
        try:
            addresses = [host] if self._allow_private else public_addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} is not known") from error

        def connect(address: str, most: float) -> httpcore.NetworkStream:
            within = min(most, _left(until, timeout, httpcore.ConnectTimeout))
            return self._backend.connect_tcp(address, port, within, local_address, socket_options)

        return _Stream(first_open(addresses, connect, (httpcore.ConnectError, httpcore.ConnectTimeout)), until)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection that ends at a moment of time.monotonic(): what sends a byte now and then would go on for ever."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream, self._until = stream, until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._until, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            within = _left(self._until, timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + _PIECE], within)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        within = _left(self._until, timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, within), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(until: float, timeout: float | None, over: type[httpcore.TimeoutException]) -> float:
    """Seconds for one step. Raises `over` when the whole took too long."""
    left = until - time.monotonic()
    if left <= 0:
        raise over("the answer did not end in time")
    return left if timeout is None else min(timeout, left)


def public_addresses(host: str, port: int) -> list[str]:
    """The addresses to go to for `host`, as they are to be tried: IPv6 and IPv4 in turn, for a whole kind may not be
    reached from here. Raises NotFetched if one of its addresses is private, OSError if unknown."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        if not _is_public(str(address[0])):
            raise NotFetched(
                f"{host} is a private address ({address[0]}); set fetch_private_addresses if that is meant"
            )
    every = list(dict.fromkeys(str(address[0]) for *_, address in found))
    kinds = [[one for one in every if (":" in one) == six] for six in (":" in every[0], ":" not in every[0])]
    return [one for pair in zip_longest(*kinds) for one in pair if one is not None][:TRIED]


def first_open(
    addresses: Sequence[str], connect: Callable[[str, float], T], closed: tuple[type[Exception], ...] = (OSError,)
) -> T:
    """The connection to the first of these that takes one; `connect(address, seconds)` makes it. What it raises for the
    last is raised, if none does: a server may have an address of IPv6 at which nobody answers."""
    *others, last = addresses
    for address in others:
        with suppress(*closed):
            return connect(address, TRYING)
    return connect(last, math.inf)


def transport(*, allow_private: bool, until: float | None = None) -> httpx.HTTPTransport:
    """An httpx transport that connects to public addresses only and takes no more than ANSWER, unpacked. A connection
    is closed after its answer: who asks comes and goes, and must leave none behind. `until`: the moment of
    time.monotonic() at which everything ends; else each question has its own time."""
    made = _Transport(verify=_trusted())
    made._pool = httpcore.ConnectionPool(  # httpx has no public way to give its transport a backend
        ssl_context=_trusted(),
        network_backend=_Backend(allow_private=allow_private, until=until),
        max_keepalive_connections=0,
    )
    return made


@cache
def _trusted() -> ssl.SSLContext:
    """Who vouches for servers: read once, since that takes longer than most answers."""
    return httpx.create_ssl_context()


class _Transport(httpx.HTTPTransport):
    """Unpacks answers itself: httpx would unpack whatever a small piece grows into."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Accept-Encoding"] = "gzip"
        response = super().handle_request(request)
        if not isinstance(response.stream, httpx.SyncByteStream):
            raise httpx.DecodingError("the answer cannot be read piece by piece", request=request)
        response.stream = _Answer(response.stream, _unpacked(response.headers.pop("content-encoding", "")), ANSWER)
        response.headers.pop("content-length", None)
        return response


class _Answer(httpx.SyncByteStream):
    """An answer unpacked, as long as it is no larger than it may be."""

    def __init__(self, stream: httpx.SyncByteStream, unpack: Callable[[bytes, int], bytes], most: int) -> None:
        self._stream, self._unpack, self._most = stream, unpack, most

    def __iter__(self) -> Iterator[bytes]:
        left = self._most + 1
        for piece in self._stream:
            unpacked = self._unpack(piece, left)
            left -= len(unpacked)
            if left <= 0:
                raise httpx.DecodingError(f"the answer is larger than {self._most // 1_000_000} MB")
            yield unpacked

    def close(self) -> None:
        self._stream.close()


def session(*, allow_private: bool) -> requests.Session:
    """A requests session that connects to public addresses only (redirects too), takes nothing from the environment,
    leaves no connection behind, and gives an answer up that is larger than ANSWER or takes longer than QUESTION."""
    made = requests.Session()
    made.trust_env = False
    made.headers.update({"User-Agent": AGENT, "Connection": "close"})
    adapter = _Adapter if allow_private else _CheckedAdapter
    made.mount("http://", adapter())
    made.mount("https://", adapter())
    return made


class _Adapter(HTTPAdapter):
    """Reads an answer here, where it can be given up; a stream is left to who reads it."""

    def send(  # type: ignore[override]  # requests calls it by these names
        self, request: requests.PreparedRequest, stream: bool = False, **more: Any
    ) -> requests.Response:
        until = time.monotonic() + QUESTION
        response = super().send(request, stream=stream, **more)
        if not stream:
            body = bytearray()
            for piece in response.iter_content(_PIECE):
                body += piece
                if len(body) > ANSWER or time.monotonic() > until:
                    response.close()
                    raise requests.ConnectionError("the answer is too large or did not end in time", request=request)
            response._content = bytes(body)  # as `content` keeps it; there is no public way
        return response


class _CheckedAdapter(_Adapter):
    """Looks the name up, checks the addresses, connects to those very ones; the name stays in Host and certificate."""

    def send(  # type: ignore[override]  # as above
        self, request: requests.PreparedRequest, stream: bool = False, **more: Any
    ) -> requests.Response:
        parts = urlsplit(request.url or "")
        named = str(parts.hostname)
        try:
            *others, last = public_addresses(named, parts.port or (443 if parts.scheme == "https" else 80))
        except OSError as error:
            raise requests.ConnectionError(f"{named} is not known", request=request) from error
        except UnicodeError as error:
            raise requests.exceptions.InvalidURL(f"{named} is no name of a server", request=request) from error
        given = more.get("timeout")
        reading = given[1] if isinstance(given, tuple) else given
        for address in others:
            request.address = address  # type: ignore[attr-defined]  # for the pool's key, which is asked for below
            try:
                return super().send(request, stream=stream, **{**more, "timeout": (TRYING, reading)})
            except requests.ConnectionError as error:
                if not never_sent(error):
                    raise
        request.address = last  # type: ignore[attr-defined]
        return super().send(request, stream=stream, **more)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        found: tuple[Any, Any] = super().build_connection_pool_key_attributes(request, verify, cert)
        host, pool = found
        named = str(host["host"])
        request.headers["Host"] = urlsplit(request.url or "").netloc.rpartition("@")[2]
        if host["scheme"] == "https":
            pool = {**pool, "server_hostname": named, "assert_hostname": named}
        return {**host, "host": request.address}, pool  # type: ignore[attr-defined]


def _is_public(address: str) -> bool:
    """Whether it is of the open internet; an IPv6 address that stands for one of IPv4, if that one is."""
    found = ipaddress.ip_address(address.split("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = ipaddress.IPv4Address(found.packed[-4:]) if found.ipv4_mapped or found in _NAT64 else None
        if inner is None:
            return found in _UNICAST and found.is_global and not any(found in one for one in _TUNNELS)
        found = inner
    return found.is_global and not found.is_multicast


def fetch(url: str, headers: Mapping[str, str], *, allow_private: bool) -> Fetched:
    """GET, following a few redirects. Raises NotFetched for what may not be fetched or is too large, Unavailable for
    what may work later."""
    with httpx.Client(
        transport=transport(allow_private=allow_private, until=time.monotonic() + WHOLE),
        timeout=SECONDS,
        headers={"User-Agent": AGENT, "Accept-Encoding": "gzip", **headers},
        trust_env=False,
    ) as client:
        for _ in range(REDIRECTS + 1):
            if urlsplit(url).scheme not in ("http", "https"):
                raise NotFetched(f"{url} is no web address")
            try:
                with client.stream("GET", url, follow_redirects=False) as response:
                    if response.has_redirect_location:
                        url = str(response.url.join(response.headers["location"]))
                        continue
                    return Fetched(response.status_code, dict(response.headers), _body(response))
            except (httpx.InvalidURL, UnicodeError) as error:
                raise NotFetched(f"{url} is no web address: {error}") from error
            except httpx.DecodingError as error:
                raise NotFetched(str(error)) from error
            except httpx.HTTPError as error:
                raise Unavailable(
                    f"{urlsplit(url).hostname} did not answer: {error or type(error).__name__}"
                ) from error
    raise NotFetched(f"more than {REDIRECTS} redirects")


def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > LARGEST:
            raise NotFetched(f"the answer is larger than {LARGEST // 1_000_000} MB")
    return bytes(body)


def _unpacked(encoding: str) -> Callable[[bytes, int], bytes]:
    """What a piece of an answer is, unpacked to at most so many bytes. Raises DecodingError for what was not asked for:
    other ways, and one packed into another."""
    if encoding.strip().lower() in ("", "identity"):
        return lambda piece, most: piece
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        raise httpx.DecodingError(f"the answer is packed in a way that was not asked for ({encoding[:40]})")
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def unpacked(piece: bytes, most: int) -> bytes:
        try:
            return unpacking.decompress(piece, most)
        except zlib.error as error:
            raise httpx.ReadError(f"the answer is damaged: {error}") from error

    return unpacked


def never_sent(error: requests.RequestException) -> bool:
    """Whether no connection was made at all."""
    if isinstance(error, requests.ConnectTimeout) or isinstance(error.__cause__, socket.gaierror):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    never = urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError
    return isinstance(reason, never)
