"""A few quotes that differ, to stand for many posts: one an author, other stances and networks, never a name."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from listeners.tables import Mention
from sentiment.tables import MentionConcern, Score

READ_FIRST, LEAST_READ = 400, 100  # the newest posts among which quotes are looked for; of each of many concerns
_SHORT, _LONG = 25, 320  # characters of a post that reads well as a quote
_ALIKE = 0.9  # cosine from which two posts say the same
_QUOTABLE = (
    sa.select(
        col(Mention.id),
        col(Mention.author),
        col(Mention.text),
        col(Mention.language),
        col(Mention.network),
        col(Mention.posted_at),
        col(Score.trust_label),
        col(Score.sentiment_label),
        col(Score.embedding),
    )
    .join(Score, col(Score.mention_id) == col(Mention.id))
    .where(col(Mention.shown), col(Mention.text).is_not(None))
)


@dataclass(frozen=True)
class Quote:
    """A mention's words with handles masked, and how it was read. The time is UTC."""

    mention_id: int
    text: str
    language: str
    network: str
    posted_at: datetime
    trust: str
    sentiment: str


@dataclass(frozen=True)
class Candidate:
    quote: Quote
    author: bytes
    embedding: NDArray[np.float32]  # length 1


def choose(candidates: Sequence[Candidate], number: int = 3) -> list[Quote]:
    """Up to `number` quotes. The first is the most typical one (closest to the mean embedding); each further one is
    by another author and differs most: another stance, then another network, then other words."""
    if not candidates:
        return []
    vectors = np.stack([one.embedding for one in candidates])
    reads_well = [_SHORT <= len(one.quote.text) <= _LONG for one in candidates]
    typical = vectors @ vectors.mean(axis=0) - np.where(reads_well, 0.0, 0.5)
    left = list(range(len(candidates)))
    chosen: list[Candidate] = []
    while left and len(chosen) < number:
        stances = {one.quote.trust for one in chosen}
        networks = {one.quote.network for one in chosen}

        def worth(at: int, stances: set[str] = stances, networks: set[str] = networks) -> tuple[float, int]:
            quote = candidates[at].quote
            new = 0.5 * (quote.trust not in stances) + 0.25 * (quote.network not in networks)
            return float(typical[at]) + new, -quote.mention_id

        best = max(left, key=worth)
        chosen.append(candidates[best])
        alike = vectors @ vectors[best]
        left = [at for at in left if candidates[at].author != candidates[best].author and alike[at] < _ALIKE]
    return [one.quote for one in chosen]


def of_mentions(session: Session, mention_ids: Sequence[int], number: int = 3) -> list[Quote]:
    """Quotes from these mentions, of those that still have a text."""
    query = _QUOTABLE.where(col(Mention.id).in_(sorted(mention_ids)[-READ_FIRST:]))
    return choose([_candidate(row) for row in session.connection().execute(query)], number)


def of_each(session: Session, mention_ids: Mapping[int, Sequence[int]], number: int = 3) -> dict[int, list[Quote]]:
    """The same for several groups of mentions, by their keys; one question for all."""
    newest = {key: sorted(ids)[-READ_FIRST:] for key, ids in mention_ids.items()}
    wanted = {one for ids in newest.values() for one in ids}
    rows = session.connection().execute(_QUOTABLE.where(col(Mention.id).in_(wanted))) if wanted else ()
    found = {candidate.quote.mention_id: candidate for candidate in map(_candidate, rows)}
    return {key: choose([found[one] for one in ids if one in found], number) for key, ids in newest.items()}


def of_concerns(
    session: Session, concerns: Collection[str], since: datetime, until: datetime, number: int = 1
) -> dict[str, list[Quote]]:
    """Quotes from the mentions that raise each concern, posted from `since` until before `until`."""
    if not concerns:
        return {}
    read = max(LEAST_READ, READ_FIRST // len(concerns))
    newest = [
        sa.select(
            sa.select(col(MentionConcern.mention_id), col(MentionConcern.concern))
            .where(
                col(MentionConcern.concern) == concern,
                col(MentionConcern.posted_at) >= since,
                col(MentionConcern.posted_at) < until,
            )
            .order_by(col(MentionConcern.posted_at).desc())
            .limit(read)
            .subquery()
        )
        for concern in concerns
    ]
    raised = sa.union_all(*newest).subquery()
    found: dict[str, list[Candidate]] = {concern: [] for concern in concerns}
    query = _QUOTABLE.add_columns(raised.c.concern).join(raised, raised.c.mention_id == col(Mention.id))
    for row in session.connection().execute(query):
        found[row.concern].append(_candidate(row))
    return {concern: choose(candidates, number) for concern, candidates in found.items()}


def _candidate(row: Any) -> Candidate:
    return Candidate(
        Quote(row.id, row.text, row.language, row.network, row.posted_at, row.trust_label, row.sentiment_label),
        row.author,
        np.frombuffer(row.embedding, dtype=np.float16).astype(np.float32),
    )
