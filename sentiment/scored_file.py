"""`liaison score`: a JSONL file of posts in, the same lines with readings out. No database, no network.

A line that cannot be read comes back with `error` at its own place; nothing is dropped, nothing half-written."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from listeners import language
from sentiment import model

BATCH = 256
Readings = Iterator[model.Reading | None]


@dataclass(frozen=True)
class Counts:
    scored: int
    errors: int


def score_file(
    source: Path,
    target: Path,
    *,
    reader: model.Model | None = None,
    progress: Callable[[int], None] = lambda number: None,
) -> Counts:
    """Scores every line of `source` into `target`, line N for line N (a last empty line aside). Writes beside the
    target and renames at the end. Raises ModelDamaged, OSError."""
    reading = reader or model.load()
    scored = errors = 0
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with source.open("rb") as lines, beside.open("w", encoding="utf-8") as out:
            for batch in _begun(_batches(lines), reading):
                for line in _finished(*batch):
                    errors += "error" in line
                    scored += "error" not in line
                    out.write(_json(line) + "\n")
                progress(len(batch[0]))
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return Counts(scored, errors)


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for line in _without_a_last_empty(lines):
        batch.append(line)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _without_a_last_empty(lines: Iterator[bytes]) -> Iterator[bytes]:
    waiting: bytes | None = None
    for line in lines:
        if waiting is not None:
            yield waiting
        waiting = line
    if waiting is not None and waiting.strip():
        yield waiting


def _begun(batches: Iterator[list[bytes]], reading: model.Model) -> Iterator[tuple[list[dict[str, Any]], Readings]]:
    """Batches of posts with their readings, the next one begun already: languages are found meanwhile."""
    before: tuple[list[dict[str, Any]], Readings] | None = None
    for batch in batches:
        posts = [_post(line) for line in batch]
        begun = posts, reading.begin([post["text"] for post in posts if "error" not in post])
        if before is not None:
            yield before
        before = begun
    if before is not None:
        yield before


def _finished(posts: list[dict[str, Any]], found: Readings) -> Iterator[dict[str, Any]]:
    for post in posts:
        yield post if "error" in post else _answer(post, next(found))


def _post(line: bytes) -> dict[str, Any]:
    """The line's object, or one that says what is wrong with it."""
    try:
        post = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return {"error": "not UTF-8"}
    except (ValueError, RecursionError):
        return {"error": "not JSON"}
    if not isinstance(post, dict):
        return {"error": "not a JSON object"}
    if not isinstance(post.get("text"), str):
        return {**post, "error": "no text"}
    return {key: value for key, value in post.items() if key != "error"}


def _answer(post: dict[str, Any], reading: model.Reading | None) -> dict[str, Any]:
    known = post.get("language")
    spoken = known if isinstance(known, str) and known else language.detect(post["text"])
    if reading is None:
        return {**post, "language": spoken, "error": "no text to read: only addresses, handles or invisible characters"}
    return {
        **post,
        "language": spoken,
        "sentiment": _rounded(reading.sentiment),
        "trust": _rounded(reading.trust),
        "concerns": _rounded(reading.concerns),
        "flags": {
            "mistrust": reading.mistrust,
            "never_tracked": reading.never_tracked,
            "concerns": list(reading.raised),
        },
    }


def _rounded(probabilities: Any) -> dict[str, float]:
    return {key: round(value, 4) for key, value in probabilities.items()}


def _json(line: dict[str, Any]) -> str:
    """One line of JSON. A lone surrogate, which UTF-8 cannot hold, goes out escaped as it came in."""
    written = json.dumps(line, ensure_ascii=False)
    try:
        written.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(line)
    return written
