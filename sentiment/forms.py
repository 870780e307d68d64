"""Forms: posts that programs and shops fill in day after day (check-ins, vacancies, weather stations). Pure.

A post with a link, or with many numbers, that begins, ends or is tagged as many others have been for more than a day
is no voice: it is left out of what may be a new concern. Nothing is judged by who writes, only by what recurs."""

import re
from collections import defaultdict
from math import inf
from zlib import crc32

RECURS = 8  # earlier posts that began or ended so
TAGGED = 5  # earlier posts with the same two tags or more
OLDER = 24.0  # hours: what many say on one day is news, not a form
KEPT = 23 * 24.0
MANY_NUMBERS = 3
PIECE_WORDS = 12  # shorter, and it may be how somebody types
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_IDLE = re.compile(r"https?://\S+|[@#][\w.…\-]+|\d[\d:.,/]*|[^\w\s]+")
_TAG = re.compile(r"#\w+")
_NEXT_SENTENCE = re.compile(r"\w[.!?][\"'”’]? #?(\w)")


def signs(text: str) -> tuple[int, ...]:
    """Hashes of how a post begins, ends and is tagged; none for a post that looks like no form at all."""
    if not _LINK.search(text) and len(_NUMBER.findall(text)) < MANY_NUMBERS:
        return ()
    folded = text.casefold()
    words = [word for word in _IDLE.sub(" ", folded).split() if word != "rt"]
    found = []
    if len(words) > 2:
        found += [_hash("begins", words[:2]), _hash("ends", words[-2:])]
    tags = _TAG.findall(folded)
    if len(tags) > 1:
        found.append(_hash("tags", tags))
    return tuple(found)


def piece(text: str) -> bool:
    """Whether a text looks cut out of a longer one, as by a program that posts a book piece by piece: it begins inside
    a sentence, in small letters, though its next sentence begins with a capital; of some length, nobody addressed."""
    if _LINK.search(text) or "@" in text or len(text.split()) < PIECE_WORDS:
        return False
    first = next((letter for letter in text if letter.isalpha()), "")
    return first.islower() and any(begins.isupper() for begins in _NEXT_SENTENCE.findall(text))


class Forms:
    """What has recurred so far. Posts are shown to it in order of time."""

    def __init__(self) -> None:
        self._seen: dict[int, list[float]] = defaultdict(list)
        self._forgot = -inf  # when, in hours since 1970

    def filled_in(self, text: str, hours: float) -> bool:
        """Whether this post, of `hours` since 1970, is a form; it is remembered either way."""
        recurs = False
        for sign in signs(text):
            seen = self._seen[sign]
            often = TAGGED if sign & 1 else RECURS
            recurs |= sum(hours - KEPT < at <= hours - OLDER for at in seen) >= often
            seen.append(hours)
            if len(seen) > 64:  # one in two is enough to tell, and a form is filled in thousands of times
                seen[:] = [at for at in seen[:-1:2] if at > hours - KEPT] + seen[-1:]
        return recurs

    def forget(self, hours: float) -> None:
        """Lets go, once a day, of what was last seen too long before `hours`."""
        if 0 <= hours - self._forgot < OLDER:
            return
        self._forgot = hours
        for sign in [sign for sign, seen in self._seen.items() if seen[-1] < hours - KEPT]:
            del self._seen[sign]


def _hash(kind: str, words: list[str]) -> int:
    """Odd for tags, even for the others, so that the sign tells how often it must recur."""
    return crc32(" ".join([kind, *words]).encode()) & ~1 | (kind == "tags")
