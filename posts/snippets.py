"""Words kept to be used again: templates that begin a post, and sentences to put into one."""

from datetime import datetime

from sqlmodel import Session, col, select

from config import audit
from config.phrases import Phrase
from posts.tables import Snippet
from posts.workflow import WrongState

KINDS = ("template", "snippet")
LONGEST_NAME = 80
MOST = 200


def kept(session: Session) -> list[Snippet]:
    """Templates first, each kind by name."""
    return list(session.exec(select(Snippet).order_by(col(Snippet.kind).desc(), col(Snippet.name), col(Snippet.id))))


def keep(
    session: Session,
    person_id: int,
    now: datetime,
    *,
    kind: str,
    name: str,
    text: str,
    language: str = "en",
    category: str = "general",
    snippet_id: int | None = None,
) -> Snippet:
    """Keeps new words, or others under a number that is there. Raises WrongState for words without a name."""
    if kind not in KINDS or not name.strip() or not text.strip():
        empty = [field for field, given in (("name", name), ("text", text)) if not given.strip()]
        raise WrongState("It needs a name and a text.", *empty)
    found = session.get(Snippet, snippet_id) if snippet_id is not None else None
    if snippet_id is not None and found is None:
        raise WrongState("It is not there any more.")
    if found is None:
        if len(kept(session)) >= MOST:
            raise WrongState(Phrase("There are %(most)s already; remove one first.", most=MOST))
        found = Snippet(kind=kind, name=name, text=text, changed_by=person_id, changed_at=now)
    found.kind, found.name, found.text = kind, name.strip()[:LONGEST_NAME], text.strip()
    found.language, found.category = language, category
    found.changed_by, found.changed_at = person_id, now
    session.add(found)
    session.flush()
    audit.record(session, now, person_id, "snippet.keep", f"snippet:{found.id}", {"name": found.name, "kind": kind})
    return found


def remove(session: Session, snippet_id: int, person_id: int, now: datetime) -> None:
    """Posts that were made of it keep their words; one that is gone already is fine."""
    found = session.get(Snippet, snippet_id)
    if found is not None:
        audit.record(session, now, person_id, "snippet.remove", f"snippet:{snippet_id}", {"name": found.name})
        session.delete(found)
        session.flush()
