"""Sources, rules and places by command."""

from pathlib import Path

import pytest

from tests.test_cli import _folder, run

__all__ = ["_folder"]  # a fixture that holds for each test here


def test_a_source_is_added_listed_tested_and_switched(tmp_path: Path) -> None:
    added = run("source", "add", "practice", "--name", "Board", "--every", "30")
    assert added.stdout == "source 1: Board, looked at every 30 s\n", added.output
    assert run("source", "add", "bluesky", "--kind", "everything", "--name", "All").stdout == (
        "source 2: All, read as it happens\n"
    )
    assert run("source", "list").stdout.splitlines() == [
        "2\tbluesky\tAll\tok\tnot looked at yet", "1\tpractice\tBoard\tok\tnot looked at yet",
    ]  # fmt: skip
    assert run("source", "test", "1").stdout == "source 1: Board answers; 0 posts wait\n"
    assert run("source", "switch", "1", "off").stdout == "source 1 is off\n"
    assert "1\tpractice\tBoard\toff\tswitched off" in run("source", "list").stdout
    assert run("source", "switch", "1", "on").stdout == "source 1 is on\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("source", "add", "telegraph", "--name", "x"), 2, "telegraph"),
        (("source", "add", "feed", "--name", "x"), 1, "Address of the feed is missing"),
        (("source", "add", "practice", "--name", "x", "--kind", "everything"), 1, "cannot be listened to by"),
        (("source", "add", "x", "--name", "x", "--kind", "search", "--set", "query=elm"), 1, "needs an account"),
        (("source", "add", "practice", "--name", "x", "--every", "1"), 2, "x>=5"),
        (("source", "add", "feed", "--name", "x", "--set", "https://no-name"), 2, "name=value"),
        (("source", "test", "9"), 1, "there is no source 9; liaison source list shows them"),
        (("source", "switch", "9", "off"), 1, "source 9 is not there, or comes in by hand"),
        (("rule", "add", "(elm OR"), 1, "liaison: "),
        (("rule", "try", 'near:"Old Town"'), 1, "there is no place called"),
        (("rule", "try", "elm", "--days", "31"), 2, "1<=x<=30"),
    ],
)
def test_what_cannot_be_is_one_clear_line(arguments: tuple[str, ...], code: int, words: str) -> None:
    told = run(*arguments)
    assert (told.exit_code, words in told.stderr) == (code, True), told.output
    assert "Traceback" not in told.output


def test_a_name_that_is_taken_is_said_so() -> None:
    run("source", "add", "practice", "--name", "Board")
    told = run("source", "add", "practice", "--name", " Board ")
    assert (told.exit_code, told.stderr) == (1, "liaison: There is a source called “Board” already.\n")
    run("rule", "add", "elm", "--name", "Elm")
    again = run("rule", "add", "oak", "--name", "Elm")
    assert (again.exit_code, again.stderr) == (1, "liaison: there is a watch rule called 'Elm' already\n")


def test_a_rule_is_added_tried_and_listed(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text(
        "text,posted_at\nPolice on Elm,2026-11-20T10:00:00Z\nBake sale,2026-11-20T10:00:00Z\n"
    )
    run("import", "posts.csv")
    assert run("rule", "try", "elm police").stdout == (
        "it matches 1 of the 2 posts that came in during the last 7 days\n"
    )
    assert run("rule", "list").stdout == ""
    assert run("rule", "add", "elm police").stdout == "rule 1: elm police\n"
    assert run("rule", "list").stdout == "1\telm police\ton\telm police\n"


def test_places_are_imported_and_again_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "places.geojson").write_text(
        '{"features": [{"properties": {"name": "Elm", "within": "Old Town"}}, {"properties": {}},'
        ' {"properties": {"name": "Old Town"}}]}'
    )
    told = run("place", "import", "places.geojson")
    assert told.stdout == "2 new, 0 changed, 0 as they were, 1 refused\n  row 2: it has no name\n", told.output
    assert run("place", "import", "places.geojson").stdout.startswith("0 new, 0 changed, 2 as they were")
    assert run("rule", "try", 'near:"Old Town"').exit_code == 0


def test_a_file_without_places_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text("Street\nElm\n")
    told = run("place", "import", "places.csv")
    assert (told.exit_code, told.stderr) == (1, "liaison: its first line names no column “name”\n")
