"""The desk on a clock of its own: what a stream of posts would have alerted."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import Department, Settings
from scheduler import backtest
from sentiment.model import Reading
from tests.sentiment.reader import WordReader

START = datetime(2026, 3, 1, tzinfo=UTC)
BURST = START + timedelta(days=20, hours=9)
EVERYDAY = (
    "the bakery is open",
    "lost my keys again",
    "nice game last night",
    "who took my bike seat",
    "rain all week",
)


def stream(folder: Path, *, burst: bool) -> Path:
    """Three weeks of small talk, eight posts a day; then perhaps drugs by the pond, seen by fourteen people."""
    lines: list[dict[str, object]] = [
        {
            "id": f"day{day}-{turn}",
            "posted_at": (START + timedelta(days=day, hours=3 * turn)).isoformat(),
            "text": f"{EVERYDAY[(day + turn) % len(EVERYDAY)]} {day} {turn}",
            "author": f"neighbour {(day * 8 + turn) % 60}",
            "network": "town",
        }
        for day in range(22)
        for turn in range(8)
    ]
    lines += [
        {
            "id": number,
            "posted_at": (BURST + timedelta(minutes=9 * number)).isoformat(),
            "text": f"drugs sold by the duck pond, seen by {who}",
            "author": f"parent {number}",
            "network": "town",
        }
        for number, who in enumerate(("me", "my mum", "two of us", "the coach", "a friend", "us all", "Ana") * 2)
        if burst
    ]
    path = folder / "stream.jsonl"
    path.write_text("\n".join([*map(json.dumps, reversed(lines)), "no line"]) + "\n", encoding="utf-8")
    return path


def alerted(folder: Path, settings: Settings, *, burst: bool) -> tuple[backtest.Replayed, list[dict[str, object]]]:
    out = folder / "alerts.jsonl"
    said = backtest.replay(stream(folder, burst=burst), out, settings=settings, reader=WordReader())
    return said, [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def burst(tmp_path_factory: pytest.TempPathFactory) -> tuple[backtest.Replayed, list[dict[str, object]]]:
    """What the weeks with the burst come to: replayed once, since every hour of them is looked at."""
    folder = tmp_path_factory.mktemp("burst")
    department = Department(name="Riverton Police Department", handles=["RivertonPD"])
    return alerted(folder, Settings(data_dir=folder / "data", department=department), burst=True)


@pytest.mark.long
def test_a_burst_is_alerted_within_hours_with_its_posts(
    burst: tuple[backtest.Replayed, list[dict[str, object]]],
) -> None:
    said, (alert, *_) = burst
    assert (said.posts, said.refused) == (22 * 8 + 14, 1)
    raised = datetime.fromisoformat(str(alert["raised_at"]))
    assert BURST < raised <= BURST + timedelta(hours=6)
    ids = alert["mention_ids"]
    assert isinstance(ids, list)
    told = [one for one in ids if isinstance(one, int)]  # as they stand in the file
    assert len(told) >= len(ids) / 2
    assert told == sorted(told)
    assert set(alert) >= {"kind", "title", "keyphrases", "concern", "count", "expected", "authors", "p_value"}


@pytest.mark.long
def test_three_quiet_weeks_alert_nothing(tmp_path: Path, settings: Settings) -> None:
    assert alerted(tmp_path, settings, burst=False)[1] == []


@pytest.mark.long
def test_the_order_of_the_lines_changes_nothing(
    tmp_path: Path, settings: Settings, burst: tuple[backtest.Replayed, list[dict[str, object]]]
) -> None:
    path = stream(tmp_path, burst=True)
    path.write_text("\n".join(sorted(path.read_text(encoding="utf-8").splitlines())) + "\n", encoding="utf-8")
    out = tmp_path / "again.jsonl"
    backtest.replay(path, out, settings=settings, reader=WordReader())
    assert [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] == burst[1]


class _Counting(WordReader):
    """Notes each text that it reads."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def read(self, texts: Sequence[str]) -> list[Reading | None]:
        self.texts += texts
        return super().read(texts)


def test_each_post_is_read_once_ahead_as_it_will_be_stored(tmp_path: Path, settings: Settings) -> None:
    said = [f"@neighbour{number} the pond, {number} of us and @RivertonPD" for number in range(60)]
    lines = [
        {"id": str(at), "posted_at": (START + timedelta(hours=at)).isoformat(), "text": text, "author": f"a{at}"}
        for at, text in enumerate(said)
    ]
    path = tmp_path / "stream.jsonl"
    path.write_text("\n".join(json.dumps({**line, "network": "town"}) for line in lines) + "\n", encoding="utf-8")
    reader = _Counting()
    backtest.replay(path, tmp_path / "out.jsonl", settings=settings, reader=reader)
    assert len(reader.texts) == len(said)
    assert all(f"the pond, {number} of us" in text for number, text in enumerate(reader.texts))
    assert not any("@neighbour" in text for text in reader.texts)
