"""`liaison backtest --counts`: a folder of series in, the volume alarms of each out. No database, no clock.

Times are taken and given back as they are written in the files, with or without a zone."""

import csv
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from config import output
from sentiment import volume


class UnreadableSeries(Exception):
    """A file that is no series; the message says which, which line, and what was expected."""


def alarms(folder: Path, target: Path, progress: Callable[[int], None] = lambda number: None) -> int:
    """Writes {file name: [times of alarms]} for every CSV file of `folder` to `target`; how many alarms. Raises
    UnreadableSeries, OSError; then `target` is as it was."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.csv")):
        written, times, values = _series(path)
        found[path.name] = [written[index] for index in volume.alarms(times, values)]
        progress(1)
    if not found:
        raise UnreadableSeries(f"{folder} holds no .csv file")
    with output.written(target) as out:
        out.write(json.dumps(found, indent=1) + "\n")
    return sum(map(len, found.values()))


def _series(path: Path) -> tuple[list[str], list[datetime], list[float]]:
    """Times as written, times, and counts, in order of time."""
    try:
        return _read(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableSeries(f"{path.name}: this is no CSV file in UTF-8") from error


def _read(path: Path) -> tuple[list[str], list[datetime], list[float]]:
    rows: list[tuple[datetime, str, float]] = []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if not {"timestamp", "value"} <= set(reader.fieldnames or ()):
            raise UnreadableSeries(f"{path.name}: the first line must name timestamp and value")
        for row in reader:
            try:
                at, value = datetime.fromisoformat(row["timestamp"].strip()), float(row["value"])
            except (ValueError, TypeError, AttributeError) as error:
                raise UnreadableSeries(f"{path.name}, line {reader.line_num}: no time and number") from error
            if not 0 <= value < float("inf"):
                raise UnreadableSeries(f"{path.name}, line {reader.line_num}: {row['value']} is no count")
            rows.append((at, row["timestamp"].strip(), value))
    if len({at.tzinfo is None for at, _, _ in rows}) > 1:
        raise UnreadableSeries(f"{path.name}: some times have a zone and some have none")
    rows.sort(key=lambda row: row[0])
    return [written for _, written, _ in rows], [at for at, _, _ in rows], [value for _, _, value in rows]
