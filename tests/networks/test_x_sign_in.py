"""Signing in on X, and staying so: a page with PKCE, four keys instead, refresh tokens that serve once. The X is ours
(x_server); signatures of OAuth 1.0a are checked by oauthlib."""

import contextvars
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from config import clock
from config.secrets import Keys
from config.settings import Settings
from networks.network import (
    Connection,
    NetworkError,
    OutcomeUnknown,
    Outgoing,
    PageSignIn,
    Publisher,
    Rejected,
    RenewalFailed,
    SignedIn,
    SignInExpired,
    Unavailable,
)
from networks.registry import NETWORKS
from networks.x import session
from tests.networks.x_server import HANDLE, KEYS, ME, Fault, XServer, account_on, an_x

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BACK = "https://desk.riverton.example/accounts/callback"
TOKEN, CREATE, WHO = "POST /2/oauth2/token", "POST /2/tweets", "GET /2/users/me"
SOON = timedelta(seconds=7200) - timedelta(minutes=4)  # the access token has four minutes left
OVER = timedelta(seconds=7201)
TAKEN_BACK = {"error": "invalid_grant", "error_description": "it was taken back"}


@pytest.fixture
def x(monkeypatch: pytest.MonkeyPatch) -> Iterator[XServer]:
    monkeypatch.setattr(session, "PATIENCE", 0.05)
    with an_x(NOON) as server, clock.at(NOON):
        yield server


@pytest.fixture
def connection(x: XServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> Connection:
    return account_on(x, sqlite_engine, keys, settings)


def sign_in() -> PageSignIn:
    found = NETWORKS["x"].sign_in
    assert isinstance(found, PageSignIn)
    return found


def desk(connection: Connection) -> Publisher:
    made = NETWORKS["x"].publisher
    assert made is not None
    return made(connection)


def who(connection: Connection) -> SignedIn:
    test = NETWORKS["x"].test
    assert test is not None
    return test(connection)


def kept(connection: Connection) -> dict[str, str]:
    assert connection.keeper is not None
    found: dict[str, str] = json.loads(connection.keeper.session() or "{}")
    return found


def outgoing(text: str) -> Outgoing:
    return Outgoing("0193a7d2f0007c3ea8b0123456789abc", text)


@pytest.mark.parametrize("secret", [None, "very secret"])
def test_signing_in_on_the_page_gives_an_account_that_can_publish(
    x: XServer, sqlite_engine: sa.Engine, secret: str | None
) -> None:
    x.client_secret = secret
    given = {"client_id": "liaison", "client_secret": secret or "", "service": x.address}
    departure = sign_in().begin(given, BACK, "state-1", True)
    page = urlsplit(departure.url)
    assert f"{page.scheme}://{page.netloc}{page.path}" == f"{x.address}/i/oauth2/authorize"
    assert parse_qs(page.query)["state"] == ["state-1"]
    signed = sign_in().finish(departure.kept, x.says_yes(departure.url), True)
    assert (signed.remote_id, signed.handle, signed.name) == (ME, HANDLE, "Riverton PD")
    assert (signed.settings, signed.ends_at) == ({"service": x.address}, None)
    assert json.loads(signed.secret) == {"client_id": "liaison", "client_secret": secret or ""}
    tokens = json.loads(signed.session or "{}")
    assert (tokens["access"] in x.access, {tokens["refresh"]}) == (True, x.refresh_tokens)
    assert tokens["expires_at"] == (NOON + timedelta(seconds=7200)).isoformat()


def test_the_page_is_x_s_own_unless_it_is_a_stand_in() -> None:
    departure = sign_in().begin({"client_id": "liaison"}, BACK, "state-1", False)
    asked = parse_qs(urlsplit(departure.url).query)
    assert departure.url.startswith("https://x.com/i/oauth2/authorize?")
    assert (asked["redirect_uri"], asked["code_challenge_method"], asked["response_type"]) == (
        [BACK],
        ["S256"],
        ["code"],
    )
    assert json.loads(departure.kept)["verifier"] not in departure.url


@pytest.mark.parametrize(
    ("given", "redirect_uri", "words"),
    [
        ({}, BACK, "client id"),
        ({"keys": "one two three"}, BACK, "all four keys"),
        ({"client_id": "liaison", "service": "http://x.example"}, BACK, "no address"),
        ({"client_id": "liaison"}, "urn:ietf:wg:oauth:2.0:oob", "page Accounts"),
    ],
)
def test_what_cannot_begin_says_why(given: dict[str, str], redirect_uri: str, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        sign_in().begin(given, redirect_uri, "state-1", False)


def test_a_code_that_is_wrong_or_used_or_of_another_app_is_refused(x: XServer) -> None:
    departure = sign_in().begin({"client_id": "liaison", "service": x.address}, BACK, "state-1", True)
    code = x.says_yes(departure.url)
    sign_in().finish(departure.kept, code, True)
    other = sign_in().begin({"client_id": "liaison", "service": x.address}, BACK, "state-2", True)
    for tried in ("wrong", code, x.says_yes(departure.url)):  # the last is for another verifier
        with pytest.raises(Rejected, match="begin again"):
            sign_in().finish(other.kept, tried, True)
    x.client_secret = "set meanwhile"
    with pytest.raises(Rejected, match="client id"):
        sign_in().finish(other.kept, x.says_yes(other.url), True)


@pytest.mark.parametrize(
    "fault", [Fault(0, applied=True), Fault(503), Fault(429), Fault(200, body="<html>"), Fault(200, body=[1])]
)
def test_a_code_whose_answer_was_lost_says_so(x: XServer, fault: Fault) -> None:
    departure = sign_in().begin({"client_id": "liaison", "service": x.address}, BACK, "state-1", True)
    x.faults[TOKEN] = [fault]
    with pytest.raises(Unavailable):
        sign_in().finish(departure.kept, x.says_yes(departure.url), True)


def test_a_sign_in_without_a_refresh_token_is_no_use(x: XServer) -> None:
    departure = sign_in().begin({"client_id": "liaison", "service": x.address}, BACK, "state-1", True)
    x.faults[TOKEN] = [Fault(200, body={"access_token": "short", "token_type": "bearer", "expires_in": 7200})]
    with pytest.raises(Rejected, match="two hours"):
        sign_in().finish(departure.kept, x.says_yes(departure.url), True)


def test_four_keys_sign_each_request_and_lead_straight_back(
    x: XServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings
) -> None:
    departure = sign_in().begin({"keys": " ".join(KEYS), "service": x.address}, BACK, "state-1", True)
    assert departure.url == f"{BACK}?state=state-1&code=keys"
    signed = sign_in().finish(departure.kept, "keys", True)
    assert (signed.remote_id, signed.handle, signed.session) == (ME, HANDLE, None)
    made = Connection(sqlite_engine, signed.settings, signed.secret, 1, True, ME, HANDLE)
    receipt = desk(made).publish(outgoing("Signed."))
    assert [(post.id, post.written) for post in x.posts.values()] == [(receipt.remote_id, "Signed.")]
    assert desk(made).find(outgoing("Signed.")) == receipt
    assert who(made).handle == HANDLE
    wrong = sign_in().begin({"keys": "a b c d", "service": x.address}, BACK, "state-1", True)
    with pytest.raises(Rejected, match="four keys"):
        sign_in().finish(wrong.kept, "keys", True)


def test_a_token_is_renewed_ahead_of_its_end_and_the_new_pair_kept(x: XServer, connection: Connection) -> None:
    before = kept(connection)
    desk(connection).publish(outgoing("First."))
    assert (x.refreshed, kept(connection)) == (0, before)
    x.now = NOON + SOON
    with clock.at(x.now):
        desk(connection).publish(outgoing("Second."))
        desk(connection).publish(outgoing("Third."))
    after = kept(connection)
    assert (x.refreshed, {after["refresh"]}, after["access"] in x.access) == (1, x.refresh_tokens, True)
    assert x.said() == ["First.", "Second.", "Third."]


def test_a_token_that_is_refused_is_renewed_and_the_post_sent_once(x: XServer, connection: Connection) -> None:
    x.access.clear()
    desk(connection).publish(outgoing("Once."))
    assert (x.refreshed, x.said(), x.asked.count(CREATE)) == (1, ["Once."], 2)


def test_two_at_once_renew_once(x: XServer, connection: Connection) -> None:
    x.access.clear()
    both = [desk(connection), desk(connection)]
    begin = Barrier(2)

    def publish(number: int) -> str:
        begin.wait()
        return both[number].publish(outgoing(f"Number {number}")).remote_id

    contexts = [contextvars.copy_context() for _ in both]  # each thread on the test's clock
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(contexts[number].run, publish, number) for number in range(2)]
        sent = {future.result() for future in futures}
    assert (x.refreshed, sorted(x.said()), sent) == (1, ["Number 0", "Number 1"], set(x.posts))


def test_what_another_process_renewed_is_used(x: XServer, connection: Connection) -> None:
    ours = desk(connection)
    x.access.clear()
    desk(connection).publish(outgoing("Theirs."))
    ours.publish(outgoing("Ours."))
    assert (x.refreshed, x.said()) == (1, ["Theirs.", "Ours."])


def test_a_pair_that_another_process_got_for_the_same_token_is_used(x: XServer, connection: Connection) -> None:
    ours, keeper = desk(connection), connection.keeper
    assert keeper is not None
    new = x.tokens()
    pair = {**kept(connection), "access": new["access_token"], "refresh": new["refresh_token"]}
    x.access = {new["access_token"]: x.access[new["access_token"]]}
    x.faults[TOKEN] = [Fault(400, body=TAKEN_BACK, meanwhile=lambda: keeper.keep_session(json.dumps(pair)))]
    ours.publish(outgoing("After both."))
    assert (x.refreshed, x.said(), kept(connection)) == (0, ["After both."], pair)


@pytest.mark.parametrize(
    "body",
    [
        TAKEN_BACK,
        {"error": "invalid_request", "error_description": "Value passed for the token was invalid."},
        {"error": "invalid_client"},
        {"error": "unauthorized_client", "error_description": "Missing valid authorization header"},
    ],
)
def test_a_renewal_that_x_refuses_ends_the_sign_in(x: XServer, connection: Connection, body: dict[str, str]) -> None:
    x.faults[TOKEN] = [Fault(400, body=body)]
    before = kept(connection)
    x.now = NOON + OVER
    with clock.at(x.now), pytest.raises(SignInExpired, match="Connect the account again"):
        desk(connection).publish(outgoing("Waits."))
    assert (x.said(), kept(connection)) == ([], before)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(0),
        Fault(503),
        Fault(429),
        Fault(403, body="<html>Just a moment"),
        Fault(400, body={"error": "temporarily_unavailable"}),
        Fault(200, body="<html>"),
        Fault(200, body=[1]),
        Fault(200, body={"access_token": "a", "expires_in": "soon"}),
    ],
)
def test_a_renewal_that_failed_for_now_signs_nobody_out(x: XServer, connection: Connection, fault: Fault) -> None:
    x.faults[TOKEN] = [fault]
    x.now = NOON + OVER
    with clock.at(x.now):
        with pytest.raises(RenewalFailed):
            desk(connection).publish(outgoing("Goes out later."))
        desk(connection).publish(outgoing("Goes out later."))
    assert x.said() == ["Goes out later."]


def test_ahead_of_the_end_a_renewal_that_failed_for_now_stops_nothing(x: XServer, connection: Connection) -> None:
    x.faults[TOKEN] = [Fault(503)]
    x.now = NOON + SOON
    with clock.at(x.now):
        desk(connection).publish(outgoing("Goes out."))
    assert (x.refreshed, x.said()) == (0, ["Goes out."])


def test_a_renewal_whose_answer_was_lost_is_said_to_be_so(x: XServer, connection: Connection) -> None:
    x.faults[TOKEN] = [Fault(0, applied=True)]  # the only new pair is lost with it
    x.now = NOON + OVER
    with clock.at(x.now):
        with pytest.raises(RenewalFailed):
            desk(connection).publish(outgoing("Waits."))
        with pytest.raises(SignInExpired, match="answer to the last renewal was lost"):
            desk(connection).publish(outgoing("Waits."))
    assert (x.refreshed, x.said()) == (1, [])


def test_a_new_token_that_is_refused_too_ends_the_sign_in(x: XServer, connection: Connection) -> None:
    x.faults[CREATE] = [Fault(401, body={"title": "Unauthorized"}), Fault(401, body={"title": "Unauthorized"})]
    with pytest.raises(SignInExpired):
        desk(connection).publish(outgoing("Waits."))
    assert (x.refreshed, x.said()) == (1, [])


def test_an_account_without_a_session_must_be_connected_again(sqlite_engine: sa.Engine) -> None:
    with pytest.raises(SignInExpired):
        desk(Connection(sqlite_engine, {}, None, 1, True, ME))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(0), Unavailable),
        (Fault(200, body={"data": {}}), Unavailable),
        (Fault(200, body=[]), Unavailable),
        (Fault(403, body={"detail": "When authenticating, use the keys of an app in a project."}), Rejected),
    ],
)
def test_asking_who_we_are_says_what_went_wrong(
    x: XServer, connection: Connection, fault: Fault, error: type[NetworkError]
) -> None:
    x.faults[WHO] = [fault]
    with pytest.raises(error):
        who(connection)
    assert (who(connection).handle, who(connection).settings) == (HANDLE, {"service": x.address})


def test_where_it_may_not_go_nothing_is_sent(x: XServer, connection: Connection) -> None:
    public_only = Connection(**{**vars(connection), "allow_private": False})
    with pytest.raises(Rejected, match="private address"):
        desk(public_only).publish(outgoing("No."))
    assert (x.asked, x.said()) == ([], [])


def test_a_door_that_is_shut_was_never_gone_through(x: XServer, connection: Connection) -> None:
    shut = Connection(**{**vars(connection), "settings": {"service": "http://127.0.0.1:1"}})
    with pytest.raises(Unavailable) as raised:
        desk(shut).publish(outgoing("No."))
    assert not isinstance(raised.value, OutcomeUnknown)


def test_no_token_is_written_into_a_log(x: XServer, connection: Connection, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    x.access.clear()
    secrets = set(kept(connection).values())
    desk(connection).publish(outgoing("Quietly."))
    secrets |= set(kept(connection).values())
    assert [one for one in secrets if one in caplog.text] == []
