"""What an answer proves: only some errors prove that nothing was applied, and only those may be tried again."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
import sqlalchemy as sa

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from networks import accounts, bluesky, mastodon
from networks.network import (
    Connection,
    NetworkError,
    OutcomeUnknown,
    Outgoing,
    RateLimited,
    Rejected,
    RenewalFailed,
    SignInExpired,
    Unavailable,
    Witnessed,
)
from networks.tables import Account
from tests.networks.answering import Answer, Answering

KEY = "0193a7d2f0007c3ea8b0123456789abc"
POST = Outgoing(key=KEY, text="Coffee at nine.", begun_at=datetime(2026, 11, 24, 12, tzinfo=UTC))
RESETS = datetime(2030, 1, 1, tzinfo=UTC)
HTML = Answer(502, "<html>Bad gateway</html>", {"content-type": "text/html"})
PUT, STATUS = "POST /xrpc/com.atproto.repo.putRecord", "POST /api/v1/statuses"


@contextmanager
def answering(answers: Mapping[str, Answer]) -> Iterator[Answering]:
    with Answering(answers) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def on_bluesky(engine: sa.Engine, keys: Keys, settings: Settings, address: str) -> Connection:
    """An account with a session, as it was kept."""
    session = json.dumps({"access": "old", "refresh": "again"})
    with database.writing(engine) as store:
        account = Account(
            network="bluesky", name="Riverton PD", remote_id="did:plc:us", settings={"service": address},
            sealed_secret=keys.seal(json.dumps({"identifier": "did:plc:us", "app_password": "abcd"})),
            sealed_session=keys.seal(session), created_at=clock.now(),
        )  # fmt: skip
        store.add(account)
        store.flush()
    private = settings.model_copy(update={"fetch_private_addresses": True})
    return accounts.connection(engine, account, keys, private)


def on_mastodon(engine: sa.Engine, address: str) -> Connection:
    host = address.removeprefix("http://")
    return Connection(engine, {"home": address}, json.dumps({"token": "t"}), 1, True, f"7@{host}")


def refusing(status: int, name: str) -> Answer:
    return Answer(status, {"error": name, "message": f"{name}, they say"})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(0), OutcomeUnknown),
        (HTML, OutcomeUnknown),
        (refusing(500, "InternalServerError"), OutcomeUnknown),
        (refusing(408, "Timeout"), OutcomeUnknown),
        (refusing(400, "InvalidRecord"), Rejected),
        (refusing(400, "AccountDeactivated"), SignInExpired),
        (refusing(401, "AuthMissing"), SignInExpired),
        (refusing(413, "PayloadTooLarge"), Rejected),
    ],
)
def test_on_bluesky_a_write_is_unknown_unless_the_answer_proves_more(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, answer: Answer, error: type[NetworkError]
) -> None:
    with answering({PUT: answer}) as server, pytest.raises(error):
        bluesky.NETWORK.publisher(on_bluesky(sqlite_engine, keys, settings, server.address)).publish(POST)  # type: ignore[misc]
    assert [line for line in server.asked if line.startswith(PUT)] == [PUT]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(0), OutcomeUnknown),
        (HTML, OutcomeUnknown),
        (Answer(200, "<html>Welcome</html>", {"content-type": "text/html"}), OutcomeUnknown),
        (Answer(422, {"error": "Text too long"}), Rejected),
        (Answer(401, {"error": "The access token was revoked"}), SignInExpired),
        (Answer(403, {"error": "This action is not allowed"}), Rejected),
    ],
)
def test_on_mastodon_a_write_is_unknown_unless_the_answer_proves_more(
    sqlite_engine: sa.Engine, answer: Answer, error: type[NetworkError]
) -> None:
    with answering({STATUS: answer}) as server, pytest.raises(error):
        mastodon.NETWORK.publisher(on_mastodon(sqlite_engine, server.address)).publish(POST)  # type: ignore[misc]
    assert server.asked == [STATUS]


def test_where_nobody_listens_nothing_was_applied(sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> None:
    with answering({}) as server:
        address = server.address
    with pytest.raises(Unavailable):
        mastodon.NETWORK.publisher(on_mastodon(sqlite_engine, address)).publish(POST)  # type: ignore[misc]
    with pytest.raises(Unavailable):
        bluesky.NETWORK.publisher(on_bluesky(sqlite_engine, keys, settings, address)).publish(POST)  # type: ignore[misc]


def test_a_rate_limit_says_until_when_and_is_noted(sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> None:
    headers = {"ratelimit-limit": "100", "ratelimit-remaining": "0", "ratelimit-reset": str(int(RESETS.timestamp()))}
    with answering({PUT: Answer(429, {"error": "RateLimitExceeded"}, headers)}) as server:
        desk = bluesky.NETWORK.publisher(on_bluesky(sqlite_engine, keys, settings, server.address))  # type: ignore[misc]
        with pytest.raises(RateLimited) as told:
            desk.publish(POST)
    with database.reading(sqlite_engine) as session:
        account = session.get_one(Account, 1)
    assert (told.value.retry_at, account.rate_limit, account.rate_remaining) == (RESETS, 100, 0)
    assert account.rate_resets_at == RESETS
    soon = clock.now() + timedelta(minutes=5)
    masto = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": soon.isoformat()}
    refused = Answer(429, {"error": "Too many requests"}, masto)
    with answering({STATUS: refused}) as server, pytest.raises(RateLimited) as limited:
        mastodon.NETWORK.publisher(on_mastodon(sqlite_engine, server.address)).publish(POST)  # type: ignore[misc]
    assert abs(limited.value.retry_at - soon) < timedelta(seconds=5)


FRESH = {"accessJwt": "new", "refreshJwt": "later", "handle": "r.test", "did": "did:plc:us"}
REFRESH = "POST /xrpc/com.atproto.server.refreshSession"
CREATE = "POST /xrpc/com.atproto.server.createSession"
EXPIRED = refusing(400, "ExpiredToken")


@pytest.mark.parametrize(
    ("answers", "error", "asked"),
    [
        ({REFRESH: EXPIRED, CREATE: refusing(401, "AuthenticationRequired")}, SignInExpired, [PUT, REFRESH, CREATE]),
        ({REFRESH: EXPIRED, CREATE: Answer(0)}, RenewalFailed, [PUT, REFRESH, CREATE]),
        ({REFRESH: HTML}, RenewalFailed, [PUT, REFRESH]),
        ({REFRESH: Answer(200, FRESH)}, SignInExpired, [PUT, REFRESH, PUT]),
    ],
)
def test_an_old_session_is_renewed_and_a_new_one_made_only_when_that_is_refused(
    sqlite_engine: sa.Engine,
    keys: Keys,
    settings: Settings,
    answers: Mapping[str, Answer],
    error: type[NetworkError],
    asked: list[str],
) -> None:
    with answering({PUT: EXPIRED, **answers}) as server, pytest.raises(NetworkError) as told:
        bluesky.NETWORK.publisher(on_bluesky(sqlite_engine, keys, settings, server.address)).publish(POST)  # type: ignore[misc]
    assert isinstance(told.value, error)
    assert server.asked == asked


def test_a_renewed_session_is_kept_sealed_for_the_next(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering({PUT: EXPIRED, REFRESH: Answer(200, FRESH)}) as server:
        connection = on_bluesky(sqlite_engine, keys, settings, server.address)
        with pytest.raises(SignInExpired):
            bluesky.NETWORK.publisher(connection).publish(POST)  # type: ignore[misc]
    assert connection.keeper is not None
    assert json.loads(connection.keeper.session() or "{}") == {"access": "new", "refresh": "later"}
    with database.reading(sqlite_engine) as session:
        assert b"later" not in (session.get_one(Account, 1).sealed_session or b"")


def test_a_look_up_that_gets_no_answer_proves_nothing(sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> None:
    for answers in ({"GET": Answer(0)}, {"GET": HTML}, {"GET": refusing(400, "InvalidRequest")}):
        with answering(answers) as server:
            on_one = bluesky.NETWORK.publisher(on_bluesky(sqlite_engine, keys, settings, server.address))  # type: ignore[misc]
            with pytest.raises(OutcomeUnknown):
                on_one.find(POST)
            on_other = mastodon.NETWORK.publisher(on_mastodon(sqlite_engine, server.address))  # type: ignore[misc]
            with pytest.raises((OutcomeUnknown, Rejected)):
                on_other.find(POST)


STAY = {"instance": {"title": "Town"}}


@pytest.mark.parametrize(
    ("answers", "gone"),
    [
        ({"GET /api/v1/statuses/1": Answer(404, {"error": "Record not found"}), "GET /api": Answer(200, STAY)}, {"1"}),
        ({"GET /api/v1/statuses/1": Answer(410, {"error": "Gone"}), "GET /api": Answer(200, STAY)}, {"1"}),
        ({"GET /api/v1/statuses/1": Answer(401, {"error": "Who are you?"})}, SignInExpired),
        ({"GET /api/v1/statuses/1": HTML}, Unavailable),
        ({}, Rejected),  # a server that says 404 to everything
    ],
)
def test_a_post_is_gone_only_when_a_server_that_works_says_so(
    sqlite_engine: sa.Engine, answers: Mapping[str, Answer], gone: set[str] | type[NetworkError]
) -> None:
    with answering(answers) as server:
        connection = on_mastodon(sqlite_engine, server.address)
        ask: Callable[[], Witnessed] = lambda: mastodon.NETWORK.witness(connection).ask(  # type: ignore[misc]  # noqa: E731
            [f"1@{server.address.removeprefix('http://')}", "9@another.example"]
        )
        if isinstance(gone, set):
            assert {one.partition("@")[0] for one in ask().gone} == gone
        else:
            with pytest.raises(gone):
                ask()
