"""How X counts a text, by weight, as its configuration of version 3 says, in a library that passes X's own conformance
tests; and whether a text that X shows is one that we sent. Pure.

The library works out its patterns for a second as it is loaded: it is imported where a text is counted."""

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from config.phrases import Phrase
from networks.network import Limits, Outgoing, Problem

LENGTH = 280
LINK = 23  # whatever its length
WITHOUT_REPOSTS = " -is:retweet"
LONGEST_SEARCH = 512 - len(WITHOUT_REPOSTS) - 2  # characters of what is searched for, in parentheses
NOT_OURS_TO_ANSWER = Phrase("X lets us answer only who mentioned us.")
_SHORT = re.compile(r"https?://t\.co/[A-Za-z0-9]+")
_PICTURE = re.compile(r"https?://(?:www\.)?(?:x|twitter)\.com/\w+/status/\d+/(?:photo|video)/\d+", re.IGNORECASE)
_SCHEME = re.compile(r"^https?://", re.IGNORECASE)
_NAMED_FIRST = re.compile(r"^(?:@\w{1,20}\s+)+")
_SPACE = re.compile(r"\s+")


def weight(text: str) -> int:
    """Latin and the like count one, scripts such as Chinese and every emoji two, a link 23."""
    return int(_parsed(text).weightedLength)


def _parsed(text: str) -> Any:
    from twitter_text import parse_tweet

    return parse_tweet(text)


def _links(text: str) -> list[Any]:
    from twitter_text import extract_urls_with_indices

    found: list[Any] = extract_urls_with_indices(text)
    return found


def has_link(text: str) -> bool:
    """Whether X makes a link of something in it."""
    return bool(_links(text))


def is_picture(address: str) -> bool:
    """Whether it leads to a picture or a film of a post on X, as X puts one at a text's end."""
    return _PICTURE.fullmatch(address) is not None


def expanded(raw: str, links: Mapping[str, str]) -> str:
    """A text as X holds it, with what was written instead of t.co addresses, and without X's HTML."""
    return _short(links).sub(lambda found: links.get(found.group(), found.group()), html.unescape(raw)).strip()


def same(ours: str, raw: str, links: Mapping[str, str], *, answers: bool) -> bool | None:
    """Whether a text that X holds is the one that we sent; none where only the addresses in it differ, for X may have
    changed those. In an answer X may have put names in front."""
    shown = {short: _address(long) for short, long in links.items()}
    if _bare(_linked(ours, keep=True), answers) == _bare(expanded(raw, shown), answers):
        return True
    no_links = _bare(_short(links).sub(" ", html.unescape(raw)), answers)
    return None if _bare(_linked(ours, keep=False), answers) == no_links else False


def _short(links: Mapping[str, str]) -> re.Pattern[str]:
    """The t.co addresses of a text: those that are known, whatever follows them, and any other."""
    known = [re.escape(short) for short in sorted(links, key=len, reverse=True) if short]
    return re.compile("|".join([*known, _SHORT.pattern]))


def _linked(text: str, *, keep: bool) -> str:
    """The text with its addresses as we compare them, or without them."""
    text = unicodedata.normalize("NFC", text)
    parts, end = [], 0
    for found in _links(text):
        start, after = found["indices"]
        parts += [text[end:start], _address(found["url"]) if keep else " "]
        end = after
    return "".join([*parts, text[end:]])


def _address(address: str) -> str:
    return unquote(_SCHEME.sub("", address)).rstrip("/").casefold()


def _bare(text: str, answers: bool) -> str:
    """What of a text we compare: not its white space, nor marks that nobody sees."""
    composed = unicodedata.normalize("NFC", text).strip()
    seen = "".join(letter for letter in composed if unicodedata.category(letter) != "Cf" and letter != "\ufe0f")
    return _SPACE.sub(" ", _NAMED_FIRST.sub("", seen) if answers else seen).strip()


def _further(outgoing: Outgoing) -> Iterable[Problem]:
    """Characters that are none, which X takes for no text at all though it is short enough; and whom we may answer."""
    if weight(outgoing.text) <= LENGTH and not _parsed(outgoing.text).valid:
        yield Problem("The text holds a character that X does not take.")
    if outgoing.reply_to is not None and not outgoing.reply_addressed:
        yield Problem(NOT_OURS_TO_ANSWER, "reply_to")


LIMITS = Limits(
    length=LENGTH,
    count=weight,
    pictures=4,
    alt_length=1000,
    further=_further,
    note=f"A link counts {LINK}, an emoji 2.",
)
