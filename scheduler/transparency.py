"""What the public may know of this desk: what is heard and how long it is kept, how much was heard on each network and
of each concern, what alerts there were and what came of them. From the settings and the store as they are; counts in
fives, nothing by place, nobody's words. The public page and the data-protection impact assessment are made of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from config.settings import Settings
from listeners.tables import Source
from networks.network import Network, SourceKind
from networks.practice import PRACTICE
from networks.registry import NETWORKS
from posts.actions import ActionState
from posts.tables import UnitAction
from sentiment import disclosure
from sentiment.tables import ALL, Alert, HourCount
from sentiment.taxonomy import CONCERNS

DAYS = 28  # of the counts: whole days up to yesterday
ALERT_DAYS = 91


@dataclass(frozen=True)
class Heard:
    """One network that is listened to. `followed`: a deletion there is followed here, within `deletion_hours` if the
    network asks for it. `posts`: at least so many; 0 stands for fewer than five."""

    network: Network
    kinds: tuple[SourceKind, ...]
    text_days: int
    followed: bool
    deletion_hours: int | None
    may_train: bool
    posts: int


@dataclass(frozen=True)
class AlertsOf:
    """Alerts on one concern, and how they ended."""

    concern: str
    raised: int
    resolved: int
    no_concern: int


@dataclass(frozen=True)
class Told:
    """Counts are of `first` to `last`, both included, in the department's zone; alerts and what units did since
    `alerts_since`. `concerns`: (concern, posts), most first."""

    first: date
    last: date
    heard: tuple[Heard, ...]
    concerns: tuple[tuple[str, int], ...]
    alerts_since: date
    alerts: tuple[AlertsOf, ...]
    units_did: int


def tell(session: Session, settings: Settings, now: datetime) -> Told:
    """What may be told as of `now`."""
    zone = settings.department.zone
    today = now.astimezone(zone).date()
    first, since = today - timedelta(days=DAYS), today - timedelta(days=ALERT_DAYS)
    start, end, long_ago = (datetime.combine(day, time(), zone) for day in (first, today, since))
    inside = (col(HourCount.hour) >= start, col(HourCount.hour) < end)
    posts = func.sum(HourCount.posts)
    connection = session.connection()
    by_network = connection.execute(
        sa.select(col(HourCount.network), posts).where(col(HourCount.concern) == ALL, *inside).group_by("network")
    )
    by_concern = connection.execute(
        sa.select(col(HourCount.concern), posts)
        .where(col(HourCount.concern).in_(list(CONCERNS)), col(HourCount.network) != PRACTICE, *inside)
        .group_by("concern")
    )
    concerns = [(concern, disclosure.in_fives(int(number))) for concern, number in by_concern]
    did = select(func.count()).select_from(UnitAction)
    done = did.where(UnitAction.state == ActionState.DONE, col(UnitAction.closed_at) >= long_ago)
    return Told(
        first=first,
        last=today - timedelta(days=1),
        heard=tuple(_heard(session, settings, {network: int(number) for network, number in by_network})),
        concerns=tuple(sorted((one for one in concerns if one[1]), key=lambda one: (-one[1], one[0]))),
        alerts_since=since,
        alerts=tuple(_alerts(session, long_ago)),
        units_did=session.exec(done).one(),
    )


def _heard(session: Session, settings: Settings, posts: dict[str, int]) -> Iterable[Heard]:
    """Networks with a source that is switched on, and those of which something was heard in these days."""
    kinds: dict[str, set[str]] = {network: set() for network in posts}
    for source in session.exec(select(Source).where(col(Source.enabled).is_(True))):
        kinds.setdefault(source.network, set()).add(str(source.settings.get("kind", "")))
    for name, network in NETWORKS.items():
        if name in kinds and name != PRACTICE:
            policy = network.policy
            yield Heard(
                network=network,
                kinds=tuple(kind for kind in network.kinds if kind.name in kinds[name]),
                text_days=min(settings.retention_days, policy.text_days or settings.retention_days),
                followed=network.witness is not None or network.stream is not None,
                deletion_hours=policy.deletion_hours,
                may_train=policy.corrections_may_train,
                posts=disclosure.in_fives(posts.get(name, 0)),
            )


def _alerts(session: Session, since: datetime) -> Iterable[AlertsOf]:
    raised = list(session.exec(select(Alert).where(col(Alert.raised_at) >= since)))
    for concern in CONCERNS:
        its = [alert.state for alert in raised if alert.concern == concern]
        if its:
            yield AlertsOf(concern, len(its), its.count("resolved"), its.count("not_a_concern"))
