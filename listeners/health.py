"""How each source is doing, in plain words: lag, rate, trouble, gaps."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from listeners import gaps, rhythm
from listeners.rhythm import Rate
from listeners.tables import Source, SourceGap
from networks.tables import Account

BEHIND = 3  # rounds without success before a source counts as behind
LATE = timedelta(minutes=2)  # that a stream's position may be behind the clock
SHOWN = timedelta(days=14)  # that gaps are told of
TROUBLE = ("failing", "behind", "silent")


@dataclass(frozen=True)
class Health:
    """state: ok, behind, failing, silent or off; `words` for people."""

    state: str
    words: str


@dataclass(frozen=True)
class Known:
    """A source and how it is; its gaps of the last two weeks, the newest first."""

    source: Source
    health: Health
    rate: Rate
    gaps: Sequence[SourceGap]
    account: Account | None


def overview(session: Session, now: datetime) -> list[Known]:
    """All sources, by name."""
    by_source: dict[int, list[SourceGap]] = defaultdict(list)
    for gap in gaps.latest(session, now - SHOWN):
        by_source[gap.source_id].append(gap)
    return [replace(known, gaps=by_source[known.source.id or 0]) for known in with_accounts(session, now)[1]]


def with_accounts(session: Session, now: datetime) -> tuple[list[Account], list[Known]]:
    """All accounts, and all sources, by name, without their gaps; two questions."""
    # One row at least, so that sources of no account come along with each account, or with none.
    row = sa.select(sa.literal(1)).subquery()
    theirs = sa.or_(col(Source.account_id) == col(Account.id), col(Source.account_id).is_(None))
    joined = sa.select(Account, Source).select_from(row).outerjoin(Account, sa.true()).outerjoin(Source, theirs)
    accounts: dict[int | None, Account] = {}
    sources: dict[int | None, Source] = {}
    for account, source in session.execute(joined.order_by(col(Account.id), col(Source.name))):
        accounts |= {account.id: account} if account is not None else {}
        sources |= {source.id: source} if source is not None else {}
    rates, silent = rhythm.heard(session, now)
    return list(accounts.values()), [
        Known(
            source,
            health(source, now, accounts.get(source.account_id), silent.get(source.id or 0)),
            rates.get(source.id or 0, Rate()),
            (),
            accounts.get(source.account_id),
        )
        for source in sorted(sources.values(), key=lambda one: one.name)
    ]


def health(
    source: Source, now: datetime, account: Account | None = None, silent_since: datetime | None = None
) -> Health:
    """How a source is doing at `now`; `account`: the one it listens by; `silent_since`: as rhythm.heard tells."""
    if source.next_poll_at is None:
        return Health("ok", "imported by hand")
    if not source.enabled:
        return Health("off", "switched off")
    if account is not None and account.state != "connected":
        return Health("failing", f"{account.name} is signed out; connected again, it goes on from where it was")
    if source.failures:
        since = f", last good {ago(now - source.last_ok_at)}" if source.last_ok_at else ", never reached yet"
        return Health("failing", f"{source.last_error or 'failing'}{since}; tried again by itself")
    if source.last_ok_at is None:
        return Health("ok", "not looked at yet")
    lag = now - source.last_ok_at
    if source.streamed:
        return _streamed(source, now, lag, silent_since)
    if lag > timedelta(seconds=BEHIND * source.every_seconds + 60):
        return Health("behind", f"last looked at {ago(lag)}; catching up by itself, nothing is lost")
    if silent_since is not None:
        return _silent(now - silent_since)
    unread = f"; not all could be read: {source.last_error}" if source.last_error else ""
    return Health("ok", f"looked at {ago(lag)}{unread}")


def _streamed(source: Source, now: datetime, lag: timedelta, silent_since: datetime | None) -> Health:
    if lag > gaps.STREAMED:
        return Health("behind", f"nothing came since {ago(lag)}; it goes on from there by itself")
    behind = now - source.position_at if source.position_at is not None else timedelta()
    if behind > LATE:
        return Health("behind", f"catching up: {span(behind)} behind the network")
    if silent_since is not None:
        return _silent(now - silent_since)
    return Health("ok", f"{max(0, round(behind.total_seconds()))} s behind the network")


def _silent(lasting: timedelta) -> Health:
    return Health("silent", f"it answers, but nothing came for {span(lasting)}, against its usual rhythm")


def in_words(gap: SourceGap, at: Callable[[datetime], datetime]) -> str:
    """As "24 Nov: nothing from 02:10 to 02:45, 312 caught up"; times as `at` gives them."""
    began, ended = at(gap.began_at), at(gap.ended_at)
    end = f"{ended:%H:%M}" if ended.date() == began.date() else f"{ended:%d %b %H:%M}"
    caught = f"{gap.caught_up:,} caught up" if gap.caught_up or not gap.lost else "none of it could be caught up"
    after = "; some may be lost" if gap.lost else ""
    return f"{began:%d %b}: nothing from {began:%H:%M} to {end}, {caught}{after}"


def ago(lag: timedelta) -> str:
    return "less than a minute ago" if lag < timedelta(minutes=1) else f"{span(lag)} ago"


def span(lasting: timedelta) -> str:
    """To the minute under two hours, to the hour under two days."""
    minutes = int(lasting.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
