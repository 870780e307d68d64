"""OpenID Connect, the client's side (Core 1.0): what the provider says of itself, where to send a person, and who came
back. Every address is asked through the guard of networks.fetching; what a claim means here is web.single_sign_on's."""

import json
import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from config.settings import SingleSignOn
from networks import fetching
from networks.network import NetworkError

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # asymmetric only: the provider signs, and nobody else can
SCOPE = "openid email profile"
LEEWAY = 60  # seconds that clocks may be apart


class NotSignedIn(Exception):
    """The provider does not answer as it should, or what it answers does not hold; the message says what."""


@dataclass(frozen=True)
class Provider:
    """What it says of itself."""

    issuer: str
    authorize: str
    token: str
    keys: str


@dataclass(frozen=True)
class Asked:
    """One sign-in that was begun: what must come back, kept sealed in the browser that began it."""

    state: str
    nonce: str
    verifier: str


def discover(settings: SingleSignOn, *, allow_private: bool) -> Provider:
    """The provider's own description, whose issuer must be the one that is set."""
    said = _json(f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration", allow_private)
    names = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    found = [said.get(name) for name in names]
    if not all(isinstance(one, str) for one in found) or found[0] != settings.issuer:
        raise NotSignedIn("the provider's description is not of the issuer that is set")
    made = Provider(*map(str, found))
    if not allow_private and not all(one.startswith("https://") for one in (made.authorize, made.token, made.keys)):
        raise NotSignedIn("the provider names an address that is not https")
    return made


def begin(settings: SingleSignOn, provider: Provider, back_to: str) -> tuple[str, Asked]:
    """Where to send the person, with PKCE (RFC 7636, S256), and what to keep until they are back."""
    asked = Asked(*(randomness.token_urlsafe(32) for _ in range(3)))
    with OAuth2Session(settings.client_id, scope=SCOPE, redirect_uri=back_to, code_challenge_method="S256") as client:
        url, _ = client.create_authorization_url(
            provider.authorize, state=asked.state, nonce=asked.nonce, code_verifier=asked.verifier
        )
    return str(url), asked


def finish(
    settings: SingleSignOn,
    provider: Provider,
    asked: Asked,
    code: str,
    back_to: str,
    now: datetime,
    *,
    allow_private: bool,
) -> Mapping[str, Any]:
    """The claims of who came back: signed by the provider, for us, for this very sign-in, and not over."""
    secret = settings.client_secret.get_secret_value() if settings.client_secret is not None else None
    try:
        with (
            fetching.session(allow_private=allow_private) as guarded,
            OAuth2Session(settings.client_id, secret, redirect_uri=back_to) as client,
        ):
            client.trust_env = False
            for scheme in ("http://", "https://"):
                client.mount(scheme, guarded.get_adapter(scheme))
            given = client.fetch_token(
                provider.token, code=code, code_verifier=asked.verifier, timeout=fetching.SECONDS
            )
    except (AuthlibBaseError, requests.RequestException, NetworkError, ValueError) as error:
        raise NotSignedIn(f"the provider did not take the code: {error}") from error
    return read(str(given.get("id_token") or ""), _json(provider.keys, allow_private), settings, asked.nonce, now)


def read(token: str, keys: Mapping[str, Any], settings: SingleSignOn, nonce: str, now: datetime) -> Mapping[str, Any]:
    """The claims of an ID token, checked (Core 1.0, 3.1.3.7). Raises NotSignedIn."""
    wanted = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY,
        iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "value": settings.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        found = jwt.decode(token, KeySet.import_key_set({"keys": list(keys.get("keys", []))}), algorithms=ALGORITHMS)
        wanted.validate(found.claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotSignedIn(f"the provider's word does not hold: {error}") from error
    claims: Mapping[str, Any] = found.claims
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != settings.client_id:
        raise NotSignedIn("the provider's word was given to somebody else")
    return claims


def _json(url: str, allow_private: bool) -> dict[str, Any]:
    try:
        answer = fetching.fetch(url, {"Accept": "application/json"}, allow_private=allow_private)
        said = json.loads(answer.body)
    except (NetworkError, ValueError) as error:
        raise NotSignedIn(f"the provider does not answer: {error}") from error
    if answer.status != 200 or not isinstance(said, dict):
        raise NotSignedIn(f"the provider answered {answer.status}")
    return said
