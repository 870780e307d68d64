"""What was put away comes back when its time is over."""

from datetime import datetime

import sqlalchemy as sa

from config import database
from config.settings import Settings
from listeners import triage


def end(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Brings back the mentions whose snooze is over; how many."""
    del settings
    with database.writing(engine) as session:
        return triage.wake(session, now)
