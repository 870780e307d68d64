"""Lets go of what is past its time, as docs/policy.md says: mentions, author-days, what was sent by mail, sign-ins that
ended; own posts where the installation has a records schedule. Counts stay. What a legal hold covers stays too, out of
the desk's sight. Each run that let something go is an entry of the audit log."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from config import audit, database, kept_replies, legal_holds, outbox, sign_ins
from config.legal_holds import Kind
from config.settings import Settings
from listeners import archive_import, contexts, copies, mentions, rhythm
from listeners.tables import ActionContext, Mention, Source
from networks.tables import Account
from posts import disposal, heard, questions
from posts.tables import Post, Target, UnitAction, Variant
from sentiment import counts, hindsight, topics
from sentiment.tables import Alert, AlertMention

BATCH = 2000  # rows in one transaction, so that intake never waits long
ACTION = "retention.run"


def expire(engine: sa.Engine, settings: Settings, now: datetime) -> dict[str, int]:
    """Removes what is past its time, in batches; how many rows of each kind, and under "held" how many mentions a
    legal hold keeps beyond their time."""
    today = now.astimezone(settings.department.zone).date()
    author_days = counts.kept_from(now, settings.department.zone)
    words = timedelta(days=settings.retention_days)
    steps: dict[str, Callable[[Session], int]] = {
        "mentions": lambda session: mentions.expire(session, now, BATCH, held_mentions(session)),
        "left_out": lambda session: mentions.let_go_left_out(session, now, BATCH, held_mentions(session)),
        "contexts": lambda session: contexts.forget(
            session, now - timedelta(days=settings.context_days), BATCH, held_contexts(session)
        ),
        "alert_words": lambda session: topics.forget_words(session, BATCH),
        "hindsight": lambda session: hindsight.forget(session, now - words),
        "author_days": lambda session: counts.forget_author_days(session, author_days, BATCH),
        "copies": lambda session: copies.forget(session, now, BATCH),
        "source_hours": lambda session: rhythm.forget(session, now),
        "heard_words": lambda session: heard.expire(session, now, BATCH, held_days(session, settings)),
        "answers": lambda session: questions.expire(session, now, BATCH, held_periods(session)),
        "refused_lines": lambda _: archive_import.forget(settings.data_dir, now - words),
        "mails": lambda session: outbox.forget(session, now - words, BATCH),
        "sign_ins": lambda session: sign_ins.forget(session, now),
        "replies": lambda session: kept_replies.forget(session, now),
    }
    before = records_end(settings, today)
    if before is not None:
        steps["posts"] = lambda session: disposal.dispose(session, before, disposal_holds(session), BATCH)
    gone = {}
    for name, step in steps.items():
        gone[name] = 0
        while True:
            with database.writing(engine) as session:
                removed = step(session)
            gone[name] += removed
            if removed < BATCH:
                break
    with database.writing(engine) as session:
        gone["held"] = mentions.set_aside(session, now)
        if any(gone[name] for name in steps):
            audit.record(
                session, now, None, ACTION, "retention", {name: number for name, number in gone.items() if number}
            )
    return gone


def held_mentions(session: Session) -> sa.ColumnElement[bool]:
    """What is true of a mention that a legal hold in force keeps."""
    holds = legal_holds.in_force(session)
    accounts = legal_holds.subjects(holds, Kind.ACCOUNT)
    rests_on = select(AlertMention.mention_id).where(
        col(AlertMention.alert_id).in_(legal_holds.subjects(holds, Kind.ALERT))
    )
    answers = sa.or_(
        col(Post.id).in_(legal_holds.subjects(holds, Kind.POST)),
        col(Post.id).in_(select(Variant.post_id).where(col(Variant.account_id).in_(accounts))),
        col(Post.id).in_(select(Target.post_id).where(col(Target.account_id).in_(accounts))),
    )
    answered = select(Post.reply_to_mention_id).where(answers, col(Post.reply_to_mention_id).is_not(None))
    said_to = select(Source.id).where(col(Source.account_id).in_(accounts))
    within = [
        sa.and_(col(Mention.posted_at) >= start, col(Mention.posted_at) < end)
        for start, end in legal_holds.periods(holds)
    ]
    return sa.or_(
        col(Mention.id).in_(rests_on), col(Mention.id).in_(answered), col(Mention.source_id).in_(said_to), *within
    )


def held_contexts(session: Session) -> sa.ColumnElement[bool]:
    """What is true of an action's context that a legal hold in force keeps: on the alert that the action came of, on
    the post that tells it, on the time when it was asked."""
    holds = legal_holds.in_force(session)
    within = [
        sa.and_(col(UnitAction.asked_at) >= start, col(UnitAction.asked_at) < end)
        for start, end in legal_holds.periods(holds)
    ]
    held = select(UnitAction.id).where(
        sa.or_(
            col(UnitAction.alert_id).in_(legal_holds.subjects(holds, Kind.ALERT)),
            col(UnitAction.post_id).in_(legal_holds.subjects(holds, Kind.POST)),
            *within,
        )
    )
    return col(ActionContext.action_id).in_(held)


def held_days(session: Session, settings: Settings) -> list[tuple[date, date]]:
    """The days, both included, of the periods that a legal hold in force keeps."""
    zone = settings.department.zone
    found = legal_holds.periods(legal_holds.in_force(session))
    ends = timedelta(microseconds=1)  # a period is over before its end: a midnight is not of the day that begins there
    return [(start.astimezone(zone).date(), (end - ends).astimezone(zone).date()) for start, end in found]


def held_periods(session: Session) -> list[tuple[datetime, datetime]]:
    """The periods that a legal hold in force keeps."""
    return legal_holds.periods(legal_holds.in_force(session))


def disposal_holds(session: Session) -> disposal.Kept:
    """What legal holds in force keep of our own posts."""
    holds = legal_holds.in_force(session)
    return disposal.Kept(
        posts=legal_holds.subjects(holds, Kind.POST),
        accounts=legal_holds.subjects(holds, Kind.ACCOUNT),
        periods=legal_holds.periods(holds),
    )


def records_end(settings: Settings, today: date) -> datetime | None:
    """Own posts that came to rest before this go, by the records schedule; none: they are kept for ever."""
    if settings.records_years is None:
        return None
    year = today.year - settings.records_years
    day = today.replace(year=year, day=28) if (today.month, today.day) == (2, 29) else today.replace(year=year)
    return datetime(day.year, day.month, day.day, tzinfo=settings.department.zone)


def is_there(session: Session, kind: Kind, number: int | None) -> bool:
    """Whether there is such a post, account or alert to hold; a period always is."""
    tables: dict[Kind, type[SQLModel]] = {Kind.POST: Post, Kind.ACCOUNT: Account, Kind.ALERT: Alert}
    return kind is Kind.PERIOD or (number is not None and session.get(tables[kind], number) is not None)
