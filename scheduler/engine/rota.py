"""What happens by itself, and how often: one list for both engines. A job is a plain function of the desk and the
moment; which process calls it is the engine's affair.

A job may come twice, or late, and is harmless then: what is due comes from the database, and is claimed there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from config.secrets import Keys
from config.settings import Settings
from listeners import polling
from posts.pools import Pools
from scheduler import delivery, webhooks
from scheduler.jobs import (
    action_reminders,
    alerting,
    deletions,
    digests,
    expiry,
    hindsight,
    own_data,
    partner_digests,
    polls,
    publishing,
    reach,
    records,
    series,
    sign_ins,
    snoozes,
    source_alarms,
    sums,
    urgent_calls,
)

WAITING = ("publish", "deliver", "listen")  # queues whose jobs wait on networks
READING = ("analyse", "score")  # queues whose jobs take CPU: a process of their own, niced
QUEUES = (*WAITING, *READING)
PRIORITY = {"publish": 100, "deliver": 80, "listen": 60, "analyse": 40, "score": 0}
LEAST = -10  # of reading anew what was read before


@dataclass(frozen=True)
class Hands:
    """What jobs work with. `pools`: where calls to networks are made, in a process that publishes; `most`: so many of
    them in hand at once, what is more is left to other processes."""

    engine: sa.Engine
    settings: Settings
    keys: Keys
    pools: Pools | None = None
    most: int = 10_000


@dataclass(frozen=True)
class Regular:
    """A job that comes again and again."""

    name: str
    queue: str
    every: timedelta
    job: Callable[[Hands, datetime], object]


def _publish(hands: Hands, now: datetime) -> int:
    if hands.pools is None:
        raise LookupError("publishing needs its pools")
    return publishing.tick(hands.engine, hands.settings, hands.keys, hands.pools, now, hands.most)


_Call = Callable[[sa.Engine, Settings, Keys, datetime], object]
_Read = Callable[[sa.Engine, Settings, datetime], object]


def _calling(name: str, queue: str, every: timedelta, job: _Call) -> Regular:
    return Regular(name, queue, every, lambda hands, now: job(hands.engine, hands.settings, hands.keys, now))


def _reading(name: str, every: timedelta, job: _Read) -> Regular:
    return Regular(name, "analyse", every, lambda hands, now: job(hands.engine, hands.settings, now))


WAITS: tuple[Regular, ...] = (
    Regular("publish", "publish", timedelta(seconds=1), _publish),
    _calling("listen", "listen", timedelta(seconds=2), polling.poll_due),
    _calling("deletions", "listen", timedelta(seconds=15), deletions.follow),
    Regular(
        "deliver",
        "deliver",
        timedelta(seconds=2),
        lambda hands, now: delivery.deliver_all(hands.engine, hands.settings),
    ),
    Regular(
        "urgent_calls",
        "deliver",
        timedelta(seconds=10),
        lambda hands, now: urgent_calls.look(hands.engine, hands.settings, now),
    ),
    _calling("webhooks", "deliver", timedelta(seconds=2), webhooks.deliver_due),
    _calling("polls", "listen", timedelta(minutes=5), polls.read),
    _calling("reach", "listen", timedelta(minutes=5), reach.read),
    _calling("sign_ins", "listen", timedelta(days=1), sign_ins.look),
)
READS: tuple[Regular, ...] = (
    _reading("alerts", timedelta(minutes=5), alerting.look),
    _reading("sums", timedelta(minutes=2), sums.keep),
    _reading("digests", timedelta(seconds=20), digests.put_due),
    _reading("expiry", timedelta(hours=1), expiry.expire),
    _calling("own_data", "analyse", timedelta(minutes=1), own_data.look),
    _reading("series", timedelta(minutes=1), series.extend),
    _reading("snoozes", timedelta(minutes=1), snoozes.end),
    _reading("records", timedelta(minutes=1), records.seal),
    _reading("records_check", timedelta(days=1), records.check),
    _reading("source_alarms", timedelta(minutes=1), source_alarms.look),
    _calling("partner_digests", "analyse", timedelta(minutes=10), partner_digests.put_due),
    _reading("hindsight", timedelta(seconds=20), hindsight.go_on),
    _reading("action_reminders", timedelta(minutes=10), action_reminders.look),
)
