"""A folder of series in, its alarms out; nothing half-written."""

import json
from pathlib import Path

import pytest

from sentiment import counts_file
from sentiment.counts_file import UnreadableSeries
from tests.sentiment.test_volume import _series


def _write(path: Path, zone: bool = False) -> None:
    times, values = _series(days=8)
    values[300:306] = [200.0] * 6
    lines = [f"{at if zone else at.replace(tzinfo=None)},{value}" for at, value in zip(times, values, strict=True)]
    path.write_text("\n".join(["timestamp,value", *lines]) + "\n")


@pytest.mark.parametrize("zone", [False, True])
def test_alarms_come_back_with_times_as_in_the_file(tmp_path: Path, zone: bool) -> None:
    _write(tmp_path / "posts.csv", zone)
    assert counts_file.alarms(tmp_path, tmp_path / "out.json") == 1
    found = json.loads((tmp_path / "out.json").read_text())
    assert list(found) == ["posts.csv"]
    assert f"\n{found['posts.csv'][0]}," in (tmp_path / "posts.csv").read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "timestamp and value"),
        ("timestamp,value\n2026-01-01 00:00:00,many\n", "line 2"),
        ("timestamp,value\n2026-01-01 00:00:00,-1\n", "no count"),
        ("timestamp,value\n2026-01-01 00:00:00,1\n2026-01-01 01:00:00+00:00,1\n", "some times have a zone"),
    ],
)
def test_what_is_no_series_is_said_and_nothing_is_written(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    (tmp_path / "out.json").write_text("as it was")
    with pytest.raises(UnreadableSeries, match=words):
        counts_file.alarms(tmp_path, tmp_path / "out.json")
    assert (tmp_path / "out.json").read_text() == "as it was"


def test_a_folder_without_series_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSeries, match=r"no \.csv file"):
        counts_file.alarms(tmp_path, tmp_path / "out.json")
