"""Places of the town: a mention gets one when its text names it, never from a profile or a device.

How sure a place is comes from the text alone (`_sure` says how); below `SURE` a mention gets
none."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import ahocorasick
import regex
from sqlmodel import Session, col, select

from listeners.tables import Place
from listeners.watch import Places, folded

SURE = 0.5
_LEADING = "on in at near by around off outside behind from to along across beside past toward towards into"
_LEADING_ES = "en de del por cerca calle la el los las hacia desde sobre junto"
_BEFORE = frozenset(f"{_LEADING} {_LEADING_ES}".split())
_WORD = regex.compile(r"[\w#]+")
LONG = 8  # letters of a word that is hardly an everyday one


@dataclass(frozen=True)
class Found:
    """A place that a text names, and how sure that is (0 to 1)."""

    place_id: int
    sure: float


class Gazetteer:
    """All names of all places, found in one walk over a text."""

    def __init__(self, names: dict[str, list[int]], within: dict[int, int]) -> None:
        self._names, self._within = names, within
        self._automaton = ahocorasick.Automaton()
        for name in names:
            self._automaton.add_word(name, name)
        if names:
            self._automaton.make_automaton()

    def find(self, text: str) -> Found | None:
        """The place that the text surest names, the narrower before the one that it lies in, then the first; none when
        nothing is sure enough. "Mill Road bridge" is not taken for "Mill Road"."""
        if not self._names:
            return None
        words = folded(text)
        spans = [
            (end - len(name) + 1, end + 1, name)
            for end, name in self._automaton.iter(words)
            if _bounded(words, end - len(name) + 1, end + 1)
        ]
        named = []
        for start, end, name in sorted(spans):
            if not any(first <= start and end <= last and (first, last) != (start, end) for first, last, _ in spans):
                shared = self._names[name]
                named.append(Found(shared[0], _sure(text, words, start, name) / len(shared)))
        sure = [one for one in named if one.sure >= SURE]
        narrow = [one for one in sure if not any(self._inside(other.place_id, one.place_id) for other in sure)]
        return max(narrow, key=lambda one: one.sure, default=None)

    def _inside(self, inner: int, outer: int) -> bool:
        seen = set()
        while inner in self._within and inner not in seen:
            seen.add(inner)
            inner = self._within[inner]
            if inner == outer:
                return True
        return False


def add(session: Session, name: str, other_names: Sequence[str], kind: str = "", within_id: int | None = None) -> Place:
    """Adds a place with the other names that people use for it."""
    place = new(name, other_names, kind, within_id)
    session.add(place)
    session.flush()
    return place


def new(name: str, other_names: Sequence[str], kind: str = "", within_id: int | None = None) -> Place:
    """A place that is not in the store yet."""
    names = [other.strip() for other in other_names if other.strip()]
    return Place(name=name.strip(), other_names=list(dict.fromkeys(names)), kind=kind, within_id=within_id)


def all_places(session: Session) -> list[Place]:
    return list(session.exec(select(Place).order_by(col(Place.name))))


def gazetteer(session: Session) -> Gazetteer:
    """The names in force."""
    names: dict[str, list[int]] = {}
    within = {}
    for place in session.exec(select(Place).order_by(col(Place.id))):
        for name in dict.fromkeys(_names(place)):
            names.setdefault(name, []).append(place.id or 0)
        if place.within_id is not None:
            within[place.id or 0] = place.within_id
    return Gazetteer(names, within)


def nearby(session: Session) -> Places:
    """For watch rules' near: every name of a place -> all names of it and of the places that lie in it."""
    known = all_places(session)
    parts = defaultdict(list)
    for place in known:
        if place.within_id is not None:
            parts[place.within_id].append(place)
    found: dict[str, tuple[str, ...]] = {}
    for place in known:
        inside, seen = [place], {place.id}
        for one in inside:
            fresh = [part for part in parts[one.id or 0] if part.id not in seen]
            seen.update(part.id for part in fresh)
            inside += fresh
        names = tuple(dict.fromkeys(name for one in inside for name in _names(one)))
        for name in _names(place):
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *names)))
    return found


def _names(place: Place) -> list[str]:
    return [name for name in (folded(one) for one in (place.name, *place.other_names)) if name]


def _bounded(words: str, start: int, end: int) -> bool:
    before = words[start - 1] if start else " "
    after = words[end] if end < len(words) else " "
    return not (before.isalnum() or before == "_" or after.isalnum() or after == "_")


def _sure(text: str, words: str, start: int, name: str) -> float:
    """0.95: a name of several words. Else 0.9: written as a name after a word such as "on", "near", "en"; 0.7: written
    as a name; 0.6: after such a word; 0.55: a long word; 0.4: a short one, which may be no place at all. A text all in
    capitals or all in small letters says nothing by them: 0.6 or 0.55. The caller halves it where two places share the
    name."""
    if " " in name:
        return 0.95
    prior = words[:start].split()
    led = bool(prior) and prior[-1] in _BEFORE
    if not any(letter.islower() for letter in text) or not any(letter.isupper() for letter in text):
        return 0.6 if led or len(name) >= LONG else 0.55
    named = any(token[:1].isupper() and folded(token) == name for token in _WORD.findall(text))
    if named:
        return 0.9 if led else 0.7
    if led:
        return 0.6
    return 0.55 if len(name) >= LONG else 0.4
