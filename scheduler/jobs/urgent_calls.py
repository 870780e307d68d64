"""An urgent update that nobody approved within two minutes: everyone is asked once more, and its author is told."""

from datetime import datetime

import sqlalchemy as sa

from config import database
from config.settings import Settings
from posts import urgent
from scheduler import urgent_call


def look(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Asks again for what waits for too long, once for the same words; how many messages."""
    with database.reading(engine) as session:
        due = [post.id or 0 for post in urgent.late(session, now) if not urgent_call.was_repeated(session, post)]
    if not due:
        return 0
    with database.writing(engine) as session:
        waiting = [post for post in urgent.late(session, now) if post.id in due]
        return sum(urgent_call.repeat(session, post, settings, now) for post in waiting)
