"""Reach: how often what we published was seen and answered, where a network counts it. Read at a few ages of a post and
then no more; of a thread its first part, for that is where people come in.

Counts alone, and of our own posts: never who saw, liked or answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from networks.network import Reach, ReachPage
from networks.tables import Account
from posts.categories import KINDS
from posts.tables import Post, ReachWatch, Target, TargetReach
from posts.workflow import TargetState

AGES = (1, 24, 7 * 24, 28 * 24)  # hours
OLDEST = timedelta(days=35)  # of a post that is still asked for
AT_ONCE = 50  # posts of an account in one go
EVERY = timedelta(minutes=15)
SEVERAL = 3  # failures in a row: more than a network's bad minute
LONGEST_WAIT = timedelta(hours=6)
COUNTS = ("views", "likes", "reposts", "replies")
MOST = 2_000_000_000  # that a column holds
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Due:
    """A post to be asked for, and the age that it has reached."""

    target_id: int
    account_id: int
    remote_id: str
    answers: bool
    age_hours: int


@dataclass(frozen=True)
class Told:
    """How a post stood on one account at one age."""

    account: Account
    reach: TargetReach


@dataclass(frozen=True)
class _Row:
    """A post on one account that went out, with what was told of it last; no `read_at`: nothing yet."""

    network: str
    category: str
    read_at: datetime | None
    views: int | None
    likes: int | None
    reposts: int | None
    replies: int | None


@dataclass(frozen=True)
class Sum:
    """Posts of one network or one kind, each on each account. `posts`: so many went out; `read`: of so many something
    was told. `counts`: by COUNTS the sum, and of how many posts it is; none where nobody gives it."""

    name: str
    posts: int
    read: int
    counts: Mapping[str, tuple[int, int] | None]


@dataclass(frozen=True)
class Sums:
    """By network, and by kind (posts.categories.KINDS) in that order; without those of which nothing went out."""

    networks: tuple[Sum, ...]
    kinds: tuple[Sum, ...]


def due(session: Session, now: datetime) -> list[Due]:
    """Posts that reached an age and were not asked for since, the newest first; AT_ONCE of each account at most. Only
    of accounts that are connected and whose turn it is; not of posts that are gone or are to be taken down."""
    found: dict[int, list[Due]] = {}
    for hours, following in zip(AGES, (*AGES[1:], None), strict=True):
        oldest = now - (following * _HOUR if following is not None else OLDEST)
        known = sa.exists().where(
            col(TargetReach.target_id) == col(Target.id),
            sa.or_(col(TargetReach.age_hours) >= hours, col(TargetReach.gone)),
        )
        query = (
            sa.select(col(Target.id), col(Target.account_id), col(Target.remote_id), col(Target.reply_to).is_not(None))
            .join(Account, col(Account.id) == col(Target.account_id))
            .outerjoin(ReachWatch, col(ReachWatch.account_id) == col(Account.id))
            .where(
                col(Target.state) == TargetState.PUBLISHED.value,
                col(Target.part) == 0,
                col(Target.published_at) <= now - hours * _HOUR,
                col(Target.published_at) > oldest,
                col(Target.remote_id).is_not(None),
                col(Target.take_down_asked_at).is_(None),
                col(Account.state) == "connected",
                sa.or_(col(ReachWatch.next_at).is_(None), col(ReachWatch.next_at) <= now),
                ~known,
            )
            .order_by(col(Target.published_at).desc(), col(Target.id))
        )
        for target_id, account_id, remote_id, answers in session.connection().execute(query):
            one = Due(target_id or 0, account_id, remote_id or "", answers, hours)
            found.setdefault(account_id, []).append(one)
    return [one for rows in found.values() for one in rows[:AT_ONCE]]


def note(session: Session, account_id: int, asked: Sequence[Due], page: ReachPage, now: datetime) -> int:
    """Keeps what the network told; how many posts. What it did not come to is asked for next time."""
    noted = 0
    for one in asked:
        if one.remote_id not in page.reach:
            continue
        told = page.reach[one.remote_id]
        row = session.get(TargetReach, (one.target_id, one.age_hours)) or TargetReach(
            target_id=one.target_id, age_hours=one.age_hours, read_at=now
        )
        row.read_at, row.gone = now, told is None
        for name in COUNTS:
            setattr(row, name, _storable(getattr(told or Reach(), name)))
        session.add(row)
        noted += 1
    watch = _watch(session, account_id, now)
    watch.failures, watch.failing_since, watch.last_ok_at = 0, None, now
    watch.last_error, watch.next_at = page.refused[:500] or None, now
    session.add(watch)
    return noted


def failed(session: Session, account_id: int, words: str, retry_at: datetime | None, now: datetime) -> None:
    """Puts the account's next reading off: until the network says, else longer with each time. What
    is due stays due."""
    watch = _watch(session, account_id, now)
    watch.failures += 1
    watch.failing_since, watch.last_error = watch.failing_since or now, words[:500]
    wait = min(LONGEST_WAIT, EVERY * 2 ** min(watch.failures - 1, 10))
    watch.next_at = max(retry_at, now + EVERY) if retry_at is not None else now + wait
    session.add(watch)


def look_now(session: Session, account_id: int, now: datetime) -> None:
    """Makes the account's next reading due at once, however long it was put off."""
    watch = session.get(ReachWatch, account_id)
    if watch is not None:
        watch.next_at = now
        session.add(watch)


def _storable(count: int | None) -> int | None:
    return min(count, MOST) if count is not None and count >= 0 else None


def _watch(session: Session, account_id: int, now: datetime) -> ReachWatch:
    return session.get(ReachWatch, account_id) or ReachWatch(account_id=account_id, next_at=now)


def watches(session: Session) -> dict[int, ReachWatch]:
    """Account id -> how reading reach by it goes."""
    return {one.account_id: one for one in session.exec(select(ReachWatch))}


def troubled(session: Session) -> list[tuple[Account, ReachWatch]]:
    """Connected accounts by which reach could not be read SEVERAL times in a row; who signed out is told of as that."""
    query = (
        select(Account, ReachWatch)
        .join(ReachWatch, col(ReachWatch.account_id) == col(Account.id))
        .where(col(Account.state) == "connected", col(ReachWatch.failures) >= SEVERAL)
        .order_by(col(Account.id))
    )
    return [(account, watch) for account, watch in session.exec(query)]


def of_post(session: Session, post_id: int) -> list[Told]:
    """Everything that was read of a post: account by account, the earliest age first."""
    query = (
        select(Account, TargetReach)
        .join(Target, col(Target.id) == col(TargetReach.target_id))
        .join(Account, col(Account.id) == col(Target.account_id))
        .where(Target.post_id == post_id)
        .order_by(col(Account.id), col(TargetReach.age_hours))
    )
    return [Told(account, reach) for account, reach in session.exec(query)]


def sums(session: Session, since: datetime, until: datetime) -> Sums:
    """What was told last of each post that went out in the period."""
    newest = (
        sa.select(col(TargetReach.target_id), sa.func.max(col(TargetReach.age_hours)).label("age"))
        .where(col(TargetReach.gone).is_(False))
        .group_by(col(TargetReach.target_id))
        .subquery()
    )
    query = (
        sa.select(
            col(Account.network), col(Post.category), *(getattr(TargetReach, name) for name in ("read_at", *COUNTS))
        )
        .select_from(Target)
        .join(Post, col(Post.id) == col(Target.post_id))
        .join(Account, col(Account.id) == col(Target.account_id))
        .outerjoin(newest, newest.c.target_id == col(Target.id))
        .outerjoin(
            TargetReach,
            sa.and_(col(TargetReach.target_id) == col(Target.id), col(TargetReach.age_hours) == newest.c.age),
        )
        .where(col(Target.published_at) >= since, col(Target.published_at) < until, col(Target.part) == 0)
    )
    rows = [_Row(*row) for row in session.connection().execute(query)]
    kinds = {row.category if row.category in KINDS else "general" for row in rows}
    return Sums(
        networks=tuple(
            summed(name, [row for row in rows if row.network == name]) for name in sorted({row.network for row in rows})
        ),
        kinds=tuple(
            summed(kind, [row for row in rows if (row.category if row.category in KINDS else "general") == kind])
            for kind in KINDS
            if kind in kinds
        ),
    )


def summed(name: str, rows: Sequence[_Row]) -> Sum:
    """The sum of these. Pure."""
    read = [row for row in rows if row.read_at is not None]
    counts = {}
    for count in COUNTS:
        given = [number for row in read if (number := getattr(row, count)) is not None]
        counts[count] = (sum(given), len(given)) if given else None
    return Sum(name, len(rows), len(read), counts)
