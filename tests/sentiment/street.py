"""What people said, put into the store as if it had been imported and scored; for the tests of this room."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlmodel import Session, col, select

from listeners.tables import Mention, Place, Source
from sentiment import counts
from sentiment.tables import MentionConcern, Score

ZONE = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Said:
    """One post and what the model would read in it."""

    at: datetime
    author: str
    text: str | None = "A post about nothing much at all"
    concerns: tuple[str, ...] = ()
    place_id: int | None = None
    network: str = "x"
    language: str = "en"
    mistrust: float = 0.2
    trust: float = 0.1
    negative: float = 0.4
    positive: float = 0.2


def place(session: Session, name: str) -> int:
    row = Place(name=name)
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def hear(session: Session, posts: Sequence[Said]) -> list[int]:
    """Stores the mentions unscored; their ids in order."""
    source = session.exec(select(Source)).first()
    if source is None:
        source = Source(network="x", name="a source")
        session.add(source)
        session.flush()
    start = session.exec(select(Mention.id).order_by(Mention.id.desc())).first() or 0  # type: ignore[union-attr]
    rows = [
        Mention(
            key=(start + number).to_bytes(16, "big"),
            network=post.network,
            source_id=source.id or 0,
            author=hashlib.blake2b(post.author.encode(), digest_size=16).digest(),
            text=post.text,
            language=post.language,
            place_id=post.place_id,
            posted_at=post.at,
            received_at=post.at,
            expires_at=post.at + timedelta(days=30),
        )
        for number, post in enumerate(posts, start=1)
    ]
    session.add_all(rows)
    session.flush()
    return [row.id or 0 for row in rows]


def score(session: Session, ids: Sequence[int], posts: Sequence[Said]) -> None:
    """Scores stored mentions, and counts them."""
    counted = []
    mentions = {one.id: one for one in session.exec(select(Mention).where(col(Mention.id).in_(ids)))}
    for mention_id, post in zip(ids, posts, strict=True):
        mention = mentions[mention_id]
        mention.scored_at = post.at
        day = post.at.astimezone(ZONE).date()
        session.add(
            Score(
                mention_id=mention_id,
                model="test",
                negative=post.negative,
                neutral=1 - post.negative - post.positive,
                positive=post.positive,
                mistrust=post.mistrust,
                neither=1 - post.mistrust - post.trust,
                trust=post.trust,
                concerns=dict.fromkeys(post.concerns, 0.9),
                mistrust_flag=post.mistrust > 0.5,
                sentiment_label="negative" if post.negative > 0.5 else "positive" if post.positive > 0.5 else "neutral",
                trust_label="mistrust" if post.mistrust > 0.5 else "trust" if post.trust > 0.5 else "neither",
                day=day,
                embedding=_embedding(post.text or ""),
            )
        )
        session.add_all(
            MentionConcern(mention_id=mention_id, concern=concern, posted_at=mention.posted_at)
            for concern in post.concerns
        )
        counted.append(
            counts.Counted(
                author=mention.author,
                day=day,
                hour=counts.hour_of(post.at),
                place_id=post.place_id or 0,
                network=post.network,
                language=post.language,
                concerns=post.concerns,
                mistrust=post.mistrust,
                trust=post.trust,
                negative=post.negative,
                positive=post.positive,
            )
        )
    session.flush()
    counts.add(session, counted)


def say(session: Session, posts: Sequence[Said]) -> list[int]:
    """Stores, scores and counts posts; their mentions' ids in order."""
    ids = hear(session, posts)
    score(session, ids, posts)
    return ids


def _embedding(text: str) -> bytes:
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    vector = np.random.default_rng(seed).normal(size=384)
    return (vector / np.linalg.norm(vector)).astype(np.float16).tobytes()
