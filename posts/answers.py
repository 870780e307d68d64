"""Our answers to mentions, and how far they are: to what is answered, or will be, no other answer is due. Who has a
mention, and what else is done with it, is listeners.triage's affair."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from listeners.tables import Mention
from posts.tables import Post, Target
from posts.workflow import PostState, TargetState

ON_ITS_WAY = (PostState.IN_REVIEW.value, PostState.APPROVED.value, PostState.SCHEDULED.value)
WENT_OUT = (PostState.PUBLISHED.value, PostState.PARTLY_PUBLISHED.value)


class Standing(StrEnum):
    """How far an answer is, the furthest first."""

    OUT = "out"  # it stands on its network
    WAITS = "waits"  # for its approval, its time or its network
    BEGUN = "begun"  # a draft


@dataclass(frozen=True)
class Answer:
    """A post that answers a mention; `standing` is none of what did not go out, or was taken down."""

    mention_id: int
    post: Post
    standing: Standing | None


def to(session: Session, mention_ids: Collection[int]) -> list[Answer]:
    """The answers to these mentions, the oldest first; one question."""
    if not mention_ids:
        return []
    query = select(Post, _standing()).where(col(Post.reply_to_mention_id).in_(mention_ids)).order_by(col(Post.id))
    return [
        Answer(post.reply_to_mention_id or 0, post, Standing(standing) if standing else None)
        for post, standing in session.exec(query)
    ]


def furthest(answers: Collection[Answer]) -> dict[int, Answer]:
    """Of each mention the answer that is furthest; mentions with none, or with dead ones alone, are left out. Pure."""
    order = list(Standing)
    found: dict[int, Answer] = {}
    for one in answers:
        known = found.get(one.mention_id)
        if one.standing is not None and (
            known is None or known.standing is None or order.index(one.standing) < order.index(known.standing)
        ):
            found[one.mention_id] = one
    return found


def needs_none() -> sa.ColumnElement[bool]:
    """Of a mention in the question around it: an answer to it is out or on its way."""
    there = sa.or_(col(Post.state).in_(ON_ITS_WAY), _stands())
    return sa.select(sa.literal(1)).where(col(Post.reply_to_mention_id) == col(Mention.id), there).exists()


def _stands() -> sa.ColumnElement[bool]:
    live = sa.select(sa.literal(1)).where(
        col(Target.post_id) == col(Post.id), col(Target.state) == TargetState.PUBLISHED.value
    )
    return sa.and_(col(Post.state).in_(WENT_OUT), live.exists())


def _standing() -> Any:
    return sa.case(
        (_stands(), Standing.OUT.value),
        (col(Post.state).in_(ON_ITS_WAY), Standing.WAITS.value),
        (col(Post.state) == PostState.DRAFT.value, Standing.BEGUN.value),
        else_="",
    )
