"""docs/security.md and docs/asvs.md name only tests that exist; the latter, each requirement of the level once."""

import re
from collections import Counter
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
NAMED = re.compile(r"(tests/[\w/]+\.py)(?:::(test_\w+))?")
RANGE = re.compile(r"(\d+\.\d+)\.(\d+)(?:–\1\.(\d+))?")


def rows() -> list[list[str]]:
    """Requirements, how they stand, the test."""
    lines = (HOUSE / "docs/asvs.md").read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.split("|")[1:4]] for line in lines if line.startswith("| ")][1:]


@pytest.mark.parametrize("document", ["security.md", "asvs.md"])
def test_every_test_that_the_document_names_exists(document: str) -> None:
    named = NAMED.findall((HOUSE / "docs" / document).read_text(encoding="utf-8"))
    assert len(named) > 20
    missing = [
        (file, name) for file, name in named if f"def {name or 'test_'}" not in (HOUSE / file).read_text("utf-8")
    ]
    assert missing == []


def test_each_requirement_has_a_test_or_says_why_not() -> None:
    bare = [
        row[0]
        for row in rows()
        if "tests/" not in row[2] and not re.search(r"N/A|\*\*open|\*\*Open|no test of ours", row[1])
    ]
    assert bare == []


def test_every_requirement_of_the_level_stands_there_once() -> None:
    """The list has the numbers of ASVS 4.0.3's levels 1 and 2, without what was deleted."""
    told = Counter(
        f"{section}.{number}"
        for row in rows()
        for section, first, last in RANGE.findall(row[0])
        for number in range(int(first), int(last or first) + 1)
    )
    asked = (HOUSE / "tests/asvs_level_2.txt").read_text("utf-8").split()
    assert [number for number in asked if told[number] != 1] == []
    assert sorted(told - Counter(asked)) == []
