"""How Bluesky counts words, and the record key that a post of ours has. Pure."""

from collections.abc import Iterable

import regex

from config.phrases import Phrase
from networks.network import Limits, Outgoing, Problem

GRAPHEMES = 300
BYTES = 3000
PICTURES = 4
PICTURE_BYTES = 1_000_000
PICTURE_SIDE = 2000  # pixels
_GRAPHEME = regex.compile(r"\X")
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"


def graphemes(text: str) -> int:
    """What a reader takes for one character: a flag, a family and a letter with its accents each count one."""
    return sum(1 for _ in _GRAPHEME.finditer(text))


def tid(key: str) -> str:
    """The record key for a target's key (Outgoing.key): a timestamp identifier of 13 characters.

    https://atproto.com/specs/tid: 53 bits of microseconds, 10 of a clock's number; here both from the key, so that
    every attempt writes the same record."""
    number = int(key, 16)
    milliseconds, chance = number >> 80, number & (1 << 62) - 1
    microseconds = (milliseconds * 1000 + chance % 1000) & (1 << 53) - 1
    value = microseconds << 10 | (chance // 1000) & 0x3FF
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(60, -5, -5))


def _bytes(outgoing: Outgoing) -> Iterable[Problem]:
    over = len(outgoing.text.encode("utf-8", "replace")) - BYTES
    if over > 0:
        yield Problem(
            Phrase(
                "Bluesky takes %(most)s bytes and this is %(over)s more: "
                "emoji and some scripts take several bytes a character.",
                most=BYTES,
                over=over,
            )
        )


LIMITS = Limits(length=GRAPHEMES, count=graphemes, pictures=PICTURES, alt_length=2000, further=_bytes)
