"""Content mix: what kinds of posts went out, over time and by language, against the department's own targets.

A post counts once, when its first part went out, however many accounts it went to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from config import audit, clock
from config.phrases import Phrase
from posts.categories import KINDS
from posts.tables import MixTarget, Post, Target
from posts.workflow import WrongState

SPAN = timedelta(days=28)
SPANS = 3  # so many times four weeks are shown
MOST = 200


@dataclass(frozen=True)
class Row:
    """One kind of post: how many went out in each span, the oldest first; by language in the last one; and its
    target for four weeks, if it has one."""

    category: str
    counts: tuple[int, ...]
    languages: tuple[tuple[str, int], ...]
    target: int | None

    @property
    def missing(self) -> int:
        """How many are missing to the target in the last span."""
        return max(0, (self.target or 0) - self.counts[-1])


@dataclass(frozen=True)
class Mix:
    """The spans, the oldest first, as first and last day of the department's calendar; and a row a kind."""

    spans: tuple[tuple[date, date], ...]
    rows: tuple[Row, ...]


def read(session: Session, today: date, zone: ZoneInfo) -> Mix:
    """The mix of the four weeks up to today, and of those before."""
    lasts = [today - SPAN * back for back in reversed(range(SPANS))]
    spans = tuple((last - SPAN + timedelta(days=1), last) for last in lasts)
    counted = [_counted(session, first, last, zone) for first, last in spans]
    wanted = targets(session)
    rows = [
        Row(
            category=kind,
            counts=tuple(sum(of[kind, language] for k, language in of if k == kind) for of in counted),
            languages=_languages(counted[-1], kind),
            target=wanted.get(kind),
        )
        for kind in KINDS
    ]
    return Mix(spans, tuple(rows))


def targets(session: Session) -> dict[str, int]:
    """Kind -> how many in four weeks."""
    return {row.category: row.posts for row in session.exec(select(MixTarget)) if row.category in KINDS}


def set_targets(session: Session, wanted: Mapping[str, int | None], person_id: int, now: datetime) -> None:
    """Other targets for these kinds; none takes one away. Raises WrongState for what is no kind or no number."""
    if odd := [
        kind for kind, number in wanted.items() if kind not in KINDS or (number is not None and not 1 <= number <= MOST)
    ]:
        raise WrongState(Phrase("A target is one to %(most)s posts in four weeks.", most=MOST), *odd)
    for kind, number in wanted.items():
        row = session.get(MixTarget, kind)
        if number is None:
            if row is not None:
                session.delete(row)
            continue
        row = row or MixTarget(category=kind, posts=number)
        row.posts = number
        session.add(row)
    session.flush()
    audit.record(session, now, person_id, "mix.targets", "mix", dict(targets(session)))


def _counted(session: Session, first: date, last: date, zone: ZoneInfo) -> Counter[tuple[str, str]]:
    start = clock.utc(datetime.combine(first, time(), zone))
    end = clock.utc(datetime.combine(last + timedelta(days=1), time(), zone))
    there = select(Target.post_id).where(col(Target.published_at) >= start, col(Target.published_at) < end)
    begun = (
        select(Target.post_id, func.min(Target.published_at).label("at"))
        .where(col(Target.post_id).in_(there), col(Target.published_at).is_not(None))
        .group_by(col(Target.post_id))
        .subquery()
    )
    rows: Sequence[tuple[str, str, int]] = session.exec(
        select(Post.category, Post.language, func.count())
        .join(begun, begun.c.post_id == col(Post.id))
        .where(begun.c.at >= start, begun.c.at < end)
        .group_by(col(Post.category), col(Post.language))
    ).all()
    found = Counter[tuple[str, str]]()
    for category, language, number in rows:
        found[category if category in KINDS else "general", language] += number
    return found


def _languages(counted: Counter[tuple[str, str]], kind: str) -> tuple[tuple[str, int], ...]:
    found = [(language, number) for (category, language), number in counted.items() if category == kind]
    return tuple(sorted(found, key=lambda one: (-one[1], one[0])))
