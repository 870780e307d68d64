"""The second course of teacher and student: trust, concerns, relevance and help, from our labels, beside sentiment.

Each network is trained once a fold, without that fold's posts: what it says of them is honest, and serves as soft
labels (teacher), for calibration and thresholds (student). The student's folds are averaged into one network."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from sentiment.training import corpora, e5, student, teacher
from sentiment.training.corpora import Labelled
from sentiment.training.fitting import Course, fit
from sentiment.training.network import (
    CONCERNS,
    HELP,
    RELEVANT,
    SENTIMENT,
    TRUST,
    Example,
    Floats,
    Network,
    probabilities,
    read,
    tokenizer,
)

FOLDS = 3
TEACHER = Course(steps=0, rate=3e-5, head_rate=5e-4, batch=24, seed=21, layer_decay=0.95, save_every=60)
STUDENT = Course(steps=0, rate=8e-5, head_rate=1e-3, batch=24, seed=31, layer_decay=0.95, save_every=100)
TRUSTED = 0.5
REAL = 1.5  # weight of a real post over one of our own


@dataclass(frozen=True)
class Learner:
    """What differs between teacher and student."""

    name: str
    blank: Callable[[], Network]
    start: Path  # weights after the first course
    tokenizer: Path
    longest: int
    pad: int
    course: Course
    epochs: int
    replay: float  # posts with only sentiment, for each labelled one that is read
    moods: tuple[str, ...]  # where those come from


def teacher_of(encoders: Path, work: Path) -> Learner:
    return Learner(
        "teacher",
        lambda: teacher.blank(encoders),
        work / "teacher-first.pt",
        teacher.base(encoders) / "tokenizer.json",
        teacher.LONGEST,
        teacher.PAD,
        TEACHER,
        3,
        0.3,
        ("en_train",),
    )


def student_of(wheel: Path, work: Path) -> Learner:
    files = student.Files(work)
    return Learner(
        "student",
        lambda: student.blank(wheel, files),
        files.first,
        files.tokenizer,
        student.LONGEST,
        e5.PAD,
        STUDENT,
        4,
        1.5,
        ("en_train", "es_train", "es_train", "es_train"),
    )


def labelled(data: Path) -> list[Labelled]:
    """All posts to learn trust from; the real ones before our own."""
    return corpora.police(data)[0] + corpora.written()


def is_real(post: Labelled) -> bool:
    return post.key.startswith(("opitools-", "semeval-", "tweeteval-"))


def train(
    data: Path, learner: Learner, work: Path, said: dict[str, Floats], vectors: dict[str, Floats], folds: int = FOLDS
) -> dict[str, Floats]:
    """Trains a network a fold (kept as <name>-fold-N.pt); keeps and gives what each said of the posts it had not
    seen, as logits by key. `said`: another's probabilities to learn from; `vectors`: embeddings to keep."""
    posts = labelled(data)
    words = tokenizer(learner.tokenizer, learner.longest)
    moods = [post for name in learner.moods for post in corpora.sentiment(data, name)]
    out: dict[str, Floats] = {}
    for fold in range(folds):
        path = work / f"{learner.name}-fold-{fold}.pt"
        network = learner.blank()
        held = [post for post in posts if corpora.fold_of(post.key, folds) == fold]
        if path.exists():
            network.load_state_dict(torch.load(path, weights_only=True))
        else:
            network.load_state_dict(torch.load(learner.start, weights_only=True))
            training = [post for post in posts if corpora.fold_of(post.key, folds) != fold]
            chance = np.random.default_rng(learner.course.seed + fold)
            number = int(len(training) * learner.epochs * learner.replay)
            replay = [moods[row] for row in chance.choice(len(moods), min(number, len(moods)), replace=False)]
            examples = [
                Example(words.encode(post.text).ids, _targets(post, said), vectors.get(post.key), _weight(post))
                for post in training * learner.epochs + replay
            ]
            course = replace(
                learner.course, steps=len(examples) // learner.course.batch, seed=learner.course.seed + fold
            )
            fit(network, examples, course, learner.pad, f"{learner.name} {fold}", checkpoint=path.with_suffix(".ckpt"))
            torch.save(network.state_dict(), path)
        out |= says(network, held, learner)
    keys, logits = list(out), np.stack(list(out.values()))
    np.savez(work / f"{learner.name}-oof.npz", keys=np.array(keys), logits=logits, shares=_shares(logits))
    return out


def stored(path: Path, name: str) -> dict[str, Floats]:
    """A step's rows by key."""
    with np.load(path) as found:
        return dict(zip(found["keys"].tolist(), found[name], strict=True))


def says(network: Network, posts: list[Labelled], learner: Learner) -> dict[str, Floats]:
    """Logits by key."""
    words = tokenizer(learner.tokenizer, learner.longest)
    rows = read(network, [Example(words.encode(p.text).ids, np.zeros(0, np.float32)) for p in posts], learner.pad)
    return {post.key: row for post, row in zip(posts, rows, strict=True)}


def _shares(logits: Floats) -> Floats:
    found: Floats = probabilities(torch.from_numpy(logits)).numpy()
    return found


def averaged(learner: Learner, work: Path, folds: int = FOLDS) -> Network:
    """One network with the mean of the folds' weights: they began alike and differ little."""
    states = [torch.load(work / f"{learner.name}-fold-{fold}.pt", weights_only=True) for fold in range(folds)]
    network = learner.blank()
    network.load_state_dict({key: torch.stack([state[key].float() for state in states]).mean(0) for key in states[0]})
    return network.eval()


def _weight(post: Labelled) -> float:
    return REAL if post.trust is not None and is_real(post) else 1.0


def _targets(post: Labelled, said: dict[str, Floats]) -> Floats:
    row = teacher.targets(post)
    told = said.get(post.key)
    if told is not None:
        parts = [TRUST, CONCERNS, slice(RELEVANT, RELEVANT + 1), slice(HELP, HELP + 1), SENTIMENT]
        for part in parts:
            if not np.isnan(row[part.start]) and len(told) >= part.stop:
                row[part] = (1 - TRUSTED) * row[part] + TRUSTED * told[part]
    return row
