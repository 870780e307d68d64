"""The publishing tick: what is due is claimed and handed to the pools; what lapsed is told to its author, or to the
officers where that one has left."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage

import sqlalchemy as sa
from sqlmodel import Session

from config import database, letters, people
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from config.translations import translate
from posts import claims, lapsing, takedown
from posts.claims import Claim
from posts.lapsing import Lapsed
from posts.pools import Pools

AT_ONCE = 200  # claims in one commit


def tick(engine: sa.Engine, settings: Settings, keys: Keys, pools: Pools, now: datetime, most: int = 10_000) -> int:
    """Claims what is due and gives it to the pools, `most` in hand at once; how many claims. Makes no call itself."""
    with database.reading(engine) as session:
        if not claims.anything_due(session, now):
            return 0
    claims.recover(engine, now)
    _lapse(engine, settings, now)
    count, begun = 0, time.monotonic()
    # Some at a time: the first call need not wait for the last claim. Leases count from `now`: a tick that has become
    # old stops, or what came back not begun would be claimed with the same lapsed lease for ever.
    while time.monotonic() - begun < claims.LEASE.total_seconds() / 4:
        room = min(AT_ONCE, most - pools.in_hand)
        taken = claims.claim(engine, keys, now, room) if room > 0 else []
        count += _submit(pools, taken)
        if not taken:
            break
    return count + _submit(pools, [*claims.claim_look_ups(engine, keys, now), *takedown.claim(engine, now)])


def _submit(pools: Pools, taken: Sequence[Claim]) -> int:
    for claim in taken:
        pools.submit(claim)
    return len(taken)


def _lapse(engine: sa.Engine, settings: Settings, now: datetime) -> None:
    late = timedelta(minutes=settings.late_limit_minutes)
    with database.reading(engine) as session:
        if not lapsing.anything_lapsed(session, now, late):
            return
    with database.writing(engine) as session:
        for lapsed in lapsing.lapse(session, now, late):
            _tell(session, settings, lapsed, now)


def _tell(session: Session, settings: Settings, lapsed: Lapsed, now: datetime) -> None:
    author = session.get_one(Person, lapsed.author_id)
    told = [author] if author.active else people.with_role(session, Role.OFFICER)  # who left is stood in for
    for person in told:
        key = f"missed:{lapsed.post_id}:{lapsed.due_at.isoformat()}:{person.id}"
        message = _message(lapsed, settings, person.language)
        letters.put(session, message, key=key, kind="post", recipient=person.email, settings=settings, now=now)


def _message(lapsed: Lapsed, settings: Settings, language: str) -> EmailMessage:
    _ = translate(language).gettext
    words = _(
        "“%(title)s” was not sent: %(why)s. Every word of it is kept.\n\nGive it a new time or leave it: %(link)s"
    )
    about = {
        "title": lapsed.title,
        "why": lapsed.reason.told(_),
        "link": f"{settings.base_url}/posts/{lapsed.post_id}",
    }
    message = EmailMessage()
    message["Subject"] = _("Not sent: %(title)s") % {"title": " ".join(lapsed.title.split())}
    message.set_content(words % about + "\n")
    return message
