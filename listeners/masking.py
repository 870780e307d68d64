"""What a text becomes before it is kept: handles and e-mail addresses masked, except the department's own."""

from collections.abc import Iterable

import regex

MASK = "@…"
LONGEST = 65_000  # characters that are kept of a text: Facebook takes 63,206, the other networks less
_EMAIL = regex.compile(r"(?<![\w.+\-])[\w.+\-]++@[\w\-]+(?:\.[\w\-]+)+")  # each run of letters is read once
_HANDLE = regex.compile(r"(?<![\w@/])@(?P<name>[\w][\w.\-]*(?:@[\w\-]+(?:\.[\w\-]+)+)?)")


def masked(text: str, own: Iterable[str]) -> str:
    """`text` with each handle (@name, @name@server, @name.server) but our own replaced by @…"""
    kept = {name.lstrip("@").casefold() for name in own}

    def mask(found: regex.Match[str]) -> str:
        name = found["name"].rstrip(".-")
        rest = found["name"][len(name) :]
        return ("@" + name if name.casefold() in kept else MASK) + rest

    return _EMAIL.sub(MASK, _HANDLE.sub(mask, text))


def storable(text: str) -> str:
    """What is kept of a text: no NUL and no lone surrogate, which a database cannot hold, and no more than LONGEST."""
    text = text[:LONGEST]
    if "\x00" not in text and text.isascii():
        return text
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
