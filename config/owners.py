"""Whose a file is. The administrator runs commands as root, and the service goes on as a user of its own: what root
writes for it stays, or becomes, that user's."""

import os
from pathlib import Path


def give(path: Path, like: Path) -> None:
    """As root, gives a file to the owner of another one or of its folder. Others can give nothing away."""
    here, there = path.stat(), like.stat()
    if os.geteuid() == 0 and (here.st_uid, here.st_gid) != (there.st_uid, there.st_gid):
        os.chown(path, there.st_uid, there.st_gid)


def folder(path: Path) -> None:
    """Makes a folder with all above it; what is new belongs to the owner of what it lies in."""
    if not path.exists():
        folder(path.parent)
        path.mkdir(exist_ok=True)
        give(path, like=path.parent)
