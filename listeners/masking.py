"""What a text becomes before it is kept: handles and e-mail addresses masked, except the department's own."""

from collections.abc import Iterable

import regex

MASK = "@…"
_EMAIL = regex.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+")
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
    """What a database can hold: no NUL, no lone surrogate."""
    if "\x00" not in text and text.isascii():
        return text
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
