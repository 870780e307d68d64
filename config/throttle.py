"""Guessing slowed down: wrong tries are counted by a keyed hash of what was guessed at and from where."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, func, select

from config.secrets import Keys
from config.tables import SignInFailure

TRIES = 8  # wrong ones of one subject …
WINDOW = timedelta(minutes=15)  # … within this time


class TooManyTries(Exception):
    """Wrong tries came too fast; `until` is when to try again. What they are counted under keeps anybody from locking a
    colleague out: see passwords and second_factor."""

    def __init__(self, until: datetime) -> None:
        super().__init__("too many wrong tries")
        self.until = until


def look(session: Session, subject: str, keys: Keys, now: datetime, tries: int = TRIES) -> None:
    """Raises TooManyTries where `subject` had that many wrong ones lately."""
    number, first = session.exec(
        select(func.count(), func.min(SignInFailure.at)).where(
            SignInFailure.subject_hash == keys.hash("subject", subject), SignInFailure.at > now - WINDOW
        )
    ).one()
    if number >= tries:
        raise TooManyTries(until=first + WINDOW)


def count(session: Session, subject: str, keys: Keys, now: datetime) -> None:
    """Counts a wrong try; the caller commits though nothing else was done."""
    session.add(SignInFailure(subject_hash=keys.hash("subject", subject), at=now))
    session.flush()


def clear(session: Session, subject: str, keys: Keys) -> None:
    """A right one: earlier wrong ones count no more."""
    session.exec(delete(SignInFailure).where(col(SignInFailure.subject_hash) == keys.hash("subject", subject)))
