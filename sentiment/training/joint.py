"""The student's second course: trust, concerns, relevance and help from our labels, beside sentiment in four languages.

A fifth of the real posts to learn from is left out of it: what the network says of those is honest, and serves for
calibration and thresholds (heads.py). The test part is left out by corpora.py."""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from sentiment.training import concern_heads, corpora, e5, learned, student
from sentiment.training.corpora import Labelled
from sentiment.training.fitting import Course, fit
from sentiment.training.network import Example, Network, features, tokenizer

EPOCHS = 5  # readings of each labelled post
MOODS = 20_000  # posts that have only sentiment, read once each
COURSE = Course(steps=0, rate=9e-5, head_rate=6e-4, seed=35, layer_decay=0.92, save_every=100)
ELSEWHERE = 3000  # of the posts with only sentiment, so many without a word of police teach what is not about police
REAL = 1.5  # weight of a real post over one of our own
OTHERS = 0.5  # of corpora.argued


def train(data: Path, wheel: Path, files: student.Files) -> None:
    """Goes on from the first course; writes the network's weights."""
    torch.manual_seed(COURSE.seed)
    network = student.blank(wheel, files)
    network.load_state_dict(torch.load(files.first, weights_only=True))
    words = tokenizer(files.tokenizer, student.LONGEST)
    vectors = student.by_key(files.embeddings, "vectors")
    said = student.by_key(files.said, "shares")
    learning = learned.real(data)
    examples = [
        Example(words.encode(post.text).ids, learned.targets(post, data), vectors.get(post.key), weight)
        for posts, weight in ((learning, REAL), (corpora.written(), 1.0), (corpora.argued(), OTHERS))
        for post in posts
    ] * EPOCHS
    moods = [post for post in student.texts(data) for _ in range(student.REPEATED[post.language])]
    chance = np.random.default_rng(COURSE.seed)
    elsewhere: set[str] = set()
    for row in chance.choice(len(moods), min(MOODS, len(moods)), replace=False):
        post = moods[row]
        target = student.mood_target(post, said)
        if len(elsewhere) < ELSEWHERE and not learned.POLICE.search(post.text):
            elsewhere.add(post.key)
            target = np.where(np.isnan(target), learned.elsewhere(post), target)
        examples.append(Example(words.encode(post.text).ids, target, vectors.get(post.key)))
    course = Course(**{**COURSE.__dict__, "steps": len(examples) // COURSE.batch})
    fit(network, examples, course, e5.PAD, "student: trust", checkpoint=files.second.with_suffix(".ckpt"))
    told = [post for post in (*learning, *corpora.written()) if post.concerns is not None]
    seen_by_it = features(network, [_read(words, post) for post in told], e5.PAD)
    concern_heads.refit(network, told, seen_by_it, len(learning))
    torch.save(network.state_dict(), files.second)


def trained(wheel: Path, files: student.Files) -> Network:
    network = student.blank(wheel, files)
    network.load_state_dict(torch.load(files.second, weights_only=True))
    return network.eval()


def _read(words: Tokenizer, post: Labelled) -> Example:
    return Example(words.encode(post.text).ids, np.zeros(0, np.float32))
