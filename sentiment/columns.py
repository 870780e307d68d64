"""A concern's posts, two hours a column over two days, against what is usual: the small chart of an alert."""

from collections.abc import Mapping, Sequence
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


def of_concerns(session: Session, asked: Sequence[tuple[str, datetime]], zone: ZoneInfo) -> list[tuple[Column, ...]]:
    """Of each of these concerns the posts per two hours over the two days up to its own time; in the whole town, since
    two hours at one place would show one person's posts. Usual is its mean over the 28 days before (less a guard of 2),
    spread over the hours of the local day as all posts of those days are. One question for all."""
    if not asked:
        return []
    spans = [_span(until) for _, until in asked]
    rows = session.connection().execute(
        sa.select(col(HourCount.concern), col(HourCount.hour), sa.func.sum(col(HourCount.posts)))
        .where(
            col(HourCount.concern).in_({ALL, *(concern for concern, _ in asked)}),
            col(HourCount.hour) >= min(span.usual_from for span in spans),
            col(HourCount.hour) < max(span.end for span in spans),
        )
        .group_by(col(HourCount.concern), col(HourCount.hour))
    )
    posts: dict[str, dict[datetime, int]] = {ALL: {}, **{concern: {} for concern, _ in asked}}
    for concern, hour, number in rows:
        posts[concern][hour] = int(number)
    return [_columns(posts[concern], posts[ALL], span, zone) for (concern, _), span in zip(asked, spans, strict=True)]


@dataclass(frozen=True)
class _Span:
    """From when usual is taken, until when; and the two days that are drawn."""

    usual_from: datetime
    usual_until: datetime
    start: datetime
    end: datetime


def _span(until: datetime) -> _Span:
    end = counts.hour_of(until) + timedelta(hours=1)
    start = end - COLUMNS * COLUMN
    return _Span(start - _GUARD - timedelta(days=USUAL_DAYS), start - _GUARD, start, end)


def _columns(
    posts: Mapping[datetime, int], everything: Mapping[datetime, int], span: _Span, zone: ZoneInfo
) -> tuple[Column, ...]:
    whole = {hour: number for hour, number in everything.items() if span.usual_from <= hour < span.usual_until}
    by_local_hour = [0.5] * 24  # half a post each, so that a quiet hour is not impossible
    for hour, number in whole.items():
        by_local_hour[hour.astimezone(zone).hour] += number
    days = max(1.0, (span.usual_until - max(span.usual_from, min(whole, default=span.usual_from))) / timedelta(days=1))
    daily = sum(number for hour, number in posts.items() if span.usual_from <= hour < span.usual_until) / days
    found: list[Column] = []
    for index in range(COLUMNS):
        at = span.start + index * COLUMN
        its_hours = [at + timedelta(hours=hour) for hour in range(int(COLUMN / timedelta(hours=1)))]
        usual = daily * sum(by_local_hour[hour.astimezone(zone).hour] for hour in its_hours) / sum(by_local_hour)
        found.append(Column(at, sum(posts.get(hour, 0) for hour in its_hours), usual))
    return tuple(found)
