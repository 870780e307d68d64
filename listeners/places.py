"""Places of the town: a mention gets one when its text names it, never from a profile or a device."""

from dataclasses import dataclass

import regex
from sqlmodel import Session, col, select

from listeners.tables import Place
from listeners.watch import folded


@dataclass(frozen=True)
class Gazetteer:
    """Names of places, longest first, so that "Mill Road bridge" is not taken for "Mill Road"."""

    names: dict[str, int]  # folded name -> place id
    pattern: regex.Pattern[str] | None

    def find(self, text: str) -> int | None:
        """The id of the first place that the text names as whole words."""
        if self.pattern is None:
            return None
        found = self.pattern.search(folded(text))
        return self.names[found[0]] if found else None


def add(session: Session, name: str, other_names: list[str]) -> Place:
    """Adds a place with the other names that people use for it."""
    place = Place(name=name.strip(), other_names=[other.strip() for other in other_names if other.strip()])
    session.add(place)
    session.flush()
    return place


def all_places(session: Session) -> list[Place]:
    return list(session.exec(select(Place).order_by(col(Place.name))))


def gazetteer(session: Session) -> Gazetteer:
    """The names in force."""
    names: dict[str, int] = {}
    for place in session.exec(select(Place).order_by(col(Place.id))):
        for name in (place.name, *place.other_names):
            names.setdefault(folded(name).strip(), place.id or 0)
    names.pop("", None)
    longest_first = sorted(names, key=len, reverse=True)
    pattern = "|".join(regex.escape(name) for name in longest_first)
    return Gazetteer(names, regex.compile(rf"(?<!\w)(?:{pattern})(?!\w)") if names else None)
