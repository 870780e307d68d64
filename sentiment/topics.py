"""What is new in the store: groups of recent posts (emerging.py over recent.py), named, with where and since when.

alerts.py makes threads of them; here nothing is written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col, select

from listeners.tables import Mention, Place
from sentiment import emerging, keyphrases, recent
from sentiment.recent import Memory
from sentiment.surges import Surge
from sentiment.tables import Alert, AlertMention
from sentiment.taxonomy import CONCERNS
from sentiment.tuning import FACTOR, Tuning

BEFORE = 2000  # posts that a topic's words are set apart from
SAME_PLACE = 1 / 3  # of the authors name it
NAMED = 2  # phrases in a title


@dataclass(frozen=True)
class Topic:
    """Something new. `mention_ids`: the posts that show it best (its core); `kin`: those of the day that mean much the
    same, in whatever words.
    `expected` and `authors` are of the `hours` before now; `since` is its first post's hour."""

    concern: str
    place_id: int | None
    title: str
    keyphrases: tuple[str, ...]
    mention_ids: frozenset[int]
    kin: frozenset[int]
    hours: int
    authors: int
    expected: float
    p_value: float
    since: datetime


def find(session: Session, memory: Memory, now: datetime, tuned: Tuning | None = None) -> list[Topic]:
    """What is new as of `now`, least likely first. Brings the memory up to date first."""
    memory.refresh(session, now)
    if memory.ordinary is None:
        return []
    tuned = tuned or Tuning()
    strict = [tuned.strict(key) / FACTOR[tuned.department] for key in recent.KEYS]
    groups = emerging.find(memory.heard(), memory.ordinary, now.timestamp() / 3600, tuned.department, strict)
    found = [_topic(session, memory, group) for group in groups]
    return [topic for topic in found if topic is not None]


def without_books(memory: Memory, standing_out: Sequence[Surge], now: datetime) -> list[Surge]:
    """The surges that are not made of pieces of a book, as far as their posts are held."""
    heard, ordinary = memory.heard(), memory.ordinary
    if ordinary is None or not standing_out:
        return list(standing_out)
    day = emerging.day_of(heard, ordinary, now.timestamp() / 3600)

    def bookish(surge: Surge) -> bool:
        posts = np.flatnonzero(np.isin(memory.ids, list(surge.mention_ids)))
        return posts.size > 0 and emerging.bookish(heard, ordinary, posts, day)

    return [surge for surge in standing_out if not bookish(surge)]


def _topic(session: Session, memory: Memory, group: emerging.Group) -> Topic | None:
    """A group in words; none when too little of it is left in the store, or when it has neither words in common nor a
    place: such posts are alike in style, and nobody could tell from a title what to look at."""
    core = [int(memory.ids[position]) for position in sorted(group.core)]
    rows = (
        session.connection()
        .execute(
            sa.select(
                col(Mention.id), col(Mention.author), col(Mention.text), col(Mention.place_id), col(Mention.posted_at)
            )
            .where(col(Mention.id).in_(core), col(Mention.shown))
            .order_by(col(Mention.posted_at))
        )
        .all()
    )
    said = [(row.author, row.text or "", row.place_id, row.posted_at) for row in rows]
    if len({author for author, _, _, _ in said}) < emerging.LEAST_AUTHORS:
        return None
    place = _place(session, said)
    texts = [text for _, text, _, _ in said]
    words = keyphrases.phrases([(author, text) for author, text, _, _ in said], _before(session, said[0][3]))
    words = words or recent.named(texts, group.terms)[: keyphrases.MOST]
    if not words and place is None:
        return None
    concern = recent.KEYS[group.concern]
    return Topic(
        concern=concern,
        place_id=place.id if place else None,
        title=title(CONCERNS[concern].name, words, texts, place.name if place else None),
        keyphrases=tuple(words),
        mention_ids=frozenset(row.id for row in rows),
        kin=frozenset(memory.ids[sorted(group.kin)].tolist()),
        hours=group.hours,
        authors=group.authors,
        expected=group.expected,
        p_value=group.p_value,
        since=said[0][3].replace(minute=0, second=0, microsecond=0),
    )


def title(concern: str, words: Sequence[str], texts: Sequence[str], place: str | None) -> str:
    """What is new in a few words: its phrases as people write them, and where. Without any, the concern."""
    shown = [as_written(phrase, texts) for phrase in words[:NAMED]]
    if place is not None:
        shown = [phrase for phrase in shown if phrase.casefold() not in place.casefold()]
    if not shown:
        shown = [concern]
    head = ", ".join([shown[0][:1].upper() + shown[0][1:], *shown[1:]])
    return f"New: {head} near {place}" if place else f"New: {head}"


def own_title(session: Session, concern: str, place_id: int | None) -> str:
    """A title by concern and place, without words of posts."""
    place = session.get(Place, place_id) if place_id is not None else None
    name = CONCERNS[concern].name if concern in CONCERNS else concern
    return title(name, (), (), place.name if place else None)


def forget_words(session: Session, limit: int) -> int:
    """Takes the words of posts from alerts on something new whose posts are all gone; how many. Where, how many and how
    unlikely stay."""
    left = (
        sa.select(col(AlertMention.alert_id))
        .join(Mention, col(Mention.id) == col(AlertMention.mention_id))
        .where(col(AlertMention.alert_id) == col(Alert.id), col(Mention.text).is_not(None))
    )
    named = sa.cast(col(Alert.keyphrases), sa.Text) != "[]"
    gone = session.exec(select(Alert).where(Alert.kind == "emerging", named, ~left.exists()).limit(limit)).all()
    for alert in gone:
        alert.title, alert.keyphrases = own_title(session, alert.concern, alert.place_id), []
        session.add(alert)
    return len(gone)


def as_written(phrase: str, texts: Sequence[str]) -> str:
    """A phrase in the capitals that most posts give it."""
    found: Counter[str] = Counter()
    for text in texts:
        at = text.casefold().find(phrase)
        if at >= 0 and len(text.casefold()) == len(text):
            found[text[at : at + len(phrase)]] += 1
    return found.most_common(1)[0][0] if found else phrase


def _place(session: Session, said: Sequence[tuple[bytes, str, int | None, datetime]]) -> Place | None:
    """The place that a third of the authors name, and three of them."""
    authors = {author for author, _, _, _ in said}
    named = Counter(place for _, place in {(author, place) for author, _, place, _ in said if place is not None})
    if not named:
        return None
    place_id, number = named.most_common(1)[0]
    return session.get(Place, place_id) if number >= max(3, SAME_PLACE * len(authors)) else None


def _before(session: Session, at: datetime) -> list[str]:
    rows = session.connection().execute(
        sa.select(col(Mention.text))
        .where(
            col(Mention.posted_at) < at.astimezone(UTC) - timedelta(hours=emerging.GUARD_HOURS),
            col(Mention.shown),
            col(Mention.scored_at).is_not(None),
            col(Mention.text).is_not(None),
        )
        .order_by(col(Mention.posted_at).desc())
        .limit(BEFORE)
    )
    return [text for text in rows.scalars() if text is not None]
