"""A concern's posts, two hours a column over two days, against what is usual: the small chart of an alert."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col

from sentiment import counts
from sentiment.tables import ALL, HourCount

COLUMN = timedelta(hours=2)
COLUMNS = 24
USUAL_DAYS = 28
_GUARD = timedelta(days=2)


@dataclass(frozen=True)
class Column:
    """Posts of the alert's concern in the two hours from `start` (UTC), and how many are usual."""

    start: datetime
    posts: int
    expected: float

    @property
    def over(self) -> bool:
        return self.posts > max(1.0, 2 * self.expected)


def of_concern(session: Session, concern: str, until: datetime, zone: ZoneInfo) -> tuple[Column, ...]:
    """Posts of a concern per two hours over the two days up to `until`; in the whole town, since two hours at one place
    would show one person's posts. Usual is its mean over the 28 days before (less a guard of 2), spread over the hours
    of the local day as all posts of those days are."""
    end = counts.hour_of(until) + timedelta(hours=1)
    start = end - COLUMNS * COLUMN
    usual_from = start - _GUARD - timedelta(days=USUAL_DAYS)
    this = [col(HourCount.concern) == concern, col(HourCount.hour) >= usual_from, col(HourCount.hour) < end]
    hours = _posts_by_hour(session, this)
    whole = _posts_by_hour(
        session,
        [col(HourCount.concern) == ALL, col(HourCount.hour) >= usual_from, col(HourCount.hour) < start - _GUARD],
    )
    by_local_hour = [0.5] * 24  # half a post each, so that a quiet hour is not impossible
    for hour, posts in whole.items():
        by_local_hour[hour.astimezone(zone).hour] += posts
    days = max(1.0, (start - _GUARD - max(usual_from, min(whole, default=usual_from))) / timedelta(days=1))
    daily = sum(posts for hour, posts in hours.items() if hour < start - _GUARD) / days
    found: list[Column] = []
    for index in range(COLUMNS):
        at = start + index * COLUMN
        its_hours = [at + timedelta(hours=hour) for hour in range(int(COLUMN / timedelta(hours=1)))]
        usual = daily * sum(by_local_hour[hour.astimezone(zone).hour] for hour in its_hours) / sum(by_local_hour)
        found.append(Column(at, sum(hours.get(hour, 0) for hour in its_hours), usual))
    return tuple(found)


def _posts_by_hour(session: Session, where: Sequence[sa.ColumnElement[bool]]) -> dict[datetime, int]:
    rows = session.connection().execute(
        sa.select(col(HourCount.hour), sa.func.sum(col(HourCount.posts))).where(*where).group_by(col(HourCount.hour))
    )
    return {hour: int(posts) for hour, posts in rows}
