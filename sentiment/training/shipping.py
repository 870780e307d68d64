"""The files that are shipped: encoder, tokenizer, heads, and the manifest with every hash and figure."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from sentiment import model
from sentiment.training import corpora, e5, export, figures, heads, joint, student
from sentiment.training.network import tokenizer

NAME = "e5-eight"
MEASURED = 400  # posts on which the loss of int8 is measured: from training parts, so that tests choose nothing
SHIPPED = ("encoder.onnx", "heads.npz", "tokenizer.json")


def write(data: Path, wheel: Path, work: Path, out: Path) -> dict[str, Any]:
    """Writes the shipped files to `out`, measures them there, and gives the manifest."""
    out.mkdir(parents=True, exist_ok=True)
    learner = joint.student_of(wheel, work)
    network = joint.averaged(learner, work)
    with np.load(work / "student-oof.npz") as stored:
        unseen = dict(zip(stored["keys"].tolist(), stored["logits"], strict=True))
    real = [post for post in joint.labelled(data) if joint.is_real(post)]
    choosing = corpora.sentiment(data, "en_val")[::2]
    moods = joint.says(network, choosing, learner)
    thresholds = heads.fitted(
        network,
        [(post, unseen[post.key]) for post in real],
        [(post, moods[post.key]) for post in choosing],
        out / "heads.npz",
    )
    shutil.copy(student.Files(work).tokenizer, out / "tokenizer.json")
    words = tokenizer(out / "tokenizer.json", student.LONGEST)
    seen = [post.text for post in real[: MEASURED // 2] + choosing[: MEASURED // 2]]
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
    model.load.cache_clear()
    manifest["figures"] = figures.measured(data, model.load(out))
    _save(manifest, out)
    return manifest


def _save(manifest: dict[str, Any], out: Path) -> None:
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
