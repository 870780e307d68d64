"""A publisher killed at random moments, on five networks that lose replies: what came of each post, read back there.

Servers: the AT Protocol's PDS and a Mastodon API behind a proxy that loses replies, and an X, a Facebook and an
Instagram of ours (tests/), which show posts late, hold posts of the same words, and lose replies themselves."""

from collections.abc import Callable
from dataclasses import dataclass

from posts.workflow import TargetState

FASTER = 20  # every pause of the publisher, and every delay of ours, is so much shorter than in use
LOST = 0.1  # of replies
SETTLED = (TargetState.PUBLISHED, TargetState.FAILED, TargetState.MISSED, TargetState.CANCELLED)

# The real tick and pools, with shorter pauses.
PUBLISHER = f"""
import sys, time
from datetime import timedelta
from pathlib import Path
from config import clock, database, secrets
from config.settings import Settings
import networks.bluesky.sending, networks.mastodon.sending, networks.x.sending
from posts import claims, publishing
from posts.pools import Pools
from scheduler.jobs import publishing as job
def short(module, *names):
    for name in names:
        setattr(module, name, getattr(module, name) / {FASTER})
short(claims, "LEASE")
short(publishing, "SHORTEST_PAUSE", "FIRST_PAUSE", "LONGEST_PAUSE")
publishing.LOOK_UP_PAUSES = tuple(pause / {FASTER} for pause in publishing.LOOK_UP_PAUSES[:5])
short(networks.mastodon.sending, "SETTLED")
short(networks.x.sending, "SETTLED", "LATEST")
# MORE
store, folder = sys.argv[1:]
engine, keys = database.connect(store), secrets.for_tests()
settings = Settings(data_dir=Path(folder), fetch_private_addresses=True, late_limit_minutes=100000,
                    base_url="https://desk.town.example")
pools = Pools(engine, settings, keys)
print("ready", flush=True)
while True:
    job.tick(engine, settings, keys, pools, clock.now())
    time.sleep(0.1)
"""


@dataclass(frozen=True)
class Place:
    """An account on one network: what is there (texts, read back from the network), how to lose its next reply."""

    network: str
    account: int
    texts: Callable[[], list[str]]
    lose: Callable[[], None]
