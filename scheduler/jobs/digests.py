"""The daily digest: at each person's hour and zone, once a day however often this runs.

A digest's key is the person and their local date; the outbox takes a key once. Gathering reads, rendering holds no
transaction, the message is then put in the outbox for scheduler.delivery."""

import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from config import database, outbox, people
from config.permissions import Action, may
from config.settings import Settings
from config.tables import OutboxMessage, Person
from listeners import health
from listeners.tables import Mention
from networks.tables import Account
from posts import queue
from posts.tables import Post, Target
from posts.workflow import TargetState, instant
from scheduler import digest_mail
from scheduler.jobs.alerting import LABELS
from sentiment import alerts, digest, figures, quotes
from sentiment.digest import Answered, Morning, Sent, Waiting
from sentiment.tables import Alert

DAY = timedelta(days=1)
TOO_LATE = timedelta(hours=12)  # after a long standstill yesterday's digest is no news
QUOTED = 3  # concerns with a quote


class NobodyGetsOne(LookupError):
    """There is no person whose digest could be made."""


def put_due(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Puts the digests that are due at `now` in the outbox; how many."""
    with database.reading(engine) as session:
        due = [
            (person, key)
            for person in people.all_people(session)
            if (key := _due_key(session, person, now)) is not None
        ]
    added = 0
    for person, key in due:
        with database.reading(engine) as session:
            morning = gather(session, person, settings, key, now)
        message = _message(morning, person, settings, now)[1]
        with database.writing(engine) as session:
            added += outbox.put(session, key=key, kind="digest", recipient=person.email, message=message, now=now)
    return added


def preview(engine: sa.Engine, settings: Settings, folder: Path, email: str | None, now: datetime) -> Path:
    """Writes a person's digest as it would be sent now into `folder`; the .eml. Raises NobodyGetsOne."""
    with database.reading(engine) as session:
        if email is not None:
            person = people.by_email(session, email)
        else:
            readers = [found for found in people.all_people(session) if found.digest_hour is not None]
            person = readers[0] if readers else None
        if person is None:
            raise NobodyGetsOne("nobody gets a digest yet; add a person with `liaison user add`")
        morning = gather(session, person, settings, f"digest:{person.id}:preview", now)
    made, message = _message(morning, person, settings, now)
    return digest_mail.write_preview(made, message, folder)


def _due_key(session: Session, person: Person, now: datetime) -> str | None:
    """The key of the digest that this person should have by now and has not."""
    if not person.active or person.digest_hour is None:
        return None
    if not may(people.roles_of(session, people.known_id(person)), Action.READ_FIGURES):
        return None
    local = now.astimezone(ZoneInfo(person.time_zone))
    wall = local.replace(hour=person.digest_hour, minute=0, second=0, microsecond=0, tzinfo=None)
    due = instant(wall, person.time_zone)
    if not due <= now < due + TOO_LATE or person.created_at > due:
        return None
    key = f"digest:{person.id}:{local.date().isoformat()}"
    there = session.exec(select(OutboxMessage.id).where(OutboxMessage.key == key)).first()
    return None if there is not None else key


def gather(session: Session, person: Person, settings: Settings, key: str, now: datetime) -> Morning:
    """Everything that one person's digest is made of, as it stands at `now`."""
    zone = settings.department.zone
    rows = figures.concerns(session, now, zone)
    raised = [alert for alert in alerts.all_alerts(session) if now - DAY <= alert.raised_at <= now]
    still_open = [alert for alert in alerts.open_alerts(session) if alert.raised_at < now - DAY]
    found: dict[str, Sequence[quotes.Quote]] = {}
    for alert in (*raised, *still_open):
        detail = alerts.alert_detail(session, alert.id or 0, zone)
        found.setdefault(alert.concern, detail.quotes if detail else ())
    for row in rows[: QUOTED + 1]:
        if row.concern not in found:
            found[row.concern] = quotes.of_concern(session, row.concern, now - 2 * DAY, now, 3)
    end_of_day = (now.astimezone(zone) + DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    return Morning(
        key=key,
        recipient=person.name,
        department=settings.department.name,
        at=now,
        zone=ZoneInfo(person.time_zone),
        overview=figures.overview(session, now, zone),
        concerns=rows,
        quotes=digest.one_quote_each(found),
        networks=LABELS,
        new_alerts=[_news(alert, now) for alert in raised],
        open_alerts=[_news(alert, now) for alert in still_open],
        gone_quiet=[
            alert.title
            for alert in alerts.all_alerts(session)
            if alert.closed_at is not None and now - DAY <= alert.closed_at <= now
        ],
        sent=_sent(session, now),
        answered=_answered(session, now),
        going_out=sum(row.state in ("approved", "scheduled") for row in queue.going_out(session, now, end_of_day)),
        waiting=_waiting(session, person, now),
    )


def _news(alert: Alert, now: datetime) -> digest.AlertNews:
    return digest.AlertNews(
        title=alert.title,
        concern=alert.concern,
        posts=alert.posts,
        authors=alert.authors,
        expected=alert.expected,
        since=alert.since,
        path=f"/alerts/{alert.id}",
        keyphrases=tuple(alert.keyphrases),
        kind=alert.kind,
        growing=alert.updated_at > now - DAY,
    )


def _message(
    morning: Morning, person: Person, settings: Settings, now: datetime
) -> tuple[digest_mail.DigestParts, EmailMessage]:
    made = digest_mail.render(digest.compose(morning, person.language), settings.base_url, person.language)
    message = digest_mail.message(
        made,
        key=morning.key,
        sender=settings.mail_from,
        recipient=person.email,
        recipient_name=person.name,
        base_url=settings.base_url,
        now=now,
        unsubscribe=f"{settings.base_url}/account",
    )
    return made, message


def _sent(session: Session, now: datetime) -> Sent:
    posts, networks = queue.published_between(session, now - DAY, now)
    unknown = session.exec(
        select(func.count()).select_from(Target).where(Target.state == TargetState.UNKNOWN.value, Target.due_at <= now)
    ).one()
    failed = session.exec(
        select(func.count())
        .select_from(Target)
        .where(Target.state == TargetState.FAILED.value, Target.due_at > now - DAY, Target.due_at <= now)
    ).one()
    return Sent(posts=posts, networks=networks, unconfirmed=unknown, failed=failed)


def _answered(session: Session, now: datetime) -> Answered:
    rows = session.exec(
        select(Target.published_at, Mention.posted_at)
        .join(Post, col(Post.id) == col(Target.post_id))
        .join(Mention, col(Mention.id) == col(Post.reply_to_mention_id))
        .where(col(Target.published_at) > now - DAY, col(Target.published_at) <= now)
    ).all()
    took = [(sent - posted).total_seconds() for sent, posted in rows if sent is not None]
    return Answered(len(rows), timedelta(seconds=statistics.median(took)) if took else None)


def _waiting(session: Session, person: Person, now: datetime) -> list[Waiting]:
    """What waits for this person, by their roles; paths lead into the desk."""
    roles = people.roles_of(session, people.known_id(person))
    found: list[Waiting] = []
    if may(roles, Action.TRIAGE):
        found += [
            digest.AlertWaits(alert.title, f"/alerts/{alert.id}")
            for alert in alerts.open_alerts(session)
            if alert.state == "new" and alert.raised_at <= now
        ]
        count, oldest = session.exec(
            select(func.count(), func.min(Mention.posted_at)).where(
                Mention.state == "assigned", Mention.assigned_to == person.id, col(Mention.shown)
            )
        ).one()
        if count:
            found.append(digest.MentionsWait(count, oldest, "/mentions?state=assigned"))
    if may(roles, Action.APPROVE_POSTS):
        approvals = queue.waiting_for(session, people.known_id(person), roles)
        if approvals:
            found.append(digest.ApprovalsWait(len(approvals), "/approvals"))
    if may(roles, Action.WRITE_POSTS):
        unknown = session.exec(
            select(func.count()).select_from(Target).where(Target.state == TargetState.UNKNOWN.value)
        ).one()
        if unknown:
            found.append(digest.DecisionsWait(unknown, "/queue"))
    if may(roles, Action.MANAGE):
        out = session.exec(select(Account).where(Account.state == "signed_out")).all()
        found += [digest.SignInEnds(account.name, 0, "/accounts") for account in out]
        for known in health.overview(session, now):
            if known.health.state in health.TROUBLE and (known.account is None or known.account.state == "connected"):
                found.append(digest.SourceTrouble(known.source.name, known.health.state, "/sources"))
    return found
