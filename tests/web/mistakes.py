"""What a page says of a mistake, read as a browser and a screen reader do."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from tests.web.browsing import Response


@dataclass(frozen=True)
class Mistake:
    """`field`: id of what the summary leads to, has the focus, and is described by the same words beside it."""

    field: str
    words: str


class _Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, str] = {}  # by id of the innermost element, else by its address
        self._inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        self._inside = [given.get("id") or given.get("href") or ""]

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[0]:
            self.texts[self._inside[0]] = self.texts.get(self._inside[0], "") + data
        self._inside = []


def named(answer: Response) -> Mistake:
    """The one mistake that a refused form shows: in the summary on top, beside its field, and where the focus is."""
    assert answer.status_code == 422, (answer.status_code, answer.headers.get("location"))
    top, *below = re.split(r'<section class="sum [^>]*role="alert">', answer.text)
    assert below, "no summary"
    [rest] = below
    link = next(given["href"] for tag, given in _Page(rest).elements if tag == "a")
    page = _Page(top + rest)
    focused = [given for _tag, given in page.elements if "autofocus" in given]
    assert [given.get("id") for given in focused] == [link.removeprefix("#")]
    field = focused[0]
    beside = next(one for one in field["aria-describedby"].split() if one.endswith("-wrong"))
    assert page.texts[beside] == page.texts[link] != ""
    ids = [given["id"] for _tag, given in page.elements if "id" in given]
    assert [one for one in field["aria-describedby"].split() if ids.count(one) != 1] == []
    return Mistake(field["id"], page.texts[beside])


def has(answer: Response, *kept: str) -> bool:
    """Whether what was written still stands there: as the value of a field, or as its text."""
    page = _Page(answer.text)
    values = [given["value"] for _tag, given in page.elements if "value" in given]
    return all(one in values or any(text.strip() == one for text in page.texts.values()) for one in kept)
