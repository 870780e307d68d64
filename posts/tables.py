"""Tables of the posts room: posts, their variants, pictures and versions, approvals, targets and attempts."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

import config.tables  # noqa: F401  (its tables are referred to by name)
import networks.tables  # noqa: F401  (its tables are referred to by name)
from config.database import UtcDateTime


class Post(SQLModel, table=True):
    """One message of the department, with a variant for each account it goes to."""

    id: int | None = Field(default=None, primary_key=True)
    title: str
    category: str = "general"  # general | safety | event | answer | you_said_we_did
    state: str = Field(default="draft", index=True)  # posts.workflow.PostState
    author_id: int = Field(foreign_key="person.id")
    message: str  # what variants follow until reworded
    language: str = "en"
    reply_to_mention_id: int | None = None  # no foreign key: the answer outlives the mention
    concern: str | None = None  # what it answers, for "You said, we did"
    wall_time: datetime | None = Field(default=None, sa_type=sa.DateTime)  # local, naive on purpose
    time_zone: str | None = None
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)  # derived from the two above
    content_hash: str = ""  # of what an approval is bound to (posts.workflow.content_hash)
    revision: int = 1  # moves with every save: two editors, the second is told
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Variant(SQLModel, table=True):
    """What one account will say; follows the post's message while text is null."""

    __table_args__ = (sa.UniqueConstraint("post_id", "account_id"),)

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)
    account_id: int = Field(foreign_key="account.id")
    text: str | None = None
    options: dict[str, str] = Field(default_factory=dict, sa_type=sa.JSON)  # those of its network: visibility, …


class PostPicture(SQLModel, table=True):
    """A picture of a post, for every account it goes to; decoded and written anew (networks.pictures)."""

    __tablename__ = "post_picture"

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)
    position: int
    alt: str = ""
    data: bytes
    mime: str
    width: int  # pixels
    height: int
    digest: str  # SHA-256 of data
    taken_out: bool = False  # of the post; older versions still name it


class PostVersion(SQLModel, table=True):
    """Every version kept, as it was when saved."""

    __tablename__ = "post_version"
    __table_args__ = (sa.UniqueConstraint("post_id", "revision"),)

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)
    revision: int
    saved_by: int = Field(foreign_key="person.id")
    saved_at: datetime = Field(sa_type=UtcDateTime)
    content_hash: str
    content: dict[str, Any] = Field(sa_type=sa.JSON)


class Review(SQLModel, table=True):
    """An approver's word on one exact content."""

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)
    person_id: int = Field(foreign_key="person.id")
    at: datetime = Field(sa_type=UtcDateTime)
    decision: str  # approved | changes_asked | comment
    content_hash: str
    comment: str = ""


class Target(SQLModel, table=True):
    """One post on one account, or one part of a thread there: what is claimed, sent, looked up. One row, whatever
    happens to the others; a later part waits for the one before it."""

    __table_args__ = (
        sa.UniqueConstraint("post_id", "account_id", "part"),
        sa.Index("ix_target_due", "state", "due_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id", index=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    part: int = 0  # of a thread, from 0; the first has the pictures
    state: str  # posts.workflow.TargetState
    due_at: datetime = Field(sa_type=UtcDateTime)
    next_try_at: datetime = Field(sa_type=UtcDateTime)
    key: str = Field(unique=True)  # idempotency key, made once, sent with every attempt
    content_hash: str  # what was approved and may be sent
    text: str
    options: dict[str, str] = Field(default_factory=dict, sa_type=sa.JSON)
    reply_to: bytes | None = None  # sealed reference of what it answers
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempts: int = 0
    remote_id: str | None = None
    remote_url: str | None = None
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = None
    take_down_asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Attempt(SQLModel, table=True):
    """One call to a network, committed before it is made."""

    id: int | None = Field(default=None, primary_key=True)
    target_id: int = Field(foreign_key="target.id", index=True)
    number: int
    kind: str = "publish"  # publish | find | remove
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str | None = None
    detail: str = ""
