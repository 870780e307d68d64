"""How Mastodon counts words, what its HTML says in plain words, and whether two texts are one post. Pure."""

import html
from collections.abc import Mapping

import nh3
import regex

from networks import polls
from networks.network import Limits, Outgoing, Problem

ANSWERS = 32  # characters kept free for the name of whom we answer
MARKUP = 40_000  # characters of a post's HTML that are read, as of a feed's (networks.feed)
_GRAPHEME = regex.compile(r"\X")
_LINK = regex.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'’”]", regex.IGNORECASE)
_MENTION = regex.compile(r"(?<![\w/@])@(\w+(?:[\w.-]*\w)?)(?:@[\w.-]+\w)")
_BREAK = regex.compile(r"<br\s*/?>", regex.IGNORECASE)
_BLOCK_ENDS = regex.compile(r"</(?:p|div|blockquote|pre|ul|ol|h[1-6])>\s*", regex.IGNORECASE)
_ITEM_ENDS = regex.compile(r"</li>\s*", regex.IGNORECASE)
_EMPTY_LINES = regex.compile(r"\n{3,}")
_NAMED_FIRST = regex.compile(r"^(?:@\S+\s+)+")
_SPACE = regex.compile(r"\s+")


def length(text: str, reserved: int = 23) -> int:
    """Characters as readers see them; a link counts `reserved` however long, a mention without its server."""
    counted = _LINK.sub("x" * reserved, text)
    return _graphemes(_MENTION.sub(r"@\1", counted))


def _graphemes(text: str) -> int:
    return sum(1 for _ in _GRAPHEME.finditer(text))


def plain(content: str) -> str:
    """A post's HTML in plain words: breaks and paragraphs as new lines, links whole."""
    lines = _BLOCK_ENDS.sub("\n\n", _ITEM_ENDS.sub("\n", _BREAK.sub("\n", content[:MARKUP])))
    bare = nh3.clean(lines, tags=set(), clean_content_tags={"script", "style"})
    return _EMPTY_LINES.sub("\n\n", html.unescape(bare)).strip()


def names(text: str, acct: str, host: str) -> bool:
    """Whether the text tells this account of it: `acct` is as the server at `host` calls it, bare if it is its own."""
    called = regex.escape(acct) + ("" if "@" in acct else f"(?:@{regex.escape(host)})?")
    return regex.search(rf"(?<![\w@/])@{called}(?![@\w]|[.-]\w)", text, regex.IGNORECASE) is not None


def same(one: str, other: str) -> bool:
    """Whether two texts are one post: white space, servers of mentions, and names put in front do not count."""
    return _bare(one) == _bare(other)


def near(one: str, other: str) -> bool:
    """Whether two texts may be one post that a server wrote differently: half the words are shared, or one has few."""
    first, second = set(_bare(one).casefold().split()), set(_bare(other).casefold().split())
    return min(len(first), len(second)) < 4 or 2 * len(first & second) >= min(len(first), len(second))


def _bare(text: str) -> str:
    return _SPACE.sub(" ", _NAMED_FIRST.sub("", _MENTION.sub(r"@\1", text.strip()))).strip()


def limits_of(settings: Mapping[str, str]) -> Limits:
    """The limits of an account's server, as it told them (networks.mastodon.sign_in.server_settings)."""
    reserved = _number(settings, "reserved_url", 23)

    def besides(outgoing: Outgoing) -> int:
        warning = _graphemes(outgoing.options.get("content_warning", ""))  # there a link is just its characters
        return warning + (ANSWERS if outgoing.reply_to is not None else 0)

    def further(outgoing: Outgoing) -> list[Problem]:
        asked = polls.of(outgoing.options)
        if asked is None:
            return []
        return polls.problems(
            asked,
            pictures=len(outgoing.pictures),
            most=_number(settings, "poll_choices", 4),
            longest=_number(settings, "poll_length", 50),
            shortest_s=_number(settings, "poll_shortest", 300),
            longest_s=_number(settings, "poll_longest", 2_629_746, most=1_000_000_000),
        )

    return Limits(
        further=further,
        length=_number(settings, "characters", 500),
        count=lambda text: length(text, reserved),
        besides=besides,
        pictures=_number(settings, "pictures", 4),
        alt_length=_number(settings, "alt_length", 1500),
        note=f"A link counts {reserved}. An answer begins with a name, for which {ANSWERS} are kept.",
    )


def _number(settings: Mapping[str, str], name: str, otherwise: int, most: int = 1_000_000) -> int:
    value = settings.get(name, "")
    return int(value) if value.isdecimal() and 0 < int(value) < most else otherwise


LIMITS = limits_of({})
