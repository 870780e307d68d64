"""docs/security.md and docs/asvs.md name only tests that exist."""

import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
NAMED = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")


@pytest.mark.parametrize("document", ["security.md", "asvs.md"])
def test_every_test_that_the_document_names_exists(document: str) -> None:
    named = NAMED.findall((HOUSE / "docs" / document).read_text(encoding="utf-8"))
    assert len(named) > 20
    assert [(file, name) for file, name in named if f"def {name}(" not in (HOUSE / file).read_text("utf-8")] == []


def test_each_requirement_has_a_test_or_says_why_not() -> None:
    rows = [line.split("|")[1:4] for line in (HOUSE / "docs/asvs.md").read_text("utf-8").splitlines() if "| " in line]
    bare = [row[0].strip() for row in rows[2:] if "::" not in row[2] and not re.search(r"N/A|open|: |see ", row[1])]
    assert bare == []
