"""Files that commands write: whole, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def written(target: Path) -> Iterator[TextIO]:
    """A text file to write (UTF-8), beside the target; when all is written it takes the target's place, and when that
    fails the target is as it was. A link stays and leads to it. What is no file, as a pipe, is written to as it
    stands. A lone surrogate, which UTF-8 cannot hold, goes out as JSON escapes it. Raises OSError."""
    if stands(target):
        with target.open("a", encoding="utf-8", errors="backslashreplace") as out:
            yield out
        return
    there = place(target)
    beside = there.with_name(f".{there.name}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8", errors="backslashreplace") as out:
            yield out
        beside.replace(there)
    finally:
        beside.unlink(missing_ok=True)


def place(target: Path) -> Path:
    """Where a file is or will be: where a link leads to."""
    return Path(os.path.realpath(target))


def stands(target: Path) -> bool:
    """Whether a target cannot be replaced: a device, a pipe, or what is open already, as /dev/stdout is."""
    return target.exists() and (not target.is_file() or _is_open(target))


def _is_open(target: Path) -> bool:
    while not target.parent.resolve().is_relative_to("/proc"):
        if not target.is_symlink():
            return False
        target = target.parent / target.readlink()
    return True
