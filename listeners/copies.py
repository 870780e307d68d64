"""Near-copies: what many people post word for word, or nearly so, is listed once and counted as often as it was said.

A copy is a post whose runs of letters overlap those of an earlier one by `ALIKE` or more (Jaccard). Candidates come
from bands of a MinHash (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, ch. 3): with eight bands
of four, a pair at .8 is found with a probability of .985. Only the first of a group keeps bands, for a week. Numbers,
times, links and handles count for nothing, so a program that fills in a form is a copy of itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

import regex
import sqlalchemy as sa
from sqlmodel import Session, col, func, select, update

from listeners.tables import CopyBand, Mention
from listeners.watch import folded

ALIKE = 0.75
RUN = 5  # letters
SHORTEST = 40  # letters: "Thank you officers!" from two people is two thanks
BANDS, ROWS = 8, 4
WINDOW = timedelta(days=7)
_CHUNK = 500  # values in one question
_IDLE = regex.compile(r"https?://\S+|[@#][\w.…\-]+|\d[\d:.,/]*|[^\w\s]+")


@dataclass(frozen=True)
class Shape:
    """What a text is compared by."""

    runs: frozenset[str]
    bands: tuple[int, ...]


@dataclass(frozen=True)
class Post:
    """What came in. `aside`: a repost or a program's post, never listed: it can be a copy, never the first of a group,
    or nobody would see what the group says."""

    id: int
    text: str
    posted_at: datetime
    aside: bool = False


@dataclass(frozen=True)
class Place:
    """Where a mention stands: the first of its kind, or a copy. `bands`: its own, if it can be the first."""

    copy_of: int | None = None
    bands: tuple[int, ...] = ()


@cache
def _blank() -> Any:
    """A MinHash of nothing, to be copied: drawing its permutations for each text takes a third of the time."""
    from datasketch import MinHash  # half a second of scipy, and only who scores needs it

    return MinHash(num_perm=BANDS * ROWS, seed=1)


@lru_cache(maxsize=2048)
def shape(text: str) -> Shape | None:
    """None for a text too short to be a copy of anything."""
    words = " ".join(_IDLE.sub(" ", folded(text)).split())
    if len(words) < SHORTEST:
        return None
    runs = frozenset(words[start : start + RUN] for start in range(len(words) - RUN + 1))
    found = _blank().copy()
    found.update_batch([run.encode() for run in runs])
    values = found.hashvalues.reshape(BANDS, ROWS)
    return Shape(runs, tuple(_band(number, row.tobytes()) for number, row in enumerate(values)))


def alike(one: Shape, other: Shape) -> float:
    """Jaccard overlap of their runs, 0 to 1."""
    return len(one.runs & other.runs) / len(one.runs | other.runs)


def found(session: Session, posts: Sequence[Post]) -> dict[int, Place]:
    """For each post, in the order that they came in: what it is a copy of, if of anything. Of those that come together,
    the ones that can be listed are looked at first: a network gives a repost before its original."""
    asides = {one.id for one in posts if one.aside}
    shapes = {
        one.id: mine for one in sorted(posts, key=lambda post: post.aside) if (mine := shape(one.text)) is not None
    }
    if not shapes:
        return {}
    since = min(one.posted_at for one in posts) - WINDOW
    firsts = _firsts(session, {band for one in shapes.values() for band in one.bands}, since, set(shapes))
    known = _shapes(session, firsts)
    by_band: dict[int, list[int]] = {}
    for number in sorted(known):
        for band in known[number].bands:
            by_band.setdefault(band, []).append(number)
    places = {}
    for number, mine in shapes.items():
        near = dict.fromkeys(other for band in mine.bands for other in by_band.get(band, ()))
        first = next((other for other in near if alike(mine, known[other]) >= ALIKE), None)
        places[number] = Place(first, () if number in asides else mine.bands)
        if first is None and number not in asides:
            known[number] = mine
            for band in mine.bands:
                by_band.setdefault(band, []).append(number)
    return places


def keep(session: Session, places: dict[int, Place], at: dict[int, datetime]) -> None:
    """Stores them. A first one may have gone or been left out meanwhile: then the next of its copies is the first."""
    asked = sorted({*places, *(one.copy_of for one in places.values() if one.copy_of is not None)})
    connection, there = session.connection(), set[int | None]()
    for start in range(0, len(asked), _CHUNK):
        some = sa.select(col(Mention.id)).where(col(Mention.id).in_(asked[start : start + _CHUNK]), col(Mention.shown))
        there.update(connection.execute(some.with_for_update(key_share=True)).scalars())
    stand_in: dict[int, int] = {}
    firsts, copies = list[int](), list[dict[str, int]]()
    for number, one in places.items():
        first = one.copy_of if one.copy_of in there else stand_in.get(one.copy_of or 0)
        if first is not None:
            copies.append({"id": number, "copy_of": first})
        elif one.bands and number in there:
            firsts.append(number)
            stand_in |= {one.copy_of: number} if one.copy_of is not None else {}
    if copies:
        session.execute(update(Mention), copies)
    bands = [
        {"mention_id": number, "band": band, "posted_at": at[number]}
        for number in firsts
        for band in set(places[number].bands)
    ]
    if bands:
        session.connection().execute(sa.insert(CopyBand), bands)


def pass_on(session: Session, ids: Sequence[int]) -> None:
    """Before these mentions go, are left out or change their words: the oldest copy of each that can be listed takes
    its place, dealt with as far as it was."""
    for start in range(0, len(ids), _CHUNK):
        going = ids[start : start + _CHUNK]
        heirs = session.exec(
            select(Mention.copy_of, func.min(Mention.id))
            .where(
                col(Mention.copy_of).in_(going),
                col(Mention.id).not_in(ids),
                col(Mention.shown),
                col(Mention.repost).is_(False),
                col(Mention.automatic).is_(False),
            )
            .group_by(col(Mention.copy_of))
        ).all()
        for first, heir in heirs:
            known = session.get_one(Mention, first)
            triage = {name: getattr(known, name) for name in ("state", "assigned_to", "snoozed_until")}
            session.exec(update(Mention).where(col(Mention.copy_of) == first).values(copy_of=heir))
            session.exec(update(Mention).where(col(Mention.id) == heir).values(copy_of=None, **triage))
            session.exec(update(CopyBand).where(col(CopyBand.mention_id) == first).values(mention_id=heir))
        session.exec(update(Mention).where(col(Mention.copy_of).in_(going)).values(copy_of=None))  # none can be listed
        session.connection().execute(sa.delete(CopyBand).where(col(CopyBand.mention_id).in_(going)))


def forget(session: Session, now: datetime, limit: int) -> int:
    """Removes bands older than a week; how many."""
    old = select(CopyBand.mention_id, CopyBand.band).where(col(CopyBand.posted_at) < now - WINDOW).limit(limit)
    rows = session.exec(old).all()
    ids = list({number for number, _ in rows})
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        session.connection().execute(sa.delete(CopyBand).where(col(CopyBand.mention_id).in_(some)))
    return len(rows)


def _firsts(session: Session, bands: set[int], since: datetime, but: set[int]) -> list[int]:
    asked, there = sorted(bands), set[int]()
    for start in range(0, len(asked), _CHUNK):
        some = col(CopyBand.band).in_(asked[start : start + _CHUNK])
        recent = sa.select(col(CopyBand.mention_id)).where(some, col(CopyBand.posted_at) > since)
        there.update(session.connection().execute(recent).scalars())
    return sorted(there - but)


def _shapes(session: Session, ids: Sequence[int]) -> dict[int, Shape]:
    found: dict[int, Shape] = {}
    for start in range(0, len(ids), _CHUNK):
        some = col(Mention.id).in_(ids[start : start + _CHUNK])
        said = sa.select(col(Mention.id), col(Mention.text)).where(some, col(Mention.shown))
        for number, text in session.connection().execute(said):
            mine = shape(text or "")
            if number is not None and mine is not None:
                found[number] = mine
    return found


def _band(number: int, values: bytes) -> int:
    """A signed 64-bit number, as the databases hold."""
    digest = blake2b(values, digest_size=8, person=number.to_bytes(2, "big")).digest()
    return int.from_bytes(digest, "big", signed=True)
