"""The audit log's chain: each entry is sealed to all before it, so that whoever changes, takes out or slips in one is
found, and where. Sealed by one job (scheduler.jobs.records), in the order of `position`, not of the entries' ids: on
PostgreSQL a lower id may be committed later.

Two proofs in each seal: `hash`, SHA-256 over the one before and the entry, which anybody can compute again from an
export; and `mark`, keyed with the installation's secret, which nobody can who holds the store alone. Where a secret was
lost for good, the entry that says so notes where its seals end, marked with the new one: up to there the hashes alone
are proof, and to that end they must lead."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from config import clock
from config.phrases import Phrase
from config.secrets import Keys
from config.tables import AuditEntry, AuditSeal

BEGINNING = bytes(32)  # stands before the first entry
LOST = "key.lost"  # the action of the entry that says that a secret key is lost for good
LATE = 10_000  # ids back from the newest sealed one that a seal looks for entries committed late
_AT_ONCE = 1000


def _(message: str) -> str:
    """Marks a sentence for the catalogue; mails translate it."""
    return message


@dataclass(frozen=True)
class Wrong:
    """One place where the chain does not hold. `position` in the chain, none for an entry that stands outside it."""

    position: int | None
    entry_id: int | None
    words: Phrase


@dataclass(frozen=True)
class Verdict:
    """What a look at the whole chain gave. `head`: the hash of its end, hex; keep it elsewhere, and a log that was cut
    short later shows. `of_lost_key`: how many seals were made with a key that is lost, and prove less."""

    sealed: int
    unsealed: int
    head: str
    of_lost_key: int
    wrong: list[Wrong] = field(default_factory=list)


def written(entry: AuditEntry) -> dict[str, Any]:
    """The entry as JSON values, as it is sealed and exported."""
    return {
        "id": entry.id,
        "at": clock.utc(entry.at).isoformat(timespec="microseconds"),
        "person_id": entry.person_id,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "address": entry.address,
    }


def linked(before: bytes, entry: dict[str, Any]) -> bytes:
    """The hash of an entry after the one whose hash is `before`."""
    line = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(before + line.encode("utf-8", "surrogatepass")).digest()


def seal(session: Session, keys: Keys, limit: int = _AT_ONCE, *, everything: bool = False) -> int:
    """Seals up to `limit` entries, oldest id first; how many. One sealer at a time: the second fails on the position.
    `everything`: looks at all entries, not only at those near the newest sealed one."""
    end = session.exec(select(AuditSeal).order_by(col(AuditSeal.position).desc()).limit(1)).first()
    position, before = (end.position, end.hash) if end is not None else (0, BEGINNING)
    query = select(AuditEntry).where(~_is_sealed()).order_by(col(AuditEntry.id)).limit(limit)
    if end is not None and not everything:
        newest = session.exec(select(func.max(AuditSeal.entry_id))).one()
        query = query.where(col(AuditEntry.id) > (newest or 0) - LATE)
    entries = session.exec(query).all()
    for entry in entries:
        position, before = position + 1, linked(before, written(entry))
        session.add(AuditSeal(position=position, entry_id=entry.id or 0, hash=before, mark=_mark(keys, before)))
    session.flush()
    return len(entries)


def verify(session: Session, keys: Keys, head: str = "") -> Verdict:
    """Walks the whole chain. One change gives one finding, at its place: after a seal that is not ours the walk goes
    on from what it should have been. `head`: the end of an earlier walk, which must still be in the chain."""
    wrong: list[Wrong] = []
    lost_at, lost_hash = _end_of_lost(session, keys)
    before: tuple[bytes, ...] = (BEGINNING,)  # what may stand before the next link; none where that is not known
    at, of_lost_key, stored_head = 0, 0, b""
    head_seen = not head
    for sealed, entry in _links(session):
        at += 1
        if sealed.position != at:
            one, more = _("a seal is gone before position %(at)s"), _("%(gone)s seals are gone before position %(at)s")
            gone = sealed.position - at
            wrong.append(Wrong(at, None, Phrase(more if gone > 1 else one, at=sealed.position, gone=gone)))
            at = sealed.position
            before = ()  # this link is taken as it is
        of_lost = at <= lost_at
        of_lost_key += of_lost
        genuine = of_lost or hmac.compare_digest(sealed.mark, _mark(keys, sealed.hash))
        found = [linked(one, written(entry)) for one in before] if entry is not None else []
        if not genuine:
            wrong.append(Wrong(at, sealed.entry_id, Phrase(_("the seal was changed, or made with another secret key"))))
        if entry is None:
            wrong.append(Wrong(at, sealed.entry_id, Phrase(_("the entry was taken out"))))
        elif genuine and before and sealed.hash not in found:
            unlike = _("the entry was changed since it was sealed")
            changed = _("the entry or its seal was changed") if of_lost else unlike
            wrong.append(Wrong(at, sealed.entry_id, Phrase(changed)))
        elif at == lost_at and sealed.hash != lost_hash:
            anew = _("the chain up to here is not the one that was there when its secret key was lost")
            wrong.append(Wrong(at, sealed.entry_id, Phrase(anew)))
        if at == lost_at:
            before = (lost_hash,)
        elif of_lost and found and sealed.hash not in found:
            before = (sealed.hash, found[-1])  # without a mark it is not known which of the two was changed
        else:
            before = (sealed.hash,) if genuine or not found else (found[-1],)
        stored_head = sealed.hash
        head_seen = head_seen or stored_head.hex() == head.lower()
    if not head_seen or at < lost_at:
        cut = _("the end that was noted earlier is not in the chain: the log was cut short")
        wrong.append(Wrong(None, None, Phrase(cut)))
    unsealed = session.exec(select(func.count()).select_from(AuditEntry).where(~_is_sealed())).one()
    return Verdict(at, unsealed, stored_head.hex(), of_lost_key, wrong)


def lost(session: Session, keys: Keys) -> dict[str, Any]:
    """What the entry notes by which a lost key is given up for these: where the seals made until then end. Its mark is
    of the new keys, or whoever holds the store alone could say of a log that they made up that its key was lost."""
    end = session.exec(select(AuditSeal).order_by(col(AuditSeal.position).desc()).limit(1)).first()
    if end is None:
        return {}
    return {
        "position": end.position,
        "hash": end.hash.hex(),
        "mark": _lost_mark(keys, end.position, end.hash.hex()).hex(),
    }


def is_of(session: Session, keys: Keys | None) -> bool | None:
    """Whether the newest seal was made with these keys; none: nothing was sealed yet."""
    end = session.exec(select(AuditSeal).order_by(col(AuditSeal.position).desc()).limit(1)).first()
    if end is None:
        return None
    return keys is not None and hmac.compare_digest(end.mark, _mark(keys, end.hash))


def _end_of_lost(session: Session, keys: Keys) -> tuple[int, bytes]:
    """Position and hash of the last seal of a key that was given up for these; 0 where none was."""
    query = select(AuditEntry).where(AuditEntry.action == LOST).order_by(col(AuditEntry.id).desc())
    for entry in session.exec(query):
        position, hashed, mark = (entry.detail.get(name) for name in ("position", "hash", "mark"))
        if isinstance(position, int) and mark == _lost_mark(keys, position, str(hashed)).hex():
            return position, bytes.fromhex(str(hashed))
    return 0, b""


def _links(session: Session) -> Iterator[tuple[AuditSeal, AuditEntry | None]]:
    last = 0
    while True:
        query = (
            select(AuditSeal, AuditEntry)
            .join(AuditEntry, col(AuditEntry.id) == AuditSeal.entry_id, isouter=True)
            .where(AuditSeal.position > last)
            .order_by(col(AuditSeal.position))
            .limit(_AT_ONCE)
        )
        rows = session.exec(query).all()
        yield from rows
        if not rows:
            return
        last = rows[-1][0].position
        session.expunge_all()  # a walk over years of entries must not hold them all


def _is_sealed() -> sa.Exists:
    return sa.exists().where(col(AuditSeal.entry_id) == col(AuditEntry.id))


def _mark(keys: Keys, hashed: bytes) -> bytes:
    return keys.hash("audit seal", hashed.hex())


def _lost_mark(keys: Keys, position: int, hashed: str) -> bytes:
    return keys.hash("lost key's end", f"{position} {hashed}")
