"""Tables of the sentiment room: scores, corrections, counts, author-days, alerts."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

import config.tables  # noqa: F401  (its tables are referred to by name)
import listeners.tables  # noqa: F401  (its tables are referred to by name)
from config.database import UtcDateTime, empty_list

ALL = ""  # a cell's concern when it stands for all of them: a mention with two concerns counts once here


class Score(SQLModel, table=True):
    """What the model read in one mention: calibrated probabilities, and the labels that hold after corrections."""

    mention_id: int = Field(primary_key=True, foreign_key="mention.id", ondelete="CASCADE")
    model: str
    negative: float
    neutral: float
    positive: float
    mistrust: float
    neither: float
    trust: float
    concerns: dict[str, float] = Field(sa_type=sa.JSON)
    mistrust_flag: bool
    sentiment_label: str  # negative | neutral | positive: the model's, or an officer's correction
    trust_label: str  # mistrust | neither | trust: the model's at its threshold, or an officer's correction
    day: date  # the author-day it counts in, in the department's zone at that time
    embedding: bytes  # float16, 384 numbers, length 1


class Rescoring(SQLModel, table=True):
    """Mentions that older models read are read anew by one; under way while `ended_at` is null."""

    id: int | None = Field(default=None, primary_key=True)
    model: str
    begun_at: datetime = Field(sa_type=UtcDateTime)
    begun_by: int | None = Field(default=None, foreign_key="person.id")
    mentions: int  # that waited when it began
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str = ""  # done | stopped | replaced


class RescoringPart(SQLModel, table=True):
    """How far one part of a rescoring is: mentions whose number leaves `part`, from `below` downwards; 0: through."""

    __tablename__ = "rescoring_part"

    rescoring_id: int = Field(primary_key=True, foreign_key="rescoring.id", ondelete="CASCADE")
    part: int = Field(primary_key=True)
    below: int
    done: int


class MentionConcern(SQLModel, table=True):
    """A concern that a mention raises: the model's at its threshold, or an officer's correction."""

    __tablename__ = "mention_concern"
    __table_args__ = (sa.Index("ix_mention_concern_newest", "concern", "posted_at"),)

    mention_id: int = Field(primary_key=True, foreign_key="mention.id", ondelete="CASCADE")
    concern: str = Field(primary_key=True)
    posted_at: datetime = Field(
        sa_type=UtcDateTime
    )  # the mention's: the newest of a concern are found without the rest


class Correction(SQLModel, table=True):
    """An officer's word on one mention's labels; it counts at once."""

    id: int | None = Field(default=None, primary_key=True)
    mention_id: int = Field(foreign_key="mention.id", index=True, ondelete="CASCADE")
    person_id: int = Field(foreign_key="person.id")
    at: datetime = Field(sa_type=UtcDateTime)
    trust: str | None = None
    sentiment: str | None = None
    concerns: list[str] | None = Field(default=None, sa_type=sa.JSON)


class HourCount(SQLModel, table=True):
    """What one hour brought to one cell. Kept for good; expiry never changes it, a deletion upstream does."""

    __tablename__ = "hour_count"
    __table_args__ = (sa.Index("ix_hour_count_cell", "concern", "hour"),)

    hour: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    concern: str = Field(primary_key=True)  # ALL or a taxonomy key
    place_id: int = Field(primary_key=True, default=0)  # 0: no place named; all places are the sum of their rows
    network: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    posts: int
    mistrust: float  # sums of probabilities, each rounded to 2**-20, so that taking one away leaves no trace
    trust: float
    negative: float
    positive: float


class AuthorDay(SQLModel, table=True):
    """One author's day in one cell, for one-author-one-vote and baselines. Goes after 60 days."""

    __tablename__ = "author_day"
    __table_args__ = (sa.Index("ix_author_day_cell", "concern", "day"), sa.Index("ix_author_day_day", "day"))

    author: bytes = Field(primary_key=True)
    day: date = Field(primary_key=True)  # in the department's zone
    concern: str = Field(primary_key=True)
    place_id: int = Field(primary_key=True, default=0)
    network: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    posts: int
    mistrust: float
    trust: float
    negative: float
    positive: float


class DayChange(SQLModel, table=True):
    """How often the author-days of a day were written: what was added up before that is out of date."""

    __tablename__ = "day_change"

    day: date = Field(primary_key=True)
    changes: int


class KeptSum(SQLModel, table=True):
    """trust.Sums of one concern over a span, added up when the changes of its days came to `changes`. Names nobody."""

    __tablename__ = "kept_sum"

    concern: str = Field(primary_key=True)
    last: date = Field(primary_key=True)
    first: date = Field(primary_key=True)
    by_week: bool = Field(primary_key=True)
    changes: int
    authors: int
    weights: float
    squares: float
    posts: int
    mistrust: float
    trust: float
    negative: float


class KeptPlaces(SQLModel, table=True):
    """Where a concern was raised in a span of days: authors by place, as JSON. Kept as KeptSum is."""

    __tablename__ = "kept_places"

    concern: str = Field(primary_key=True)
    last: date = Field(primary_key=True)
    first: date = Field(primary_key=True)
    changes: int
    authors: dict[str, int] = Field(sa_type=sa.JSON)  # by place's id


class Alert(SQLModel, table=True):
    """Something unusual that a person should look at: one thread, kept up to date while it is open.
    Its figures cover the `window_hours` before `updated_at`."""

    id: int | None = Field(default=None, primary_key=True)
    kind: str  # cell: more than usual | emerging: something new
    concern: str
    place_id: int | None = Field(default=None, foreign_key="place.id")
    title: str
    raised_at: datetime = Field(sa_type=UtcDateTime, index=True)
    since: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    window_hours: int
    posts: int
    authors: int
    expected: float  # authors
    p_value: float
    keyphrases: list[str] = Field(default_factory=empty_list, sa_type=sa.JSON)
    state: str = "new"  # new | taken | resolved | not_a_concern
    taken_by: int | None = Field(default=None, foreign_key="person.id")
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    severity: str = "normal"  # urgent: an emergency | high: many more people than usual | normal
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)  # columns for the chart, no texts


class AlertMention(SQLModel, table=True):
    __tablename__ = "alert_mention"

    alert_id: int = Field(primary_key=True, foreign_key="alert.id", ondelete="CASCADE")
    mention_id: int = Field(primary_key=True, foreign_key="mention.id", ondelete="CASCADE", index=True)


class AlertTuning(SQLModel, table=True):
    """How readily alerts are raised, for the department (ALL) or one concern; muted ones not at all until then."""

    __tablename__ = "alert_tuning"

    concern: str = Field(primary_key=True)
    sensitivity: str = ""  # fewer | balanced | more; empty: as the department
    muted_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class HeldBack(SQLModel, table=True):
    """What was found and not raised, and why. Figures only; goes after 90 days."""

    __tablename__ = "held_back"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    kind: str  # as an alert's
    concern: str
    place_id: int | None = Field(default=None, foreign_key="place.id")
    title: str
    authors: int
    expected: float
    p_value: float
    why: str  # budget: the day had its alert | muted


class Hindsight(SQLModel, table=True):
    """What each sensitivity would have alerted in the last month, as asked for and answered (hindsight.py)."""

    id: int | None = Field(default=None, primary_key=True)
    asked_at: datetime = Field(sa_type=UtcDateTime)
    asked_by: int = Field(foreign_key="person.id")
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    done: float = 0.0  # how much of it is worked out, 0 to 1, until it is answered
    first: date | None = None
    last: date | None = None
    raised: dict[str, list[dict[str, str | None]]] | None = Field(default=None, sa_type=sa.JSON)  # by sensitivity
