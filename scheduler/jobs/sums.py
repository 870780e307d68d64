"""Keeps the sums of the day's figures, so that Today, Concerns and the digest add nothing up."""

from datetime import datetime

import sqlalchemy as sa

from config import database
from config.settings import Settings
from sentiment import figures, sums


def keep(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Adds up what is missing or out of date, then keeps it in a transaction of its own; how many sums."""
    zone = settings.department.zone
    with database.reading(engine) as session:
        rows, places = figures.out_of_date(session, now, zone)
    if rows or places:
        with database.writing(engine) as session:
            sums.keep(session, rows, now.astimezone(zone).date())
            sums.keep_places(session, places, now.astimezone(zone).date())
    return len(rows) + len(places)
