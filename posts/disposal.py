"""Disposal (the records manager's word): own posts let go by the records schedule, with everything that hangs on them.

Only posts that came to rest, published or not, that no legal hold keeps and that tell no outcome of an action. That
they were there stays in the audit log, and what they published stays on the networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from posts.tables import (
    Attempt,
    EventPost,
    PartnerComment,
    Post,
    PostPicture,
    PostVersion,
    Review,
    Series,
    Story,
    Target,
    TargetReach,
    UnitAction,
    Variant,
)
from posts.workflow import PostState

AT_REST = (
    PostState.PUBLISHED,
    PostState.PARTLY_PUBLISHED,
    PostState.FAILED,
    PostState.MISSED,
    PostState.CANCELLED,
)
_PARTS: tuple[type[SQLModel], ...] = (Variant, PostPicture, PostVersion, Review, Target, EventPost, PartnerComment)


@dataclass(frozen=True)
class Kept:
    """What legal holds keep: posts by their number, all of an account's, and what happened within a period."""

    posts: Sequence[int] = ()
    accounts: Sequence[int] = ()
    periods: Sequence[tuple[datetime, datetime]] = ()


def dispose(session: Session, before: datetime, kept: Kept, limit: int) -> int:
    """Removes up to `limit` posts whose last change and publication lie before that; how many."""
    published = select(Target.post_id).where(col(Target.published_at) >= before)
    query = (
        select(Post.id)
        .where(
            col(Post.state).in_([state.value for state in AT_REST]),
            col(Post.updated_at) < before,
            col(Post.id).not_in(published),
            col(Post.id).not_in(select(Series.post_id)),
            col(Post.id).not_in(select(Story.ask_id).where(col(Story.ask_id).is_not(None))),
            col(Post.id).not_in(select(Story.post_id).where(col(Story.post_id).is_not(None))),
            col(Post.id).not_in(select(UnitAction.post_id).where(col(UnitAction.post_id).is_not(None))),
            ~_held(kept),
        )
        .order_by(col(Post.id))
        .limit(limit)
    )
    ids = [number for number in session.exec(query) if number is not None]
    if ids:
        targets = sa.select(col(Target.id)).where(col(Target.post_id).in_(ids))
        for hanging in (Attempt, TargetReach):
            session.connection().execute(sa.delete(hanging).where(col(hanging.target_id).in_(targets)))
        for part in _PARTS:
            table = part.__table__  # type: ignore[attr-defined]
            session.connection().execute(sa.delete(table).where(table.c.post_id.in_(ids)))
        session.connection().execute(sa.delete(Post).where(col(Post.id).in_(ids)))
    return len(ids)


def _held(kept: Kept) -> sa.ColumnElement[bool]:
    there = sa.select(col(Variant.post_id)).where(col(Variant.account_id).in_(kept.accounts))
    went = sa.select(col(Target.post_id)).where(col(Target.account_id).in_(kept.accounts))
    within = []
    for start, end in kept.periods:
        out = sa.select(col(Target.post_id)).where(col(Target.published_at) >= start, col(Target.published_at) < end)
        made_or_changed = [
            sa.and_(moment >= start, moment < end) for moment in (col(Post.created_at), col(Post.updated_at))
        ]
        within += [*made_or_changed, col(Post.id).in_(out)]
    return sa.or_(col(Post.id).in_(kept.posts), col(Post.id).in_(there), col(Post.id).in_(went), *within)
