"""The token in every form: proof that a request that changes something comes from our own page.

It is a keyed hash of the sign-in's cookie (or, before sign-in, of a visit cookie), so nothing is stored."""

import hmac
from urllib.parse import urlsplit

from fastapi import Request

from config.secrets import Keys
from web.problems import Trouble

FIELD = "csrf"
HEADER = "x-csrf-token"
VISIT_COOKIE = "liaison_visit"


def token(keys: Keys, seed: str) -> str:
    """The token for whoever holds `seed` in a cookie."""
    return keys.hash("token", f"form {seed}").hex()


async def check(request: Request, keys: Keys, seed: str) -> None:
    """Raises Trouble 403 unless the request comes from our own page, by its origin, its fetch site and its token."""
    origin = request.headers.get("origin")
    foreign = origin is not None and _host(origin) != request.headers.get("host", "")
    given = request.headers.get(HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        field = (await request.form()).get(FIELD)
        given = field if isinstance(field, str) else ""
    known = bool(seed) and hmac.compare_digest(given.encode(), token(keys, seed).encode())
    if foreign or request.headers.get("sec-fetch-site") == "cross-site" or not known:
        raise Trouble(
            403,
            "This page had been open too long",
            "What you sent could not be matched with your sign-in, so nothing was changed.",
            "Go back, copy what you wrote if you need it, load the page again, and send it once more.",
        )


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
