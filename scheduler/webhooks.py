"""Tells programs and chat rooms of the team what the outbox holds for them: claims with a lease (outgoing.py), calls
outside any transaction, tries again with backoff until they take it or refuse it for good.

A program gets JSON signed by the Standard Webhooks rules (standardwebhooks.com): webhook-id stays the same when a call
is made again, webhook-signature is an HMAC-SHA256 over id, timestamp and body. Chat rooms are told through Apprise in a
process of its own (chat_sender.py). Both go to public addresses only, checked when connecting; no redirect is followed.
"""

import base64
import hmac
import json
import secrets
import subprocess  # one program of ours, in a process of its own  # nosec B404
import sys
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from time import monotonic
from typing import Literal
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sa
import structlog

from config import clock, database
from config.secrets import Keys, SecretKeyError
from config.settings import Settings
from networks import fetching
from networks.fetching import NotFetched
from scheduler import outgoing
from scheduler.outgoing import Claimed
from scheduler.tables import AlertChannel

log = structlog.get_logger(__name__)

Kind = Literal["json", "chat"]
SECONDS = 10.0  # without a byte of a program's answer
WHOLE = 30.0  # for all of it
CHAT_SECONDS = 30.0  # for starting the process and all that the chat service takes
CALL_WAIT = timedelta(hours=24)  # at most, between two tries
GIVE_UP = timedelta(days=2)  # an alert that old is history
SECRET_PREFIX = "whsec_"  # noqa: S105  the standard's mark, no secret  # nosec B105
_TRY_LATER = {408, 425, 429}


class CallRefused(Exception):
    """It will not take this message, however often it is told; the message says why."""


class CallLater(Exception):
    """It does not take it now."""


@dataclass(frozen=True)
class Called:
    """What became of the calls that were due."""

    sent: int = 0
    retried: int = 0
    failed: int = 0


def new_secret() -> str:
    """A signing secret in the form that the standard's libraries take."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """The webhook-signature header of a call (Standard Webhooks, "v1": HMAC-SHA256, base64)."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()


def deliver_due(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, *, limit: int = 10) -> Called:
    """Makes up to `limit` of the calls that are due at `now`; any number of processes may call this at once."""
    with database.reading(engine) as session:
        if not outgoing.waiting(session, now, "webhook"):
            return Called()
    with database.writing(engine) as session:
        claimed = outgoing.claim(session, now, limit, "webhook")
    started, done = clock.now(), Called()

    def at() -> datetime:
        return now + (clock.now() - started)

    for index, one in enumerate(claimed):
        if at() > one.lease_until - outgoing.MARGIN:
            outgoing.give_back(engine, claimed[index:])
            break
        try:
            _call(engine, settings, keys, one, at())
        except CallRefused as error:
            outgoing.failed(engine, one, str(error))
            _note(engine, one, None, str(error))
            done = replace(done, failed=done.failed + 1)
        except CallLater as error:
            _note(engine, one, None, str(error))
            if at() - one.created_at > GIVE_UP:
                outgoing.failed(engine, one, str(error))
                done = replace(done, failed=done.failed + 1)
            else:
                outgoing.later(engine, [one], str(error), at(), CALL_WAIT)
                done = replace(done, retried=done.retried + 1)
        else:
            outgoing.sent(engine, one, at())
            _note(engine, one, at(), None)
            done = replace(done, sent=done.sent + 1)
    return done


def recipient(channel_id: int) -> str:
    """The outbox's name for a channel."""
    return f"channel:{channel_id}"


def _call(engine: sa.Engine, settings: Settings, keys: Keys, one: Claimed, now: datetime) -> None:
    with database.reading(engine) as session:
        channel = session.get(AlertChannel, _number(one))
    if channel is None or not channel.active:
        raise CallRefused("the channel was switched off meanwhile")
    try:
        address = keys.open(channel.address)
        secret = keys.open(channel.secret) if channel.secret is not None else ""
    except SecretKeyError as error:
        raise CallRefused(f"the channel's address cannot be read: {error}") from error
    private = settings.fetch_private_addresses
    if channel.kind == "chat":
        words = json.loads(one.message)
        tell_chat(address, one.subject, f"{words['words']}\n{words['url']}", private=private)
    else:
        post(address, secret, one.key, one.message.decode(), now, private=private)


def post(address: str, secret: str, key: str, body: str, now: datetime, *, private: bool) -> None:
    """One signed call. Raises CallRefused or CallLater; after CallLater the program may have it all the same."""
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Liaison",
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, key, timestamp, body),
    }
    try:
        with (
            httpx.Client(
                transport=fetching.transport(allow_private=private, until=monotonic() + WHOLE),
                timeout=SECONDS,
                trust_env=False,
            ) as client,
            client.stream("POST", address, content=body.encode(), headers=headers, follow_redirects=False) as answer,
        ):
            status = answer.status_code  # what it says besides is not read: it could be without end
    except NotFetched as error:
        raise CallRefused(str(error)) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        raise CallRefused(f"the address cannot be called: {error}") from error
    except httpx.HTTPError as error:
        raise CallLater(f"no answer: {error or type(error).__name__}") from error
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise CallRefused(f"it answered {status}, a redirect; enter the address that it leads to")
    if status >= 500 or status in _TRY_LATER:
        raise CallLater(f"it answered {status}")
    raise CallRefused(f"it answered {status}")


def tell_chat(address: str, title: str, body: str, *, private: bool) -> None:
    """One message to a chat room. Raises CallRefused or CallLater."""
    asked = json.dumps({"address": address, "title": title, "body": body, "private": private})
    try:
        ran = subprocess.run(  # our own interpreter and module; the address goes by stdin  # nosec B603
            [sys.executable, "-m", "scheduler.chat_sender"],
            input=asked,
            capture_output=True,
            text=True,
            timeout=CHAT_SECONDS,
            check=False,
        )
        answer = json.loads(ran.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise CallLater(f"no answer within {CHAT_SECONDS:.0f} seconds") from error
    except (IndexError, ValueError, OSError) as error:
        raise CallLater("the program that tells chat rooms did not run") from error
    if not answer["told"]:
        raise CallLater(str(answer["why"]))


def wrong_with(kind: str, address: str) -> str:
    """What is wrong with an address that somebody entered, in English; empty if nothing."""
    if kind == "chat":
        from scheduler import chat_sender  # Apprise is loaded where it is used

        if chat_sender.service(address) is None:
            return "This leads to no chat service that Liaison knows. Paste the address of an incoming webhook."
        return ""
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    return "" if known else "A program's address begins with https:// and names a host."


def _note(engine: sa.Engine, one: Claimed, ok_at: datetime | None, why: str | None) -> None:
    with database.writing(engine) as session:
        channel = session.get(AlertChannel, _number(one))
        if channel is None:
            return
        channel.last_ok_at, channel.last_error = ok_at or channel.last_ok_at, why
        session.add(channel)


def _number(one: Claimed) -> int:
    return int(one.recipient.partition(":")[2])
