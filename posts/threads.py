"""Threads: a text that is cut by lines of three dashes goes out as one post after another, each answering the last."""

import re

_CUT = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)


def parts(text: str) -> tuple[str, ...]:
    """The posts that a text makes, in order, without what is empty; one when it is not cut."""
    found = tuple(part.strip() for part in _CUT.split(text))
    return tuple(part for part in found if part) or (text.strip(),)
