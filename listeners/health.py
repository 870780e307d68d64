"""How each source is doing, in plain words: lag, rate, trouble, gaps."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from babel.dates import format_date
from sqlmodel import Session, col

from config.phrases import Phrase
from config.translations import translate
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
    """state: ok, behind, failing, silent or off; `words` for people, a Phrase."""

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
        return Health("ok", Phrase("imported by hand"))
    if not source.enabled:
        return Health("off", Phrase("switched off"))
    if account is not None and account.state != "connected":
        return Health(
            "failing",
            Phrase("%(account)s is signed out; connected again, it goes on from where it was", account=account.name),
        )
    if source.failures:
        why = source.last_error or Phrase("failing")
        if source.last_ok_at is None:
            return Health("failing", Phrase("%(why)s, never reached yet; tried again by itself", why=why))
        good = ago(now - source.last_ok_at)
        return Health("failing", Phrase("%(why)s, last good %(ago)s; tried again by itself", why=why, ago=good))
    if source.last_ok_at is None:
        return Health("ok", Phrase("not looked at yet"))
    lag = now - source.last_ok_at
    if source.streamed:
        return _streamed(source, now, lag, silent_since)
    if lag > timedelta(seconds=BEHIND * source.every_seconds + 60):
        return Health("behind", Phrase("last looked at %(ago)s; catching up by itself, nothing is lost", ago=ago(lag)))
    if silent_since is not None:
        return _silent(now - silent_since)
    if source.last_error:
        words = Phrase("looked at %(ago)s; not all could be read: %(why)s", ago=ago(lag), why=source.last_error)
        return Health("ok", words)
    return Health("ok", Phrase("looked at %(ago)s", ago=ago(lag)))


def _streamed(source: Source, now: datetime, lag: timedelta, silent_since: datetime | None) -> Health:
    if lag > gaps.STREAMED:
        return Health("behind", Phrase("nothing came since %(ago)s; it goes on from there by itself", ago=ago(lag)))
    behind = now - source.position_at if source.position_at is not None else timedelta()
    if behind > LATE:
        return Health("behind", Phrase("catching up: %(span)s behind the network", span=span(behind)))
    if silent_since is not None:
        return _silent(now - silent_since)
    seconds = max(0, round(behind.total_seconds()))
    return Health("ok", Phrase("%(seconds)s s behind the network", seconds=seconds))


def _silent(lasting: timedelta) -> Health:
    words = Phrase("it answers, but nothing came for %(span)s, against its usual rhythm", span=span(lasting))
    return Health("silent", words)


def in_words(gap: SourceGap, at: Callable[[datetime], datetime], language: str = "en") -> str:
    """As "24 Nov: nothing from 02:10 to 02:45, 312 caught up"; times as `at` gives them."""
    _ = translate(language).gettext
    began, ended = at(gap.began_at), at(gap.ended_at)

    def day(moment: datetime) -> str:
        return format_date(moment, "dd MMM", locale=language)

    if gap.lost:
        some = _("%(day)s: nothing from %(start)s to %(end)s, %(number)s caught up; some may be lost")
        none = _("%(day)s: nothing from %(start)s to %(end)s, none of it could be caught up; some may be lost")
        words = some if gap.caught_up else none
    else:
        words = _("%(day)s: nothing from %(start)s to %(end)s, %(number)s caught up")
    return words % {
        "day": day(began),
        "start": f"{began:%H:%M}",
        "end": f"{ended:%H:%M}" if ended.date() == began.date() else f"{day(ended)} {ended:%H:%M}",
        "number": f"{gap.caught_up:,}",
    }


def ago(lag: timedelta) -> Phrase:
    return Phrase("less than a minute ago") if lag < timedelta(minutes=1) else Phrase("%(span)s ago", span=span(lag))


def span(lasting: timedelta) -> Phrase:
    """To the minute under two hours, to the hour under two days."""
    minutes = int(lasting.total_seconds() // 60)
    if minutes < 120:
        return Phrase("%(minutes)s min", minutes=minutes)
    if minutes < 48 * 60:
        return Phrase("%(hours)s h", hours=minutes // 60)
    return Phrase("%(days)s days", days=minutes // (24 * 60))
