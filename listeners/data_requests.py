"""A person's own data: asked for, proved to be theirs, found by its hash, gone. Nothing of it is shown to anybody, not
even whether there was any: else the form would tell who speaks about the department.

How ownership is proved: the records officer gives a word to whoever asks; they say it in a public post to the
department, from the account. The desk hears it and knows the author's hash without anybody reading a name. Where that
cannot be, the officer sees another proof and enters the account's id; it is hashed at once and kept nowhere. What its
network tells no author of, as an article of a feed, proves nothing: it is by nobody whose other posts could be found.
Pages and jobs join this with the counts (scheduler.jobs.own_data)."""

import json
import re
import secrets as randomness
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config.phrases import Phrase
from config.secrets import Keys, SecretKeyError
from listeners import intake
from listeners.tables import DataRequest, Mention, Source
from networks import archive, registry

LIFETIME = timedelta(days=14)  # of a word
SHOWN = 50
ARCHIVE = archive.NETWORK.name
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are taken for another
_LENGTH = 12  # 59 bits: not to be guessed


class NoAuthorId(ValueError):
    """What was given is no lasting id of an account on its network; the message, a Phrase about the form's field, says
    what one looks like."""


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


def said_by(session: Session, request: DataRequest, keys: Keys) -> bytes | None:
    """The hash of the account that said the word first; none while nobody did. A post passed on does not count, nor one
    whose network does not tell by which account it is."""
    heard = (
        select(Mention.network, Mention.author, Mention.sealed_reference)
        .where(
            col(Mention.text).ilike(f"%{request.word}%"),
            col(Mention.received_at) >= request.opened_at,
            col(Mention.repost).is_(False),
            col(Mention.sealed_reference).is_not(None),
        )
        .order_by(col(Mention.posted_at), col(Mention.id))
    )
    for network, author, reference in session.exec(heard):
        if _is_an_account(network, author, reference or b"", keys):
            return author
    return None


def _is_an_account(network: str, author: bytes, reference: bytes, keys: Keys) -> bool:
    """Whether a post came with its author's id, and has not an author of its own."""
    try:
        remote_id = str(json.loads(keys.open(reference))[0])
    except SecretKeyError:  # of a key that was lost, and the hashes with it
        return False
    return author != intake.whose(network, None, remote_id, keys)


def hashes_of(session: Session, network: str, account: str, keys: Keys, networks: Collection[str] = ()) -> list[bytes]:
    """What an account's lasting id may be kept as (listeners.intake): one of "archive" on every network that imported
    lines name, and on these `networks`. Raises NoAuthorId for what is no id on its network: it would find nothing, and
    a request would be met for nothing. While lines of the network are here that were imported, any is taken: they have
    what their file had."""
    imported = _imported_networks(session)
    if network == ARCHIVE:
        return [intake.whose(name, account, "", keys) for name in sorted({ARCHIVE, *imported, *networks})]
    there = registry.network(network)
    if there.author_id is None:
        words = Phrase("What comes from “%(network)s” tells by no account whose it is.", network=there.label)
        raise NoAuthorId(Phrase.about(words, "network"))
    if re.fullmatch(there.author_id.pattern, account) is None and network not in imported:
        words = Phrase(
            "This is no lasting id of an account on %(network)s, as %(example)s is. Nothing was deleted.",
            network=there.label,
            example=there.author_id.example,
        )
        raise NoAuthorId(Phrase.about(words, "account"))
    return [intake.whose(network, form, "", keys) for form in there.author_id.forms(account)]


def _imported_networks(session: Session) -> set[str]:
    archives = select(Source.id).where(col(Source.network) == ARCHIVE)
    return set(session.exec(select(Mention.network).where(col(Mention.source_id).in_(archives)).distinct()))


def of_account(session: Session, author: bytes, held: sa.ColumnElement[bool]) -> list[int]:
    """Mentions of an account but those that a legal hold keeps."""
    found = session.exec(select(Mention.id).where(col(Mention.author) == author, ~held))
    return [number for number in found if number is not None]
