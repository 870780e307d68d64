"""Lets go of what is past its time: mentions' texts, author-days, sources' hours. Counts stay."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from config import database
from config.settings import Settings
from listeners import copies, mentions, rhythm
from sentiment import counts

BATCH = 2000  # rows in one transaction, so that intake never waits long


def expire(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Removes expired mentions, and author-days and sources' hours older than 60 days, in batches; how many rows."""
    today = now.astimezone(settings.department.zone).date()
    gone = 0
    steps: tuple[Callable[[Session], int], ...] = (
        lambda session: mentions.expire(session, now, BATCH),
        lambda session: counts.forget_author_days(session, today, BATCH),
        lambda session: copies.forget(session, now, BATCH),
        lambda session: rhythm.forget(session, now),
    )
    for step in steps:
        while True:
            with database.writing(engine) as session:
                removed = step(session)
            gone += removed
            if removed < BATCH:
                break
    return gone
