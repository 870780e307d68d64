"""docs/security.md names only tests that exist."""

import re
from pathlib import Path

HOUSE = Path(__file__).parents[1]
NAMED = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")


def test_every_test_that_the_document_names_exists() -> None:
    named = NAMED.findall((HOUSE / "docs" / "security.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    assert [(file, name) for file, name in named if f"def {name}(" not in (HOUSE / file).read_text("utf-8")] == []
