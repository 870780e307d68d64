"""The concerns that the public raises, from taxonomy.json; and the one that is recognised only to be left out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True)
class Concern:
    key: str
    name: str
    about: str


_TAXONOMY = json.loads((Path(__file__).parent / "taxonomy.json").read_text(encoding="utf-8"))

CONCERNS: Mapping[str, Concern] = MappingProxyType(
    {entry["key"]: Concern(entry["key"], entry["name"], entry["about"]) for entry in _TAXONOMY["concerns"]}
)
NEVER_TRACKED: frozenset[str] = frozenset(entry["key"] for entry in _TAXONOMY["never_tracked"])
