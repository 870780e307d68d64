"""What a provider's word must hold, with words that a liar would send; and the way in without passwords."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from structlog.testing import capture_logs

import cli
from config import clock, database, people
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings, SingleSignOn
from config.tables import Person
from tests.web.browsing import Browser, send
from web import app as web_app
from web import oidc

KEY, OTHER = RSAKey.generate_key(2048, {"kid": "one"}), RSAKey.generate_key(2048, {"kid": "one"})
PROVIDER = SingleSignOn(issuer="https://id.town.example", client_id="liaison")


def told(now: datetime, key: RSAKey | OctKey = KEY, algorithm: str = "RS256", **changed: Any) -> str:
    claims = {
        "iss": PROVIDER.issuer, "aud": "liaison", "sub": "7", "nonce": "n",
        "iat": int(now.timestamp()), "exp": int((now + timedelta(minutes=5)).timestamp()), **changed,
    }  # fmt: skip
    return jwt.encode({"alg": algorithm, "kid": "one"}, claims, key, algorithms=[algorithm])


class Provider(BaseHTTPRequestHandler):
    """One that lets everybody in, and says of them what `claims` holds."""

    claims: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        here = f"http://{self.headers['host']}"
        names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        described = {"issuer": here} | {name: here + path for name, path in names.items()}
        self._say({"keys": [KEY.as_dict(private=False)]} if self.path == "/keys" else described)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._say({"access_token": "x", "token_type": "Bearer", "id_token": told(clock.now(), **self.claims)})

    def log_message(self, *_: object) -> None:
        pass

    def _say(self, words: dict[str, Any]) -> None:
        body = json.dumps(words).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def provider() -> Iterator[str]:
    """The issuer's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("email", "name", "status"),
    [("eve@riverton.example", " ", 303), ("évé@riverton.example", "Eve", 403), ("eve at home", "Eve", 403)],
)
def test_who_cannot_be_added_is_told_why_and_nothing_of_it_is_logged(
    provider: str, sqlite_engine: sa.Engine, settings: Settings, keys: Keys, email: str, name: str, status: int
) -> None:
    sso = SingleSignOn(issuer=provider, client_id="liaison", roles_claim="groups", roles={"desk": Role.OFFICER})
    own = settings.model_copy(update={"single_sign_on": sso, "fetch_private_addresses": True})
    browser = Browser(web_app.create(sqlite_engine, own, keys), follow_redirects=False, raise_server_exceptions=False)
    sent = parse_qs(urlsplit(browser.get("/sign-in/sso").headers["location"]).query)
    said = {"email": email, "email_verified": True, "name": name, "groups": ["desk"]}
    Provider.claims = {"iss": provider, "nonce": sent["nonce"][0], **said}
    with capture_logs() as logged:
        answer = browser.get("/sign-in/sso/back", params={"code": "x", "state": sent["state"][0]})
    assert (answer.status_code, "riverton" in repr(logged)) == (status, False)
    assert ("You cannot be added to this desk" in answer.text) == (status == 403)
    with database.reading(sqlite_engine) as session:
        assert [one.name for one in people.all_people(session)] == ([email] if status == 303 else [])


def read(token: str, now: datetime) -> object:
    return oidc.read(token, {"keys": [KEY.as_dict(private=False)]}, PROVIDER, "n", now)["sub"]


def test_a_word_that_holds_is_taken(now: datetime) -> None:
    assert read(told(now), now) == "7"
    assert read(told(now, aud=["liaison", "other"], azp="liaison"), now) == "7"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"}, {"aud": "another"}, {"aud": ["liaison", "other"]}, {"azp": "other"},
        {"nonce": "another"}, {"nonce": None}, {"exp": 1}, {"sub": None}, {"iat": 99999999999},
    ],
)  # fmt: skip
def test_a_word_for_others_of_others_or_past_its_time_is_refused(changed: dict[str, Any], now: datetime) -> None:
    with pytest.raises(oidc.NotSignedIn):
        read(told(now, **changed), now)


def test_a_word_that_the_provider_did_not_sign_is_refused(now: datetime) -> None:
    secret = OctKey.import_key("a secret that two would share")
    for token in (told(now, key=OTHER), told(now, key=secret, algorithm="HS256"), "x.y.z", ""):
        with pytest.raises(oidc.NotSignedIn):
            read(token, now)
    head = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    with pytest.raises(oidc.NotSignedIn):
        read(f"{head}.{told(now).split('.')[1]}.", now)


def test_without_passwords_only_the_terminals_link_is_left(
    sqlite_engine: sa.Engine,
    settings: Settings,
    keys: Keys,
    person: Callable[..., Person],
    browser_of: Callable[..., Browser],
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", Role.OFFICER, password="a bridge over the river")
    sso = PROVIDER.model_copy(update={"passwords": False, "name": "Town ID"})
    own = settings.model_copy(update={"single_sign_on": sso})
    stranger = Browser(web_app.create(sqlite_engine, own, keys), follow_redirects=False)
    page = stranger.get("/sign-in").text
    assert "Sign in with Town ID" in page
    assert 'type="password"' not in page
    token = keys.hash("token", f"form {stranger.cookies['liaison_visit']}").hex()
    fields = {"csrf": token, "email": "ada@riverton.example", "password": "a bridge over the river"}
    assert stranger.post("/sign-in", data=fields).status_code == 403
    environment = {
        "LIAISON_DATABASE_URL": sqlite_engine.url.render_as_string(),
        "LIAISON_DATA_DIR": str(settings.data_dir),
        "LIAISON_SECRET_KEY": "not a secret: tests only",
        "LIAISON_CONFIG": os.devnull,
    }
    asked = ["user", "break-glass", "ada@riverton.example", "--reason", "The provider is down"]
    made = CliRunner().invoke(cli.liaison, asked, env=environment)
    link = "/sign-in/link/" + made.stdout.strip().rpartition("/")[2]
    assert send(stranger, link, page=link).status_code == 303
    assert stranger.get("/account").status_code == 200


def test_without_a_provider_there_is_no_such_way(stranger: Browser) -> None:
    assert stranger.get("/sign-in/sso").status_code == 404
    assert stranger.get("/sign-in/sso/back?code=x&state=y").status_code == 404
