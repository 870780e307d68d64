"""Public resources: where people find help that a post cannot give, kept once to be put into posts and answers."""

from datetime import datetime
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from config import audit
from config.phrases import Phrase
from posts.tables import Resource
from posts.workflow import WrongState

KINDS = ("complaints", "victims", "legal_aid", "non_emergency", "crisis", "other")
LONGEST = 200  # characters of a field
MOST = 200


def kept(session: Session) -> list[Resource]:
    """All of them, by kind in its order, then by name."""
    found = session.exec(select(Resource).order_by(col(Resource.name), col(Resource.id)))
    return sorted(found, key=lambda one: KINDS.index(one.kind))


def keep(
    session: Session,
    person_id: int,
    now: datetime,
    *,
    kind: str,
    name: str,
    phone: str = "",
    address: str = "",
    note: str = "",
    language: str = "en",
    resource_id: int | None = None,
) -> Resource:
    """Keeps one, or other words under a number that is there. Raises WrongState for what leads nowhere."""
    if kind not in KINDS or not name.strip():
        raise WrongState("Say what it is called, and what it is for.", "name")
    if not (phone.strip() or address.strip()):
        raise WrongState("Give a telephone number or an address on the web.", "phone", "address")
    lines = {"name": name, "phone": phone, "address": address, "note": note}
    if long := [name for name, text in lines.items() if len(text.strip()) > LONGEST]:
        raise WrongState(Phrase("Each line has %(most)s characters at most.", most=LONGEST), *long)
    found = session.get(Resource, resource_id) if resource_id is not None else None
    if resource_id is not None and found is None:
        raise WrongState("It is not there any more.")
    if found is None:
        if len(kept(session)) >= MOST:
            raise WrongState(Phrase("There are %(most)s already; remove one first.", most=MOST))
        found = Resource(kind=kind, name=name, changed_by=person_id, changed_at=now)
    found.kind, found.name, found.phone, found.note = kind, name.strip(), phone.strip(), note.strip()
    found.address, found.language = _web(address), language
    found.changed_by, found.changed_at = person_id, now
    session.add(found)
    session.flush()
    audit.record(session, now, person_id, "resource.keep", f"resource:{found.id}", {"name": found.name})
    return found


def remove(session: Session, resource_id: int, person_id: int, now: datetime) -> None:
    """Posts that name it keep their words; one that is gone already is fine."""
    found = session.get(Resource, resource_id)
    if found is not None:
        audit.record(session, now, person_id, "resource.remove", f"resource:{resource_id}", {"name": found.name})
        session.delete(found)
        session.flush()


def sentence(one: Resource) -> str:
    """A resource as one line of a post. Pure."""
    ways = ", ".join(part for part in (one.phone, one.address) if part)
    return f"{one.name}: {ways}" + (f" ({one.note})" if one.note else "")


def _web(address: str) -> str:
    given = address.strip()
    if not given:
        return ""
    whole = given if "://" in given else f"https://{given}"
    parts = urlsplit(whole)
    if parts.scheme not in ("http", "https") or "." not in parts.netloc or any(sign in whole for sign in ' "<>\\'):
        raise WrongState("That is no link; it begins like https://riverton.example.", "address")
    return whole
