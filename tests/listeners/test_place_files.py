"""Places from what a city's GIS office gives out: tables as spreadsheets write them, GeoJSON, and what is neither."""

import csv
import io
import json

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from config import database
from listeners import place_files, places
from listeners.place_files import Named, Taken, UnreadablePlaces
from listeners.tables import Place


def take(engine: sa.Engine, text: str | bytes, name: str = "places.csv") -> Taken:
    rows, refused = place_files.read(text.encode() if isinstance(text, str) else text, name)
    with database.writing(engine) as session:
        return place_files.store(session, rows, refused)


def kept(engine: sa.Engine) -> list[tuple[str, list[str], str, str | None]]:
    """Name, other names, kind, name of the place it lies in; as they were added."""
    with database.reading(engine) as session:
        found = session.exec(select(Place).order_by(col(Place.id))).all()
        names = {place.id: place.name for place in found}
    return [(one.name, one.other_names, one.kind, names.get(one.within_id)) for one in found]


TABLE = [
    ["Name", "Other names", "Kind", "Within"],
    ["Elm Street", "calle Elm; Elm St", "Street", "Old Town"],
    ["Old Town", "casco viejo", "Neighborhood", ""],
    ["Señor Café", "", "bar", ""],
]
FOUND = [
    Named(1, "Elm Street", ("calle Elm", "Elm St"), "street", "Old Town"),
    Named(2, "Old Town", ("casco viejo",), "neighbourhood", ""),
    Named(3, "Señor Café", (), "", ""),
]


def table(rows: list[list[str]], separator: str = ",", end: str = "\r\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=end).writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_table_is_read_however_a_spreadsheet_wrote_it(separator: str, end: str, encoding: str) -> None:
    assert place_files.read(table(TABLE, separator, end).encode(encoding)) == (FOUND, [])


def test_a_first_column_without_a_title_shifts_nothing() -> None:
    for separator in ",\t":
        rows = [["", "name", "kind"], ["0", "Elm Street", "street"]]
        assert place_files.read(table(rows, separator).encode())[0] == [Named(1, "Elm Street", (), "street", "")]


def test_a_table_in_spanish_is_read() -> None:
    found, _ = place_files.read(table([["Nombre", "Otros nombres"], ["Río Seco", "el río"]]).encode())
    assert found == [Named(1, "Río Seco", ("el río",), "", "")]


def test_geojson_is_read_with_or_without_properties() -> None:
    features = [
        {"type": "Feature", "properties": {"LABEL": "Harbor Street", "aliases": ["the harbor", "calle del puerto"]}},
        {"type": "Feature", "properties": None, "geometry": {"type": "Point", "coordinates": [1e400, 0]}},
        {"type": "Feature"},
        "feature",
        {"properties": {"name": 5, "type": "road"}},
        {"properties": {"name": ["Elm", "Oak"]}},
    ]
    found, refused = place_files.read(json.dumps({"type": "FeatureCollection", "features": features}).encode())
    assert found == [
        Named(1, "Harbor Street", ("the harbor", "calle del puerto")),
        Named(5, "5", (), "street"),
        Named(6, "Elm;Oak"),
    ]
    assert refused == [f"row {number}: it has no name" for number in (2, 3, 4)]


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"", "x.csv", "names no column"),
        (b"Street,Length\nElm,5", "x.csv", "names no column"),
        (b"name\n", "x.csv", "no place in it"),
        (b"{", "x.geojson", "no JSON"),
        (b"[" * 200_000, "x.json", "no JSON"),
        (b'{"features": ' * 100_000, "x.json", "no JSON"),
        (b"9" * 6_000, "x.json", "no JSON"),
        (b'{"type": "Topology", "objects": {}}', "x.json", "no GeoJSON"),
        (b"[]", "x.json", "no place in it"),
        (b"\x81\x8d\x8f", "x.csv", "no text"),
        (b"\xff\xfe" + "name\nElm\n".encode("utf-16-le"), "x.csv", "names no column"),
        (b"PK\x03\x04 a spreadsheet\x81", "x.xlsx", "no text"),
        (b"a" * 200_000 + b",name\nElm,1", "x.csv", "no row of a table"),
        (b'name\nElm\n"' + b"a" * 200_000, "x.csv", "no row of a table"),
        (b" " * (place_files.LARGEST + 1), "x.csv", "larger than 8 MB"),
    ],
)
def test_what_holds_no_places_is_told_and_nothing_taken(data: bytes, name: str, why: str) -> None:
    with pytest.raises(UnreadablePlaces, match=why):
        place_files.read(data, name)


def test_an_xml_bomb_is_no_table() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    with pytest.raises(UnreadablePlaces):
        place_files.read(f"<?xml version='1.0'?>\n<!DOCTYPE x [{entities}]>\n<name>&e11;</name>".encode(), "places.kml")


def test_what_is_beyond_fifty_thousand_places_is_told_once() -> None:
    text = "name\n" + "".join(f"Street {number}\n" for number in range(place_files.MOST + 1000))
    found, refused = place_files.read(text.encode())
    assert (len(found), refused) == (50_000, ["row 50001 and later: more than 50,000 places"])


def test_a_row_that_cannot_be_taken_stops_no_other(engine: sa.Engine) -> None:
    taken = take(engine, f"name,kind\nElm,street\n,street\n{'x' * 121},street\n\u200b\u200b,street\nOak,street\n")
    assert [one[0] for one in kept(engine)] == ["Elm", "Oak"]
    assert taken == Taken(2, 0, 0, (
        "row 2: it has no name", "row 3: its name has 121 letters; at most 120 can be one", "row 4: it has no name",
    ))  # fmt: skip


def test_a_place_lies_in_one_that_comes_later_in_the_file(engine: sa.Engine) -> None:
    assert take(engine, table(TABLE)) == Taken(3, 0, 0, ())
    assert kept(engine) == [
        ("Elm Street", ["calle Elm", "Elm St"], "street", "Old Town"),
        ("Old Town", ["casco viejo"], "neighbourhood", None),
        ("Señor Café", [], "", None),
    ]


def test_the_same_file_again_changes_nothing(engine: sa.Engine) -> None:
    rows = [*TABLE, ["Elm street", "the elms", "", "Señor Café"]]
    take(engine, table(rows))
    before = kept(engine)
    assert take(engine, table(rows)) == Taken(0, 0, 3, ())
    assert kept(engine) == before
    assert before[0] == ("Elm Street", ["calle Elm", "Elm St", "the elms"], "street", "Señor Café")


def test_a_place_that_is_there_gets_what_it_lacks_and_keeps_what_it_has(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        places.add(session, "elm street", ["Elm"], "landmark")
        places.add(session, "Old Town", ["casco viejo"], "neighbourhood")
    assert take(engine, table(TABLE)) == Taken(1, 1, 1, ())
    assert kept(engine)[0] == ("elm street", ["Elm", "calle Elm", "Elm St"], "landmark", "Old Town")


def test_duplicate_names_in_a_file_are_one_place(engine: sa.Engine) -> None:
    taken = take(engine, "name,aliases\nElm,a\nELM,b\nelm,a\nOak,\n")
    assert taken == Taken(2, 0, 0, ())
    assert [(name, others) for name, others, _, _ in kept(engine)] == [("Elm", ["a", "b"]), ("Oak", [])]


def test_a_place_that_should_lie_in_none_or_in_itself_is_kept_and_told(engine: sa.Engine) -> None:
    taken = take(engine, "name,within\nElm,Nowhere\nOak,oak\n")
    assert taken == Taken(2, 0, 0, (
        "row 1: 'Elm' is kept, but there is no 'Nowhere' for it to lie in",
        "row 2: 'Oak' is kept, but there is no 'oak' for it to lie in",
    ))  # fmt: skip
    assert [one[3] for one in kept(engine)] == [None, None]


def test_two_places_cannot_lie_in_each_other(engine: sa.Engine) -> None:
    text = "name,within\nElm Street,Old Town\nOld Town,Riverton\nRiverton,Elm Street\n"
    told = ("'Riverton' is kept, but cannot lie in 'Elm Street', which lies in it",)
    assert [take(engine, text) for _ in range(2)] == [Taken(3, 0, 0, told), Taken(0, 0, 3, told)]
    with database.reading(engine) as session:
        assert places.gazetteer(session).find("on Elm Street") is not None
        assert places.nearby(session)["elm street"] == ("elm street",)


def test_what_a_file_names_is_found_in_what_people_write(engine: sa.Engine) -> None:
    take(engine, table(TABLE))
    with database.reading(engine) as session:
        gazetteer = places.gazetteer(session)
    found = [gazetteer.find(text) for text in ("accidente en la calle Elm", "robbed at Senor cafe")]
    assert [one.place_id if one else None for one in found] == [1, 3]


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=6), st.sampled_from(",;\t"))
def test_whatever_stands_in_the_cells_each_row_is_taken_or_told(
    cells: list[tuple[str, str, str, str]], separator: str
) -> None:
    rows = [["name", "other_names", "kind", "within"], *map(list, cells)]
    try:
        found, refused = place_files.read(table(rows, separator).encode())
    except UnreadablePlaces:
        assert not any(name.strip() for name, *_ in cells)
        return
    assert len(found) + len(refused) == len(cells)
    for row in found:
        assert row.name == " ".join(row.name.split())
        assert 0 < len(row.name) <= place_files.LONGEST
        assert row.kind in ("", *place_files.KINDS)
        assert row.name not in row.others


@given(st.binary(max_size=300), st.sampled_from(["x.csv", "x.geojson", ""]))
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    try:
        found, refused = place_files.read(data, name)
    except UnreadablePlaces as error:
        assert str(error)
    else:
        assert found or refused


KEY = st.sampled_from(["name", "features", "properties", "within", "alias"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        found, refused = place_files.read(json.dumps(value).encode(), "x.json")
    except UnreadablePlaces as error:
        assert str(error)
    else:
        assert found or refused
