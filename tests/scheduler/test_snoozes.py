"""What was put away comes back by itself, at eight in the zone of whoever put it away."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import col, select

from config import chain, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry, Person
from listeners import triage
from listeners.tables import Mention
from scheduler.engine import rota
from sentiment import inbox
from tests.listeners.test_triage import stored
from web import live

NEW_YORK = ZoneInfo("America/New_York")


def come_round(engine: sa.Engine, settings: Settings, keys: Keys, at: datetime) -> None:
    """The job as both engines call it."""
    (job,) = [one for one in rota.READS if one.name == "snoozes"]
    assert job.every <= timedelta(minutes=1)
    job.job(rota.Hands(engine, settings, keys), at)


def listed(engine: sa.Engine) -> dict[str, list[int]]:
    with database.reading(engine) as session:
        rows = {state: inbox.mentions(session, inbox.Filters(state=state)).rows for state in inbox.STATES}
    return {state: sorted(row.mention.id or 0 for row in found) for state, found in rows.items() if found}


def test_a_mention_put_away_until_tomorrow_is_in_the_inbox_at_eight_as_it_was(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, person: Callable[..., Person]
) -> None:
    eight = triage.morning_after(now, NEW_YORK, 1)
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        fresh, taken, longer = stored(session, now, 3)
        triage.assign(session, taken, ada, now)
        before = triage.stood(session, [fresh])
        for mention, until in ((fresh, eight), (taken, eight), (longer, eight + timedelta(days=6))):
            triage.snooze(session, mention, ada, until, now)
    come_round(engine, settings, keys, eight - timedelta(minutes=1))
    assert listed(engine) == {"snoozed": [fresh, taken, longer]}
    come_round(engine, settings, keys, eight)
    assert listed(engine) == {"new": [fresh], "assigned": [taken], "snoozed": [longer]}
    with database.reading(engine) as session:
        assert session.get_one(Mention, taken).assigned_to == ada
        assert live.standing(session, []).mentions == 1  # the number beside the navigation
    with database.writing(engine) as session:  # what was last done can still be taken back
        assert triage.put_back(session, before, ada, eight) == 1
    assert listed(engine)["new"] == [fresh]


def test_coming_back_leaves_the_audit_log_whole_and_adds_nothing_that_nobody_did(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        (mention,) = stored(session, now)
        triage.snooze(session, mention, ada, now + timedelta(hours=1), now)
    come_round(engine, settings, keys, now + timedelta(hours=1))
    with database.writing(engine) as session:
        triage.done(session, mention, ada, now + timedelta(hours=2))
        chain.seal(session, keys, 100, everything=True)
    with database.reading(engine) as session:
        acts = session.exec(select(AuditEntry).where(col(AuditEntry.action).startswith("mention.")))
        assert [(one.action, one.detail) for one in acts.all()] == [
            ("mention.snooze", {"from": "new"}),
            ("mention.finish", {"from": "new"}),
        ]
        assert chain.verify(session, keys).wrong == []
