"""What goes out, what waits, and one post's whole story: read models for pages, the API and the digest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from config.permissions import Action, Role, may
from networks.tables import Account
from posts import approval
from posts.tables import Attempt, Post, PostVersion, Review, Target, Variant
from posts.workflow import PostState, TargetState


@dataclass(frozen=True)
class QueueRow:
    """One post as a list shows it."""

    post_id: int
    title: str
    state: str
    due_at: datetime
    author_id: int
    networks: tuple[str, ...]
    account_ids: tuple[int, ...] = ()
    comes_again: bool = False  # made by a series
    wall_time: datetime | None = None  # local, naive on purpose
    timed: bool = True  # else `due_at` is when it was last changed
    asked: tuple[int, ...] = ()  # approvers whose word the author asked for


@dataclass(frozen=True)
class PostDetail:
    """A post with everything that happened to it; each list oldest first."""

    post: Post
    variants: Sequence[Variant]
    versions: Sequence[PostVersion]
    reviews: Sequence[Review]
    targets: Sequence[Target]
    attempts: Sequence[Attempt]


def going_out(session: Session, start: datetime, end: datetime) -> list[QueueRow]:
    """Posts with a time from `start` to before `end`, by time; cancelled ones left out."""
    timed = (col(Post.due_at) >= start, col(Post.due_at) < end, col(Post.state) != PostState.CANCELLED.value)
    return _rows(_listed(session, *timed))


def waiting_for(session: Session, person_id: int, roles: Iterable[Role]) -> list[QueueRow]:
    """Posts that this person may approve, the next due first; those without a time last."""
    if not may(roles, Action.APPROVE_POSTS):
        return []
    listed = _listed(session, col(Post.state) == PostState.IN_REVIEW.value)
    stands = approval.of_all(session, [one.post for one in listed])
    return _rows([one for one in listed if stands[one.post.id or 0].asks(person_id)])


def in_review_by(session: Session, person_id: int) -> list[QueueRow]:
    """This person's posts that wait for somebody else."""
    mine = (col(Post.state) == PostState.IN_REVIEW.value, col(Post.author_id) == person_id)
    return _rows(_listed(session, *mine))


def published_between(session: Session, start: datetime, end: datetime) -> tuple[int, int]:
    """How many posts went out from `start` to before `end`, and on how many networks."""
    query = (
        select(func.count(func.distinct(Target.post_id)), func.count(func.distinct(Account.network)))
        .join(Account, col(Account.id) == col(Target.account_id))
        .where(col(Target.published_at) >= start, col(Target.published_at) < end)
    )
    posts, networks = session.exec(query).one()
    return posts, networks


def waiting_by_account(session: Session) -> dict[int, int]:
    """Account id -> how many posts wait to go out there, approved and with a time; those nobody is sure of too."""
    states = [TargetState.WAITING.value, TargetState.RETRY.value, TargetState.UNKNOWN.value]
    query = (
        select(Target.account_id, func.count(func.distinct(Target.post_id)))
        .where(col(Target.state).in_(states))
        .group_by(col(Target.account_id))
    )
    return dict(session.exec(query).all())


def post_detail(session: Session, post_id: int) -> PostDetail | None:
    """The whole story of a post, or none if there is no such post."""
    post = session.get(Post, post_id)
    if post is None:
        return None
    tried = session.exec(
        select(Target, Attempt)
        .outerjoin(Attempt, col(Attempt.target_id) == col(Target.id))
        .where(Target.post_id == post_id)
        .order_by(col(Target.id), col(Attempt.id))
    ).all()
    attempts = sorted((one for _, one in tried if one is not None), key=lambda one: one.id or 0)
    return PostDetail(
        post=post,
        variants=session.exec(select(Variant).where(Variant.post_id == post_id).order_by(col(Variant.id))).all(),
        versions=session.exec(
            select(PostVersion).where(PostVersion.post_id == post_id).order_by(col(PostVersion.id))
        ).all(),
        reviews=session.exec(select(Review).where(Review.post_id == post_id).order_by(col(Review.id))).all(),
        targets=list({target.id: target for target, _ in tried}.values()),
        attempts=attempts,
    )


@dataclass(frozen=True)
class _Listed:
    """A post, and where it goes: each account's network and number."""

    post: Post
    places: list[tuple[str, int]]


def _listed(session: Session, *which: sa.ColumnElement[bool]) -> list[_Listed]:
    """These posts, the next due first, those without a time last; one question."""
    query = (
        select(Post, Account.network, Account.id)
        .outerjoin(Variant, col(Variant.post_id) == col(Post.id))
        .outerjoin(Account, col(Account.id) == col(Variant.account_id))
        .where(*which)
        .order_by(col(Post.due_at).is_(None), col(Post.due_at), col(Post.id), col(Account.id))
    )
    found: dict[int | None, _Listed] = {}
    for post, network, number in session.exec(query):
        one = found.setdefault(post.id, _Listed(post, []))
        if number is not None:
            one.places.append((network, number))
    return list(found.values())


def _rows(listed: Iterable[_Listed]) -> list[QueueRow]:
    return [
        QueueRow(
            post_id=post.id or 0,
            title=post.title,
            state=post.state,
            due_at=post.due_at or post.updated_at,
            author_id=post.author_id,
            networks=tuple(dict.fromkeys(network for network, _ in places)),
            account_ids=tuple(number for _, number in places),
            comes_again=post.series_id is not None,
            wall_time=post.wall_time,
            timed=post.due_at is not None,
            asked=tuple(post.asked),
        )
        for post, places in ((one.post, one.places) for one in listed)
    ]
