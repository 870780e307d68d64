"""Tables of the networks room: accounts we are signed in with, and the practice board's own posts."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from config.database import UtcDateTime


class Account(SQLModel, table=True):
    """One account of the department on one network."""

    id: int | None = Field(default=None, primary_key=True)
    network: str = Field(index=True)
    name: str  # as people see it: "Riverton PD"
    handle: str = ""
    sealed_secret: bytes | None = None
    state: str = "connected"  # connected | signed_out | removed
    state_reason: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)


class PracticePost(SQLModel, table=True):
    """A post on the practice board, by us (account_id set) or by somebody who practises being a resident."""

    __tablename__ = "practice_post"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)  # the target's idempotency key: publishing twice makes one post
    account_id: int | None = Field(default=None, foreign_key="account.id")
    author: str
    text: str
    language: str = ""
    reply_to: int | None = Field(default=None, foreign_key="practice_post.id")
    posted_at: datetime = Field(sa_type=UtcDateTime)
