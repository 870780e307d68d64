"""A person's own data: asked for, proved to be theirs, found by its hash, gone. Nothing of it is shown to anybody, not
even whether there was any: else the form would tell who speaks about the department.

How ownership is proved: the records officer gives a word to whoever asks; they say it in a public post to the
department, from the account. The desk hears it and knows the author's hash without anybody reading a name. Where that
cannot be, the officer sees another proof and enters the account's id; it is hashed at once and kept nowhere. Pages and
jobs join this with the counts (scheduler.jobs.own_data)."""

import secrets as randomness
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config.secrets import Keys
from listeners.tables import DataRequest, Mention

LIFETIME = timedelta(days=14)  # of a word
SHOWN = 50
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are taken for another
_LENGTH = 12  # 59 bits: not to be guessed


def open_request(session: Session, person_id: int, now: datetime) -> DataRequest:
    """A new request with a word of its own."""
    word = "own-" + "".join(randomness.choice(_LETTERS) for _ in range(_LENGTH))
    made = DataRequest(word=word, opened_at=now, opened_by=person_id, expires_at=now + LIFETIME)
    session.add(made)
    session.flush()
    return made


def end(session: Session, request: DataRequest, how: str, now: datetime) -> None:
    """Ends a request; its word is forgotten."""
    request.ended_at, request.ended_how, request.word = now, how, ""
    session.add(request)


def open_requests(session: Session) -> Sequence[DataRequest]:
    """Those that wait for their word, oldest first."""
    return session.exec(
        select(DataRequest).where(col(DataRequest.ended_at).is_(None)).order_by(col(DataRequest.id))
    ).all()


def latest(session: Session) -> Sequence[DataRequest]:
    """The last requests, newest first."""
    return session.exec(select(DataRequest).order_by(col(DataRequest.id).desc()).limit(SHOWN)).all()


def said_by(session: Session, request: DataRequest) -> bytes | None:
    """The hash of the account that said the word first; none while nobody did. A post passed on does not count."""
    heard = (
        select(Mention.author)
        .where(
            col(Mention.text).ilike(f"%{request.word}%"),
            col(Mention.received_at) >= request.opened_at,
            col(Mention.repost).is_(False),
        )
        .order_by(col(Mention.posted_at), col(Mention.id))
        .limit(1)
    )
    return session.exec(heard).first()


def hash_of(network: str, account: str, keys: Keys) -> bytes:
    """What an account's stable id is kept as (listeners.intake)."""
    return keys.hash("author", f"{network}\n{account}")


def of_account(session: Session, author: bytes, held: sa.ColumnElement[bool]) -> list[int]:
    """Mentions of an account but those that a legal hold keeps."""
    found = session.exec(select(Mention.id).where(col(Mention.author) == author, ~held))
    return [number for number in found if number is not None]
