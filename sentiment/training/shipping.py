"""The files that are shipped: encoder, tokenizer, heads, and the manifest with every hash and figure."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sentiment import model
from sentiment.training import corpora, e5, export, figures, heads, learned, student
from sentiment.training.corpora import Labelled
from sentiment.training.network import Floats, Network, tokenizer

MEASURED = 60  # posts on which the loss of int8 is measured: from training parts, so that tests choose nothing
NEAR = ("pt_val", "fr_val")  # sentiment is calibrated on these too, so that it fits more than English
SHIPPED = ("encoder.onnx", export.LOWER, export.UPPER, "heads.npz", "tokenizer.json")


@dataclass(frozen=True)
class Finished:
    """A trained network, and how its courses call it."""

    name: str
    network: Network
    longest: int  # tokens of a post that it was trained on


def write(data: Path, wheel: Path, work: Path, out: Path, made: Finished) -> dict[str, Any]:
    """Writes the shipped files to `out`, measures them there, and gives the manifest."""
    out.mkdir(parents=True, exist_ok=True)
    learning, unseen = learned.split(data)
    choosing = corpora.sentiment(data, "en_val")[::2]
    moods = [post for part in (choosing, *(corpora.sentiment(data, name) for name in NEAR)) for post in part]
    shutil.copy(student.Files(work).tokenizer, out / "tokenizer.json")
    words = tokenizer(out / "tokenizer.json", made.longest)
    seen = [post.text for post in learning[: MEASURED // 2] + choosing[: MEASURED // 2]]
    loss = export.write(made.network, [found.ids for found in words.encode_batch(seen)], out / "encoder.onnx")
    as_read = tokenizer(out / "tokenizer.json", model.LONGEST_TOKENS)

    def said(posts: list[Labelled]) -> list[tuple[Labelled, Floats]]:
        """What the head says of posts as the finished int8 encoder reads them."""
        found = export.features(
            out / "encoder.onnx", [one.ids for one in as_read.encode_batch([post.text for post in posts])]
        )
        head = made.network.head
        return list(zip(posts, found @ head.weight.detach().numpy().T + head.bias.detach().numpy(), strict=True))

    real = [post.trust for post in (*learning, *unseen)]
    thresholds = heads.fitted(
        made.network, said(unseen), said(moods), np.bincount(real, minlength=3) / len(real), out / "heads.npz"
    )
    manifest: dict[str, Any] = {
        "name": made.name,
        "files": {name: _sha256(out / name) for name in SHIPPED},
        "figures": {},
        "thresholds": thresholds,
        "quantisation": loss,
        "data": {
            str(path.relative_to(data)): _sha256(path)
            for path in (
                *(data / "sentiment" / f"{name}_train.jsonl" for name in ("en", "es", "pt", "fr")),
                *(data / "sentiment" / f"{name}_val.jsonl" for name in ("en", "es", "pt", "fr")),
                data / "police" / "posts_unlabelled.jsonl",
            )
        },
        "labels": {path.name: _sha256(path) for path in sorted(corpora.HERE.glob("*.jsonl"))},
        "code": {path.name: _sha256(path) for path in sorted(corpora.HERE.glob("*.py"))},
        "base": {"package": e5.PACKAGE, "sha256": _sha256(wheel)},
    }
    _save(manifest, out)
    return measure(data, out)


def seal(out: Path) -> None:
    """Writes the hashes of the files in `out` again, after one of them was changed on purpose."""
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text("utf-8"))
    manifest["files"] = {name: _sha256(out / name) for name in SHIPPED}
    _save(manifest, out)
    model.load.cache_clear()


def measure(data: Path, out: Path) -> dict[str, Any]:
    """Measures the files in `out` again (the tests' labels or the pairs may have grown), and gives the manifest."""
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text("utf-8"))
    model.load.cache_clear()
    manifest["figures"] = figures.measured(data, model.load(out))
    manifest["labels"] = {path.name: _sha256(path) for path in sorted(corpora.HERE.glob("*.jsonl"))}
    _save(manifest, out)
    return manifest


def _save(manifest: dict[str, Any], out: Path) -> None:
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
