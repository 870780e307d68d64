"""Vega for browsers, bundled by a process of its own."""

import gzip
from pathlib import Path

from sentiment import vega


def test_the_bundle_is_made_once_and_gives_what_draws(tmp_path: Path) -> None:
    path = vega.bundle(tmp_path / "cache")
    made = path.stat().st_mtime_ns
    assert "embed" in gzip.decompress(path.read_bytes()).decode()[-2000:]
    assert vega.bundle(tmp_path / "cache").stat().st_mtime_ns == made
    assert [one.name for one in path.parent.iterdir()] == [path.name]
