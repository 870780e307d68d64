"""Legal holds: what must be kept whatever its time, because somebody may ask for it by law. Each purge asks here first,
in its own transaction. Placing and lifting are in the audit log, with their reason.

A hold stops our own purges. What its author deletes on a network still goes, as the network's rules ask."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from config import audit
from config.phrases import Phrase
from config.tables import LegalHold

FIRST_YEAR, LAST_YEAR = 1900, 2200  # of a period; what every zone can tell
EARLIEST, LATEST = datetime(FIRST_YEAR - 1, 12, 31, tzinfo=UTC), datetime(LAST_YEAR + 1, 1, 2, tzinfo=UTC)


def _(message: str) -> str:
    """Marks a sentence for the catalogue; pages translate it."""
    return message


class Kind(StrEnum):
    """What a hold is about."""

    POST = "post"  # a post of ours, and the mention that it answers
    ACCOUNT = "account"  # an account of ours: what went out there, and what was said to it
    PERIOD = "period"  # all that was said, by us and to us, from `starts_at` to before `ends_at`
    ALERT = "alert"  # an alert, and the mentions that it rests on


class HoldRefused(ValueError):
    """A hold that says too little; the message is a Phrase about its fields, and says what is missing."""

    def __init__(self, words: str, *fields: str) -> None:
        super().__init__(Phrase.about(words, *fields))


def place(
    session: Session,
    kind: Kind,
    reason: str,
    person_id: int | None,
    now: datetime,
    *,
    subject_id: int | None = None,
    period: tuple[datetime, datetime] | None = None,
    address: str = "",
) -> LegalHold:
    """Places a hold; `person_id` none: at the terminal. That the subject exists is the caller's affair. Raises
    HoldRefused."""
    if not reason.strip():
        raise HoldRefused(_("A legal hold needs a reason."), "reason")
    wanted = ("first_day", "last_day") if kind is Kind.PERIOD else ("number",)
    if (kind is Kind.PERIOD) != (period is not None) or (kind is Kind.PERIOD) == (subject_id is not None):
        raise HoldRefused(
            _("A hold is about a post, an account or an alert by its number, or about a period."), *wanted
        )
    if period is not None and period[0] >= period[1]:
        raise HoldRefused(_("A period begins before it ends."), "last_day")
    if period is not None and not (period[0].year >= FIRST_YEAR and _last_moment(period[1]).year <= LAST_YEAR):
        raise HoldRefused(_("A period lies between the years 1900 and 2200."), "first_day", "last_day")
    starts_at, ends_at = period if period is not None else (None, None)
    hold = LegalHold(
        kind=kind.value,
        subject_id=subject_id,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip(),
        placed_at=now,
        placed_by=person_id,
    )
    session.add(hold)
    session.flush()
    audit.record(session, now, person_id, "legal_hold.place", f"legal_hold:{hold.id}", _told(hold), address)
    return hold


def lift(
    session: Session, hold_id: int, why: str, person_id: int | None, now: datetime, *, address: str = ""
) -> LegalHold | None:
    """Lifts a hold: what is past its time goes at the next purge. None if there is no such hold in force. Raises
    HoldRefused without a reason."""
    if not why.strip():
        raise HoldRefused(_("Say why the hold is lifted."), "why")
    hold = session.get(LegalHold, hold_id)
    if hold is None or hold.lifted_at is not None:
        return None
    hold.lifted_at, hold.lifted_by, hold.lifted_why = now, person_id, why.strip()
    session.add(hold)
    detail = {**_told(hold), "why": hold.lifted_why}
    audit.record(session, now, person_id, "legal_hold.lift", f"legal_hold:{hold.id}", detail, address)
    return hold


def in_force(session: Session) -> Sequence[LegalHold]:
    """Holds that nobody lifted, the oldest first."""
    return session.exec(select(LegalHold).where(col(LegalHold.lifted_at).is_(None)).order_by(col(LegalHold.id))).all()


def all_holds(session: Session) -> Sequence[LegalHold]:
    """Every hold there ever was, the newest first."""
    return session.exec(select(LegalHold).order_by(col(LegalHold.id).desc())).all()


def subjects(holds: Sequence[LegalHold], kind: Kind) -> list[int]:
    """The numbers that holds of one kind are about."""
    return [hold.subject_id for hold in holds if hold.kind == kind.value and hold.subject_id is not None]


def periods(holds: Sequence[LegalHold]) -> list[tuple[datetime, datetime]]:
    """The times that holds are about."""
    return [found for hold in holds if (found := period_of(hold)) is not None]


def period_of(hold: LegalHold) -> tuple[datetime, datetime] | None:
    """The time that a hold is about, as far as every zone can tell it: some were placed before others were refused."""
    if hold.starts_at is None or hold.ends_at is None:
        return None
    starts_at, ends_at = (min(max(moment, EARLIEST), LATEST) for moment in (hold.starts_at, hold.ends_at))
    return starts_at, ends_at


def _last_moment(end: datetime) -> datetime:
    """Of a period, which is over before its end: a midnight is not of the year that begins there."""
    return end - timedelta(microseconds=1)


def _told(hold: LegalHold) -> dict[str, object]:
    told: dict[str, object] = {"kind": hold.kind, "subject": hold.subject_id, "reason": hold.reason}
    if hold.starts_at is not None and hold.ends_at is not None:
        told |= {"from": hold.starts_at.isoformat(), "to": hold.ends_at.isoformat()}
    return told
