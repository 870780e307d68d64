"""Archives: exports of other tools, JSONL or CSV, read line by line. A line that cannot be taken says why.

A file may be larger than memory; what one line holds never keeps the others out."""

import codecs
import csv
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from networks.network import AuthorId, Network, NetworkError, Policy, RemoteMention

FIELDS = ("text", "posted_at", "id", "author", "network", "language", "url")
LONGEST_TEXT = 100_000  # characters; a longer one is no post
LONGEST_LINE = 4_000_000  # bytes
NETWORK = Network(
    name="archive",
    label="Archive",
    policy=Policy(notes="An export of another tool."),
    author_id=AuthorId(r".+", "as it stands in the file"),
)


class UnreadableArchive(NetworkError):
    """The whole file cannot be read; the message says why and what to do."""


@dataclass(frozen=True)
class Taken:
    """A line that can come in."""

    line: int  # from 1
    network: str
    mention: RemoteMention
    id: str | float  # as it stands in the file; the mention's where there is none


@dataclass(frozen=True)
class Refused:
    """A line that cannot, as it stood in the file."""

    line: int
    reason: str
    raw: str


def read(
    path: Path, *, posted_at: datetime | None = None, columns: Mapping[str, str] | None = None, network: str = "archive"
) -> Iterator[Taken | Refused]:
    """Every line of a JSONL or CSV file, in order. `columns` maps our field names to the file's; `posted_at` stands for
    a missing time. Raises UnreadableArchive for a missing column or an encoding that cannot be told."""
    names = {field: (columns or {}).get(field, field) for field in FIELDS}
    unknown = set(columns or {}) - set(FIELDS)
    if unknown:
        raise UnreadableArchive(f"no such field: {', '.join(sorted(unknown))}; there are {', '.join(FIELDS)}")
    rows = _csv_rows(path, names, posted_at) if _is_csv(path) else _json_rows(path)
    for line, raw, found in rows:
        yield found if isinstance(found, Refused) else _taken(line, raw, found, names, posted_at, network)


def _is_csv(path: Path) -> bool:
    if path.suffix.lower() in (".csv", ".tsv"):
        return True
    if path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
        return False
    with path.open("rb") as source:
        return not source.read(64).lstrip(codecs.BOM_UTF8).lstrip().startswith((b"{", b"["))


_Row = tuple[int, str, dict[str, Any] | Refused]


def _json_rows(path: Path) -> Iterator[_Row]:
    with path.open("rb") as source:
        for number, line in _lines(source):
            raw = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
            if not line.strip():
                continue
            if len(line) > LONGEST_LINE:
                yield number, raw, Refused(number, "longer than 4 MB", raw[:1000])
                continue
            try:
                found = json.loads(line.decode("utf-8-sig"))
            except UnicodeDecodeError:
                yield number, raw, Refused(number, "not UTF-8", raw)
            except (ValueError, RecursionError):
                yield number, raw, Refused(number, "not JSON", raw)
            else:
                yield number, raw, found if isinstance(found, dict) else Refused(number, "not a JSON object", raw)


def _lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines with their number; one far beyond the limit is cut, and the rest of it passed over."""
    number = 0
    while line := source.readline(LONGEST_LINE + 1):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n") and len(rest) > LONGEST_LINE:
            rest = source.readline(LONGEST_LINE + 1)
        yield number, line


def _csv_rows(path: Path, names: Mapping[str, str], posted_at: datetime | None) -> Iterator[_Row]:
    encoding = _encoding(path)
    with path.open(encoding=encoding, errors="backslashreplace", newline="") as source:
        sample = source.read(20_000)
        source.seek(0)
        try:
            dialect: type[csv.Dialect] = csv.Sniffer().sniff(sample.splitlines()[0] if sample else "", ",;\t|")
            dialect.doublequote = True
        except (csv.Error, IndexError):
            dialect = csv.excel
        csv.field_size_limit(LONGEST_LINE)
        reader = csv.DictReader(source, dialect=dialect)
        header = [name for name in reader.fieldnames or [] if name]
        needed = [names["text"]] + ([] if posted_at else [names["posted_at"]])
        missing = [name for name in needed if name not in header]
        if missing:
            cure = "map it with --columns, as text=Body" if names["text"] in missing else "map it, or give --posted-at"
            raise UnreadableArchive(
                f"{path.name} has no column {', '.join(missing)}; it has {', '.join(header) or 'none'}. {cure}"
            )
        number = 1
        while True:
            number += 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, "", Refused(number, "not CSV", str(error))
                continue
            raw = json.dumps(row, ensure_ascii=False, default=str)
            if None in row or None in row.values():
                yield number, raw, Refused(number, "not as many cells as the header", raw)
                continue
            yield number, raw, {key: value for key, value in row.items() if value != ""}


def _encoding(path: Path) -> str:
    with path.open("rb") as source:
        start = source.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        source.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while piece := source.read(1 << 20):
                decoder.decode(piece)
        except UnicodeDecodeError:
            return "cp1252"  # what spreadsheets on Windows write
    return "utf-8-sig"


def _taken(
    line: int,
    raw: str,
    row: Mapping[str, Any],
    names: Mapping[str, str],
    posted_at: datetime | None,
    network: str,
) -> Taken | Refused:
    text = row.get(names["text"])
    if not isinstance(text, str) or not text.strip("\x00 \t\r\n"):
        return Refused(line, "no text", raw)
    if len(text) > LONGEST_TEXT:
        return Refused(line, f"text longer than {LONGEST_TEXT} characters", raw[:1000])
    try:
        at = moment(row.get(names["posted_at"]), posted_at)
    except ValueError as error:
        return Refused(line, str(error), raw)
    known = {name: _word(row.get(names[name])) for name in ("id", "author", "network", "language", "url")}
    mention = RemoteMention(
        remote_id=known["id"] or hashlib.blake2b(raw.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest(),
        text=text,
        posted_at=at,
        author_id=known["author"],
        language=known["language"],
        url=known["url"],
    )
    return Taken(line, known["network"] or network, mention, _id(row.get(names["id"]), mention.remote_id))


def moment(value: Any, otherwise: datetime | None) -> datetime:
    """An instant from ISO 8601 with its zone, or seconds since 1970. ValueError says what is wrong with it."""
    if value is None or value == "":
        if otherwise is None:
            raise ValueError("no time")
        return otherwise
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value, UTC)
        else:
            found = datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        raise ValueError("time is not ISO 8601") from None
    if found.tzinfo is None:
        if otherwise is None:
            raise ValueError("time has no zone")
        return otherwise
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError("time is out of range") from None


def _id(given: Any, remote_id: str) -> str | float:
    """As it stands in the file, a number as a number, as far as JSON has it."""
    if isinstance(given, bool) or not isinstance(given, str | int | float) or not str(given).strip():
        return remote_id
    return remote_id if isinstance(given, float) and not math.isfinite(given) else given


def _word(value: Any) -> str | None:
    if value is None or isinstance(value, dict | list | bool):
        return None
    return str(value).strip() or None
