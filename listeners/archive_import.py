"""Imports an archive: batches of lines become mentions, and how far it came is kept with them.

Killed anywhere, the same import goes on from the last batch that was committed; a finished file adds nothing again.
Lines that cannot be taken are kept in a side file, with their reasons, as long as mentions."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from config import database
from config.secrets import Keys
from config.settings import Settings
from listeners import intake, rules, sources
from listeners.tables import ImportedFile, Source
from networks import archive
from networks.archive import Refused, Taken

BATCH = 2000  # lines in one transaction
FOLDER = "imports"  # of the data folder


@dataclass(frozen=True)
class ImportCounts:
    """What became of a file's lines."""

    read: int
    new: int
    duplicate: int
    not_matched: int
    refused: Mapping[str, int] = field(default_factory=dict)  # reason -> lines
    side_file: Path | None = None


def import_file(
    engine: sa.Engine,
    path: Path,
    *,
    settings: Settings,
    keys: Keys,
    now: datetime,
    posted_at: datetime | None = None,
    columns: Mapping[str, str] | None = None,
    source_name: str | None = None,
    progress: Callable[[int], None] = lambda number: None,
) -> ImportCounts:
    """Imports every line of `path`, or the rest of it. `posted_at` stands for a time that a line lacks; `columns` maps
    our names to the file's. `progress` is told lines. Raises archive.UnreadableArchive, OSError."""
    digest = _digest(path)
    name = source_name or path.name
    with database.writing(engine) as session:
        file, source = _begin(session, digest, name, path.name, now)
        watched = rules.matcher(session)
    side = settings.data_dir / FOLDER / f"{digest[:16]}.refused.jsonl"
    found = archive.read(path, posted_at=posted_at, columns=columns)
    refusals: Counter[str] = Counter()
    for start, batch in _batches(found):
        refused = [line for line in batch if isinstance(line, Refused)]
        if refused:
            _keep(side, refused, fresh=not refusals)
        refusals.update(line.reason for line in refused)
        fresh = batch[max(0, file.lines_done - start) :]  # what an earlier run committed is only read over
        if fresh:
            taken = [(line.network, line.mention) for line in fresh if isinstance(line, Taken)]

            def note(
                session: Session, admitted: intake.Admitted, done: int = start + len(batch), read: int = len(fresh)
            ) -> None:
                file.lines_done = done
                _count(file, read, admitted.new, admitted.duplicate, admitted.unmatched)
                session.merge(file)

            intake.admit(engine, source, taken, watched, keys, settings, now, note)
        progress(len(batch))
    with database.writing(engine) as session:
        again = file.finished_at is not None
        file.finished_at = file.finished_at or now
        session.merge(file)
    read, new, duplicate, unmatched = (file.counts.get(key, 0) for key in ("read", "new", "duplicate", "not_matched"))
    return ImportCounts(
        read=read,
        new=0 if again else new,
        duplicate=duplicate + (new if again else 0),
        not_matched=unmatched,
        refused=dict(refusals),
        side_file=side if refusals else None,
    )


def _begin(session: Session, digest: str, name: str, file_name: str, now: datetime) -> tuple[ImportedFile, Source]:
    source = sources.by_name(session, name)
    if source is None:
        source = sources.add(session, network="archive", name=name, settings={}, every_seconds=0, now=now)
    file = session.get(ImportedFile, digest)
    if file is None:
        file = ImportedFile(digest=digest, source_id=source.id or 0, name=file_name)
        session.add(file)
        session.flush()
    return file, source


def _count(file: ImportedFile, read: int, new: int, duplicate: int, unmatched: int) -> None:
    counts = Counter(file.counts)
    counts.update({"read": read, "new": new, "duplicate": duplicate, "not_matched": unmatched})
    file.counts = dict(counts)


def _batches(lines: Iterator[Taken | Refused]) -> Iterator[tuple[int, list[Taken | Refused]]]:
    start = 0
    while batch := list(islice(lines, BATCH)):
        yield start, batch
        start += len(batch)


def forget(data_dir: Path, before: datetime) -> int:
    """Removes side files last written before this moment; how many."""
    past = [side for side in (data_dir / FOLDER).glob("*.refused.jsonl") if side.stat().st_mtime < before.timestamp()]
    for side in past:
        side.unlink(missing_ok=True)
    return len(past)


def _keep(side: Path, refused: list[Refused], *, fresh: bool) -> None:
    """Adds lines to the side file. Each run writes it anew from the first line, so a killed run leaves no double."""
    side.parent.mkdir(parents=True, exist_ok=True)
    side.touch(mode=0o600)  # people's words
    with side.open("w" if fresh else "a", encoding="utf-8", errors="backslashreplace") as out:
        for line in refused:
            kept = {"line": line.line, "reason": line.reason, "raw": line.raw}
            out.write(json.dumps(kept, ensure_ascii=False) + "\n")


def _digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
