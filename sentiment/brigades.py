"""Many accounts with nearly the same text within an hour, some of them new: told beside a concern's figures in numbers.

Which accounts they are is said nowhere. Each counts once in the figures already (trust.py); what they can do to one is
bounded by how many they are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from math import ceil
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from config import database
from listeners.tables import Mention
from sentiment.tables import MentionConcern

LEAST = 5  # accounts
WITHIN = timedelta(hours=1)
NEW = "new"  # Mention.author_age of an account of under 30 days
MOST_TOLD = 3
_READ = 2000  # copies, the newest ones
_NEWS = "feed"  # newspapers that print one agency's text


class Post(NamedTuple):
    """One post of a text that others posted too."""

    author: bytes
    new: bool
    at: datetime


@dataclass(frozen=True)
class Brigade:
    """`together` accounts posted one text within an hour of `since`; `accounts` did so in all, `new` of them were
    new (0 where fewer than five: that would point at somebody)."""

    accounts: int
    together: int
    new: int
    since: datetime

    def points(self, authors: int) -> int:
        """By how many points these accounts move a share of so many authors, themselves included, at the very most:
        the mean of n votes of 0 to 1 moves by k / n when k of them are added."""
        return ceil(100 * self.accounts / max(self.accounts, authors))


def of(posts: Sequence[Post]) -> Brigade | None:
    """What is told of one text: the hour in which most accounts posted it, if that were five or more."""
    ordered = sorted(posts, key=lambda post: post.at)
    most, since = 0, None
    start, inside = 0, Counter[bytes]()  # posts of each account within the hour before `last`
    for last in ordered:
        inside[last.author] += 1
        while last.at - ordered[start].at > WITHIN:
            gone = ordered[start].author
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            start += 1
        if len(inside) > most:
            most, since = len(inside), ordered[start].at
    if since is None or most < LEAST:
        return None
    new = len({post.author for post in ordered if post.new})
    return Brigade(len({post.author for post in ordered}), most, new if new >= LEAST else 0, since)


def about(session: Session, concern: str, since: datetime, now: datetime) -> list[Brigade]:
    """Those of a concern since then, most accounts first; three at most. Reposts, programs and newspapers are none:
    they pass on what is somebody else's."""
    by_text: dict[int, list[Post]] = {}
    asked = {"concern": concern, "since": since, "until": now}
    found = session.connection().execute(_copies(), asked).all()
    for text, author, age, at, first_author, first_age, first_at in found:
        if text not in by_text:
            by_text[text] = [Post(first_author, first_age == NEW, first_at)]
        by_text[text].append(Post(author, age == NEW, at))
    return told(by_text.values())


@cache
def _copies() -> sa.Executable:
    """The newest copies in a concern, each with what it copies; put together once, for that takes as long as asking."""
    first = aliased(Mention)
    # not joined: the copies of all concerns in these days are few, the mentions of one concern are many
    raising = sa.select(sa.literal(1)).where(
        col(MentionConcern.mention_id) == col(Mention.id),
        col(MentionConcern.concern) == sa.bindparam("concern"),
        # as for the mention itself: PostgreSQL collects them all first, without these of all years
        col(MentionConcern.posted_at) > sa.bindparam("since"),
        col(MentionConcern.posted_at) <= sa.bindparam("until"),
    )
    return (
        sa.select(
            col(Mention.copy_of),
            col(Mention.author),
            col(Mention.author_age),
            col(Mention.posted_at),
            first.author.label("first_author"),  # type: ignore[attr-defined]
            first.author_age.label("first_age"),  # type: ignore[attr-defined]
            first.posted_at.label("first_at"),  # type: ignore[attr-defined]
        )
        .join(first, col(Mention.copy_of) == first.id)
        .where(
            database.one_by_one(raising.exists()),
            col(Mention.copy_of).is_not(None),
            col(Mention.posted_at) > sa.bindparam("since"),
            col(Mention.posted_at) <= sa.bindparam("until"),
            col(Mention.shown),
            col(Mention.repost).is_(False),
            col(Mention.automatic).is_(False),
            col(Mention.network) != _NEWS,
        )
        .order_by(col(Mention.posted_at).desc())
        .limit(_READ)
    )


def told(texts: Iterable[Sequence[Post]]) -> list[Brigade]:
    """Of these texts, each with its posts, the three with most accounts."""
    found = [one for one in map(of, texts) if one is not None]
    return sorted(found, key=lambda one: (-one.accounts, one.since))[:MOST_TOLD]
