"""`liaison score`: a JSONL file of posts in, the same lines with readings out. No database, no network.

A line that cannot be read comes back with `error` at its own place; nothing is dropped, nothing half-written. What is
not ours stays as it is written: a number of any length is given back digit by digit."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from config import output
from listeners import language
from sentiment import model

BATCH = 256
Readings = Iterator[model.Reading | None]
_BLANK = " \t\r\n"


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


_JSON = json.JSONDecoder(parse_int=float, parse_constant=_no_number)  # int refuses more than 4,300 digits


@dataclass(frozen=True)
class Counts:
    scored: int
    errors: int


@dataclass(frozen=True)
class _Post:
    """A line. `said`: its members as they are written, by key; with `error`, why it cannot be read."""

    said: dict[str, str]
    text: str = ""
    language: str = ""
    error: str = ""


def score_file(
    source: Path,
    target: Path,
    *,
    reader: model.Model | None = None,
    progress: Callable[[int], None] = lambda number: None,
) -> Counts:
    """Scores every line of `source` into `target`, line N for line N (a last empty line aside). Raises ModelDamaged,
    OSError; then `target` is as it was."""
    reading = reader or model.load()
    scored = errors = 0
    with source.open("rb") as lines, output.written(target) as out:
        for batch in _begun(_batches(lines), reading):
            for post, found in _finished(*batch):
                errors += "error" in found
                scored += "error" not in found
                out.write(_line(post, found))
            progress(len(batch[0]))
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


def _begun(batches: Iterator[list[bytes]], reading: model.Model) -> Iterator[tuple[list[_Post], Readings]]:
    """Batches of posts with their readings, the next one begun already: languages are found meanwhile."""
    before: tuple[list[_Post], Readings] | None = None
    for batch in batches:
        posts = [_post(line) for line in batch]
        begun = posts, reading.begin([post.text for post in posts if not post.error])
        if before is not None:
            yield before
        before = begun
    if before is not None:
        yield before


def _finished(posts: list[_Post], found: Readings) -> Iterator[tuple[_Post, dict[str, Any]]]:
    """Each post with what is added to it."""
    for post in posts:
        yield post, {"error": post.error} if post.error else _answer(post, next(found))


def _post(line: bytes) -> _Post:
    try:
        written = line.decode("utf-8-sig").strip(_BLANK)
        post = _JSON.decode(written)
        if not isinstance(post, dict):
            return _Post({}, error="not a JSON object")
        said = _as_written(written)
    except UnicodeDecodeError:
        return _Post({}, error="not UTF-8")
    except (ValueError, RecursionError):
        return _Post({}, error="not JSON")
    text, known = post.get("text"), post.get("language")
    if not isinstance(text, str):
        return _Post(said, error="no text")
    said.pop("error", None)
    return _Post(said, text, known if isinstance(known, str) else "")


def _as_written(written: str) -> dict[str, str]:
    """The members of a JSON object by key, as they are written in it."""
    found: dict[str, str] = {}
    at = _after(written, 1)
    while written[at] != "}":
        start = at
        key, at = _JSON.raw_decode(written, at)
        _, at = _JSON.raw_decode(written, _after(written, _after(written, at) + 1))  # past the colon
        found[key] = written[start:at].replace("\r", " ")  # between words only: in one it is escaped
        at = _after(written, at)
        if written[at] == ",":
            at = _after(written, at + 1)
    return found


def _after(written: str, at: int) -> int:
    """Where the blanks end that begin here."""
    while written[at] in _BLANK:
        at += 1
    return at


def _answer(post: _Post, reading: model.Reading | None) -> dict[str, Any]:
    spoken = {} if post.language else {"language": language.detect(post.text)}
    if reading is None:
        return {**spoken, "error": "no text to read: only addresses, handles or invisible characters"}
    return {
        **spoken,
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


def _line(post: _Post, found: dict[str, Any]) -> str:
    """A line of JSON: the post's members as they came, and what was found."""
    members = {key: f'"{key}": {json.dumps(value, allow_nan=False)}' for key, value in found.items()}
    return "{" + ", ".join((post.said | members).values()) + "}\n"
