"""What a group of posts talks about, in a few words: phrases that set it apart from the posts before. Pure.

Handles, addresses and numbers are never part of a phrase, and one author's words alone never make one."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import log, sqrt
from pathlib import Path

MOST = 5
LEAST_AUTHORS = 3
LEAST_Z = 2.0  # of the log-odds: below, a phrase is as common elsewhere
_PRIOR = 0.5
_DROPPED = re.compile(r"(?:https?://|www\.)\S+|[@#]?\w*@\w[\w.\-]*", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['’\-])*")
_BREAK = re.compile(r"[.,;:!?…()\[\]\"“”«»\n|/]+|\s[-–—]\s")

# words too plain to say what a post is about, in the two languages of most posts
PLAIN = frozenset((Path(__file__).parent / "plain_words.txt").read_text(encoding="utf-8").split())


def phrases(
    posts: Iterable[tuple[bytes, str]], before: Sequence[str], *, plain: frozenset[str] = PLAIN, most: int = MOST
) -> list[str]:
    """Up to `most` phrases of one or two words that set `posts` (author, text) apart from the texts `before`.

    Ranked by the z-score of the log-odds of being in a post with a small prior (after Monroe, Colaresi & Quinn 2008),
    authors against texts; a word that is mostly said as part of a pair gives way to the pair."""
    authors: dict[str, set[bytes]] = defaultdict(set)
    everyone: set[bytes] = set()
    for author, text in posts:
        everyone.add(author)
        for phrase in _phrases(text, plain):
            authors[phrase].add(author)
    common = {phrase: len(its) for phrase, its in authors.items() if len(its) >= LEAST_AUTHORS}
    elsewhere: dict[str, int] = defaultdict(int)
    for text in _naming(common, before):
        for phrase in _phrases(text, plain):
            elsewhere[phrase] += 1
    z = {phrase: _z(number, len(everyone), elsewhere[phrase], len(before)) for phrase, number in common.items()}
    telling = [phrase for phrase in z if z[phrase] >= LEAST_Z]
    # "lincoln" says no more than "lincoln school" where most who say the one say the other
    part_of_pair = {
        word for pair in telling if " " in pair for word in pair.split() if common[pair] * 2 >= common.get(word, 0)
    }
    ranked = sorted((phrase for phrase in telling if phrase not in part_of_pair), key=lambda one: (-z[one], one))
    chosen: list[str] = []
    for phrase in ranked:
        words = set(phrase.split())
        if len(chosen) < most and not any(words & set(other.split()) for other in chosen):
            chosen.append(phrase)
    return chosen


def _naming(common: Iterable[str], before: Sequence[str]) -> Iterator[str]:
    """The texts that may hold one of the phrases: most hold none, and need not be taken apart."""
    words = {word for phrase in common for word in phrase.split()}
    if not words:
        return
    some = re.compile("|".join(map(re.escape, sorted(words))))
    for text in before:
        if some.search(text.casefold().replace("’", "'")):
            yield text


def telling(text: str) -> set[str]:
    """The telling words of a text and their pairs, as `phrases` counts them."""
    return _phrases(text, PLAIN)


def _z(here: int, all_here: int, there: int, all_there: int) -> float:
    a, b = here + _PRIOR, all_here - here + _PRIOR
    c, d = there + _PRIOR, max(0, all_there - there) + _PRIOR
    return (log(a / b) - log(c / d)) / sqrt(1 / a + 1 / c)


def _phrases(text: str, plain: frozenset[str]) -> set[str]:
    """The telling words of a text, and the pairs of telling words that stand side by side in it."""
    found: set[str] = set()
    for part in _BREAK.split(_DROPPED.sub(" . ", text)):
        words = [word.casefold().replace("’", "'").strip("'-") for word in _WORD.findall(part or "")]
        telling = [len(word) > 2 and word not in plain for word in words]
        found.update(word for word, tells in zip(words, telling, strict=True) if tells)
        for (first, tells), (second, tells_too) in pairwise(zip(words, telling, strict=True)):
            if tells and tells_too:
                found.add(f"{first} {second}")
    return found
