"""The posts of the last three weeks, held in the memory of the process that looks for new concerns.

What is read once from the store is kept as numbers: hashes of words, the model's vectors and log-odds. Each look asks
the store only for what is new, and lets go of what was deleted, hidden, edited or has grown old. emerging.py looks."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import compress
from typing import Any
from unicodedata import normalize
from zlib import crc32

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from listeners.tables import Mention
from sentiment import emerging, keyphrases
from sentiment.emerging import Heard, Yardstick
from sentiment.forms import Forms, piece
from sentiment.surges import Usual
from sentiment.tables import MentionConcern, Score
from sentiment.taxonomy import CONCERNS

KEPT = timedelta(hours=max(emerging.WINDOWS_HOURS) + emerging.GUARD_HOURS + emerging.BASELINE_HOURS)
KEYS = tuple(CONCERNS)
URGENT = tuple(index for index, key in enumerate(KEYS) if key == "emergencies")
MEASURED_FOR = timedelta(hours=24)  # a yardstick serves so long
LOOKED_BACK = timedelta(minutes=5)  # a scorer marks with when it began, and several end in any order
LEAST_MEASURED = 300  # posts without which nothing is ordinary yet
_PAGE = 2000
_BEGINS = 8  # words by which a text that is passed on is known again
_IDLE = re.compile(r"(?:https?://|www\.)\S+|@[\w.…\-]+")
_WORD = re.compile(r"\w+")
_MARKS = re.compile(r"[ '\-\u0300-\u036f]")  # between words and over letters
_DIMENSIONS = 384


Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class Memory:
    """What is held, in order of time. Belongs to one store, and to one thread at a time."""

    ids: np.ndarray[Any, np.dtype[np.int64]] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    hours: np.ndarray[Any, np.dtype[np.float64]] = field(default_factory=lambda: np.zeros(0))
    authors: np.ndarray[Any, np.dtype[np.int64]] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    room: np.ndarray[Any, np.dtype[np.float16]] = field(
        default_factory=lambda: np.zeros((0, _DIMENSIONS), dtype=np.float16)
    )  # of the vectors, with some to spare: copying all for a few would take as much memory again
    concerns: np.ndarray[Any, np.dtype[np.float16]] = field(
        default_factory=lambda: np.zeros((0, len(KEYS)), dtype=np.float16)
    )
    raised: np.ndarray[Any, np.dtype[np.bool_]] = field(default_factory=lambda: np.zeros((0, len(KEYS)), dtype=bool))
    tied: np.ndarray[Any, np.dtype[np.bool_]] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    places: np.ndarray[Any, np.dtype[np.int64]] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    pieces: np.ndarray[Any, np.dtype[np.bool_]] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    terms: np.ndarray[Any, np.dtype[np.uint32]] = field(default_factory=lambda: np.zeros(0, dtype=np.uint32))
    ends: np.ndarray[Any, np.dtype[np.int64]] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    seen: Numbers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # every shown mention that was looked at
    last: datetime | None = None  # the newest scored_at that was read
    latest: dict[int, datetime] = field(default_factory=dict)  # when those that are looked back on were scored
    forms: Forms = field(default_factory=Forms)
    passed_on: dict[int, int] = field(default_factory=dict)  # beginnings of reposted texts, and who stands for each
    ordinary: Yardstick | None = None
    measured_at: datetime | None = None
    usual: Usual = field(default_factory=Usual)  # of the cells, for surges.find

    @property
    def vectors(self) -> np.ndarray[Any, np.dtype[np.float16]]:
        """One a post, of length 1."""
        return self.room[: self.ids.size]

    def refresh(self, session: Session, now: datetime) -> None:
        """Brings the memory up to date with the store as of `now`."""
        since = now - KEPT
        fresh = self._unread(session, since, now)
        gone = ~np.isin(self.seen, _there(session, since, now)) | np.isin(self.seen, fresh)
        if gone.any():
            self._keep(~np.isin(self.ids, self.seen[gone]))
        self._reserve(fresh.size)
        for start in range(0, fresh.size, _PAGE):
            self._add(session, fresh[start : start + _PAGE].tolist())
        self.seen = np.concatenate([self.seen[~gone], fresh])
        self.forms.forget(_hours(now))
        here = np.isin(np.array(list(self.passed_on.values()), dtype=np.int64), self.seen)
        self.passed_on = dict(compress(self.passed_on.items(), here))
        if self.measured_at is None or not timedelta() <= now - self.measured_at < MEASURED_FOR:
            self.ordinary = emerging.yardstick(self.heard()) if self.hours.size >= LEAST_MEASURED else None
            self.measured_at = now if self.ordinary is not None else None

    def heard(self) -> Heard:
        """What is held, as emerging.find takes it."""
        return Heard(
            hours=self.hours,
            authors=self.authors,
            terms=self.terms,
            ends=self.ends,
            vectors=self.vectors,
            concerns=self.concerns,
            raised=self.raised,
            tied=self.tied,
            places=self.places,
            pieces=self.pieces,
            urgent=URGENT,
        )

    def _unread(self, session: Session, since: datetime, until: datetime) -> Numbers:
        """Scored mentions that were not read yet, or were scored again; oldest post first."""
        query = sa.select(col(Mention.id), col(Mention.scored_at)).where(
            col(Mention.posted_at) > since, col(Mention.posted_at) <= until, col(Mention.shown)
        )
        if self.last is None:
            query = query.where(col(Mention.scored_at).is_not(None))
        else:  # looked up by when they were scored: by when they were posted, SQLite would go through all three weeks
            newly = sa.select(col(Mention.id)).where(col(Mention.scored_at) >= self.last - LOOKED_BACK)
            query = query.where(col(Mention.id).in_(newly))
        query = query.order_by(col(Mention.posted_at), col(Mention.id))
        fresh = {
            number: at
            for number, at in session.connection().execute(query)
            if number is not None and at is not None and self.latest.get(number) != at
        }
        if fresh:
            newest = max(fresh.values())
            self.last = newest if self.last is None else max(self.last, newest)
            back = self.last - LOOKED_BACK
            self.latest = {number: at for number, at in (self.latest | fresh).items() if at >= back}
        return np.array(list(fresh), dtype=np.int64)

    def _reserve(self, number: int) -> None:
        """Room for so many more vectors, and for a tenth beyond, so that it is seldom made."""
        held = self.ids.size
        if held + number > self.room.shape[0]:
            room = np.zeros(((held + number) * 11 // 10, _DIMENSIONS), dtype=np.float16)
            room[:held] = self.vectors
            self.room = room

    def _add(self, session: Session, numbers: list[int]) -> None:
        """Reads these mentions, of which some are no voices; given in order of time."""
        connection = session.connection()
        query = (
            sa.select(
                col(Mention.id),
                col(Mention.posted_at),
                col(Mention.author),
                col(Mention.text),
                col(Mention.repost),
                col(Mention.rules),
                col(Mention.addressed),
                col(Mention.place_id),
                col(Score.concerns),
                col(Score.embedding),
            )
            .outerjoin(Score, col(Score.mention_id) == col(Mention.id))
            .where(
                col(Mention.id).in_(numbers),
                col(Mention.shown),
                col(Mention.text) != "",
                col(Mention.copy_of).is_(None),
                col(Mention.automatic).is_(False),
            )
            .order_by(col(Mention.posted_at), col(Mention.id))
        )
        voices = [row for row in connection.execute(query) if not self.forms.filled_in(row.text, _hours(row.posted_at))]
        read = [row for row in voices if row.embedding is not None]  # what had no words has no score
        rows = [row for row in read if self._first(row.id, row.text, row.repost)]
        if not rows:
            return
        marks: dict[int, set[str]] = {row.id: set() for row in rows}
        raising = sa.select(col(MentionConcern.mention_id), col(MentionConcern.concern))
        for number, concern in connection.execute(raising.where(col(MentionConcern.mention_id).in_(list(marks)))):
            marks[number].add(concern)
        terms = [hashes(row.text) for row in rows]
        late = self.hours.size and _hours(rows[0].posted_at) < self.hours[-1]
        odds = np.array([[row.concerns.get(key, 0.0) for key in KEYS] for row in rows]).clip(1e-3, 1 - 1e-3)
        held = self.ids.size
        self.room[held : held + len(rows)] = [np.frombuffer(row.embedding, dtype=np.float16) for row in rows]
        self.ids = np.append(self.ids, np.array([row.id for row in rows], dtype=np.int64))
        self.hours = np.append(self.hours, [_hours(row.posted_at) for row in rows])
        self.authors = np.append(self.authors, [_number(row.author) for row in rows])
        self.concerns = np.concatenate([self.concerns, np.log(odds / (1 - odds)).astype(np.float16)])
        self.raised = np.concatenate([self.raised, [[key in marks[row.id] for key in KEYS] for row in rows]])
        self.tied = np.append(self.tied, [bool(row.rules) or row.addressed or row.place_id is not None for row in rows])
        self.places = np.append(self.places, np.array([row.place_id or 0 for row in rows], dtype=np.int64))
        self.pieces = np.append(self.pieces, [piece(row.text) for row in rows])
        self.ends = np.append(self.ends, self.ends[-1] + np.cumsum([len(one) for one in terms]))
        self.terms = np.concatenate([self.terms, *terms])
        if late:
            self._keep(np.argsort(self.hours, kind="stable"))

    def _first(self, number: int, text: str, repost: bool) -> bool:
        """Whether nobody passed this text on before. The first repost of what was not heard itself (else it is a copy)
        stands for whoever wrote it; the next, and the text itself should it come, add nobody."""
        begins = passed(text)
        if repost:
            self.passed_on.setdefault(begins, number)
        return self.passed_on.get(begins, number) == number

    def _keep(self, which: np.ndarray[Any, Any]) -> None:
        """Keeps the positions that are true, or all in this order."""
        lengths = np.diff(self.ends)
        if which.dtype == bool:
            order = np.flatnonzero(which)
            self.terms = self.terms[np.repeat(which, lengths)]
        else:
            order = which
            first = int(np.argmax(order != np.arange(order.size)))  # before it nothing moves
            moved = [self.terms[self.ends[post] : self.ends[post + 1]] for post in order[first:].tolist()]
            self.terms[self.ends[first] :] = np.concatenate(moved)
        self.ends = np.append(0, np.cumsum(lengths[order])).astype(np.int64)
        self._move(order)
        for name in ("ids", "hours", "authors", "concerns", "raised", "tied", "places", "pieces"):
            setattr(self, name, getattr(self, name)[order])

    def _move(self, order: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        """Puts the vectors into this order where they are: some at a time, where none moves backwards."""
        moving = np.flatnonzero(order != np.arange(order.size))
        if not moving.size:
            return
        step = _PAGE if (np.diff(order) > 0).all() else order.size
        for start in range(int(moving[0]), order.size, step):
            self.room[start : min(start + step, order.size)] = self.room[order[start : start + step]]


def _there(session: Session, since: datetime, until: datetime) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The numbers of all mentions of that time that are shown, as one text: as rows they take ten times as long. The
    few that are hidden are found by an index of their own, so that no row is looked at."""
    connection = session.connection()
    within = col(Mention.posted_at) > since, col(Mention.posted_at) <= until
    numbers = sa.func.aggregate_strings(sa.cast(col(Mention.id), sa.String), ",")
    said = connection.execute(sa.select(numbers).where(*within)).scalar_one() or ""
    hidden = connection.execute(sa.select(col(Mention.id)).where(*within, col(Mention.shown).is_(False))).scalars()
    there = np.fromstring(said, dtype=np.int64, sep=",")
    return there[~np.isin(there, np.array(list(hidden), dtype=np.int64))]


def hashes(text: str) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """The telling words of a text and their pairs, as numbers: 32 bits are enough to count by."""
    return np.array(sorted({_hash(phrase) for phrase in keyphrases.telling(text)}), dtype=np.uint32)


def _hash(phrase: str) -> int:
    """A number for a phrase however people spell it: "Lac-Mégantic", "lac megantic" and "#LacMegantic" are one."""
    return crc32(_MARKS.sub("", normalize("NFKD", phrase)).encode())


def passed(text: str) -> int:
    """A number for how a text begins, whoever passes it on: a repost of a repost is cut at its end."""
    words = [word for word in _WORD.findall(_IDLE.sub(" ", text.casefold())) if word != "rt"]
    return crc32(" ".join(words[:_BEGINS]).encode())


def named(texts: list[str], terms: tuple[int, ...]) -> list[str]:
    """The words behind some hashes, looked up in the texts that they were made of."""
    known = {_hash(phrase): phrase for text in texts for phrase in keyphrases.telling(text)}
    return [known[term] for term in terms if term in known]


def _hours(at: datetime) -> float:
    return at.astimezone(UTC).timestamp() / 3600


def _number(author: bytes) -> int:
    """A number for an author's keyed hash: only to tell apart who speaks."""
    return int.from_bytes(author[:8], "big", signed=True)
