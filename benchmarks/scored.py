"""Posts as the model might have read them, made with numpy: words of a made-up language, a few hundred subjects that
posts lie close together by, log-odds of concerns. For benchmarks of what comes after reading."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config import database
from sentiment.tables import ALL
from sentiment.taxonomy import CONCERNS
from tests.sentiment import street

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SUBJECTS, VOCABULARY, PLACES = 300, 30_000, 12
WORDS = 13  # a post
SAID_BY_ONE = 3  # posts an author
RAISED = 0.5
DIMENSIONS = 384


@dataclass(frozen=True)
class Posts:
    """So many, oldest first; each array has an entry a post. `place` 0: none."""

    at: list[datetime]
    author: NDArray[np.int64]
    text: list[str]
    place: NDArray[np.int64]
    concerns: NDArray[np.float64]  # posts x concerns, probabilities
    mistrust: NDArray[np.float64]
    vectors: NDArray[np.float16]  # posts x 384, length 1


def posts(number: int, days: float, until: datetime, seed: int = 5) -> Posts:
    """Posts spread over so many days before `until`."""
    chance = np.random.default_rng(seed)
    words = _vocabulary()
    often = 1 / (np.arange(VOCABULARY) + 30)
    spoken = chance.choice(VOCABULARY, (number, WORDS), p=often / often.sum())
    subject = chance.choice(SUBJECTS, number, p=_falling(SUBJECTS))
    spoken[:, 0] = VOCABULARY - 1 - subject  # a word that most posts on the subject share
    vectors = np.empty((number, DIMENSIONS), dtype=np.float16)
    middle, centres = _middle(), chance.normal(size=(SUBJECTS, DIMENSIONS))
    for start in range(0, number, 4096):
        piece = subject[start : start + 4096]
        made = middle + centres[piece] + chance.normal(size=(piece.size, DIMENSIONS))
        vectors[start : start + 4096] = made / np.linalg.norm(made, axis=1, keepdims=True)
    about = subject % (len(CONCERNS) * 2)  # half of the subjects are no concern of anybody's
    odds = chance.normal(-4, 1.2, (number, len(CONCERNS)))
    for concern in range(len(CONCERNS)):
        odds[about == concern, concern] += 4
    return Posts(
        at=[until - timedelta(days=float(ago)) for ago in np.sort(chance.uniform(0, days, number))[::-1]],
        author=chance.integers(0, max(1, number // SAID_BY_ONE), number),
        text=[" ".join(words[word] for word in row) for row in spoken.tolist()],
        place=np.where(chance.random(number) < 0.3, chance.integers(1, PLACES + 1, number), 0),
        concerns=1 / (1 + np.exp(-odds)),
        mistrust=chance.beta(1, 3, number),
        vectors=vectors,
    )


def burst(number: int, begun: datetime, hours: float, concern: int, seed: int) -> Posts:
    """So many people who write of one new thing, a concern at one place, within so many hours."""
    chance = np.random.default_rng(seed)
    made = posts(number, hours / 24, begun + timedelta(hours=hours), seed)
    centre = chance.normal(size=DIMENSIONS)
    near = centre + chance.normal(size=(number, DIMENSIONS)) * 0.6 + _middle()
    odds = chance.normal(-4, 1.2, made.concerns.shape)
    odds[:, concern] += 5
    thing = " ".join(_vocabulary()[-1000 - seed * 2 :][:2])
    return replace(
        made,
        author=-1 - seed * 1000 - np.arange(number),
        text=[f"{thing} {words}" for words in made.text],
        place=np.full(number, 1 + seed % PLACES),
        concerns=1 / (1 + np.exp(-odds)),
        vectors=(near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float16),
    )


def together(*several: Posts) -> Posts:
    """All of them, oldest first."""
    at = [one for made in several for one in made.at]
    order = sorted(range(len(at)), key=at.__getitem__)
    text = [one for made in several for one in made.text]
    arrays = {
        name: np.concatenate([getattr(made, name) for made in several])[order]
        for name in ("author", "place", "concerns", "mistrust", "vectors")
    }
    return Posts(at=[at[one] for one in order], text=[text[one] for one in order], **arrays)


def stored(folder: Path, made: Posts) -> str:
    """A new store that holds them scored and counted; its address. Written by sqlite3 itself: the desk's own intake is
    measured elsewhere."""
    url = f"sqlite:///{folder}/liaison.db"
    engine = database.connect(url)
    database.migrate(engine)
    with database.writing(engine) as session:
        places = [street.place(session, f"{number} Street") for number in range(1, PLACES + 1)]
        first = [street.Said(made.at[0], "first", concerns=("traffic_safety",), place_id=places[0])]
        ids = street.hear(session, first)
        street.score(session, ids, first)
    engine.dispose()
    raw = sqlite3.connect(folder / "liaison.db")
    raw.row_factory = sqlite3.Row
    raw.execute("PRAGMA synchronous=OFF")
    keys = list(CONCERNS)
    raising = made.concerns >= RAISED
    raised = [[keys[concern] for concern in np.flatnonzero(row)] for row in raising]
    like = {table: dict(raw.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()) for table in ("mention", "score")}
    for table, rows in (("mention", _mentions(like["mention"], made)), ("score", _scores(like["score"], made, keys))):
        columns = list(like[table])
        raw.executemany(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})", rows)
    raw.executemany(
        "INSERT INTO mention_concern (mention_id, concern, posted_at) VALUES (?, ?, ?)",
        ((2 + number, one, stamp(made.at[number])) for number, its in enumerate(raised) for one in its),
    )
    days: dict[tuple[bytes, str, str, int], list[float]] = {}
    for number, at in enumerate(made.at):
        for concern in (ALL, *raised[number]):
            cell = (_author(made, number), at.astimezone(street.ZONE).date().isoformat(), concern)
            sums = days.setdefault((*cell, int(made.place[number])), [0, 0.0])
            sums[0] += 1
            sums[1] += float(made.mistrust[number])
    raw.executemany(
        "INSERT INTO author_day (author, day, concern, place_id, network, language, posts, mistrust, trust, negative,"
        " positive) VALUES (?, ?, ?, ?, 'x', 'en', ?, ?, ?, ?, ?)",
        ((*cell, posts, said, said / 3, said / 2, said / 4) for cell, (posts, said) in days.items()),
    )
    raw.commit()
    raw.execute("ANALYZE")
    raw.close()
    return url


def stamp(moment: datetime) -> str:
    """A moment as SQLite holds it."""
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _mentions(like: dict[str, Any], made: Posts) -> Iterator[tuple[Any, ...]]:
    for number, at in enumerate(made.at):
        moment = stamp(at)
        mention = {"id": 2 + number, "key": (1000 + number).to_bytes(16, "big"), "author": _author(made, number)}
        mention |= {"text": made.text[number], "place_id": int(made.place[number]) or None}
        yield tuple(
            (like | mention | dict.fromkeys(("posted_at", "received_at", "scored_at", "expires_at"), moment)).values()
        )


def _scores(like: dict[str, Any], made: Posts, keys: list[str]) -> Iterator[tuple[Any, ...]]:
    for number, at in enumerate(made.at):
        read = {"mention_id": 2 + number, "day": at.date().isoformat(), "embedding": made.vectors[number].tobytes()}
        said = dict(zip(keys, np.round(made.concerns[number], 4).tolist(), strict=True))
        yield tuple((like | read | {"concerns": json.dumps(said)}).values())


def _author(made: Posts, number: int) -> bytes:
    return (int(made.author[number]) * 2_654_435_761 % 2**64).to_bytes(8, "big") * 2


def _middle() -> NDArray[np.float64]:
    """What all vectors share."""
    return np.random.default_rng(0).normal(size=DIMENSIONS) * 2


def _falling(number: int) -> NDArray[np.float64]:
    share = 1 / (np.arange(number) + 10.0)
    return np.asarray(share / share.sum())


def _vocabulary() -> list[str]:
    """Words that no language has, each of three to four syllables."""
    syllables = [first + vowel for first in "bdfgklmnprstvz" for vowel in "aeiou"]
    size = len(syllables)
    return [
        syllables[number % size] + syllables[number // size % size] + "x" + syllables[number // size**2 % size]
        for number in range(VOCABULARY)
    ]
