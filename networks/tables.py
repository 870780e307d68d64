"""Tables of the networks room: accounts we are signed in with, and the practice board's own posts."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from config.database import UtcDateTime, empty_list


class Account(SQLModel, table=True):
    """One account of the department on one network."""

    id: int | None = Field(default=None, primary_key=True)
    network: str = Field(index=True)
    name: str  # as people see it: "Riverton PD"
    handle: str = ""
    remote_id: str = ""  # its stable id there
    settings: dict[str, str] = Field(default_factory=dict, sa_type=sa.JSON)  # public: its server, that server's limits
    sealed_secret: bytes | None = None
    sealed_session: bytes | None = None  # renewed while it is used
    state: str = "connected"  # connected | signed_out | removed
    state_reason: str = ""
    state_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_ok_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rate_limit: int | None = None  # what the network last said
    rate_remaining: int | None = None
    rate_resets_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    renewals_failed: int = 0  # in a row
    renewals_failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # when a person must sign in again
    monthly_budget: Decimal | None = Field(default=None, sa_type=sa.Numeric(10, 2))  # dollars; reading stops there
    created_at: datetime = Field(sa_type=UtcDateTime)


class Spending(SQLModel, table=True):
    """What an account cost in one month on a network that charges."""

    account_id: int = Field(primary_key=True, foreign_key="account.id")
    month: str = Field(primary_key=True)  # 2026-11, in UTC, as the network bills
    what: str = Field(primary_key=True)  # read | publish
    dollars: Decimal = Field(sa_type=sa.Numeric(12, 4))


class PendingSignIn(SQLModel, table=True):
    """Somebody is on a network's own page to say yes; what we need when they come back."""

    __tablename__ = "pending_sign_in"

    state: bytes = Field(primary_key=True)  # keyed BLAKE2b of what the network hands back
    network: str
    person_id: int = Field(foreign_key="person.id")
    account_id: int | None = Field(default=None, foreign_key="account.id")  # an account that is connected again
    sealed_kept: bytes
    expires_at: datetime = Field(sa_type=UtcDateTime)


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
    pictures: list[str] = Field(default_factory=empty_list, sa_type=sa.JSON)  # their descriptions: no more is shown
    posted_at: datetime = Field(sa_type=UtcDateTime)
