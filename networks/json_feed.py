"""JSON Feed (jsonfeed.org, version 1.1): its items as feedparser would give an entry of RSS, so that one reader takes
both."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from time import struct_time
from typing import Any

from networks.network import Rejected

VERSION = "https://jsonfeed.org/version/"


def is_json(body: bytes) -> bool:
    """Whether an answer is JSON, whatever it calls itself."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def entries(body: bytes) -> tuple[str | None, list[Mapping[str, Any]]]:
    """The feed's language, and its items with feedparser's names. Raises Rejected when it is no JSON Feed."""
    try:
        feed = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise Rejected(f"this is no feed: its JSON cannot be read ({error})") from error
    if not isinstance(feed, dict) or not str(feed.get("version", "")).startswith(VERSION):
        raise Rejected("this is JSON, but no JSON Feed: it does not say its version")
    items = feed.get("items")
    listed = items if isinstance(items, list) else []
    return _text(feed, "language") or None, [_entry(item) for item in listed if isinstance(item, dict)]


def _entry(item: Mapping[str, Any]) -> Mapping[str, Any]:
    link = _text(item, "url") or _text(item, "external_url")
    return {
        "id": _text(item, "id") or link,
        "link": link or None,
        "title": _text(item, "title"),
        "summary": _text(item, "summary") or _text(item, "content_text") or _text(item, "content_html"),
        "language": _text(item, "language") or None,
        "published_parsed": _moment(_text(item, "date_published")) or _moment(_text(item, "date_modified")),
    }


def _text(found: Mapping[str, Any], name: str) -> str:
    """An id may be a number; anything else that is no text counts as missing."""
    value = found.get(name)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _moment(text: str) -> struct_time | None:
    """In UTC, as feedparser gives it; a time without a zone says nothing."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).timetuple() if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
