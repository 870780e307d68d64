"""Posts that come again, made ahead of their time."""

from datetime import datetime

import sqlalchemy as sa
import structlog

from config import database
from config.settings import Settings
from posts import series
from posts.tables import Series

log = structlog.get_logger(__name__)


def extend(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Makes what comes within the next weeks, each series in a transaction of its own; how many posts."""
    del settings
    with database.reading(engine) as session:
        found = [one.id or 0 for one in series.running(session)]
    made = 0
    for number in found:
        try:
            with database.writing(engine) as session:
                made += series.extend(session, session.get_one(Series, number), now)
        except Exception as error:  # one series that cannot be made must not stop the others
            log.error("series_not_extended", series=number, kind=type(error).__name__, error=str(error))
    return made
