"""Edits upstream: a mention says what its author says now. What the old words had added to the counts is taken back in
the transaction that puts the new ones, which the model then reads anew."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import col, select

from config import audit, clock, database
from config.secrets import Keys
from config.settings import Settings
from listeners import mentions
from listeners.masking import masked, storable
from listeners.tables import Mention
from networks import accounts
from networks.network import RemoteMention
from sentiment import counts, scoring


def apply(engine: sa.Engine, settings: Settings, keys: Keys, network: str, posts: Sequence[RemoteMention]) -> int:
    """Gives those of the posts that are ours their new words; how many there were. Posts of others are passed over, and
    so is one whose words went for good."""
    words = {keys.hash("mention", f"{network}\n{post.remote_id}"): post.text for post in posts}
    with database.reading(engine) as session:
        own = [*settings.department.handles, *accounts.handles(session)]
        ours = session.exec(select(Mention.key).where(col(Mention.key).in_(list(words)))).all()
    told = {key: masked(storable(words[key]), own) for key in ours}
    if not told:
        return 0
    now = clock.now()
    with database.writing(engine) as session:
        mentions.take_turn(session)  # before any row is locked, as a scorer does
        there = (  # read here, and locked: what went meanwhile is not changed, what was hidden gets no words back
            select(Mention.id, Mention.key, Mention.text)
            .where(col(Mention.key).in_(list(told)), col(Mention.shown))
            .order_by(col(Mention.id))
            .with_for_update()
        )
        changed = {
            number: told[key]
            for number, key, old in session.exec(there)
            if number is not None and old is not None and told[key] != old
        }
        if not changed:
            return 0
        counts.subtract(session, list(changed))
        scoring.forget(session, list(changed))
        mentions.reword(session, changed, now)
        audit.record(session, now, None, "mention.edited_upstream", network, {"ids": sorted(changed)})
    return len(changed)
