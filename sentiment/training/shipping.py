"""The files that are shipped: encoder, tokenizer, heads, and the manifest with every hash and figure."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from sentiment import model
from sentiment.training import corpora, e5, export, figures, heads, joint, student
from sentiment.training.network import tokenizer

NAME = "e5-eight"
MEASURED = 160  # posts on which the loss of int8 is measured: from training parts, so that tests choose nothing
SHIPPED = ("encoder.onnx", "heads.npz", "tokenizer.json")


def write(data: Path, wheel: Path, work: Path, out: Path) -> dict[str, Any]:
    """Writes the shipped files to `out`, measures them there, and gives the manifest."""
    out.mkdir(parents=True, exist_ok=True)
    files = student.Files(work)
    network = joint.trained(wheel, files)
    learning, unseen = joint.real(data)
    choosing = corpora.sentiment(data, "en_val")[::2]
    thresholds = heads.fitted(
        network,
        list(zip(unseen, joint.says(network, unseen, files), strict=True)),
        list(zip(choosing, joint.says(network, choosing, files), strict=True)),
        out / "heads.npz",
    )
    shutil.copy(files.tokenizer, out / "tokenizer.json")
    words = tokenizer(out / "tokenizer.json", student.LONGEST)
    seen = [post.text for post in learning[: MEASURED // 2] + choosing[: MEASURED // 2]]
    loss = export.write(network, [found.ids for found in words.encode_batch(seen)], out / "encoder.onnx")
    manifest: dict[str, Any] = {
        "name": NAME,
        "files": {name: _sha256(out / name) for name in SHIPPED},
        "figures": {},
        "thresholds": thresholds,
        "quantisation": loss,
        "data": {
            str(path.relative_to(data)): _sha256(path)
            for path in (
                *(data / "sentiment" / f"{name}_train.jsonl" for name in student.LANGUAGES),
                *(data / "sentiment" / f"{name}_val.jsonl" for name in ("en", "es")),
                data / "police" / "posts_unlabelled.jsonl",
            )
        },
        "labels": {path.name: _sha256(path) for path in sorted(corpora.HERE.glob("*.jsonl"))},
        "code": {path.name: _sha256(path) for path in sorted(corpora.HERE.glob("*.py"))},
        "base": {"package": e5.PACKAGE, "sha256": _sha256(wheel)},
    }
    _save(manifest, out)
    return measure(data, out)


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
