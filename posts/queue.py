"""What goes out, what waits, and one post's whole story: read models for pages, the API and the digest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from config import audit
from config.permissions import Action, Role, may
from config.tables import AuditEntry
from networks.practice import PRACTICE
from networks.tables import Account
from posts import approval, categories
from posts.approval import Standing
from posts.tables import Attempt, Category, Post, PostVersion, Review, Target, Variant
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
    moves: Sequence[AuditEntry] = ()  # handed in, taken back, given another time, called off
    came_back: bool = False

    @property
    def asks(self) -> Review | None:
        """Of a draft that came back, the approver's word that asks for changes."""
        asking = (one for one in reversed(self.reviews) if one.decision == "changes_asked")
        return next(asking, None) if self.came_back else None


def going_out(session: Session, start: datetime, end: datetime, states: Iterable[str] | None = None) -> list[QueueRow]:
    """Posts with a time from `start` to before `end`, in these states if any are given, by time; cancelled ones left
    out."""
    asked = [] if states is None else [col(Post.state).in_(list(states))]
    return _read(session, _timed(start, end), *asked)


def without_time(session: Session) -> int:
    """How many posts are handed in or approved and have no time."""
    states = [PostState.IN_REVIEW.value, PostState.APPROVED.value]
    query = select(func.count()).where(col(Post.due_at).is_(None), col(Post.state).in_(states))
    return session.exec(query).one()


def missed_since(session: Session, moment: datetime) -> list[QueueRow]:
    """Posts that became missed since then, whole or in part, and were given no other time; by the time they had."""
    ended = [state.value for state in (PostState.MISSED, PostState.PARTLY_PUBLISHED, PostState.FAILED)]
    missed = sa.select(col(AuditEntry.subject)).where(
        col(AuditEntry.at) >= moment, col(AuditEntry.action).in_(("post.lapse", "target.missed"))
    )
    subject = sa.literal("post:", sa.String).concat(sa.cast(col(Post.id), sa.String))
    after = sa.and_(col(Post.state) == PostState.MISSED.value, col(Post.due_at) >= moment)  # none is before it is due
    return _read(session, col(Post.state).in_(ended), sa.or_(after, subject.in_(missed)))


@dataclass(frozen=True)
class DaysPosts:
    """Posts of a day as `going_out` gives them; all that wait for an approver, for `waiting_among`; drafts of which
    changes were asked; what was refused or became too late, whole or in part."""

    out: Sequence[QueueRow]
    in_review: Sequence["Listed"]
    came_back: Sequence[QueueRow]
    not_sent: Sequence[QueueRow]


def of_a_day(session: Session, start: datetime, end: datetime, since: datetime) -> DaysPosts:
    """What there is to know of a day from `start` to before `end`, and what was not sent since `since`; one
    question."""
    listed = _listed(session, sa.or_(_timed(start, end), _IN_REVIEW, _CAME_BACK, _not_sent(since)))
    out = [one for one in listed if one.post.due_at is not None and start <= one.post.due_at < end]
    out = [one for one in out if one.post.state != PostState.CANCELLED.value]
    in_review = [one for one in listed if one.post.state == PostState.IN_REVIEW.value]
    not_sent = [one for one in listed if _is_not_sent(one.post, since)]
    return DaysPosts(_rows(out), in_review, _rows([one for one in listed if one.came_back]), _rows(not_sent))


def waiting_for(session: Session, person_id: int, roles: Iterable[Role]) -> list[QueueRow]:
    """Posts that this person may approve, the next due first; those without a time last."""
    if not may(roles, Action.APPROVE_POSTS):
        return []
    in_review = _listed(session, _IN_REVIEW)
    return waiting_among(in_review, standings(session, in_review), person_id)


def standings(session: Session, in_review: Sequence["Listed"]) -> Mapping[int, Standing]:
    """Where the approval of each of these posts stands, by its number."""
    rules = categories.as_kept(one.category for one in in_review if one.category is not None)
    return approval.of_all(session, [one.post for one in in_review], rules)


def waiting_among(in_review: Sequence["Listed"], stands: Mapping[int, Standing], person_id: int) -> list[QueueRow]:
    """Those of these posts that this person, an approver, may approve."""
    return _rows([one for one in in_review if stands[one.post.id or 0].asks(person_id)])


def stuck_among(
    in_review: Sequence["Listed"], stands: Mapping[int, Standing], author_id: int, approvers: Iterable[int]
) -> list[QueueRow]:
    """Those of these posts, by this author, that none of these approvers may approve: nobody's word would count."""
    mine, asked = [one for one in in_review if one.post.author_id == author_id], list(approvers)
    return _rows([one for one in mine if not any(stands[one.post.id or 0].asks(person) for person in asked)])


def in_review_by(session: Session, person_id: int) -> list[QueueRow]:
    """This person's posts that wait for somebody else."""
    mine = (col(Post.state) == PostState.IN_REVIEW.value, col(Post.author_id) == person_id)
    return _read(session, *mine)


@dataclass(frozen=True)
class Published:
    """Posts that went out in public and on how many networks; and those that went to the practice board alone."""

    posts: int
    networks: int
    practised: int


def published_between(session: Session, start: datetime, end: datetime) -> Published:
    """How many posts went out from `start` to before `end`."""
    public = col(Account.network) != PRACTICE
    query = (
        select(
            func.count(func.distinct(sa.case((public, col(Target.post_id))))),
            func.count(func.distinct(sa.case((public, col(Account.network))))),
            func.count(func.distinct(Target.post_id)),
        )
        .join(Account, col(Account.id) == col(Target.account_id))
        .where(col(Target.published_at) >= start, col(Target.published_at) < end)
    )
    posts, networks, every = session.exec(query).one()
    return Published(posts, networks, every - posts)


def changes_asked(session: Session, post_id: int) -> Review | None:
    """Of a draft that came back, the approver's word that asks for changes."""
    asking = select(Review).join(Post, col(Post.id) == col(Review.post_id))
    asking = asking.where(Review.post_id == post_id, Review.decision == "changes_asked", _CAME_BACK)
    return session.exec(asking.order_by(col(Review.id).desc())).first()


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
    found = session.execute(
        sa.select(Post, AuditEntry, _CAME_BACK)
        .outerjoin(AuditEntry, audit.told_of(f"post:{post_id}"))
        .where(col(Post.id) == post_id)
        .order_by(col(AuditEntry.at), col(AuditEntry.id))
    ).all()
    if not found:
        return None
    post, _, came_back = found[0]
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
        moves=[move for _, move, _ in found if move is not None],
        came_back=bool(came_back),
    )


@dataclass(frozen=True)
class Listed:
    """A post, where it goes (each account's network and number), what is asked of its kind, where that is kept, and
    whether an approver asked for changes of it."""

    post: Post
    places: list[tuple[str, int]]
    category: Category | None
    came_back: bool


_IN_REVIEW = col(Post.state) == PostState.IN_REVIEW.value
_CAME_BACK = sa.and_(
    col(Post.state) == PostState.DRAFT.value,
    col(Post.submitted_at).is_not(None),
    sa.select(col(Review.decision))
    .where(col(Review.post_id) == col(Post.id), col(Review.decision).in_(("approved", "changes_asked")))
    .order_by(col(Review.id).desc())
    .limit(1)
    .correlate(Post)
    .scalar_subquery()
    == "changes_asked",
)


def _timed(start: datetime, end: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(col(Post.due_at) >= start, col(Post.due_at) < end, col(Post.state) != PostState.CANCELLED.value)


NOT_SENT = (PostState.FAILED, PostState.PARTLY_PUBLISHED, PostState.MISSED)
_TRIED_FOR = timedelta(days=2)  # longer than anything is tried or looked up; what is taken down later was sent


def _not_sent(since: datetime) -> sa.ColumnElement[bool]:
    """Due since then and not sent, or due shortly before and settled since then."""
    settled = sa.and_(col(Post.updated_at) >= since, col(Post.due_at) >= since - _TRIED_FOR)
    states = [state.value for state in NOT_SENT]
    return sa.and_(col(Post.state).in_(states), sa.or_(col(Post.due_at) >= since, settled))


def _is_not_sent(post: Post, since: datetime) -> bool:
    """The same of a post that was read."""
    if post.state not in NOT_SENT or post.due_at is None:
        return False
    return post.due_at >= since or (post.updated_at >= since and post.due_at >= since - _TRIED_FOR)


def _listed(session: Session, *which: sa.ColumnElement[bool]) -> list[Listed]:
    """These posts, the next due first, those without a time last; one question."""
    query = _with_places(sa.select(Post, col(Account.network), col(Account.id), Category, _CAME_BACK), *which)
    query = query.outerjoin(Category, col(Category.name) == col(Post.category))
    found: dict[int | None, Listed] = {}
    for post, network, number, category, came_back in session.execute(query):
        one = found.setdefault(post.id, Listed(post, [], category, bool(came_back)))
        if number is not None:
            one.places.append((network, number))
    return list(found.values())


def _read(session: Session, *which: sa.ColumnElement[bool]) -> list[QueueRow]:
    """These posts as `_listed` gives them, without what a row does not tell: a month may have a thousand."""
    columns = [col(getattr(Post, name)) for name in _OF_A_ROW]
    found: dict[int, tuple[Any, list[tuple[str, int]]]] = {}
    for post in session.execute(_with_places(sa.select(*columns, col(Account.network), col(Account.id)), *which)):
        _, places = found.setdefault(post[0], (post, []))
        if post[-1] is not None:
            places.append((post[-2], post[-1]))
    return [_row(post, places) for post, places in found.values()]


_Query = sa.Select[*tuple[Any, ...]]
_OF_A_ROW = ("id", "title", "state", "due_at", "updated_at", "author_id", "series_id", "wall_time", "asked")


def _with_places(query: _Query, *which: sa.ColumnElement[bool]) -> _Query:
    """Of these posts, each with its accounts; the next due first, those without a time last."""
    return (
        query.select_from(Post)
        .outerjoin(Variant, col(Variant.post_id) == col(Post.id))
        .outerjoin(Account, col(Account.id) == col(Variant.account_id))
        .where(*which)
        .order_by(col(Post.due_at).is_(None), col(Post.due_at), col(Post.id), col(Account.id))
    )


def _rows(listed: Iterable[Listed]) -> list[QueueRow]:
    return [_row(one.post, one.places) for one in listed]


def _row(post: Any, places: Sequence[tuple[str, int]]) -> QueueRow:
    """A post, or its columns."""
    return QueueRow(
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
