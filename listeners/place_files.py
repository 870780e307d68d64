"""Places from a file: a table (CSV) or GeoJSON, as a city's GIS office gives out. Only names are kept, no shapes.

A place that is there already gets the names it lacks. A row that cannot be taken is told of, and stops no other."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import regex
from sqlalchemy import insert
from sqlmodel import Session, update

from listeners import places
from listeners.tables import Place

LARGEST = 8_000_000  # bytes
MOST = 50_000  # places
LARGEST_FIELD = 100_000  # letters
LONGEST = 120  # letters of a name
KINDS = ("neighbourhood", "street", "landmark")
_CALLED = {
    "name": ("name", "nombre", "label", "title", "street_name", "fullname", "neighborhood", "neighbourhood"),
    "others": ("other_names", "other names", "aliases", "alias", "alt_name", "alt_names", "also", "otros nombres"),
    "kind": ("kind", "type", "place"),
    "within": ("within", "in", "part_of", "district"),
}
_KIND_NAMES = {"neighborhood": "neighbourhood", "suburb": "neighbourhood", "quarter": "neighbourhood", "road": "street"}
_SEPARATOR = regex.compile(r"[;|\n]")
_UNSEEN = regex.compile(r"\p{C}")


class UnreadablePlaces(ValueError):
    """A file that holds no places; nothing was taken from it."""


@dataclass(frozen=True)
class Named:
    """A row: a place, its other names, its kind, the place it lies in."""

    row: int  # the first is 1
    name: str
    others: tuple[str, ...] = ()
    kind: str = ""
    within: str = ""


@dataclass(frozen=True)
class Taken:
    """What became of a file, in places; the same one may stand in several rows. `refused`: rows and why."""

    new: int
    changed: int
    same: int
    refused: tuple[str, ...]


def read(data: bytes, file_name: str = "") -> tuple[list[Named], list[str]]:
    """The rows of a file, and what could not be taken. Raises UnreadablePlaces."""
    if len(data) > LARGEST:
        raise UnreadablePlaces(f"the file is larger than {LARGEST // 1_000_000} MB")
    text = _decoded(data)
    is_json = file_name.lower().endswith(("json", "geojson")) or text.lstrip()[:1] in ("{", "[")
    found: list[Named] = []
    refused: list[str] = []
    for number, row in enumerate(_features(text) if is_json else _table(text), 1):
        if number > MOST:
            refused.append(f"row {number} and later: more than {MOST:,} places")
            break
        one = named(number, row)
        if isinstance(one, str):
            refused.append(f"row {number}: {one}")
        else:
            found.append(one)
    if not found and not refused:
        raise UnreadablePlaces("there is no place in it")
    return found, refused


def store(session: Session, rows: Sequence[Named], refused: Sequence[str] = ()) -> Taken:
    """Adds the places, and to those that are there what they lack."""
    told = list(refused)
    known = {place.name.casefold(): place for place in places.all_places(session)}
    fresh: dict[str, Place] = {}
    changed = set[str]()
    for row in rows:
        key = row.name.casefold()
        if key not in known:
            known[key] = fresh[key] = places.new(row.name, row.others, row.kind)
        elif _more(known[key], row) and key not in fresh:
            changed.add(key)
    session.add_all(known[key] for key in changed)
    if fresh:  # all at once: one by one, a city's streets would keep everybody else from writing for minutes
        session.execute(insert(Place), [place.model_dump(exclude={"id"}) for place in fresh.values()])
        known |= {place.name.casefold(): place for place in places.all_places(session)}
    within: dict[str, Place] = {}
    for row in rows:
        key, outer = row.name.casefold(), known.get(row.within.casefold())
        if row.within and (outer is None or outer is known[key]):
            told.append(f"row {row.row}: {row.name!r} is kept, but there is no {row.within!r} for it to lie in")
        elif outer is not None:
            within[key] = outer  # the last row that says so
    lies = {place.id or 0: place.within_id for place in known.values()}
    moved: list[dict[str, int | None]] = []
    for key, outer in within.items():
        place = known[key]
        if _round(lies, place.id, outer.id):
            told.append(f"{place.name!r} is kept, but cannot lie in {outer.name!r}, which lies in it")
        elif place.within_id != outer.id:
            lies[place.id or 0] = outer.id
            moved.append({"id": place.id, "within_id": outer.id})
            changed.add(key)
    if moved:
        session.execute(update(Place), moved)
    number = len({row.name.casefold() for row in rows})
    changes = len(changed - fresh.keys())
    return Taken(len(fresh), changes, number - len(fresh) - changes, tuple(told))


def _round(lies: Mapping[int, int | None], place: int | None, outer: int | None) -> bool:
    """Whether `outer` lies in `place` already; `lies`: the place that each lies in."""
    while outer is not None and outer != place:
        outer = lies.get(outer)
    return outer is not None


def _more(place: Place, row: Named) -> bool:
    names = list(dict.fromkeys([*place.other_names, *(one for one in row.others if one != place.name)]))
    kind = place.kind or row.kind
    if (names, kind) == (place.other_names, place.kind):
        return False
    place.other_names, place.kind = names, kind
    return True


def named(number: int, row: Mapping[str, Any]) -> Named | str:
    """The row, or why it cannot be taken."""
    lowered = {str(key).strip().casefold(): value for key, value in row.items() if key is not None}

    def told(field: str) -> str:
        value = next((lowered[name] for name in _CALLED[field] if lowered.get(name) not in (None, "")), "")
        return ";".join(map(str, value)) if isinstance(value, list) else str(value)

    name = _clean(told("name"))
    if not name:
        return "it has no name"
    if len(name) > LONGEST:
        return f"its name has {len(name)} letters; at most {LONGEST} can be one"
    kind = _clean(told("kind")).casefold()
    kind = _KIND_NAMES.get(kind, kind)
    others = tuple(dict.fromkeys(filter(None, map(_clean, _SEPARATOR.split(told("others"))))))
    short = tuple(one for one in others if len(one) <= LONGEST and one != name)
    return Named(number, name, short, kind if kind in KINDS else "", _clean(told("within")))


def _fits(values: Iterable[object], line: int) -> None:
    """The csv module's own limit is one for the whole process, and archives raise it."""
    if any(isinstance(value, str) and len(value) > LARGEST_FIELD for value in values):
        raise UnreadablePlaces(f"line {line} is no row of a table: a field has more than {LARGEST_FIELD:,} letters")


def _table(text: str) -> Iterator[Mapping[str, Any]]:
    text = text.lstrip("\r\n ")  # no tab: the first title may be empty
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        _fits(rows.fieldnames or (), rows.line_num)
        titles = [(title or "").strip().casefold() for title in rows.fieldnames or ()]
        if not any(title in _CALLED["name"] for title in titles):
            raise UnreadablePlaces("its first line names no column “name”")
        for row in rows:
            _fits(row.values(), rows.line_num)
            yield row
    except csv.Error as error:
        raise UnreadablePlaces(f"line {rows.line_num} is no row of a table: {error}") from error


def _features(text: str) -> Iterator[Mapping[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadablePlaces(f"it is no JSON: {error}") from error
    features = found.get("features") if isinstance(found, dict) else found
    if not isinstance(features, list):
        raise UnreadablePlaces("it is no GeoJSON with features")
    for feature in features:
        told = feature.get("properties") if isinstance(feature, dict) else None
        yield told if isinstance(told, dict) else {}


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadablePlaces("it is no text in UTF-8")


def _clean(text: str) -> str:
    return " ".join((text if text.isprintable() else _UNSEEN.sub(" ", text)).split())
