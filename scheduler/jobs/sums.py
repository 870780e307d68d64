"""Keeps the sums of the figures of the day and of the month: Today, Concerns, digest and reports add nothing up."""

from datetime import datetime

import sqlalchemy as sa

from config import database
from config.settings import Settings
from sentiment import counts, figures, history, sums
from sentiment.editions import Edition


def keep(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Adds up what is missing or out of date, then keeps it in a transaction of its own; how many sums."""
    zone = settings.department.zone
    with database.reading(engine) as session:
        month = history.windows(session, Edition.MONTHLY, now.astimezone(zone).date(), counts.first_day(session))
        rows, places = figures.out_of_date(session, now, zone, [month])
    if rows or places:
        with database.writing(engine) as session:
            sums.keep(session, rows, now.astimezone(zone).date())
            sums.keep_places(session, places, now.astimezone(zone).date())
    return len(rows) + len(places)
