"""Signing in on a server's own page (OAuth, with PKCE where the server knows it); who we are there, and its limits."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from mastodon import Mastodon
from mastodon.errors import MastodonError

from networks import fetching
from networks.fetching import NotFetched
from networks.mastodon.client import TIMEOUT, Server, account, address_of, meant
from networks.network import Connection, Departure, NetworkError, Rejected, SignedIn, Unavailable

SCOPES = ["read:accounts", "read:statuses", "read:notifications", "read:search", "write:statuses", "write:media"]


def begin(given: Mapping[str, str], redirect_uri: str, state: str, allow_private: bool) -> Departure:
    """Makes us known to the server, and says where a person goes to say yes. Raises NetworkError."""
    address = address_of(given.get("server", ""), allow_private)
    client_id, client_secret = _registered(address, redirect_uri, allow_private)
    server = Server(address, allow_private=allow_private, client_id=client_id, client_secret=client_secret)
    offered = server.reads(lambda client: client.oauth_authorization_server_info())
    page = _endpoint(offered.get("authorization_endpoint"), address, "/oauth/authorize", allow_private)
    token_at = _endpoint(offered.get("token_endpoint"), address, "/oauth/token", allow_private)
    asked = server.client.auth_request_url(
        redirect_uris=redirect_uri, scopes=SCOPES, state=state, lang="en", skip_server_info=True
    )
    url = f"{page}?{urlsplit(asked).query}"
    kept = {"server": address, "client_id": client_id, "client_secret": client_secret, "redirect_uri": redirect_uri}
    if "S256" in (offered.get("code_challenge_methods_supported") or ()):
        kept["verifier"] = secrets.token_urlsafe(48)
        url += "&" + urlencode({"code_challenge": challenge(kept["verifier"]), "code_challenge_method": "S256"})
    return Departure(url, json.dumps(kept | {"token_at": token_at}))


def finish(kept: str, code: str, allow_private: bool) -> SignedIn:
    """The token for the code that came back, and who we are with it. Raises NetworkError."""
    known: dict[str, str] = json.loads(kept)
    token = _exchanged(known, code, allow_private)
    secret = json.dumps({"client_id": known["client_id"], "client_secret": known["client_secret"], "token": token})
    return _signed_in(Server(known["server"], allow_private=allow_private, token=token), secret)


def who(connection: Connection) -> SignedIn:
    """Who the token says we are, and the server's limits now. Raises NetworkError."""
    return _signed_in(account(connection), "")


def challenge(verifier: str) -> str:
    """What is shown of a verifier before it is told (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def server_settings(server: Server) -> dict[str, str]:
    """The server's address and limits, as an account keeps them. Raises NetworkError."""
    told = server.itself()
    configuration = told.get("configuration") or {}
    statuses, media = configuration.get("statuses") or {}, configuration.get("media_attachments") or {}
    asked = configuration.get("polls") or {}
    found = {
        "poll_choices": asked.get("max_options"),
        "poll_length": asked.get("max_characters_per_option"),
        "poll_shortest": asked.get("min_expiration"),
        "poll_longest": asked.get("max_expiration"),
        "characters": statuses.get("max_characters"),
        "reserved_url": statuses.get("characters_reserved_per_url"),
        "pictures": statuses.get("max_media_attachments"),
        "alt_length": media.get("description_limit"),
        "picture_bytes": media.get("image_size_limit"),
    }
    return {"home": server.address} | {name: str(int(value)) for name, value in found.items() if value}


def _registered(address: str, redirect_uri: str, allow_private: bool) -> tuple[str, str]:
    """The client id and secret that the server made for us."""
    try:
        client_id, client_secret = Mastodon.create_app(
            "Liaison", scopes=SCOPES, redirect_uris=redirect_uri, api_base_url=address, request_timeout=TIMEOUT,
            session=fetching.session(allow_private=allow_private), user_agent=fetching.AGENT,
        )  # fmt: skip
    except (KeyError, TypeError) as error:  # the library takes any JSON for its answer
        raise _no_mastodon(address, "it does not let us make ourselves known") from error
    except MastodonError as error:
        if isinstance(error.__context__, requests.JSONDecodeError):
            raise _no_mastodon(address, "it answers with a page") from error
        found = meant(error, Unavailable, None)
        if isinstance(found, Rejected) and not isinstance(found.__cause__, NotFetched):
            raise _no_mastodon(address, found.reason) from error
        raise found from error
    return str(client_id), str(client_secret)


def _exchanged(known: Mapping[str, str], code: str, allow_private: bool) -> str:
    """The token for the code. The library's own exchange knows no PKCE, and takes every failure for a wrong code."""
    given = {name: known[name] for name in ("client_id", "client_secret", "redirect_uri")}
    given |= {"grant_type": "authorization_code", "code": code, "scope": " ".join(SCOPES)}
    if known.get("verifier"):
        given["code_verifier"] = known["verifier"]
    try:
        answer = fetching.session(allow_private=allow_private).post(
            known["token_at"], data=given, timeout=TIMEOUT, allow_redirects=False
        )
    except NotFetched as error:
        raise Rejected(str(error)) from error
    except requests.RequestException as error:
        raise Unavailable(f"the server did not answer: {error}") from error
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Unavailable(f"the server answered {answer.status_code}; begin again later")
    try:
        told: Any = answer.json()
    except requests.JSONDecodeError:
        told = {}
    token = told.get("access_token") if answer.ok and isinstance(told, dict) else None
    if not isinstance(token, str) or not token:
        raise Rejected("The server did not take the code that it gave; begin again.")
    return token


def _endpoint(named: Any, address: str, usual: str, allow_private: bool) -> str:
    """An address of the sign-in, as the server names it, else where Mastodon has it."""
    found = named if isinstance(named, str) and named else f"{address}{usual}"
    if urlsplit(found).scheme not in (("https", "http") if allow_private else ("https",)):
        raise Rejected(f"{urlsplit(address).netloc} wants to sign us in at {found}, which is not safe")
    return found


def _signed_in(server: Server, secret: str) -> SignedIn:
    me = server.reads(lambda client: client.account_verify_credentials())
    return SignedIn(
        remote_id=server.named(me.id),
        handle=f"{me.acct}@{server.host}",
        name=me.display_name or me.acct,
        settings=server_settings(server),
        secret=secret,
    )


def _no_mastodon(address: str, why: str) -> NetworkError:
    return Rejected(f"{urlsplit(address).netloc} does not speak Mastodon's language: {why}")
