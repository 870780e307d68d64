"""What the networks' rules mean here, in words."""

from pathlib import Path

from click.testing import CliRunner

from cli import liaison
from networks import policies
from networks.registry import NETWORKS

DOCUMENT = Path(__file__).parents[2] / "docs" / "policy.md"


def test_the_document_says_what_the_code_obeys() -> None:
    told = CliRunner().invoke(liaison, ["policy"])
    assert told.output == DOCUMENT.read_text(encoding="utf-8")


def test_no_network_keeps_words_for_longer_than_the_installation() -> None:
    for days in (1, 30):
        text = policies.written(NETWORKS.values(), days)
        assert {line for line in text.splitlines() if line.startswith("| Words and")} == {
            f"| Words and meaning are kept | {days} days at most |"
        }


def test_every_network_that_can_be_heard_is_told_of() -> None:
    text = policies.written(NETWORKS.values(), 30)
    assert [name.label for name in NETWORKS.values() if name.kinds and f"## {name.label}\n" not in text] == []
