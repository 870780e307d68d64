"""X's own rule: what was deleted there is gone here within 24 hours, with what it had counted. The X is ours."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from listeners import polling, sources
from listeners.tables import Mention
from networks.registry import NETWORKS
from scheduler.jobs import deletions
from sentiment import scoring
from sentiment.tables import HourCount
from tests.networks.x_server import account_on, an_x
from tests.sentiment.reader import WordReader
from tests.sentiment.street import ZONE

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOOKS = timedelta(minutes=30)
FEW_DAYS = 96  # looks


def left(engine: sa.Engine) -> tuple[list[str | None], int]:
    """Texts that are kept, and how many posts are counted."""
    with database.reading(engine) as session:
        texts = list(session.exec(select(Mention.text)))
        return texts, sum(session.exec(select(HourCount.posts).where(HourCount.concern == "")))


@pytest.mark.parametrize("hours", [0.5, 19, 21, 47])
def test_a_post_deleted_on_x_is_gone_here_within_its_limit_whenever_it_was_deleted(
    engine: sa.Engine, keys: Keys, settings: Settings, hours: float
) -> None:
    limit = NETWORKS["x"].policy.deletion_hours
    assert limit == 24
    private = settings.model_copy(update={"fetch_private_addresses": True})
    with an_x(NOON) as x, clock.at(NOON):
        x.add_user("801", "ines")
        post = x.write("@RivertonPD the lamp is out", by="801")
        x.write("@RivertonPD thank you", by="801")
        account = account_on(x, engine, keys, settings).account_id
        with database.writing(engine) as session:
            sources.add(
                session, network="x", name="X", settings={}, every_seconds=60, now=NOON, account_id=account
            )  # fmt: skip
        polling.poll_due(engine, private, keys, NOON)
        scoring.score_pending(engine, WordReader(), NOON, zone=ZONE)
        assert left(engine)[1] == 2
        deleted_at = NOON + timedelta(hours=hours)
        gone_at: datetime | None = None
        for look in range(1, FEW_DAYS * 2):
            x.now = NOON + look * LOOKS
            if x.now >= deleted_at:
                x.problems[post.id] = "Not Found Error"
            with clock.at(x.now):
                deletions.follow(engine, private, keys, x.now)
            if len(left(engine)[0]) == 1:
                gone_at = x.now
                break
    assert gone_at is not None
    assert deleted_at <= gone_at <= deleted_at + timedelta(hours=limit)
    assert left(engine) == (["@RivertonPD thank you"], 1)
