"""Looks for alerts, and tells the officers by mail.

The alert itself is what the mail is owed for: who has not been told of a new one is found again at the next look, so a
crash between raising and telling loses nothing, and the outbox key keeps it to one mail a person."""

from datetime import datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database, outbox, people
from config.permissions import Role
from config.settings import Settings
from config.tables import OutboxMessage, Person
from scheduler import alert_mail, digest_mail
from scheduler.jobs.mornings import LABELS
from sentiment import alerts
from sentiment.alerts import AlertDetail

TOLD_WITHIN = timedelta(hours=24)  # an older alert is no news; the digest has it


def look(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Raises what stands out and puts the mails in the outbox; how many alerts are new."""
    with database.writing(engine) as session:
        raised = alerts.raise_alerts(session, now, settings.department.zone)
    tell(engine, settings, now)
    return len(raised)


def tell(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Mails every officer each new alert that they were not told of; how many mails. Rendered outside the write."""
    with database.reading(engine) as session:
        owed = _owed(session, settings, now)
    rendered = [(key, person, _message(detail, key, person, settings, now)) for detail, key, person in owed]
    if not rendered:
        return 0
    with database.writing(engine) as session:
        return sum(
            outbox.put(session, key=key, kind="alert", recipient=person.email, message=message, now=now)
            for key, person, message in rendered
        )


def _owed(session: Session, settings: Settings, now: datetime) -> list[tuple[AlertDetail, str, Person]]:
    fresh = [
        alert
        for alert in alerts.open_alerts(session)
        if alert.state == "new" and now - alert.raised_at < TOLD_WITHIN and alert.raised_at <= now
    ]
    officers = people.with_role(session, Role.OFFICER)
    keys = {f"alert:{alert.id}:{person.id}": (alert, person) for alert in fresh for person in officers}
    told = set(session.exec(select(OutboxMessage.key).where(col(OutboxMessage.key).in_(list(keys)))))
    owed = []
    for key, (alert, person) in keys.items():
        detail = alerts.alert_detail(session, alert.id or 0, settings.department.zone) if key not in told else None
        if detail is not None:
            owed.append((detail, key, person))
    return owed


def _message(detail: AlertDetail, key: str, person: Person, settings: Settings, now: datetime) -> EmailMessage:
    content = alert_mail.compose(
        detail,
        key=key,
        department=settings.department.name,
        zone=ZoneInfo(person.time_zone),
        now=now,
        path=f"/alerts/{detail.alert.id}",
        networks=LABELS,
        language=person.language,
    )
    return digest_mail.message(
        alert_mail.render(content, settings.base_url, person.language),
        key=key,
        sender=settings.mail_from,
        recipient=person.email,
        recipient_name=person.name,
        base_url=settings.base_url,
        now=now,
    )
