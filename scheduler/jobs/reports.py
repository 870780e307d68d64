"""Gathers a report: the same figures as the digest's, with every query that was asked for them."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, func, select

from config import asked, database
from config.settings import Settings
from config.tables import MailPreference, Person
from networks import registry
from networks.practice import PRACTICE
from networks.tables import Account
from posts import reach
from posts.tables import Post, Target
from scheduler.jobs import mornings
from sentiment import report, unheard
from sentiment.editions import Edition
from sentiment.report import Reached, Report, Statement


def gather(engine: sa.Engine, settings: Settings, person: Person, edition: Edition, now: datetime) -> Report:
    """The report of the last 7 days, or of the month before this one, in the person's language and zone; of everything,
    whatever the person reads about in the mornings."""
    everything = MailPreference(person_id=person.id or 0)
    with database.reading(engine) as session, asked.noted(session) as notes:
        town = mornings.Town(settings, now, noted=notes)
        morning = town.morning(session, person, everything, edition, f"report:{edition}", theirs=False)
        notes.part = "mix"
        zone, overview = settings.department.zone, morning.overview
        since = mornings.start_of(overview, zone)
        until = mornings.covered_until(edition, overview.last, zone, now)
        mix = session.exec(
            select(Post.category, func.count(func.distinct(Post.id)))
            .join(Target, col(Target.post_id) == col(Post.id))
            .join(Account, col(Account.id) == col(Target.account_id))
            .where(col(Account.network) != PRACTICE)
            .where(col(Target.published_at) >= since, col(Target.published_at) < until)
            .group_by(Post.category)
            .order_by(Post.category)
        ).all()
        notes.part = "reach"
        told = reach.sums(session, since, until)
        notes.part = "unheard"
        few = unheard.read(session, overview.first, overview.last, settings.department)
    statements = [Statement(part, sql, parameters) for part, sql, parameters in notes.found if part]
    reached = [
        *(Reached(True, registry.network(one.name).label, one.read, one.counts) for one in told.networks),
        *(Reached(False, one.name, one.read, one.counts) for one in told.kinds),
    ]
    kinds = [(kind, number) for kind, number in mix]
    return report.compose(morning, kinds, statements, person.language, few, reached)
