"""Addresses of our pictures for networks that fetch them: signed, short-lived, and only if we can be reached at all."""

import ipaddress
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from urllib.parse import urlsplit

from sqlmodel import Session

from config.phrases import Phrase
from config.secrets import Keys
from networks.network import Network
from posts.tables import PostPicture

LIVES = timedelta(hours=2)  # a container is fetched in minutes; a queue may hold it up for longer
_NAMES = ("localhost", "local", "internal", "lan", "home", "test", "invalid")


def reachable(base_url: str) -> bool:
    """Whether networks can fetch from there: https, and no name or number of an inner network."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or not host:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and host.rpartition(".")[2] not in _NAMES


def obstacle(network: Network, base_url: str) -> str | None:
    """Why this network could not fetch our pictures, in plain words, if it would have to; else none."""
    if not network.fetches_pictures or reachable(base_url):
        return None
    return Phrase(
        "%(network)s fetches pictures from a public address, and this desk has none that it can reach: "
        "an administrator can set LIAISON_BASE_URL to its https address.",
        network=network.label,
    )


def signed(picture_id: int, base_url: str, keys: Keys, now: datetime) -> str:
    """Where the picture can be fetched until LIVES from now."""
    until = int((now + LIVES).timestamp())
    return f"{base_url.rstrip('/')}/pictures/{picture_id}-{until}-{_mark(picture_id, until, keys)}.jpg"


def opened(session: Session, name: str, keys: Keys, now: datetime) -> PostPicture | None:
    """The picture that a signed name stands for; none when it is over, altered, or the picture is gone."""
    if not name.isascii():
        return None
    number, _, rest = name.partition("-")
    until, _, mark = rest.partition("-")
    if not (number.isdecimal() and until.isdecimal() and len(number) < 16 and len(until) < 12):
        return None
    if not compare_digest(_mark(int(number), int(until), keys), mark) or datetime.fromtimestamp(int(until), UTC) < now:
        return None
    return session.get(PostPicture, int(number))


def _mark(picture_id: int, until: int, keys: Keys) -> str:
    return keys.hash("picture", f"{picture_id}-{until}").hex()
