"""Alerts: one thread a concern and place, raised when its cell stands out, kept up to date, taken and closed by people.

surges.py finds what is more than usual, corners.py what gathers at one place within hours, topics.py what is new. At
most one new alert a department-day, emergencies aside: fewer, and worth a look. alert_details.py shows one.

Long, because an alert's whole life stands here: what raises, holds back, renews and closes it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf, log
from types import MappingProxyType
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import audit
from config.tables import Person
from listeners.tables import Mention, Place
from sentiment import corners, counts, keyphrases, surges, topics, tuning
from sentiment.recent import Memory
from sentiment.surges import Said, Surge
from sentiment.tables import Alert, AlertMention, HeldBack, MentionConcern
from sentiment.taxonomy import CONCERNS
from sentiment.topics import Topic
from sentiment.tuning import Tuning

AGAIN_AFTER = timedelta(hours=24)  # a closed thread keeps its concern quiet for so long
ALREADY_ALERTED = 0.3  # of a surge's posts: then it is nothing new
REMEMBERED = timedelta(days=7)  # how long a thread's posts are held against a new one
SAME_PLACE = timedelta(hours=72)  # how long a thread takes in other concerns at its place
GOES_ON = timedelta(hours=24)  # how long a thread of something new takes in what means the same in other words
KINDRED = 0.5  # of its posts
BEYOND = 1e-6  # chance, at the rate of a surge of the whole town, that makes what is new more than a part of it
LEFT = 0.5  # of the posts that were found: with fewer when it is put, the next look judges anew
FAR_MORE = 3.0  # times the usual
MANY_AUTHORS, MANY_TIMES = 10, 5.0  # and times the usual: severity high
_TEXTS_BEFORE = 2000

_One = TypeVar("_One", Surge, Topic)
_Action = Literal["take", "resolve", "not_a_concern", "reopen"]
OPEN = ("new", "taken")
TRANSITIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("new", "take"): "taken",
        ("taken", "take"): "taken",  # by another person
        ("new", "resolve"): "resolved",
        ("taken", "resolve"): "resolved",
        ("new", "not_a_concern"): "not_a_concern",
        ("taken", "not_a_concern"): "not_a_concern",
        ("resolved", "reopen"): "new",
        ("not_a_concern", "reopen"): "new",
    }
)


class WrongState(Exception):
    """The alert is no longer in a state that allows this; the message says which it is in."""


@dataclass(frozen=True)
class Found:
    """What stands out: cells with more than usual, and what is new; under which settings it was looked for."""

    surges: Sequence[Surge]
    topics: Sequence[Topic]
    tuned: Tuning


def find(
    session: Session, now: datetime, zone: ZoneInfo, memory: Memory | None = None, tuned: Tuning | None = None
) -> Found:
    """Looks at all cells, and with a memory of recent posts for what is new, as of `now`; under the settings that hold,
    or these. Only reads."""
    tuned = tuned or tuning.read(session, now)
    if memory is None:
        return Found(surges.find(session, now, zone, tuned), [], tuned)
    new = topics.find(session, memory, now, tuned)  # brings the memory up to date
    standing_out = topics.without_books(memory, surges.find(session, now, zone, tuned, memory.usual), now)
    there = {(surge.concern, surge.place_id) for surge in standing_out}
    within_hours = corners.find(memory, now.timestamp() / 3600, tuned)
    early = [surge for surge in within_hours if (surge.concern, surge.place_id) not in there]
    return Found([*standing_out, *early], new, tuned)


def raise_alerts(session: Session, now: datetime, zone: ZoneInfo, memory: Memory | None = None) -> list[Alert]:
    """`find` and `put` in one transaction; the new alerts only, with ids."""
    return put(session, find(session, now, zone, memory), now, zone)


def put(session: Session, found: Found, now: datetime, zone: ZoneInfo) -> list[Alert]:
    """Makes threads of what was found: updates the open ones, and raises what nobody was told of; the new alerts only.
    In the caller's transaction: the mail that tells of them may belong into the same one. Posts that are gone or hidden
    since they were found are left out."""
    found = _still_there(session, found)
    if not found.surges and not found.topics:
        return []
    tuned = found.tuned
    threads = list(
        session.exec(
            select(Alert)
            .where(
                sa.or_(
                    col(Alert.state).in_(OPEN),
                    col(Alert.closed_at) > now - AGAIN_AFTER,
                    col(Alert.updated_at) > now - REMEMBERED,
                )
            )
            .order_by(col(Alert.id))
        )
    )
    for alert in threads:
        if alert.state not in OPEN:
            continue
        surge = next((one for one in found.surges if _grows(alert, one, now)), None)
        if surge is not None and surge.place_id is None:
            at_place = next((one for one in found.surges if surges.carries(one, surge)), None)
            if at_place is not None:
                _narrow(session, alert, at_place)
                surge = at_place
        if surge is not None:
            _update(session, alert, surge, now)
    alerted = {alert.id or 0: mentions_of(session, alert.id or 0) for alert in threads}
    raised = _raise_new(session, found.topics, threads, alerted, now, zone, tuned)
    for surge in surges.merged(found.surges):
        known = (*threads, *raised)
        if any(_same_thread(alert, surge, now) for alert in known) or _told_in(surge, known, alerted) is not None:
            continue
        title = _title(session, surge.concern, surge.place_id, surge.authors, surge.expected)
        if _held_back(session, "cell", surge, title, now, zone, tuned):
            continue
        alert = _raise(session, surge, title, now)
        alerted[alert.id or 0] = surge.mention_ids
        raised.append(alert)
    return raised


def _still_there(session: Session, found: Found) -> Found:
    """What was found, with those of its posts only that are there and shown; they stay until the transaction ends."""
    theirs = [*(one.mention_ids for one in found.surges), *(one.mention_ids for one in found.topics)]
    asked = sorted(frozenset[int]().union(*theirs))
    if not asked:
        return found
    there = sa.select(col(Mention.id)).where(col(Mention.id).in_(asked), col(Mention.shown)).order_by(col(Mention.id))
    rows = session.connection().execute(there.with_for_update(read=True, key_share=True)).scalars()
    shown = frozenset(number for number in rows if number is not None)
    if len(shown) == len(asked):
        return found
    return Found(
        [surge for one in found.surges if (surge := _among(one, shown)) is not None],
        [topic for one in found.topics if (topic := _among(one, shown)) is not None],
        found.tuned,
    )


def _among(one: _One, shown: frozenset[int]) -> _One | None:
    """The same with what is left of its posts; none when that is too little."""
    left = one.mention_ids & shown
    if len(left) < LEFT * len(one.mention_ids):
        return None
    return replace(one, mention_ids=left, authors=min(one.authors, len(left)))


def all_alerts(session: Session, limit: int = 200) -> list[Alert]:
    """Alerts of every state, newest first: the newest, and all that are open."""
    return [alert for alert, _place, _taker in named(session, limit)]


def named(session: Session, limit: int = 200) -> Sequence[tuple[Alert, str | None, str | None]]:
    """The same, each with the name of its place and of who took it."""
    newest = select(Alert.id).order_by(col(Alert.raised_at).desc(), col(Alert.id).desc()).limit(limit)
    query = (
        select(Alert, Place.name, Person.name)
        .outerjoin(Place, col(Place.id) == col(Alert.place_id))
        .outerjoin(Person, col(Person.id) == col(Alert.taken_by))
        .where(sa.or_(col(Alert.state).in_(OPEN), col(Alert.id).in_(newest)))
    )
    return session.exec(query.order_by(col(Alert.raised_at).desc(), col(Alert.id).desc())).all()


def open_alerts(session: Session) -> list[Alert]:
    """New and taken alerts, newest first."""
    query = select(Alert).where(col(Alert.state).in_(OPEN))
    return list(session.exec(query.order_by(col(Alert.raised_at).desc(), col(Alert.id).desc())))


def take(session: Session, alert_id: int, person_id: int, now: datetime) -> Alert:
    """The person looks after it. Raises WrongState for a closed alert."""
    return _move(session, alert_id, "take", person_id, now)


def resolve(session: Session, alert_id: int, person_id: int, now: datetime) -> Alert:
    """Dealt with. Raises WrongState for a closed alert."""
    return _move(session, alert_id, "resolve", person_id, now)


def not_a_concern(session: Session, alert_id: int, person_id: int, now: datetime) -> Alert:
    """It was nothing that the department needs to see. Raises WrongState for a closed alert."""
    return _move(session, alert_id, "not_a_concern", person_id, now)


def reopen(session: Session, alert_id: int, person_id: int, now: datetime) -> Alert:
    """Takes a closing back. Raises WrongState for an open alert."""
    return _move(session, alert_id, "reopen", person_id, now)


def _move(
    session: Session,
    alert_id: int,
    action: _Action,
    person_id: int,
    now: datetime,
) -> Alert:
    alert = session.exec(
        select(Alert).where(col(Alert.id) == alert_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if alert is None:
        raise WrongState("there is no such alert")
    _step(session, alert, action, person_id, now)
    return alert


def _step(session: Session, alert: Alert, action: _Action, person_id: int | None, now: datetime) -> None:
    """One step of a locked alert, on record; `person_id` none: the desk itself."""
    state = TRANSITIONS.get((alert.state, action))
    if state is None:
        raise WrongState(f"the alert is {alert.state.replace('_', ' ')} already")
    before, alert.state = alert.state, state
    alert.taken_by = person_id if action == "take" else None if action == "reopen" else alert.taken_by
    alert.closed_at = None if state in OPEN else now
    session.add(alert)
    audit.record(session, now, person_id, f"alert.{action}", f"alert:{alert.id}", {"from": before, "to": state})


def _grows(alert: Alert, surge: Surge, now: datetime) -> bool:
    """Whether the surge is this open thread going on: the same cell, or for three days another concern at its place.
    A thread of something new goes on by its own posts only, and one of an emergency by emergencies only."""
    if alert.kind != "cell" or surges.urgent(alert.concern) != surges.urgent(surge.concern):
        return False
    if (alert.concern, alert.place_id) == (surge.concern, surge.place_id):
        return True
    here = alert.place_id is not None and alert.place_id == surge.place_id
    return here and alert.raised_at > now - SAME_PLACE


def _same_thread(alert: Alert, surge: Surge, now: datetime) -> bool:
    """Whether the alert speaks for this surge: it grows the open thread, or it is of the same concern (the same place,
    or one of them everywhere) while the thread is open and for a day after it was closed, unless for want of posts."""
    if alert.state in OPEN and _grows(alert, surge, now):
        return True
    if (
        alert.kind != "cell"
        or alert.concern != surge.concern
        or not (alert.place_id == surge.place_id or alert.place_id is None or surge.place_id is None)
    ):
        return False
    if alert.state in OPEN:
        return True
    return alert.posts > 0 and alert.closed_at is not None and alert.closed_at > now - AGAIN_AFTER


def _told_in(one: Surge | Topic, known: Iterable[Alert], alerted: Mapping[int, frozenset[int]]) -> Alert | None:
    """The thread that tells of these posts already. An emergency is news whatever else its posts were alerted as, and
    it tells of another surge where it has half of that one's posts, as in surges.merged."""
    for alert in known:
        if surges.urgent(one.concern) and not surges.urgent(alert.concern):
            continue
        beside = isinstance(one, Surge) and surges.urgent(alert.concern) and not surges.urgent(one.concern)
        enough = surges.SHARED if beside else ALREADY_ALERTED
        if len(one.mention_ids & alerted[alert.id or 0]) < enough * len(one.mention_ids):
            continue
        if not (isinstance(one, Topic) and _beyond(one, alert)):
            return alert
    return None


def _beyond(topic: Topic, alert: Alert) -> bool:
    """Whether the topic is news beside a surge of the whole town, which names nothing and may go on for days: it stands
    out even if all it is of has become as frequent as the surge says. Of k authors, P(X >= k) at r times the mean is at
    most r to the k times as much."""
    if alert.kind != "cell" or alert.place_id is not None:
        return False
    times = max(1.0, alert.authors / max(alert.expected, 1.0))  # of less than one a day nobody knows how much less
    log_chance = log(topic.p_value) if topic.p_value > 0 else -inf  # the power of many authors is beyond a float
    return log_chance + topic.authors * log(times) <= log(BEYOND)


def _raised_today(session: Session, now: datetime, zone: ZoneInfo) -> bool:
    """Whether this local day has its one alert already."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    today = select(Alert.id).where(
        col(Alert.raised_at) >= midnight, col(Alert.raised_at) <= now, col(Alert.concern).not_in(surges.URGENT)
    )
    return session.exec(today.limit(1)).first() is not None


def _raise_new(
    session: Session,
    new: Sequence[Topic],
    threads: Sequence[Alert],
    alerted: dict[int, frozenset[int]],
    now: datetime,
    zone: ZoneInfo,
    tuned: Tuning,
) -> list[Alert]:
    """Threads of topics. A topic that shares its posts with a thread joins it while it is open, and is quiet while it
    is remembered; `alerted` grows with what is raised."""
    raised: list[Alert] = []
    for topic in new:
        known = (*threads, *raised)
        thread = _told_in(topic, known, alerted)
        if thread is None:
            thread = next((one for one in known if _kindred(one, topic, alerted, now)), None)
        if thread is not None:
            alerted[thread.id or 0] |= topic.mention_ids
            if thread.kind == "emerging" and thread.state in OPEN:
                _join(session, thread, topic, now)
        elif not _held_back(
            session, "emerging", topic, topics.own_title(session, topic.concern, topic.place_id), now, zone, tuned
        ):
            alert = _raise_topic(session, topic, now)
            alerted[alert.id or 0] = topic.mention_ids
            raised.append(alert)
    return raised


def _kindred(alert: Alert, topic: Topic, alerted: Mapping[int, frozenset[int]], now: datetime) -> bool:
    """Whether the topic is an open thread going on in other words: of the same concern, kept up within a day, and half
    of its posts mean much what the topic's do."""
    if alert.kind != "emerging" or alert.state not in OPEN or alert.concern != topic.concern:
        return False
    posts = alerted[alert.id or 0]
    return alert.updated_at > now - GOES_ON and len(posts & topic.kin) >= KINDRED * len(posts)


def _held_back(
    session: Session, kind: str, one: Surge | Topic, title: str, now: datetime, zone: ZoneInfo, tuned: Tuning
) -> bool:
    """Whether it is not raised: its concern is muted, or the day had its one alert (emergencies aside). It is kept."""
    why = ""
    if tuned.muted(one.concern, now):
        why = "muted"
    elif not surges.urgent(one.concern) and _raised_today(session, now, zone):
        why = "budget"
    if why:
        held = HeldBack(
            at=now,
            kind=kind,
            concern=one.concern,
            place_id=one.place_id,
            title=title,
            authors=one.authors,
            expected=one.expected,
            p_value=one.p_value,
            why=why,
        )
        tuning.hold_back(session, held)
    return bool(why)


def severity(concern: str, authors: int, expected: float) -> str:
    """urgent for an emergency; high from ten authors and five times the usual; else normal."""
    if surges.urgent(concern):
        return "urgent"
    return "high" if authors >= MANY_AUTHORS and authors >= MANY_TIMES * expected else "normal"


def _raise_topic(session: Session, topic: Topic, now: datetime) -> Alert:
    alert = Alert(
        kind="emerging",
        concern=topic.concern,
        place_id=topic.place_id,
        title=topic.title,
        raised_at=now,
        since=topic.since,
        updated_at=now,
        window_hours=topic.hours,
        posts=len(topic.mention_ids),
        authors=topic.authors,
        expected=topic.expected,
        p_value=topic.p_value,
        keyphrases=list(topic.keyphrases),
        severity=severity(topic.concern, topic.authors, topic.expected),
        evidence={"once_in_days": 1 / (24 * max(topic.p_value, 1e-12))},
    )
    session.add(alert)
    session.flush()
    _link(session, alert, topic.mention_ids)
    audit.record(session, now, None, "alert.raise", f"alert:{alert.id}", {"concern": alert.concern, "kind": "emerging"})
    return alert


def _join(session: Session, alert: Alert, topic: Topic, now: datetime) -> None:
    """Adds a topic's posts to its thread, whose period and figures grow with it."""
    known = mentions_of(session, alert.id or 0)
    fresh = topic.mention_ids - known
    if not fresh:
        return
    _link(session, alert, fresh)
    said = surges.said(session, known | topic.mention_ids)
    hours = max(topic.hours, round((now - alert.since) / timedelta(hours=1)))
    alert.expected = topic.expected * hours / topic.hours
    alert.window_hours, alert.updated_at = hours, now
    alert.posts, alert.authors = len(known | topic.mention_ids), len(surges.voices(said))
    alert.p_value = min(alert.p_value, topic.p_value)
    alert.severity = severity(alert.concern, alert.authors, alert.expected)
    alert.keyphrases = list(topic.keyphrases) or alert.keyphrases
    if alert.place_id is None and topic.place_id is not None:
        alert.place_id = topic.place_id
    alert.title = topic.title
    session.add(alert)


def _raise(session: Session, surge: Surge, title: str, now: datetime) -> Alert:
    said = surges.said(session, surge.mention_ids)
    alert = Alert(
        kind="cell",
        concern=surge.concern,
        place_id=surge.place_id,
        title=title,
        raised_at=now,
        since=_since(session, surge),
        severity=severity(surge.concern, surge.authors, surge.expected),
        updated_at=now,
        window_hours=surge.hours,
        posts=len(surge.mention_ids),
        authors=surge.authors,
        expected=surge.expected,
        p_value=surge.p_value,
        keyphrases=_phrases(session, said, now - timedelta(hours=surge.hours)),
        evidence={"once_in_days": surge.once_in_days, "whole_place": surge.whole_place},
    )
    session.add(alert)
    session.flush()
    _link(session, alert, surge.mention_ids)
    audit.record(session, now, None, "alert.raise", f"alert:{alert.id}", {"concern": alert.concern})
    return alert


def _update(session: Session, alert: Alert, surge: Surge, now: datetime) -> None:
    """Adds the surge's posts to the thread; its period grows with it, and so do all its figures, and what they say."""
    known = mentions_of(session, alert.id or 0)
    fresh = surge.mention_ids - known
    if not fresh and alert.posts == len(known):
        return
    _link(session, alert, fresh)
    began = alert.updated_at - timedelta(hours=alert.window_hours)
    hours = max(surge.hours, round((now - began) / timedelta(hours=1)))
    if surge.whole_place or not alert.evidence.get("whole_place"):
        alert.expected = surge.expected * hours / surge.hours
    else:  # of the place as a whole, as its posts are; the surge tells of one concern only
        alert.expected *= hours / alert.window_hours
    alert.window_hours = hours
    alert.updated_at = now
    everything = known | surge.mention_ids
    said = surges.said(session, everything)
    alert.posts = len(everything)
    alert.authors = len(surges.voices(said))
    if surge.p_value < alert.p_value:
        alert.p_value = surge.p_value
        alert.evidence = {**alert.evidence, "once_in_days": surge.once_in_days}
    if surge.whole_place:
        alert.evidence = {**alert.evidence, "whole_place": True}
    leading = alert.concern if surges.urgent(alert.concern) else _leading(session, everything) or alert.concern
    if alert.place_id is not None:
        alert.concern = leading
    alert.title = _title(session, alert.concern, alert.place_id, alert.authors, alert.expected)
    alert.severity = severity(alert.concern, alert.authors, alert.expected)
    alert.keyphrases = _phrases(session, said, began) or alert.keyphrases
    session.add(alert)


def _narrow(session: Session, alert: Alert, surge: Surge) -> None:
    """A thread that began without a place gets the one that turned out to carry it."""
    alert.place_id = surge.place_id
    alert.title = _title(session, alert.concern, surge.place_id, surge.authors, surge.expected)
    elsewhere = sa.select(col(Mention.id)).where(col(Mention.place_id).is_distinct_from(surge.place_id))
    session.connection().execute(
        sa.delete(AlertMention).where(
            col(AlertMention.alert_id) == alert.id, col(AlertMention.mention_id).in_(elsewhere)
        )
    )
    session.add(alert)


def _leading(session: Session, mention_ids: Iterable[int]) -> str | None:
    """The concern that most authors of these mentions raise, emergencies aside, which are told as such or not at all;
    none where officers took it from all of them."""
    authors = sa.func.count(sa.distinct(col(Mention.author)))
    raised = (
        sa.select(col(MentionConcern.concern))
        .join(Mention, col(Mention.id) == col(MentionConcern.mention_id))
        .where(col(Mention.id).in_(list(mention_ids)), col(MentionConcern.concern).not_in(surges.URGENT))
        .group_by(col(MentionConcern.concern))
        .order_by(authors.desc(), col(MentionConcern.concern))
        .limit(1)
    )
    found: str | None = session.connection().execute(raised).scalar_one_or_none()
    return found


def _title(session: Session, concern: str, place_id: int | None, authors: int, expected: float) -> str:
    much = "far more than usual" if authors >= FAR_MORE * expected else "more than usual"
    place = session.get(Place, place_id) if place_id is not None else None
    near = f" near {place.name}" if place else ""
    return f"{CONCERNS[concern].name}{near}: {much}"


def _since(session: Session, surge: Surge) -> datetime:
    """When it began, to the hour: the first post whose next 24 hours bring at least half of the authors that the
    surge has a day. Stray posts earlier in the window do not move it."""
    rows = (
        session.connection()
        .execute(
            sa.select(col(Mention.posted_at), col(Mention.author))
            .where(col(Mention.id).in_(surge.mention_ids))
            .order_by(col(Mention.posted_at))
        )
        .all()
    )
    needed = max(2.0, surge.authors * 24 / max(surge.hours, 24) / 2)
    for index, (at, _) in enumerate(rows):
        following = {author for later, author in rows[index:] if later < at + timedelta(hours=24)}
        if len(following) >= needed:
            return counts.hour_of(at)
    return counts.hour_of(rows[0][0])


def _phrases(session: Session, said: Iterable[Said], before: datetime) -> list[str]:
    return keyphrases.phrases([(one.author, one.text) for one in said], _texts_before(session, before))


def _texts_before(session: Session, before: datetime) -> list[str]:
    rows = session.connection().execute(
        sa.select(col(Mention.text))
        .where(
            col(Mention.posted_at) < before,
            col(Mention.shown),
            col(Mention.scored_at).is_not(None),
            col(Mention.text).is_not(None),
        )
        .order_by(col(Mention.posted_at).desc())
        .limit(_TEXTS_BEFORE)
    )
    return [text for text in rows.scalars() if text is not None]


def withdraw(session: Session, mention_ids: Sequence[int], now: datetime, held: Collection[int] = ()) -> None:
    """Takes mentions that leave the desk out of the alerts that rest on them, before they are hidden: what they added
    to posts and authors is taken back, and what of an alert was in the words of posts goes. An open one that has no
    posts any more is closed: it would keep its concern quiet. Of those that are `held` the tie stays, for the hold may
    be on the alert."""
    links = sa.select(col(AlertMention.alert_id)).where(col(AlertMention.mention_id).in_(mention_ids))
    resting = select(Alert).where(col(Alert.id).in_(links)).order_by(col(Alert.id)).with_for_update()
    for alert in session.exec(resting.execution_options(populate_existing=True)).all():
        known = mentions_of(session, alert.id or 0)
        left = known.difference(mention_ids)
        silent = surges.voices(surges.said(session, known)) - surges.voices(surges.said(session, left))
        alert.posts = max(len(left), alert.posts - len(known - left))  # what expired still counts
        alert.authors = max(0, alert.authors - len(silent)) if alert.posts else 0
        alert.keyphrases = []
        if alert.kind == "emerging":
            alert.title = topics.own_title(session, alert.concern, alert.place_id)
        else:
            alert.title = _title(session, alert.concern, alert.place_id, alert.authors, alert.expected)
        alert.severity = severity(alert.concern, alert.authors, alert.expected)
        if alert.posts == 0 and alert.state in OPEN:
            _step(session, alert, "not_a_concern", None, now)
        session.add(alert)
    session.flush()
    untied = [number for number in mention_ids if number not in held]
    session.connection().execute(sa.delete(AlertMention).where(col(AlertMention.mention_id).in_(untied)))


def mentions_of(session: Session, alert_id: int) -> frozenset[int]:
    """Ids of the mentions that an alert rests on, but for those that a legal hold alone keeps."""
    linked = (
        sa.select(col(AlertMention.mention_id))
        .join(Mention, col(Mention.id) == col(AlertMention.mention_id))
        .where(col(AlertMention.alert_id) == alert_id, col(Mention.shown))
    )
    return frozenset(session.connection().execute(linked).scalars())


def _link(session: Session, alert: Alert, mention_ids: Iterable[int]) -> None:
    rows = [{"alert_id": alert.id, "mention_id": mention_id} for mention_id in sorted(mention_ids)]
    if rows:
        session.connection().execute(sa.insert(AlertMention), rows)
