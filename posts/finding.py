"""Our own posts, all that were ever written, found by their words, kind, concern, network, state and time."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from networks.tables import Account
from posts.tables import Post, Target, Variant
from posts.workflow import PostState

GROUPS = {
    "sent": (PostState.PUBLISHED, PostState.PARTLY_PUBLISHED),
    "going_out": (PostState.SCHEDULED, PostState.APPROVED),
    "waits": (PostState.IN_REVIEW,),
    "draft": (PostState.DRAFT,),
    "not_sent": (PostState.FAILED, PostState.MISSED, PostState.CANCELLED),
}
MOST_WORDS = 8
Cursor = tuple[datetime, int]


@dataclass(frozen=True)
class Filters:
    """What is asked for; what is none or empty asks nothing. `words`: each must be in the title, the message or an
    account's own wording. `since` and `until` are of the time a post is due, or was last changed where it has none."""

    words: str = ""
    state: str | None = None  # a key of GROUPS
    category: str | None = None
    concern: str | None = None
    network: str | None = None
    language: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # not included


@dataclass(frozen=True)
class Found:
    """A post, when it goes or went out, on which networks, and where it can be read there."""

    post: Post
    at: datetime
    networks: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    rows: list[Found]
    after: Cursor | None  # the next page begins behind it; none: this is the last


def posts(session: Session, filters: Filters, after: Cursor | None, most: int) -> Page:
    """One page of what fits, newest first; three questions, whatever its length."""
    at = func.coalesce(Post.due_at, Post.updated_at)
    query = select(Post).where(*_conditions(filters, at)).order_by(at.desc(), col(Post.id).desc()).limit(most + 1)
    if after is not None:
        query = query.where(sa.or_(at < after[0], sa.and_(at == after[0], col(Post.id) < after[1])))
    found = list(session.exec(query))
    shown = found[:most]
    numbers = [post.id or 0 for post in shown]
    networks: dict[int, list[str]] = defaultdict(list)
    for number, network in session.exec(
        select(Variant.post_id, Account.network)
        .join(Account, col(Account.id) == col(Variant.account_id))
        .where(col(Variant.post_id).in_(numbers))
        .order_by(col(Account.id))
    ):
        networks[number].append(network)
    addresses: dict[int, list[str]] = defaultdict(list)
    for number, address in session.exec(
        select(Target.post_id, Target.remote_url)
        .where(col(Target.post_id).in_(numbers), col(Target.remote_url).is_not(None), Target.part == 0)
        .order_by(col(Target.id))
    ):
        addresses[number].append(address or "")
    rows = [
        Found(
            post=post,
            at=post.due_at or post.updated_at,
            networks=tuple(dict.fromkeys(networks[post.id or 0])),
            addresses=tuple(addresses[post.id or 0]),
        )
        for post in shown
    ]
    return Page(rows, (rows[-1].at, numbers[-1]) if len(found) > most else None)


def every(session: Session, filters: Filters, step: int = 500) -> Iterator[Found]:
    """All that fits, page after page."""
    after: Cursor | None = None
    while True:
        page = posts(session, filters, after, step)
        yield from page.rows
        if page.after is None:
            return
        after = page.after


def _conditions(filters: Filters, at: sa.ColumnElement[datetime]) -> list[sa.ColumnElement[bool]]:
    wanted: list[sa.ColumnElement[bool]] = []
    for word in filters.words.split()[:MOST_WORDS]:
        reworded = sa.exists().where(
            col(Variant.post_id) == col(Post.id), col(Variant.text).icontains(word, autoescape=True)
        )
        title, message = (one.icontains(word, autoescape=True) for one in (col(Post.title), col(Post.message)))
        wanted.append(sa.or_(title, message, reworded))
    if filters.state is not None:
        wanted.append(col(Post.state).in_([state.value for state in GROUPS[filters.state]]))
    if filters.category is not None:
        wanted.append(col(Post.category) == filters.category)
    if filters.concern is not None:
        wanted.append(col(Post.concern) == filters.concern)
    if filters.language is not None:
        wanted.append(col(Post.language) == filters.language)
    if filters.network is not None:
        on = sa.exists().where(
            col(Variant.post_id) == col(Post.id),
            col(Account.id) == col(Variant.account_id),
            col(Account.network) == filters.network,
        )
        wanted.append(on)
    if filters.since is not None:
        wanted.append(at >= filters.since)
    if filters.until is not None:
        wanted.append(at < filters.until)
    return wanted
