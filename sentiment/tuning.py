"""How readily alerts are raised: the department's sensitivity, one for each concern, mutes with an end, and what
officers said of earlier alerts. What was found and not raised is kept, so that it can be seen."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import audit
from config.database import upsert
from sentiment.emerging import Sensitivity
from sentiment.tables import ALL, Alert, AlertTuning, HeldBack
from sentiment.taxonomy import CONCERNS

LEVELS: tuple[Sensitivity, ...] = ("fewer", "balanced", "more")
FACTOR: Mapping[Sensitivity, float] = MappingProxyType({"fewer": 0.2, "balanced": 1.0, "more": 5.0})
LEARNT_FROM = timedelta(days=90)
HALVINGS = 4  # at the most: a concern is never silenced by habit, only by a mute with an end
KEPT = timedelta(days=90)  # what was held back
_SET = sa.select(col(AlertTuning.concern), col(AlertTuning.sensitivity), col(AlertTuning.muted_until))
_CLOSED = (
    sa.select(col(Alert.concern), col(Alert.state), sa.func.count())
    .where(
        col(Alert.state).in_(("not_a_concern", "resolved")),
        col(Alert.closed_at) > sa.bindparam("since"),
        col(Alert.closed_at) <= sa.bindparam("until"),
        col(Alert.posts) > 0,  # one that lost them all was closed without anybody's judgement
    )
    .group_by(col(Alert.concern), col(Alert.state))
)


@dataclass(frozen=True)
class Tuning:
    """What holds now. `strict`: by what a concern's p-value must be smaller than usual (1 as usual, .5 half)."""

    sensitivity: Mapping[str, Sensitivity] = field(default_factory=dict)
    muted_until: Mapping[str, datetime] = field(default_factory=dict)
    learnt: Mapping[str, float] = field(default_factory=dict)

    @property
    def department(self) -> Sensitivity:
        return self.sensitivity.get(ALL, "balanced")

    def of(self, concern: str) -> Sensitivity:
        """The concern's own sensitivity, else the department's."""
        return self.sensitivity.get(concern, self.department)

    def strict(self, concern: str) -> float:
        """The factor on the p-value that a concern must pass."""
        return FACTOR[self.of(concern)] * self.learnt.get(concern, 1.0)

    def muted(self, concern: str, now: datetime) -> bool:
        until = self.muted_until.get(concern)
        return until is not None and now < until


def learnt(not_a_concern: int, resolved: int) -> float:
    """Each alert that was no concern halves the chance at which the next is raised, each that was resolved takes one
    such halving back; never below a sixteenth, never above 1."""
    return float(2.0 ** -min(HALVINGS, max(0, not_a_concern - resolved)))


def read(session: Session, now: datetime) -> Tuning:
    """What holds at `now`."""
    connection = session.connection()
    rows = connection.execute(_SET).all()
    said: Counter[tuple[str, str]] = Counter()
    for concern, state, number in connection.execute(_CLOSED, {"since": now - LEARNT_FROM, "until": now}):
        said[concern, state] = number
    return Tuning(
        sensitivity={row.concern: level for row in rows for level in LEVELS if row.sensitivity == level},
        muted_until={row.concern: row.muted_until for row in rows if row.muted_until is not None},
        learnt={key: learnt(said[key, "not_a_concern"], said[key, "resolved"]) for key in CONCERNS},
    )


def set_sensitivity(session: Session, concern: str, level: Sensitivity | None, person_id: int, now: datetime) -> None:
    """The department's (ALL) or a concern's sensitivity; none: a concern follows the department again."""
    _known(concern)
    _put(session, concern, {"sensitivity": level or ""})
    audit.record(session, now, person_id, "alerts.sensitivity", f"concern:{concern or 'all'}", {"level": level})


def mute(session: Session, concern: str, until: datetime | None, person_id: int, now: datetime) -> None:
    """No new alert of this concern before `until`; none ends a mute. Raises ValueError for an end that has passed."""
    _known(concern)
    if until is not None and until <= now:
        raise ValueError("a mute needs an end that is still to come")
    _put(session, concern, {"muted_until": until})
    told = {"until": until.isoformat() if until else None}
    audit.record(session, now, person_id, "alerts.mute", f"concern:{concern or 'all'}", told)


def hold_back(session: Session, one: HeldBack) -> None:
    """Keeps what was found and not raised, once a day for a concern, place and reason."""
    again = select(HeldBack.id).where(
        HeldBack.concern == one.concern,
        HeldBack.kind == one.kind,
        HeldBack.why == one.why,
        col(HeldBack.place_id).is_(None) if one.place_id is None else HeldBack.place_id == one.place_id,
        col(HeldBack.at) > one.at - timedelta(hours=24),
    )
    if session.exec(again.limit(1)).first() is None:
        session.add(one)


def held_back(session: Session, since: datetime) -> list[HeldBack]:
    """What was found since then and not raised, newest first."""
    query = select(HeldBack).where(col(HeldBack.at) >= since)
    return list(session.exec(query.order_by(col(HeldBack.at).desc(), col(HeldBack.id).desc())))


def forget(session: Session, now: datetime) -> int:
    """Removes what was held back more than 90 days ago; how many."""
    return session.connection().execute(sa.delete(HeldBack).where(col(HeldBack.at) < now - KEPT)).rowcount


def _known(concern: str) -> None:
    if concern != ALL and concern not in CONCERNS:
        raise ValueError(f"there is no concern {concern}")


def _put(session: Session, concern: str, values: dict[str, object]) -> None:
    insert = upsert(session, AlertTuning).values(concern=concern, **values)
    session.connection().execute(insert.on_conflict_do_update(index_elements=["concern"], set_=values))
