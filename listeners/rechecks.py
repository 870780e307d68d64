"""Following deletions: which mentions are to be asked for again, and when. What a deletion takes away is the caller's
affair (scheduler.jobs.deletions), for it changes counts too."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select, update

from config.secrets import Keys
from listeners.tables import Mention, Source
from networks import registry
from networks.tables import Account

# How long after it was received a mention is asked for how often: most deletions come soon.
EVERY = ((timedelta(hours=2), timedelta(minutes=10)), (timedelta(days=1), timedelta(hours=2)))
LATER = timedelta(hours=12)
_LOOK_UP = 500  # hashes in one question
PUT_OFF = timedelta(minutes=10)  # when the network could not be asked


@dataclass(frozen=True)
class Recheck:
    """A mention to ask for: opened only to be asked for."""

    id: int
    source_id: int
    network: str
    received_at: datetime
    sealed_reference: bytes


def due(session: Session, now: datetime, limit: int) -> list[Recheck]:
    """Mentions whose time to be asked for has come, the longest waiting first; those of accounts that are signed out
    wait."""
    found = session.exec(
        select(Mention)
        .join(Source, col(Source.id) == col(Mention.source_id))
        .outerjoin(Account, col(Account.id) == col(Source.account_id))
        .where(
            col(Mention.check_at) <= now,
            col(Mention.sealed_reference).is_not(None),
            or_(col(Account.id).is_(None), col(Account.state) == "connected"),
        )
        .order_by(col(Mention.check_at))
        .limit(limit)
    )
    return [
        Recheck(one.id or 0, one.source_id, one.network, one.received_at, one.sealed_reference)
        for one in found
        if one.sealed_reference is not None
    ]


def next_check(received_at: datetime, now: datetime, network: str = "") -> datetime:
    """When a mention that is still there is asked for again; where asking costs, as seldom as the network's rules
    allow."""
    found = registry.NETWORKS.get(network)
    if found is not None and found.policy.recheck_hours is not None:
        return now + timedelta(hours=found.policy.recheck_hours)
    age = now - received_at
    return now + next((every for younger, every in EVERY if age < younger), LATER)


def still_there(session: Session, found: Sequence[Recheck], now: datetime) -> None:
    """Puts the next time on mentions that are still there."""
    at: dict[datetime, list[int]] = defaultdict(list)
    for one in found:
        at[next_check(one.received_at, now, one.network)].append(one.id)
    for moment, ids in at.items():  # some may have gone meanwhile
        _ask_at(session, ids, moment)


def put_off(session: Session, found: Iterable[Recheck], now: datetime, wait: timedelta = PUT_OFF) -> None:
    """The network could not be asked: nothing is known, so nothing is changed but the time."""
    _ask_at(session, [one.id for one in found], now + wait)


def never(session: Session, found: Iterable[Recheck]) -> None:
    """Nobody can be asked for these: they go with their days."""
    _ask_at(session, [one.id for one in found], None)


def _ask_at(session: Session, ids: Sequence[int], moment: datetime | None) -> None:
    """What was hidden meanwhile is not asked for any more."""
    still = col(Mention.id).in_(ids), col(Mention.check_at).is_not(None)
    session.exec(update(Mention).where(*still).values(check_at=moment))


def told_gone(session: Session, network: str, remote_id: str, keys: Keys, now: datetime) -> None:
    """A network said that a post is gone: it is asked for at the next look, rather than believed."""
    at_once(session, known(session, network, [remote_id], [], keys), now)


def known(session: Session, network: str, remote_ids: Sequence[str], authors: Sequence[str], keys: Keys) -> list[int]:
    """Ids of our mentions among these posts, and of these authors, that can be asked for. A network tells of every post
    that anybody deletes; hardly any is ours."""
    found: list[int] = []
    for column, names in ((col(Mention.key), remote_ids), (col(Mention.author), authors)):
        purpose = "mention" if names is remote_ids else "author"
        hashes = [keys.hash(purpose, f"{network}\n{name}") for name in names]
        for start in range(0, len(hashes), _LOOK_UP):
            there = column.in_(hashes[start : start + _LOOK_UP])
            rows = session.exec(select(Mention.id).where(there, col(Mention.check_at).is_not(None)))
            found += [number for number in rows if number is not None]
    return found


def at_once(session: Session, ids: Sequence[int], now: datetime) -> None:
    """These mentions are asked for at the next look."""
    for start in range(0, len(ids), _LOOK_UP):
        some = ids[start : start + _LOOK_UP]
        session.exec(update(Mention).where(col(Mention.id).in_(some)).values(check_at=now))
