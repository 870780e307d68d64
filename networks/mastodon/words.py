"""How Mastodon counts words, what its HTML says in plain words, and whether two texts are one post. Pure."""

import html
from collections.abc import Mapping

import nh3
import regex

from networks.network import Limits, Outgoing

ANSWERS = 32  # characters kept free for the name of whom we answer
_GRAPHEME = regex.compile(r"\X")
_LINK = regex.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'’”]", regex.IGNORECASE)
_MENTION = regex.compile(r"(?<![\w/@])@(\w+(?:[\w.-]*\w)?)(?:@[\w.-]+\w)")
_BREAK = regex.compile(r"<br\s*/?>", regex.IGNORECASE)
_PARAGRAPH = regex.compile(r"</p>\s*<p\b[^>]*>", regex.IGNORECASE)
_NAMED_FIRST = regex.compile(r"^(?:@\S+\s+)+")
_SPACE = regex.compile(r"\s+")


def length(text: str, reserved: int = 23) -> int:
    """Characters as readers see them; a link counts `reserved` however long, a mention without its server."""
    counted = _LINK.sub("x" * reserved, text)
    return sum(1 for _ in _GRAPHEME.finditer(_MENTION.sub(r"@\1", counted)))


def plain(content: str) -> str:
    """A post's HTML in plain words: breaks and paragraphs as new lines, links whole."""
    lines = _PARAGRAPH.sub("\n\n", _BREAK.sub("\n", content))
    return html.unescape(nh3.clean(lines, tags=set(), clean_content_tags={"script", "style"})).strip()


def same(one: str, other: str) -> bool:
    """Whether two texts are one post: white space, servers of mentions, and names put in front do not count."""
    return _bare(one) == _bare(other)


def _bare(text: str) -> str:
    return _SPACE.sub(" ", _NAMED_FIRST.sub("", _MENTION.sub(r"@\1", text.strip()))).strip()


def limits_of(settings: Mapping[str, str]) -> Limits:
    """The limits of an account's server, as it told them (networks.mastodon.client.server_settings)."""
    reserved = _number(settings, "reserved_url", 23)

    def besides(outgoing: Outgoing) -> int:
        warning = length(outgoing.options.get("content_warning", ""), reserved)
        return warning + (ANSWERS if outgoing.reply_to is not None else 0)

    return Limits(
        length=_number(settings, "characters", 500),
        count=lambda text: length(text, reserved),
        besides=besides,
        pictures=_number(settings, "pictures", 4),
        alt_length=_number(settings, "alt_length", 1500),
        note=f"A link counts {reserved}. An answer begins with a name, for which {ANSWERS} are kept.",
    )


def _number(settings: Mapping[str, str], name: str, otherwise: int) -> int:
    value = settings.get(name, "")
    return int(value) if value.isdecimal() and 0 < int(value) < 1_000_000 else otherwise


LIMITS = limits_of({})
