"""Table of the scheduler room: when each periodic job last ran, so that a restart repeats none and skips none."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from config.database import UtcDateTime


class JobMark(SQLModel, table=True):
    __tablename__ = "job_mark"

    name: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=UtcDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
