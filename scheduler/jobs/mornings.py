"""Gathers what digests are made of. What a whole town's mornings have in common is read once, however many people get
one: figures by edition and places, alerts, quotes, what was sent and answered."""

import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from config import people
from config.asked import Asked
from config.permissions import Action, may
from config.settings import Settings
from config.tables import MailPreference, Person
from listeners import health
from listeners.tables import Mention, Place
from networks.registry import NETWORKS
from networks.tables import Account
from posts import actions, queue
from posts.tables import Post, Target
from posts.workflow import TargetState
from sentiment import alerts, counts, digest, disclosure, editions, figures, quotes, surges
from sentiment.editions import Edition
from sentiment.figures import ConcernRow, Overview
from sentiment.morning import AlertNews, Answered, Morning, Sent
from sentiment.quotes import Quote
from sentiment.tables import Alert, AlertMention
from sentiment.taxonomy import CONCERNS
from sentiment.trust import Windows
from sentiment.waiting import (
    ActionDue,
    AlertWaits,
    ApprovalsWait,
    DecisionsWait,
    MentionsWait,
    MoreDue,
    SignInEnds,
    SourceTrouble,
    Waiting,
)

DAY = timedelta(days=1)
QUOTED = 3  # concerns with a quote
MOST_ACTIONS = 3  # that are due, by name
Value = TypeVar("Value")
_PARTS = {  # what is read -> what a report calls it
    "spans": "figures",
    "figures": "figures",
    "alerts": "alerts",
    "sent": "published",
    "answered": "answered",
}
LABELS = {name: network.label for name, network in NETWORKS.items()}


class Town:
    """One installation at one moment. Keeps what it has read, so it is made anew for every look."""

    def __init__(self, settings: Settings, now: datetime, noted: Asked | None = None) -> None:
        self._settings, self._now, self._zone = settings, now, settings.department.zone
        self._noted = noted or Asked()  # where the queries are noted by what they are asked for
        self._read: dict[tuple[object, ...], object] = {}

    def morning(
        self, session: Session, person: Person, preference: MailPreference, edition: Edition, key: str
    ) -> Morning:
        """Everything that one person's edition is made of."""
        now, zone = self._now, self._zone
        spans = self._once(("spans", edition), lambda: self._windows(session, edition))
        since = now - DAY if edition is Edition.DAILY else _start(spans, zone)
        places, names = self._once(("places", *preference.places), lambda: places_of(session, preference.places))
        overview, rows = self._once(("figures", edition, places), lambda: self._figures(session, spans, places))
        chosen = [concern for concern in preference.concerns if concern in CONCERNS]
        rows = [row for row in rows if not chosen or row.concern in chosen]
        every = self._once(("alerts",), lambda: alerts.all_alerts(session))
        ours = [alert for alert in every if concerns(alert, chosen, places)]
        raised = [alert for alert in ours if since <= alert.raised_at <= now and alert.state != "not_a_concern"]
        still_open = [alert for alert in ours if alert.state in alerts.OPEN and alert.raised_at < since]
        found: dict[str, Sequence[Quote]] = {}
        for alert in (*raised, *still_open):
            found.setdefault(alert.concern, self._of_alert(session, alert))
        quoted = tuple(row.concern for row in rows[: QUOTED + 1] if row.concern not in found)
        found |= self._of_concerns(session, quoted, since)
        end_of_day = (now.astimezone(zone) + DAY).replace(hour=0, minute=0, second=0, microsecond=0)
        return Morning(
            key=key,
            recipient=person.name,
            department=self._settings.department.name,
            at=now,
            zone=ZoneInfo(person.time_zone),
            overview=overview,
            concerns=rows,
            quotes=digest.one_quote_each(found),
            networks=LABELS,
            new_alerts=[self._news(session, alert) for alert in raised],
            open_alerts=[self._news(session, alert) for alert in still_open],
            gone_quiet=[
                alert.title for alert in ours if alert.closed_at is not None and since <= alert.closed_at <= now
            ],
            sent=self._once(("sent", since), lambda: _sent(session, since, now)),
            answered=self._once(("answered", since), lambda: _answered(session, since, now)),
            going_out=self._once(("going out",), lambda: _going_out(session, now, end_of_day)),
            waiting=_waiting(session, person, now, now.astimezone(self._zone).date()),
            edition=edition,
            only_concerns=chosen,
            only_places=names,
        )

    def _once(self, about: tuple[object, ...], read: Callable[[], Value]) -> Value:
        if about not in self._read:
            self._noted.part = _PARTS.get(str(about[0]), "")
            self._read[about] = read()
        return cast(Value, self._read[about])

    def _windows(self, session: Session, edition: Edition) -> Windows:
        today = self._now.astimezone(self._zone).date()
        return editions.windows(edition, today, counts.first_day(session))

    def _figures(self, session: Session, spans: Windows, places: tuple[int, ...]) -> tuple[Overview, list[ConcernRow]]:
        return figures.town(session, self._now, self._zone, spans, places)

    def _of_alert(self, session: Session, alert: Alert) -> Sequence[Quote]:
        posts = select(AlertMention.mention_id).where(AlertMention.alert_id == alert.id)
        return self._once(("quotes of alert", alert.id), lambda: quotes.of_mentions(session, session.exec(posts).all()))

    def _of_concerns(self, session: Session, concerns: Sequence[str], since: datetime) -> dict[str, Sequence[Quote]]:
        """Those that nobody asked for yet are read in one question."""
        since = min(since, self._now - 2 * DAY)
        new = [concern for concern in concerns if ("quotes", concern, since) not in self._read]
        for concern, found in quotes.of_concerns(session, new, since, self._now, QUOTED).items():
            self._read["quotes", concern, since] = found
        return {concern: cast(Sequence[Quote], self._read["quotes", concern, since]) for concern in concerns}

    def _news(self, session: Session, alert: Alert) -> AlertNews:
        place = self._once(("place", alert.place_id), lambda: session.get(Place, alert.place_id or 0))
        told = disclosure.seen(alert)
        return AlertNews(
            title=alert.title,
            concern=alert.concern,
            posts=told.posts,
            authors=told.authors,
            expected=told.expected,
            since=alert.since,
            path=f"/alerts/{alert.id}",
            keyphrases=tuple(alert.keyphrases),
            kind=alert.kind,
            growing=alert.updated_at > self._now - DAY,
            place=place.name if place is not None else None,
        )


def start_of(overview: Overview, zone: ZoneInfo) -> datetime:
    """The first instant of the days of the figures."""
    return datetime.combine(overview.first, time(), zone).astimezone(UTC)


def _start(spans: Windows, zone: ZoneInfo) -> datetime:
    """The first instant of the days that are covered."""
    return datetime.combine(spans.first, time(), zone).astimezone(UTC)


def concerns(alert: Alert, chosen: Sequence[str], places: Sequence[int]) -> bool:
    """Whether the alert is for somebody who chose these (nothing: all). Emergencies are for everybody."""
    if alert.concern in surges.URGENT:
        return True
    here = not places or alert.place_id is None or alert.place_id in places
    return here and (not chosen or alert.concern in chosen)


def places_of(session: Session, chosen: Sequence[int]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The chosen places with all that lie in them, and the names of the chosen."""
    every = {place.id or 0: place for place in session.exec(select(Place))} if chosen else {}
    inside = {number for number in chosen if number in every}
    names = tuple(sorted(every[number].name for number in inside))
    grown = True
    while grown:
        more = {number for number, place in every.items() if place.within_id in inside} - inside
        inside, grown = inside | more, bool(more)
    return tuple(sorted(inside)), names


def _going_out(session: Session, now: datetime, end: datetime) -> int:
    return sum(row.state in ("approved", "scheduled") for row in queue.going_out(session, now, end))


def _sent(session: Session, since: datetime, now: datetime) -> Sent:
    posts, networks = queue.published_between(session, since, now)
    open_ = select(func.count()).select_from(Target).where(Target.state == TargetState.UNKNOWN.value)
    lost = select(func.count()).select_from(Target).where(Target.state == TargetState.FAILED.value)
    unknown, failed = session.exec(
        select(
            open_.where(Target.due_at <= now).scalar_subquery(),
            lost.where(Target.due_at > since, Target.due_at <= now).scalar_subquery(),
        )
    ).one()
    return Sent(posts=posts, networks=networks, unconfirmed=unknown, failed=failed)


def _answered(session: Session, since: datetime, now: datetime) -> Answered:
    rows = session.exec(
        select(Target.published_at, Mention.posted_at)
        .join(Post, col(Post.id) == col(Target.post_id))
        .join(Mention, col(Mention.id) == col(Post.reply_to_mention_id))
        .where(col(Target.published_at) > since, col(Target.published_at) <= now)
    ).all()
    took = [(sent - posted).total_seconds() for sent, posted in rows if sent is not None]
    return Answered(len(rows), timedelta(seconds=statistics.median(took)) if took else None)


def _place_name(session: Session, alert: Alert) -> str | None:
    place = session.get(Place, alert.place_id) if alert.place_id is not None else None
    return place.name if place is not None else None


def _waiting(session: Session, person: Person, now: datetime, today: date) -> list[Waiting]:
    """What waits for this person, by their roles; paths lead into the desk. `today`: of the department."""
    roles = people.roles_of(session, people.known_id(person))
    found: list[Waiting] = []
    if may(roles, Action.TRIAGE):
        found += [
            AlertWaits(alert.title, f"/alerts/{alert.id}", alert.concern, _place_name(session, alert))
            for alert in alerts.open_alerts(session)
            if alert.state == "new" and alert.raised_at <= now
        ]
        count, oldest = session.exec(
            select(func.count(), func.min(Mention.posted_at)).where(
                Mention.state == "assigned", Mention.assigned_to == person.id, col(Mention.shown)
            )
        ).one()
        if count:
            found.append(MentionsWait(count, oldest, "/mentions?state=assigned"))
        near = [one for one in actions.open_ones(session) if actions.reminder(one.due_on, today) is not None]
        found += [
            ActionDue(one.wanted, one.unit, one.due_on, f"/outreach/actions/{one.id}") for one in near[:MOST_ACTIONS]
        ]
        if len(near) > MOST_ACTIONS:
            found.append(MoreDue(len(near) - MOST_ACTIONS, "/outreach/actions"))
    if may(roles, Action.APPROVE_POSTS):
        approvals = queue.waiting_for(session, people.known_id(person), roles)
        if approvals:
            found.append(ApprovalsWait(len(approvals), "/approvals"))
    if may(roles, Action.WRITE_POSTS):
        unknown = session.exec(
            select(func.count()).select_from(Target).where(Target.state == TargetState.UNKNOWN.value)
        ).one()
        if unknown:
            found.append(DecisionsWait(unknown, "/queue"))
    if may(roles, Action.MANAGE):
        out = session.exec(select(Account).where(Account.state == "signed_out")).all()
        found += [SignInEnds(account.name, 0, "/accounts") for account in out]
        for known in health.overview(session, now):
            if known.health.state in health.TROUBLE and (known.account is None or known.account.state == "connected"):
                found.append(SourceTrouble(known.source.name, known.health.state, "/sources"))
    return found
