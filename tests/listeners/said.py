"""Posts as a network gives them, taken in and read; for the tests of this room."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database
from config.secrets import Keys
from config.settings import Settings
from listeners import intake, rules, sources
from listeners.tables import Mention, Source
from networks import accounts
from networks.network import Page, RemoteMention
from sentiment import inbox, scoring
from sentiment.inbox import Filters
from sentiment.tables import ALL, HourCount
from tests.sentiment.reader import WordReader
from tests.sentiment.street import ZONE


def a_source(engine: sa.Engine, now: datetime, network: str = "practice", every_seconds: int = 60) -> int:
    """A source, due now; its number."""
    with database.writing(engine) as session:
        made = sources.add(
            session, network=network, name=f"The {network}", settings={}, every_seconds=every_seconds, now=now
        )
        return made.id or 0


def take_in(
    engine: sa.Engine,
    source_id: int,
    posts: Sequence[RemoteMention],
    keys: Keys,
    settings: Settings,
    now: datetime,
) -> int:
    """Takes posts in by the rules as they stand; how many were new."""
    with database.writing(engine) as session:
        source = session.get_one(Source, source_id)
        own, own_ids = accounts.handles(session), accounts.own_ids(session)
        found = [(source.network, post) for post in posts]
        return intake.store(
            session, intake.prepare(found, source, rules.matcher(session), keys, settings, now, own, own_ids)
        )


def admit(session: Session, source: Source, page: Page, keys: Keys, settings: Settings, now: datetime) -> int:
    """A page taken in whole, by no rule, in the caller's transaction; how many were new."""
    found = [(source.network, mention) for mention in page.mentions]
    source.cursor = page.cursor
    return intake.store(session, intake.prepare(found, source, intake.EVERYTHING, keys, settings, now))


def read_all(engine: sa.Engine, now: datetime) -> None:
    """Scores all that waits."""
    while scoring.score_pending(engine, WordReader(), now, zone=ZONE):
        pass


def listed(engine: sa.Engine) -> dict[int, int]:
    """What the inbox lists, the newest first: the mention's number, and how many copies it says there are."""
    with database.reading(engine) as session:
        page = inbox.mentions(session, Filters(), limit=1000)
    return {row.mention.id or 0: row.copies for row in page.rows}


def counted(engine: sa.Engine) -> int:
    """Posts in the hourly counts."""
    with database.reading(engine) as session:
        return sum(session.exec(select(HourCount.posts).where(HourCount.concern == ALL)).all())


def stored(engine: sa.Engine) -> list[Mention]:
    with database.reading(engine) as session:
        return list(session.exec(select(Mention).order_by(col(Mention.id))))
