"""Answers to writes of the API, kept for a day so that the same write sent again is not done twice (web.api.once)."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete

from config.tables import KeptReply

KEPT = timedelta(hours=24)


def forget(session: Session, now: datetime) -> int:
    """Removes those that are over; how many."""
    return session.exec(delete(KeptReply).where(col(KeptReply.at) < now - KEPT)).rowcount
