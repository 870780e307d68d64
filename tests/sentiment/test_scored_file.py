import json
from pathlib import Path
from typing import Any

import pytest

from sentiment import model
from sentiment.scored_file import Counts, score_file


def scored(tmp_path: Path, content: bytes) -> tuple[Counts, list[dict[str, Any]]]:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(content)
    counts = score_file(source, target)
    return counts, [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]


def test_each_line_comes_back_at_its_place_with_its_reading(tmp_path: Path) -> None:
    counts, lines = scored(tmp_path, b'{"id": 7, "text": "Thank you officers", "language": "en"}\n\n')
    (line,) = lines
    assert counts == Counts(scored=1, errors=0)
    assert (line["id"], line["text"], line["language"]) == (7, "Thank you officers", "en")
    assert list(line) == ["id", "text", "language", "sentiment", "trust", "concerns", "flags"]
    assert set(line["sentiment"]) == set(model.SENTIMENTS)
    assert set(line["trust"]) == set(model.TRUSTS)
    assert sum(line["trust"].values()) == pytest.approx(1, abs=1e-3)
    assert set(line["flags"]) == {"mistrust", "never_tracked", "concerns"}
    assert "protest_public_order" not in line["concerns"]


def test_a_line_that_cannot_be_read_says_why_and_the_others_are_scored(tmp_path: Path) -> None:
    lines_in = [
        b'{"text": "The road is closed"}', b"not json", b"", b"[1, 2]", b'{"id": 3}', b'{"text": 5}',
        b'{"text": "\xff"}',
        b'{"text": "@user https://example.org"}', b'{"text": "\\u0000\\ud800 hello"}',
    ]  # fmt: skip
    counts, lines = scored(tmp_path, b"\n".join(lines_in) + b"\n")
    assert [line.get("error") for line in lines] == [
        None, "not JSON", "not JSON", "not a JSON object", "no text", "no text", "not UTF-8",
        "no text to read: only addresses, handles or invisible characters", None,
    ]  # fmt: skip
    assert lines[4]["id"] == 3
    assert counts == Counts(scored=2, errors=7)


def test_each_line_is_json_and_what_came_in_goes_out_as_it_was_written(tmp_path: Path) -> None:
    long = b"9" * 5000
    lines_in = [
        b'{"text": "hello", "language": "en", "id": 1152921504606846977.25, "n": [1e999, 0.10, ' + long + b']}',
        b'{"text" :"Nobody came to us",\t"caf\xc3\xa9" :\r{"a":\r1}, "language": null, "\\ud800": "\\u00e9"}',
        b'{"text": "hello", "n": NaN}', b'{"text": "hello", "n": [-Infinity]}', b'{"n": Infinity}',
    ]  # fmt: skip
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"\n".join(lines_in))
    assert score_file(source, target) == Counts(scored=2, errors=3)
    first, second, *others = target.read_bytes().split(b"\n")
    assert first.startswith(lines_in[0][:-1] + b', "sentiment": {')
    as_written = b'{"text" :"Nobody came to us", "caf\xc3\xa9" : {"a": 1}, "language": "en", "\\ud800": "\\u00e9", '
    assert second.startswith(as_written + b'"sentiment": {')
    assert others == [b'{"error": "not JSON"}'] * 3 + [b""]
    told = json.loads(second, parse_constant=pytest.fail)
    assert (told["language"], told["caf\u00e9"], list(told)[-1]) == ("en", {"a": 1}, "flags")


def test_an_error_of_an_earlier_run_does_not_stay(tmp_path: Path) -> None:
    _, (line,) = scored(tmp_path, b'{"text": "All quiet", "error": "no text"}')
    assert "error" not in line


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "hello"}\n')
    with pytest.raises(OSError, match="none"):
        score_file(source, tmp_path / "none" / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
