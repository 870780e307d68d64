"""Whose a file is. The administrator runs commands as root, and the service goes on as a user of its own: what root
writes for it stays, or becomes, that user's."""

import os
from pathlib import Path


def give(path: Path, like: Path) -> None:
    """As root, gives a file to the owner of another one or of its folder. Others can give nothing away."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def folder(path: Path) -> None:
    """Makes a folder with all above it; what is new belongs to the owner of what it lies in."""
    if not path.exists():
        folder(path.parent)
        path.mkdir(exist_ok=True)
        give(path, like=path.parent)
