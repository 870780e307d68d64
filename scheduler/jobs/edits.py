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
        there = session.exec(
            select(Mention.id, Mention.key, Mention.text).where(col(Mention.key).in_(list(words)), col(Mention.shown))
        ).all()
    changed = {
        number: new
        for number, key, old in there
        if number is not None and old is not None and (new := masked(storable(words[key]), own)) != old
    }
    if not changed:
        return 0
    now = clock.now()
    with database.writing(engine) as session:
        counts.subtract(session, list(changed))
        scoring.forget(session, list(changed))
        mentions.reword(session, changed, now)
        audit.record(session, now, None, "mention.edited_upstream", network, {"ids": sorted(changed)})
    return len(changed)
