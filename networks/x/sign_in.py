"""Signing in on X's own page (OAuth 2.0 with PKCE), or by the four keys of an app with OAuth 1.0a; who we are there."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from oauthlib.oauth2 import WebApplicationClient

from networks.network import Connection, Departure, Rejected, SignedIn, SignInExpired, Unavailable
from networks.x.client import Line, Refused, X
from networks.x.session import Account, App, exchanged, service_of

SCOPES = ["tweet.read", "tweet.write", "users.read", "media.write", "offline.access"]
_PAGE = "https://x.com/i/oauth2/authorize"
_KEYS = 4


def begin(given: Mapping[str, str], redirect_uri: str, state: str, allow_private: bool) -> Departure:
    """Where a person goes to say yes. With four keys nobody needs to: the way leads straight back. Raises Rejected."""
    service = _service(given.get("service", ""), allow_private)
    keys = given.get("keys", "").split()
    if len(keys) == _KEYS:
        back = urlencode({"state": state, "code": "keys"})
        return Departure(f"{redirect_uri}?{back}", json.dumps({"service": service, "keys": keys}))
    client_id, client_secret = given.get("client_id", "").strip(), given.get("client_secret", "").strip()
    if not client_id:
        raise Rejected("Give the app's client id, or all four keys of an app with OAuth 1.0a.")
    if not redirect_uri.startswith(("https://", "http://")):
        raise Rejected("X leads back to a web page only: connect on the page Accounts, or give the four keys.")
    client = WebApplicationClient(client_id)
    verifier = client.create_code_verifier(96)
    url = client.prepare_request_uri(
        _PAGE,
        redirect_uri=redirect_uri,
        scope=SCOPES,
        state=state,
        code_challenge=client.create_code_challenge(verifier, "S256"),
        code_challenge_method="S256",
    )
    if service != X:  # a stand-in has its page where it is
        url = url.replace("https://x.com", service, 1)
    kept = asdict(App(service, client_id, client_secret)) | {"redirect_uri": redirect_uri, "verifier": verifier}
    return Departure(url, json.dumps(kept))


def finish(kept: str, code: str, allow_private: bool) -> SignedIn:
    """The tokens for the code that came back, and who we are with them. Raises NetworkError; Rejected says what to
    do."""
    known: dict[str, Any] = json.loads(kept)
    if known.get("keys"):
        return _by_keys(known["service"], known["keys"], allow_private)
    app = App(known["service"], known["client_id"], known["client_secret"])
    body = WebApplicationClient(app.client_id).prepare_request_body(
        code=code, redirect_uri=known["redirect_uri"], code_verifier=known["verifier"]
    )
    try:
        tokens = exchanged(app, body, allow_private)
    except Refused as error:
        raise Rejected(
            f"X did not take the code that it gave, or not from this app ({error.reason}). "
            "Look at the client id and its secret, and begin again."
        ) from error
    if not tokens.refresh:
        raise Rejected("X gave a sign-in of two hours only. Begin again, and say yes to staying connected.")
    secret = json.dumps({"client_id": app.client_id, "client_secret": app.client_secret})
    line = Line(app.service, allow_private=allow_private, token=tokens.access)
    return _signed_in(line.reads(_me), app.service, secret, json.dumps(asdict(tokens)))


def who(connection: Connection) -> SignedIn:
    """Who the kept sign-in says we are. Raises NetworkError."""
    account = Account(connection)
    told = account.get("/2/users/me", {})
    return _signed_in(told, service_of(connection.settings), "", None)


def _by_keys(service: str, keys: list[str], allow_private: bool) -> SignedIn:
    line = Line(service, allow_private=allow_private, keys=keys)
    try:
        told = line.reads(lambda client: client.get_me(user_auth=True))
    except SignInExpired as error:
        raise Rejected(f"X does not take these four keys ({error}). Look at each again, and at their order.") from error
    return _signed_in(told, service, json.dumps({"keys": keys}), None)


def _me(client: Any) -> Any:
    return client.get_me(user_auth=False)


def _signed_in(told: Any, service: str, secret: str, session: str | None) -> SignedIn:
    me = told.get("data") if isinstance(told, dict) else None
    if not isinstance(me, dict) or not me.get("id") or not me.get("username"):
        raise Unavailable("X did not say whose sign-in this is")
    handle = str(me["username"])
    return SignedIn(str(me["id"]), handle, str(me.get("name") or handle), {"service": service}, secret, session)


def _service(typed: str, allow_private: bool) -> str:
    found = typed.strip().rstrip("/") or X
    if not found.startswith(("https://", "http://") if allow_private else ("https://",)):
        raise Rejected(f"{typed.strip()!r} is no address of X; leave it at {X}")
    return found
