"""Tables of the scheduler room: when each periodic job is due, so that a restart repeats none and what failed comes
again soon (scheduler.marks); which processes are there; where alerts are told besides by mail; and who was
told of which alert."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from config.database import UtcDateTime, empty_list


class JobMark(SQLModel, table=True):
    __tablename__ = "job_mark"

    name: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=UtcDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SignOfLife(SQLModel, table=True):
    """A process of the desk, when it was last there, and how far its machine's clock is off the store's."""

    __tablename__ = "sign_of_life"

    key: str = Field(primary_key=True)  # made by chance at its start
    kind: str  # run | web | clock | worker
    host: str
    queues: list[str] = Field(default_factory=empty_list, sa_type=sa.JSON)
    began_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)  # by the store's clock
    off_seconds: float = 0.0


class AlertChannel(SQLModel, table=True):
    """A place of the team's where alerts are told: a program of theirs (signed JSON), or a chat room."""

    __tablename__ = "alert_channel"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    kind: str  # json | chat
    address: bytes  # sealed: in a chat's address lies its key
    secret: bytes | None = None  # sealed; signs what goes to a program
    concerns: list[str] = Field(default_factory=empty_list, sa_type=sa.JSON)  # taxonomy keys; empty: all
    urgent_only: bool = False
    active: bool = True
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_ok_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = None


class AlertNotice(SQLModel, table=True):
    """Somebody was told of an alert: written with the outbox row that tells them."""

    __tablename__ = "alert_notice"

    alert_id: int = Field(foreign_key="alert.id", primary_key=True, ondelete="CASCADE")
    recipient: str = Field(primary_key=True)  # "person:3", "channel:2"
    reason: str = Field(primary_key=True)  # raised | escalated
    at: datetime = Field(sa_type=UtcDateTime, index=True)
