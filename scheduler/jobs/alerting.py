"""Looks for alerts, and tells people, programs and chat rooms of the new ones.

The alert itself is what a message is owed for: who has not been told of a new one is found again at the next look, so a
crash between raising and telling loses nothing; AlertNotice and the outbox keep it to one message a recipient. People's
quiet hours and choices hold, emergencies aside; what nobody takes within the hour goes to the supervisors too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Literal
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, func, select

from config import database, mail_preferences, outbox, people, secrets
from config.database import upsert
from config.permissions import Action, Role, may
from config.secrets import Keys
from config.settings import Settings
from config.tables import MailPreference, Person
from config.translations import translate
from scheduler import alert_mail, digest_mail, webhooks
from scheduler.jobs import mornings
from scheduler.jobs.mornings import LABELS
from scheduler.tables import AlertChannel, AlertNotice
from sentiment import alert_details, alerts, surges, tuning
from sentiment.alert_details import AlertDetail
from sentiment.recent import Memory
from sentiment.tables import Alert

log = structlog.get_logger(__name__)
Reason = Literal["raised", "escalated"]
ToldOf = frozenset[tuple[int, str, str]]  # alert, recipient, reason
TOLD_WITHIN = timedelta(hours=24)  # an older alert is no news; the digest has it
_memories: WeakKeyDictionary[sa.Engine, Memory] = WeakKeyDictionary()  # of the process that looks, one a store
TOGETHER = timedelta(minutes=10)  # after a mail about an alert, what comes next is gathered into one; not emergencies


@dataclass(frozen=True)
class Owed:
    """One mail: alerts that one person is to be told of, the most pressing first."""

    person: Person
    reason: Reason
    details: tuple[AlertDetail, ...]

    @property
    def key(self) -> str:
        numbers = "+".join(str(detail.alert.id) for detail in self.details)
        middle = "" if self.reason == "raised" else f"{self.reason}:"
        return f"alert:{numbers}:{middle}{self.person.id}"


def look(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Raises what stands out and puts what tells of it in the outbox; how many alerts are new."""
    memory = _memories.setdefault(engine, Memory())
    try:
        with database.reading(engine) as session:  # looking takes longer than a writer should keep others waiting
            found = alerts.find(session, now, settings.department.zone, memory)
    except Exception:
        _memories.pop(engine, None)  # it may hold half of what it takes for read
        raise
    with database.writing(engine) as session:
        raised = alerts.put(session, found, now, settings.department.zone)
        tuning.forget(session, now)
    tell(engine, settings, now)
    return len(raised)


def tell(engine: sa.Engine, settings: Settings, now: datetime) -> int:
    """Tells everybody each new alert that they were not told of; how many messages. Rendered outside the write."""
    with database.reading(engine) as session:
        fresh = _fresh(session, now)
        if not fresh:
            return 0
        told_of = _told_of(session, fresh)
        owed = _owed(session, settings, fresh, told_of, now)
        calls = _calls(session, settings, fresh, told_of, now)
    if not owed and not calls:
        return 0
    keys = secrets.load(settings)
    rendered = [(one, message) for one in owed if (message := _made(one, settings, keys, now)) is not None]
    told = 0
    with database.writing(engine) as session:
        for one, message in rendered:
            mine = [
                _notice(session, detail.alert, f"person:{one.person.id}", one.reason, now) for detail in one.details
            ]
            if any(mine):
                told += outbox.put(
                    session, key=one.key, kind="alert", recipient=one.person.email, message=message, now=now
                )
        for alert, recipient, reason, subject, words in calls:
            if _notice(session, alert, recipient, reason, now):
                key = words["delivery"]
                told += outbox.put_call(
                    session, key=key, kind="alert", recipient=recipient, subject=subject, words=words, now=now
                )
    return told


def put_test(session: Session, channel: AlertChannel, settings: Settings, now: datetime) -> bool:
    """Puts a message that says it is a test; whether it was put (not twice within a second)."""
    key = f"test:{channel.id}:{now:%Y%m%d%H%M%S}"
    _ = translate(settings.department.language).gettext  # as the alerts that will come there
    said = _("This is a test from %(department)s. Alerts will be told here.")
    words = {
        "event": "test",
        "delivery": key,
        "words": said % {"department": settings.department.name},
        "url": f"{settings.base_url.rstrip('/')}/alerts",
        "test": True,
    }
    recipient = webhooks.recipient(channel.id or 0)
    return outbox.put_call(
        session, key=key, kind="test", recipient=recipient, subject=_("Liaison: a test"), words=words, now=now
    )


def _fresh(session: Session, now: datetime) -> list[Alert]:
    """New alerts that are still news, emergencies first, then the oldest first."""
    found = [
        alert
        for alert in alerts.open_alerts(session)
        if alert.state == "new" and now - alert.raised_at < TOLD_WITHIN and alert.raised_at <= now
    ]
    return sorted(found, key=lambda alert: (not _urgent(alert), alert.raised_at, alert.id or 0))


def _urgent(alert: Alert) -> bool:
    return alert.concern in surges.URGENT


def _nobody_took(alert: Alert, settings: Settings, now: datetime) -> bool:
    """Whether it has waited so long for somebody that the supervisors should know."""
    patience = settings.alert_escalation_minutes
    return patience > 0 and now - alert.raised_at >= timedelta(minutes=patience)


def _told_of(session: Session, fresh: Sequence[Alert]) -> ToldOf:
    notices = session.exec(select(AlertNotice).where(col(AlertNotice.alert_id).in_([alert.id for alert in fresh])))
    return frozenset((row.alert_id, row.recipient, row.reason) for row in notices)


def _owed(session: Session, settings: Settings, fresh: Sequence[Alert], told_of: ToldOf, now: datetime) -> list[Owed]:
    chosen, roles = mail_preferences.of_all(session), people.roles_of_all(session)
    details: dict[int, AlertDetail] = {}
    owed = []
    for person in people.all_people(session):
        number = people.known_id(person)
        theirs = roles.get(number, frozenset())
        preference = chosen.get(number) or MailPreference(person_id=number)
        if not person.active or preference.alerts is False or not may(theirs, Action.READ_FIGURES):
            continue
        reasons: list[Reason] = ["raised"] if preference.alerts or Role.OFFICER in theirs else []
        reasons += ["escalated"] if Role.APPROVER in theirs else []
        places, _names = mornings.places_of(session, preference.places)
        for reason in reasons:
            ours = [
                alert
                for alert in fresh
                if (alert.id, f"person:{number}", reason) not in told_of
                and (reason == "raised" or _nobody_took(alert, settings, now))
                and mornings.concerns(alert, preference.concerns, places)
            ]
            ours = _now(session, ours, person, preference, now)
            for alert in ours:
                detail = details.get(alert.id or 0) or alert_details.of_one(
                    session, alert.id or 0, settings.department.zone
                )
                if detail is not None:
                    details[alert.id or 0] = detail
            found = tuple(details[alert.id or 0] for alert in ours if alert.id in details)
            if found:
                owed.append(Owed(person, reason, found))
    return owed


def _now(session: Session, owed: list[Alert], person: Person, preference: MailPreference, now: datetime) -> list[Alert]:
    """Which of these the person is told now: all, or in quiet hours and just after another mail only if one of them
    cannot wait; then that mail takes the others along, unless it is quiet."""
    if not owed:
        return []
    urgent = [alert for alert in owed if _urgent(alert)]
    if mail_preferences.is_quiet(preference, ZoneInfo(person.time_zone), now):
        return urgent
    last = session.exec(
        select(func.max(AlertNotice.at)).where(
            AlertNotice.recipient == f"person:{person.id}", col(AlertNotice.at) <= now
        )
    ).one()
    return [] if not urgent and last is not None and now - last < TOGETHER else owed


def _calls(
    session: Session, settings: Settings, fresh: Sequence[Alert], told_of: ToldOf, now: datetime
) -> list[tuple[Alert, str, Reason, str, Mapping[str, Any]]]:
    """What programs and chat rooms are to be told: one message an alert, figures and our own words only."""
    channels = session.exec(select(AlertChannel).where(col(AlertChannel.active))).all()
    if not channels:
        return []
    found: list[tuple[Alert, str, Reason, str, Mapping[str, Any]]] = []
    for channel in channels:
        recipient = webhooks.recipient(channel.id or 0)
        for alert in fresh:
            if not _urgent(alert) and (
                channel.urgent_only or (channel.concerns and alert.concern not in channel.concerns)
            ):
                continue
            reasons: list[Reason] = ["raised", *(["escalated"] if _nobody_took(alert, settings, now) else [])]  # type: ignore[list-item]
            for reason in reasons:
                if (alert.id, recipient, reason) in told_of:
                    continue
                detail = alert_details.of_one(session, alert.id or 0, settings.department.zone)
                if detail is not None:
                    key = f"alert:{alert.id}:{reason}:{recipient}"
                    subject, words = alert_mail.call(detail, key, reason, settings, now)
                    found.append((alert, recipient, reason, subject, words))
    return found


def _notice(session: Session, alert: Alert, recipient: str, reason: Reason, now: datetime) -> bool:
    """Notes that somebody is told; False if another scheduler was quicker."""
    added = session.exec(
        upsert(session, AlertNotice)
        .values(alert_id=alert.id, recipient=recipient, reason=reason, at=now)
        .on_conflict_do_nothing(index_elements=["alert_id", "recipient", "reason"])
        .returning(col(AlertNotice.alert_id))
    )
    return added.first() is not None


def _made(owed: Owed, settings: Settings, keys: Keys, now: datetime) -> EmailMessage | None:
    try:
        return _message(owed, settings, keys, now)
    except Exception as error:  # one mail that cannot be made must not keep the others
        log.error("alert_mail_not_made", person=owed.person.id, kind=type(error).__name__, error=str(error))
        return None


def _message(owed: Owed, settings: Settings, keys: Keys, now: datetime) -> EmailMessage:
    person = owed.person
    contents = [
        alert_mail.compose(
            detail,
            key=owed.key,
            department=settings.department.name,
            zone=ZoneInfo(person.time_zone),
            now=now,
            path=f"/alerts/{detail.alert.id}",
            networks=LABELS,
            language=person.language,
        )
        for detail in owed.details
    ]
    token = mail_preferences.stop_token(keys, people.known_id(person), "alerts")
    return digest_mail.message(
        alert_mail.render(
            contents[0], settings.base_url, person.language, others=contents[1:], escalated=owed.reason == "escalated"
        ),
        key=owed.key,
        sender=settings.mail_from,
        recipient=person.email,
        recipient_name=person.name,
        base_url=settings.base_url,
        now=now,
        unsubscribe=f"{settings.base_url.rstrip('/')}/stop/{token}",
        one_click=settings.base_url.startswith("https://"),
    )
