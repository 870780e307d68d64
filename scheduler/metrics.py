"""Figures of the desk's work for Prometheus, asked of the store at each look: they are the same whichever process is
asked, and hold for all of them. Numbers of things only; no words, no names of people."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlmodel import Session, col, func, select

from config.tables import OutboxMessage
from listeners import health
from listeners.tables import Mention
from networks.tables import Account
from posts.tables import Target
from posts.targets import DUE
from posts.workflow import TargetState
from scheduler.engine import queue
from scheduler.tables import JobMark

_STATES = ("ok", "behind", "failing", "silent", "off")


def written(session: Session, now: datetime) -> bytes:
    """All figures at `now`, in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Store(session, now))
    return generate_latest(registry)


class _Store(Collector):
    def __init__(self, session: Session, now: datetime) -> None:
        self._session, self._now = session, now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from _mentions(self._session, self._now)
        yield from _posts(self._session, self._now)
        yield from _mail(self._session, self._now)
        yield from _sources(self._session, self._now)
        yield from _work(self._session, self._now)


def _mentions(session: Session, now: datetime) -> Iterator[GaugeMetricFamily]:
    waiting, oldest = session.exec(
        select(func.count(), func.min(Mention.received_at)).where(col(Mention.scored_at).is_(None))
    ).one()
    yield GaugeMetricFamily("liaison_mentions_unread", "Mentions that wait for the model", waiting)
    yield GaugeMetricFamily(
        "liaison_mentions_unread_oldest_seconds", "How long the oldest of them waits", _age(oldest, now)
    )


def _posts(session: Session, now: datetime) -> Iterator[GaugeMetricFamily]:
    found = GaugeMetricFamily("liaison_posts", "Posts of an account, by how far they are", labels=["state"])
    rows = dict(session.exec(select(Target.state, func.count()).group_by(Target.state)).all())
    for state in TargetState:
        found.add_metric([state.value], rows.get(state.value, 0))
    yield found
    due = session.exec(
        select(func.min(Target.due_at)).where(col(Target.state).in_(DUE), col(Target.due_at) <= now)
    ).one()
    yield GaugeMetricFamily("liaison_posts_late_seconds", "How late the most overdue post is", _age(due, now))
    accounts = GaugeMetricFamily("liaison_accounts", "Accounts on networks", labels=["network", "state"])
    for network, there, number in session.exec(
        select(Account.network, Account.state, func.count()).group_by(Account.network, Account.state)
    ):
        accounts.add_metric([network, there], number)
    yield accounts


def _mail(session: Session, now: datetime) -> Iterator[GaugeMetricFamily]:
    waiting = GaugeMetricFamily("liaison_outbox_waiting", "Mail and calls that are due", labels=["transport"])
    failed = GaugeMetricFamily("liaison_outbox_failed", "Mail and calls that were refused", labels=["transport"])
    due = sa.and_(col(OutboxMessage.state) == "waiting", col(OutboxMessage.due_at) <= now)
    rows = session.exec(
        select(
            OutboxMessage.transport,
            func.count().filter(due),
            func.count().filter(col(OutboxMessage.state) == "failed"),
        ).group_by(OutboxMessage.transport)
    ).all()
    for transport, is_due, has_failed in rows:
        waiting.add_metric([transport], is_due)
        failed.add_metric([transport], has_failed)
    yield from (waiting, failed)


def _sources(session: Session, now: datetime) -> Iterator[GaugeMetricFamily]:
    found = GaugeMetricFamily("liaison_sources", "Sources, by how they are", labels=["state"])
    states = [known.health.state for known in health.overview(session, now)]
    for state in _STATES:
        found.add_metric([state], states.count(state))
    yield found


def _work(session: Session, now: datetime) -> Iterator[GaugeMetricFamily]:
    late = GaugeMetricFamily("liaison_job_late_seconds", "How long a regular job has been due", labels=["job"])
    for mark in session.exec(select(JobMark)):
        late.add_metric([mark.name], _age(mark.due_at, now))
    yield late
    jobs = GaugeMetricFamily("liaison_queue_jobs", "Jobs of a cluster", labels=["queue", "state"])
    oldest = GaugeMetricFamily("liaison_queue_oldest_seconds", "How long the first job waits", labels=["queue"])
    standing = queue.standing(session)
    for one in standing:
        for state, number in (("waiting", one.waiting), ("doing", one.doing), ("failed", one.failed)):
            jobs.add_metric([one.queue, state], number)
        oldest.add_metric([one.queue], _age(one.oldest, now))
    yield from (jobs, oldest)
    if standing:
        yield GaugeMetricFamily("liaison_queue_workers", "Queues that are worked on", queue.workers(session))


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0
