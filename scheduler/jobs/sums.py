"""Keeps the sums of the figures of the day and of the month: Today, Concerns, digest and reports add nothing up. And
those of before and after what we did, which are told when the author-days are gone."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, func, or_, select

from config import database
from config.settings import Settings
from posts.tables import Post, Target, UnitAction
from sentiment import before_after, counts, figures, history, sums
from sentiment.before_after import Done
from sentiment.editions import Edition
from sentiment.taxonomy import CONCERNS


def keep(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Adds up what is missing or out of date, then keeps it in a transaction of its own; how many sums."""
    zone = settings.department.zone
    today = now.astimezone(zone).date()
    with database.reading(engine) as session:
        kept_from = counts.first_day(session)
        month = history.windows(session, Edition.MONTHLY, today, kept_from)
        lasting = [before_after.lasting(done, today, kept_from or today) for done in lately(session, zone, now)]
        rows, places = figures.out_of_date(session, now, zone, [month], lasting)
    if rows or places:
        with database.writing(engine) as session:
            sums.keep(session, rows, today)
            sums.keep_places(session, places, today)
    return len(rows) + len(places)


def lately(session: Session, zone: ZoneInfo, now: datetime) -> list[Done]:
    """Actions that are asked for or were closed, and posts about a concern that went out, while author-days of the days
    before or after are kept."""
    since = now - timedelta(days=counts.AUTHOR_DAYS_KEPT + 1)

    def day(moment: datetime) -> date:
        return moment.astimezone(zone).date()

    actions = select(UnitAction.concern, UnitAction.asked_at, UnitAction.closed_at).where(
        or_(col(UnitAction.asked_at) > since, col(UnitAction.closed_at) > since)
    )
    out = (
        select(Post.concern, func.min(Target.published_at), func.max(Target.published_at))
        .join(Target, col(Target.post_id) == col(Post.id))
        .where(col(Post.concern).in_(list(CONCERNS)))
        .group_by(col(Post.id), col(Post.concern))
        .having(func.max(Target.published_at) > since)
    )
    found = {
        Done(concern, day(begun), day(ended) if ended is not None else None)
        for concern, begun, ended in (*session.exec(actions), *session.exec(out))
        if concern is not None and begun is not None
    }
    return sorted(found, key=lambda done: (done.concern, done.begun, done.ended or date.max))
