"""How far this machine's clock is off the store's."""

import sqlalchemy as sa
from sqlmodel import Session

from config import clock
from config.clock import utc

MOST = 5.0  # seconds, either way: past them a cluster's processes do not start, since leases are counted by clocks


def of(session: Session) -> float:
    """Seconds that this machine is behind the store (negative: ahead of it), at least; what the question took is given
    to it. 0 on SQLite, whose clock is ours."""
    if session.get_bind().dialect.name == "sqlite":
        return 0.0
    begun = clock.now()
    there = utc(session.connection().execute(sa.text("SELECT clock_timestamp()")).scalar_one())
    least, most = (there - clock.now()).total_seconds(), (there - begun).total_seconds()
    return least if least > 0 else min(most, 0.0)
