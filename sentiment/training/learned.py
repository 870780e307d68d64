"""What teacher and student learn: rows of targets from labels, and which posts they read."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from sentiment.model import TRUSTS
from sentiment.training import corpora
from sentiment.training.corpora import Labelled
from sentiment.training.network import CONCERNS, HELP, RELEVANT, SENTIMENT, TRUST, WIDTH, Floats

SMOOTHING = 0.05
POLICE = re.compile(
    r"polic|\bcops?\b|officer|sheriff|arrest|crim|\bpd\b|guard|patrul|oficial|jail|court", re.IGNORECASE
)


def split(data: Path) -> tuple[list[Labelled], list[Labelled]]:
    """The real posts to learn from, and those that calibrate."""
    posts = corpora.police(data)[0]
    kept = [post for post in posts if corpora.calibrates(post.key)]
    rest = [post for post in posts if not corpora.calibrates(post.key)]
    return corpora.without_near(rest, [post.text for post in kept]), kept


def real(data: Path) -> list[Labelled]:
    return split(data)[0]


def targets(post: Labelled, data: Path) -> Floats:
    """What is learned of a post about policing. Where its two readers differ and nobody settled it, the network should
    be in doubt. Not its sentiment: the corpora's readers, who judge that, draw its borders elsewhere than ours."""
    row = labelled(post)
    other = _readings(data).get(post.key)
    if other is not None and not post.settled:
        row = (row + labelled(other)) / 2
    row[SENTIMENT] = np.nan
    return row


def labelled(post: Labelled, smoothing: float = SMOOTHING) -> Floats:
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


def moods(posts: Sequence[Labelled], number: int, chance: np.random.Generator) -> Iterator[Labelled]:
    """`number` posts that have only sentiment, each of the three as often: macro-averaged recall counts them alike."""
    for mood in range(3):
        of = [post for post in posts if post.sentiment == mood]
        for line in chance.permutation(len(of))[: number // 3]:
            yield of[line]


def elsewhere(post: Labelled) -> Floats:
    """Only sentiment; of a post without a word of police, beside, that it is not about police."""
    row = labelled(post)
    if not POLICE.search(post.text):
        row[TRUST] = labelled(Labelled("", "", trust=TRUSTS.index("neither")))[TRUST]
        row[CONCERNS] = 0.0
        row[RELEVANT] = 0.0
        row[HELP] = 0.0
    return row


@cache
def _readings(data: Path) -> dict[str, Labelled]:
    return {post.key: post for post in corpora.readings(data)}
