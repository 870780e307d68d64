"""Feeds: RSS, Atom and JSON Feed, fetched politely (ETag, Last-Modified, Retry-After). Their markup is taken off.

The cursor is JSON: the validators of the last answer, and a short hash of each entry that it had: what is listed for
longer than mentions are kept is not given again."""

import calendar
import html
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any

import feedparser
import nh3

from config import clock
from networks import fetching, json_feed
from networks.network import (
    Connection,
    Field,
    Listener,
    Network,
    Page,
    Policy,
    RateLimited,
    Rejected,
    RemoteMention,
    SourceKind,
    Unavailable,
)

LONGEST = 4000  # characters of an entry
MARKUP = 40_000  # characters of it that are read: tags within tags take a time that grows faster than their square
_SPACE = re.compile(r"\s+")
_NESTED = re.compile(rb"""<!ENTITY\s+[^%\s]\S*\s+["'][^"'>]*&""")  # a word made of words: how entities become a bomb


class _Feed:
    def __init__(self, connection: Connection) -> None:
        url = connection.settings.get("url", "")
        if not url:
            raise Rejected("a feed needs its address: url=https://…")
        self._url, self._allow_private = url, connection.allow_private

    def mentions(self, cursor: str | None) -> Page:
        """The entries of the feed that the last answer had not, or none when it has not changed."""
        known: dict[str, Any] = json.loads(cursor) if cursor else {}
        asked = {
            name: known[key]
            for name, key in (("If-None-Match", "etag"), ("If-Modified-Since", "modified"))
            if key in known
        }
        answer = fetching.fetch(self._url, asked, allow_private=self._allow_private)
        if answer.status == 304:
            return Page((), cursor)
        if answer.status in (429, 503):
            raise RateLimited(_retry_at(answer.headers.get("retry-after")))
        if answer.status >= 500:
            raise Unavailable(f"the feed's server answered {answer.status}")
        if answer.status != 200:
            raise Rejected(f"the feed's server answered {answer.status}")
        return read(answer.body, answer.headers, known.get("seen", ()))


def read(body: bytes, headers: Mapping[str, str], seen: Collection[str] = ()) -> Page:
    """The entries in an answer but those that were `seen` in the one before. Raises Rejected when it is no feed."""
    language, entries = json_feed.entries(body) if json_feed.is_json(body) else _entries(body, headers)
    found, refused = [], []
    listed: dict[str, None] = {}  # in their order
    before, again = frozenset(seen), 0
    for entry in entries:
        text = _text(entry)
        if not text:
            refused.append(f"entry {entry.get('id') or entry.get('link') or '?'}: no text")
            continue
        remote_id = str(entry.get("id") or entry.get("link") or text)
        mark = blake2b(remote_id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        listed[mark] = None
        if mark in before:
            again += 1
            continue
        found.append(
            RemoteMention(
                remote_id=remote_id,
                text=text,
                posted_at=_time(entry),
                author_id=None,  # an article is not a resident: each its own
                language=_language(entry.get("language") or language),
                url=entry.get("link"),
            )
        )
    validators = {
        key: headers[name] for key, name in (("etag", "etag"), ("modified", "last-modified")) if headers.get(name)
    }
    return Page(found, json.dumps({**validators, "seen": list(listed)}), refused=refused, again=again)


def _entries(body: bytes, headers: Mapping[str, str]) -> tuple[str | None, Sequence[Mapping[str, Any]]]:
    if _NESTED.search(body):
        raise Rejected("this feed makes words out of words (nested entities), which no feed needs")
    parsed = feedparser.parse(body, response_headers={"content-type": headers.get("content-type", "")})
    if not parsed.get("version"):
        raise Rejected("this is no feed (RSS, Atom or JSON Feed); is it the address of a web page?")
    return parsed.feed.get("language"), parsed.entries


def _language(code: object) -> str | None:
    return str(code).split("-")[0].lower() if code else None


def _text(entry: Mapping[str, Any]) -> str:
    parts = [_plain(entry.get("title", "")), _plain(entry.get("summary", ""))]
    title, summary = parts
    joined = summary if title and summary.startswith(title) else ". ".join(part.rstrip(".") for part in parts if part)
    return joined[:LONGEST]


def _plain(markup: str) -> str:
    bare = nh3.clean(markup[:MARKUP], tags=set(), clean_content_tags={"script", "style"})
    return _SPACE.sub(" ", html.unescape(bare)).strip()


def _time(entry: Mapping[str, Any]) -> datetime:
    """When it was published; now, where the feed does not say or says it wrong, or says the future."""
    now = clock.now()
    said = dict(entry)  # feedparser's own mapping answers for one name with another, and warns
    for name in ("published_parsed", "updated_parsed"):
        parts = said.get(name)
        if parts:
            try:
                return min(datetime.fromtimestamp(calendar.timegm(parts), UTC), now)
            except (ValueError, OverflowError, OSError):
                continue
    return now


def _retry_at(value: str | None) -> datetime:
    now = clock.now()
    least, most = now + timedelta(minutes=1), now + timedelta(days=1)
    if value is None:
        return now + timedelta(minutes=15)
    try:
        asked = now + timedelta(seconds=int(value))
    except (ValueError, OverflowError):
        try:
            asked = parsedate_to_datetime(value).astimezone(UTC)
        except (ValueError, TypeError):
            asked = now + timedelta(minutes=15)
    return max(least, min(asked, most))


def _listener(connection: Connection) -> Listener:
    return _Feed(connection)


NETWORK = Network(
    name="feed",
    label="News and feeds",
    policy=Policy(notes="Articles and announcements that a site offers to feed readers."),
    listener=_listener,
    kinds=(
        SourceKind(
            "feed",
            "News or community feed",
            (Field("url", "Address of the feed", example="https://ledger.example/feed.xml"),),
            account="none",
        ),
    ),
)
