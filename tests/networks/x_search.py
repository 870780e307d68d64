"""How X reads a search, written by us from its documentation: words side by side must all be there, OR between others,
- before one word or phrase, never before parentheses. Accents count, capitals do not."""

import re
from collections.abc import Callable

Test = Callable[[str], bool]
_TOKEN = re.compile(r'-?"[^"]*"|-?\(|\)|[^\s()"]+')


def finds(query: str, text: str) -> bool:
    """Whether X finds a post with this text. Raises ValueError for a query that it would refuse."""
    tokens = _TOKEN.findall(query)
    test, needs = _either(tokens)
    if tokens or not needs:
        raise ValueError(f"X refuses {query!r}")
    return test(text.casefold())


def _either(tokens: list[str]) -> tuple[Test, bool]:
    """The test, and whether it asks for a word at all, as every search must in each of its branches."""
    branches = [_both(tokens)]
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        branches.append(_both(tokens))
    return (lambda text: any(test(text) for test, _ in branches)), all(needs for _, needs in branches)


def _both(tokens: list[str]) -> tuple[Test, bool]:
    parts = []
    while tokens and tokens[0] not in ("OR", ")"):
        parts.append(_one(tokens))
    if not parts:
        raise ValueError("X refuses an OR without words on both sides")
    return (lambda text: all(test(text) for test, _ in parts)), any(needs for _, needs in parts)


def _one(tokens: list[str]) -> tuple[Test, bool]:
    token = tokens.pop(0)
    if token == "(":
        found = _either(tokens)
        if not tokens or tokens.pop(0) != ")":
            raise ValueError("X refuses a parenthesis that is not closed")
        return found
    if token == "-(":
        raise ValueError("X refuses - before parentheses")
    words = token.removeprefix("-").strip('"').casefold()
    whole = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")
    if token.startswith("-"):
        return (lambda text: whole.search(text) is None), False
    return (lambda text: whole.search(text) is not None), True
