"""People's own data goes where they ask for it and prove that it is theirs (listeners.data_requests): their posts with
what they had added to counts, and every day of theirs that is kept by its hash. What a legal hold keeps stays, as the
law has it. The audit log says that a request was met: not whose it was, nor whether there was anything."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, select

from config import audit, database
from config.secrets import Keys
from config.settings import Settings
from listeners import contexts, data_requests, mentions
from listeners.tables import DataRequest
from scheduler.jobs import expiry
from sentiment import counts
from sentiment.tables import AuthorDay

ACTION = "own_data.deleted"


def look(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> int:
    """Meets the requests whose word was heard, ends those whose time is over; how many were met."""
    del settings
    with database.reading(engine) as session:
        if not data_requests.open_requests(session):
            return 0
    met = 0
    with database.writing(engine) as session:
        for request in data_requests.open_requests(session):
            author = data_requests.said_by(session, request, keys)
            if author is not None:
                _meet(session, request, [author], "said", None, now)
                met += 1
            elif request.expires_at <= now:
                data_requests.end(session, request, "lapsed", now)
    return met


def open_request(session: Session, person_id: int, now: datetime, address: str = "") -> DataRequest:
    """A new request with a word of its own."""
    made = data_requests.open_request(session, person_id, now)
    audit.record(session, now, person_id, "own_data.open", f"data_request:{made.id}", {}, address)
    return made


def checked(
    session: Session,
    request: DataRequest,
    network: str,
    account: str,
    keys: Keys,
    person_id: int,
    now: datetime,
    *,
    proof: str,
    address: str = "",
) -> None:
    """Meets a request whose owner proved it to an officer. Says nothing of what was found. Raises NoAuthorId, and the
    request waits on, where what is given is no id of an account."""
    counted = session.exec(select(AuthorDay.network).distinct()).all()  # days outlast the lines that were imported
    author = data_requests.hashes_of(session, network, account, keys, counted)
    _meet(session, request, author, "checked", person_id, now)
    detail = {"network": network, "proof": proof}
    audit.record(session, now, person_id, "own_data.checked", f"data_request:{request.id}", detail, address)


def withdraw(session: Session, request: DataRequest, person_id: int, now: datetime, address: str = "") -> None:
    """Ends a request without anything being deleted."""
    data_requests.end(session, request, "withdrawn", now)
    audit.record(session, now, person_id, "own_data.withdraw", f"data_request:{request.id}", {}, address)


def erase(session: Session, author: bytes, now: datetime) -> None:
    """Removes what is kept of an account, but for what a legal hold keeps; from an action's context even that."""
    mentions.take_turn(session)  # before any row is locked, as a scorer does
    contexts.drop(session, data_requests.of_account(session, author, sa.false()))
    ids = data_requests.of_account(session, author, expiry.held_mentions(session))
    if ids:
        counts.subtract(session, ids)
        mentions.erase(session, ids, now)
    counts.forget_author(session, author)


def _meet(
    session: Session, request: DataRequest, authors: Iterable[bytes], how: str, person_id: int | None, now: datetime
) -> None:
    for author in authors:
        erase(session, author, now)
    data_requests.end(session, request, how, now)
    audit.record(session, now, person_id, ACTION, f"data_request:{request.id}", {"how": how})
