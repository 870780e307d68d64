"""Gathers what digests are made of. What a whole town's mornings have in common is read once, however many people get
one: figures by edition and places, alerts, quotes, what was sent and answered."""

import statistics
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from config import audit, holds, people, sign_in_links
from config.asked import Asked
from config.permissions import Action, Role, may
from config.settings import Settings
from config.tables import AuditEntry, MailPreference, OutboxMessage, Person
from listeners import health
from listeners.tables import Mention, Place, Source
from networks import accounts
from networks.registry import NETWORKS
from posts import actions, answers, queue
from posts.approval import Standing
from posts.queue import QueueRow
from posts.tables import Post, Target
from posts.workflow import PostState, TargetState
from sentiment import alerts, counts, digest, disclosure, editions, figures, history, quotes, surges, trust
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
    ChangesAsked,
    DecisionsWait,
    MailStands,
    MentionsWait,
    MoreDue,
    NobodyApproves,
    NotSent,
    SignInEnds,
    SourceTrouble,
    Waiting,
)

DAY = timedelta(days=1)
QUOTED = 3  # concerns with a quote
MOST_ACTIONS = 3  # that are due, by name
LONGEST_LOOK = timedelta(days=7)  # back, for posts of one's own that were not sent
MAIL_STANDS = timedelta(hours=1)  # after which what should have gone out is told of
SIGN_IN_ENDS = 7  # days before which a sign-in that ends is told of
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
        self,
        session: Session,
        person: Person,
        preference: MailPreference,
        edition: Edition,
        key: str,
        *,
        due: date | None = None,
        roles: Collection[Role] | None = None,
        brief: bool = False,
        theirs: bool = True,
    ) -> Morning:
        """Everything that one person's edition is made of. `due`: the day that it is due on by the person's clocks; far
        in the east a month is over before it is here, and would be told a month late. `roles`: theirs, where they were
        read before; `brief`: without what only a mail tells: quotes, what was sent and answered; `theirs`: with what
        waits for them and what goes out today, which no report tells."""
        now, zone = self._now, self._zone
        here = self.look(session, person)
        day = due if due is not None and edition is Edition.MONTHLY else now.astimezone(zone).date()
        places, names = self._once(("places", *preference.places), lambda: places_of(session, preference.places))
        spans = self._once(
            ("spans", edition, day, bool(places)),
            lambda: _windows(session, edition, day, here.history, by_place=bool(places)),
        )
        since = now - DAY if edition is Edition.DAILY else _start(spans, zone)
        until = covered_until(edition, spans.last, zone, now)
        overview, rows = self._once(("figures", spans, places), lambda: self._figures(session, spans, places, here))
        chosen = [concern for concern in preference.concerns if concern in CONCERNS]
        rows = [row for row in rows if not chosen or row.concern in chosen]
        ours = [alert for alert in self.alerts(session) if concerns(alert, chosen, places)]
        raised = [alert for alert in ours if since <= alert.raised_at <= until and alert.state != "not_a_concern"]
        still_open = [alert for alert in ours if alert.state in alerts.OPEN and alert.raised_at < since]
        found: dict[str, Sequence[Quote]] = {}
        if not brief:
            found |= self._of_alerts(session, (*raised, *still_open))
            quoted = tuple(row.concern for row in rows[: QUOTED + 1] if row.concern not in found)
            found |= self._of_concerns(session, quoted, since)
        going_out = self.going_out(session) if theirs else []
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
                self._news(session, alert)
                for alert in ours
                if alert.closed_at is not None and since <= alert.closed_at <= until
            ],
            sent=Sent() if brief else self._once(("sent", since, until), lambda: _sent(session, since, until)),
            answered=Answered()
            if brief
            else self._once(("answered", since, until), lambda: _answered(session, since, until)),
            going_out=sum(
                (row.due_at >= now or here.held) and row.state in ("approved", "scheduled") for row in going_out
            ),
            gone_out=sum(row.state in ("published", "partly_published") for row in going_out),
            held=here.held,
            waiting=self._waiting(session, person, roles, here, since) if theirs else [],
            edition=edition,
            only_concerns=chosen,
            only_places=names,
        )

    def _once(self, about: tuple[object, ...], read: Callable[[], Value]) -> Value:
        if about not in self._read:
            self._noted.part = _PARTS.get(str(about[0]), "")
            self._read[about] = read()
        return cast(Value, self._read[about])

    def alerts(self, session: Session) -> list[Alert]:
        """The newest of every state, and all that are open."""
        return [alert for alert, _place, _taker in self._named(session)]

    def going_out(self, session: Session) -> list[QueueRow]:
        """Posts of the department's day, those that are out among them."""
        return list(self._posts(session).out)

    def _posts(self, session: Session, since: datetime | None = None) -> queue.DaysPosts:
        """Those, all that wait for an approver, what came back, and what was not sent since then or within a day."""
        midnight = self._now.astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
        since = max(since or self._now - DAY, self._now - LONGEST_LOOK)
        return self._once(("posts", since), lambda: queue.of_a_day(session, midnight, midnight + DAY, since))

    def look(self, session: Session, person: Person) -> "Look":
        """One question. The mentions that a person has are theirs; the rest is the town's."""
        return self._once(("look", person.id), lambda: self._looked(session, person))

    def _looked(self, session: Session, person: Person) -> "Look":
        today = self._now.astimezone(self._zone).date()
        theirs = (Mention.state == "assigned", Mention.assigned_to == person.id, col(Mention.shown))
        to_answer = (*theirs, ~answers.needs_none())
        row = session.execute(
            sa.select(
                counts.oldest_day().scalar_subquery(),
                select(func.count()).select_from(Mention).where(*to_answer).scalar_subquery(),
                select(func.min(Mention.posted_at)).where(*to_answer).scalar_subquery(),
                select(func.count()).where(Target.state == TargetState.UNKNOWN.value).scalar_subquery(),
                actions.near(today).scalar_subquery(),
                select(func.count())
                .where(OutboxMessage.state == "waiting", _stands(self._now - MAIL_STANDS))
                .scalar_subquery(),
                select(Mention.id).exists(),
                select(Source.id).exists(),
                audit.last_backup().scalar_subquery(),
                sign_in_links.any_to_tell(people.known_id(person), self._now),
                figures.since_when(self._week(), self._zone).scalar_subquery(),
                holds.any_in_force(),
            )
        ).one()
        return Look(*row)

    def _figures(
        self, session: Session, spans: Windows, places: tuple[int, ...], here: "Look"
    ) -> tuple[Overview, list[ConcernRow]]:
        week = self._week()
        begun = {(week.first, week.last): here.begun}
        return figures.town(session, self._now, self._zone, spans, places, here.history, begun)

    def _week(self) -> Windows:
        """The days of most figures."""
        return trust.windows(self._now.astimezone(self._zone).date(), None)

    def _of_alerts(self, session: Session, found: Sequence[Alert]) -> dict[str, Sequence[Quote]]:
        """By concern, of the first alert of each. Those that nobody asked for yet are read in two questions."""
        first: dict[str, int] = {}
        for alert in found:
            first.setdefault(alert.concern, alert.id or 0)
        new = [number for number in first.values() if ("quotes of alert", number) not in self._read]
        if new:
            self._noted.part = ""  # words of others: no report shows how they were asked for
            posts: dict[int, list[int]] = {number: [] for number in new}
            links = select(AlertMention.alert_id, AlertMention.mention_id).where(col(AlertMention.alert_id).in_(new))
            for alert_id, mention_id in session.exec(links):
                posts[alert_id].append(mention_id)
            for number, chosen in quotes.of_each(session, posts).items():
                self._read["quotes of alert", number] = chosen
        return {
            concern: cast(Sequence[Quote], self._read["quotes of alert", number]) for concern, number in first.items()
        }

    def _of_concerns(self, session: Session, concerns: Sequence[str], since: datetime) -> dict[str, Sequence[Quote]]:
        """Those that nobody asked for yet are read in one question."""
        since = min(since, self._now - 2 * DAY)
        new = [concern for concern in concerns if ("quotes", concern, since) not in self._read]
        for concern, found in quotes.of_concerns(session, new, since, self._now, QUOTED).items():
            self._read["quotes", concern, since] = found
        return {concern: cast(Sequence[Quote], self._read["quotes", concern, since]) for concern in concerns}

    def _news(self, session: Session, alert: Alert) -> AlertNews:
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
            place=self._place_name(session, alert),
            closed=alert.state not in alerts.OPEN,
        )

    def _waiting(
        self, session: Session, person: Person, known: Collection[Role] | None, here: "Look", since: datetime
    ) -> list[Waiting]:
        """What waits for this person, by their roles; paths lead into the desk. `since`: the edition before."""
        now, today = self._now, self._now.astimezone(self._zone).date()
        roles = known or people.roles_of(session, people.known_id(person))
        found: list[Waiting] = []
        if may(roles, Action.TRIAGE):
            found += [
                AlertWaits(alert.title, f"/alerts/{alert.id}", alert.concern)
                for alert in self.alerts(session)
                if alert.state == "new" and alert.raised_at <= now
            ]
            if here.assigned and here.oldest is not None:
                found.append(MentionsWait(here.assigned, here.oldest, "/mentions?state=assigned"))
            known_open = actions.open_ones(session) if here.near else []
            near = [one for one in known_open if actions.reminder(one.due_on, today) is not None]
            found += [
                ActionDue(one.wanted, one.unit, one.due_on, f"/outreach/actions/{one.id}")
                for one in near[:MOST_ACTIONS]
            ]
            if len(near) > MOST_ACTIONS:
                found.append(MoreDue(len(near) - MOST_ACTIONS, "/outreach/actions"))
        if may(roles, Action.APPROVE_POSTS):
            approvals = queue.waiting_among(
                self._posts(session).in_review, self._standings(session), people.known_id(person)
            )
            if approvals:
                found.append(ApprovalsWait(len(approvals), "/approvals"))
        if may(roles, Action.WRITE_POSTS):
            mine = [one for one in self._posts(session).came_back if one.author_id == person.id]
            not_sent = [one for one in self._posts(session, since).not_sent if one.author_id == person.id]
            found += [
                NotSent(
                    one.title,
                    one.state == PostState.PARTLY_PUBLISHED,
                    f"/posts/{one.post_id}",
                    one.state == PostState.MISSED,
                )
                for one in not_sent
            ]
            stuck = self._stuck(session, people.known_id(person))
            found += [NobodyApproves(one.title, f"/posts/{one.post_id}") for one in stuck[:MOST_ACTIONS]]
            found += [ChangesAsked(one.title, f"/compose/{one.post_id}") for one in mine[:MOST_ACTIONS]]
        if may(roles, Action.WRITE_POSTS) and here.unknown:
            found.append(DecisionsWait(here.unknown, "/queue"))
        if may(roles, Action.MANAGE) and here.mail:
            found.append(MailStands(here.mail, "/channels/log"))
        return [*found, *self._broken(session, roles)]

    def _stuck(self, session: Session, author_id: int) -> list[QueueRow]:
        """Posts of this author that wait for approval where nobody may give it."""
        in_review = self._posts(session).in_review
        if not any(one.post.author_id == author_id for one in in_review):
            return []
        approvers = self._once(("approvers",), lambda: people.with_role(session, Role.APPROVER))
        numbers = [people.known_id(one) for one in approvers]
        return queue.stuck_among(in_review, self._standings(session), author_id, numbers)

    def _standings(self, session: Session) -> Mapping[int, Standing]:
        return self._once(("standings",), lambda: queue.standings(session, self._posts(session).in_review))

    def _broken(self, session: Session, roles: Collection[Role]) -> Iterator[Waiting]:
        """Sign-ins that have ended or end soon, for whoever writes or mends; sources in trouble, for whoever mends."""
        mends = may(roles, Action.MANAGE)
        if not mends and not may(roles, Action.WRITE_POSTS):
            return
        known, sources = health.with_accounts(session, self._now) if mends else (accounts.kept(session), [])
        for one in known:
            days = 0 if one.state == "signed_out" else (one.ends_at - self._now).days if one.ends_at else None
            if one.state != "removed" and days is not None and days <= SIGN_IN_ENDS:
                yield SignInEnds(one.name, days, "/accounts")
        for source in sources:
            if source.health.state in health.TROUBLE and (
                source.account is None or source.account.state == "connected"
            ):
                yield SourceTrouble(source.source.name, source.health.state, "/sources")

    def _place_name(self, session: Session, alert: Alert) -> str | None:
        return next((place for one, place, _taker in self._named(session) if one.id == alert.id), None)

    def taken_by(self, session: Session, alert: Alert) -> str | None:
        """Who has the alert, by name."""
        return next((taker for one, _place, taker in self._named(session) if one.id == alert.id), None)

    def _named(self, session: Session) -> Sequence[tuple[Alert, str | None, str | None]]:
        """Alerts, the names of their places and of those who took them; one question."""
        return self._once(("alerts",), lambda: alerts.named(session))


def _stands(since: datetime) -> sa.ColumnElement[bool]:
    """Due before that, or tried in vain since then; what waits for the end of somebody's quiet hours does not stand."""
    tried = sa.and_(col(OutboxMessage.tries) > 0, col(OutboxMessage.created_at) < since)
    return sa.or_(col(OutboxMessage.due_at) < since, tried)


@dataclass(frozen=True)
class Look:
    """The town's oldest author-day; mentions that somebody has and that no answer of ours is out or on its way to, and
    when the oldest was said; targets in doubt; open actions that are due soon or late; messages that should have gone
    out; whether a mention has ever come in, and whether there is a source; when the store was backed up last; whether a
    link lets somebody in as this person; since when the sources are heard that brought much of the last week; whether a
    hold is on."""

    history: date | None
    assigned: int
    oldest: datetime | None
    unknown: int
    near: int
    mail: int
    any_mentions: bool
    any_sources: bool
    backup_at: datetime | None
    any_links: bool
    begun: datetime | None
    held: bool


def start_of(overview: Overview, zone: ZoneInfo) -> datetime:
    """The first instant of the days of the figures."""
    return datetime.combine(overview.first, time(), zone).astimezone(UTC)


def covered_until(edition: Edition, last: date, zone: ZoneInfo, now: datetime) -> datetime:
    """Up to when an edition tells of alerts and of our own posts: now, or the end of its month, `last` being its last
    day."""
    if edition is not Edition.MONTHLY:
        return now
    return min(now, datetime.combine(last + DAY, time(), zone).astimezone(UTC))


def _windows(session: Session, edition: Edition, day: date, kept_from: date | None, by_place: bool) -> Windows:
    """The days that an edition compares. Sums by place are never kept: they reach no further back than author-days."""
    if by_place:
        return editions.windows(edition, day, kept_from)
    return history.windows(session, edition, day, kept_from)


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


def _sent(session: Session, since: datetime, now: datetime) -> Sent:
    out = queue.published_between(session, since, now)
    open_ = select(func.count()).select_from(Target).where(Target.state == TargetState.UNKNOWN.value)
    settled = (col(AuditEntry.at) > since, col(AuditEntry.at) <= now)  # not when due: an hour may lie between
    targets = col(AuditEntry.detail)["target"].as_integer()
    refused = sa.select(targets).where(col(AuditEntry.action) == "target.failed", *settled)
    lost = select(func.count()).select_from(Target)
    lost = lost.where(Target.state == TargetState.FAILED.value, col(Target.id).in_(refused))
    too_late = select(Target.post_id).where(Target.state == TargetState.MISSED.value)
    ended = select(AuditEntry.subject).where(col(AuditEntry.action).in_(("post.lapse", "target.missed")), *settled)
    missed = select(func.count()).where(
        col(Post.state).in_([state.value for state in queue.NOT_SENT]),
        sa.or_(col(Post.state) == PostState.MISSED.value, col(Post.id).in_(too_late)),
        sa.literal("post:", sa.String).concat(sa.cast(col(Post.id), sa.String)).in_(ended),
    )
    unknown, failed, lapsed = session.exec(
        select(open_.where(Target.due_at <= now).scalar_subquery(), lost.scalar_subquery(), missed.scalar_subquery())
    ).one()
    return Sent(out.posts, out.networks, unknown, failed, out.practised, lapsed)


def _answered(session: Session, since: datetime, now: datetime) -> Answered:
    rows = session.exec(
        select(func.min(Target.published_at), Mention.posted_at)
        .join(Post, col(Post.id) == col(Target.post_id))
        .outerjoin(Mention, col(Mention.id) == col(Post.reply_to_mention_id))  # it may have gone since
        .where(
            col(Post.reply_to_mention_id).is_not(None),
            Target.part == 0,
            col(Target.published_at) > since,
            col(Target.published_at) <= now,
        )
        .group_by(col(Post.reply_to_mention_id), col(Mention.posted_at))
    ).all()
    took = [(sent - posted).total_seconds() for sent, posted in rows if sent is not None and posted is not None]
    return Answered(len(rows), timedelta(seconds=statistics.median(took)) if took else None)
