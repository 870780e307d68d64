"""Saved views: filters of the inbox that a person keeps under a name. Only filters: no search of texts, no author."""

from datetime import datetime

from sqlmodel import Session, col, select

from config import audit
from listeners.tables import SavedView

MOST = 20  # of one person


class TooMany(Exception):
    """A person has as many views as a page can hold; nothing was kept."""


def of_person(session: Session, person_id: int) -> list[SavedView]:
    """By name."""
    return list(session.exec(select(SavedView).where(SavedView.person_id == person_id).order_by(col(SavedView.name))))


def keep(session: Session, person_id: int, name: str, query: str, now: datetime) -> SavedView:
    """Keeps a view; one of the same name is replaced. Raises TooMany."""
    there = of_person(session, person_id)
    kept = next((view for view in there if view.name == name), None)
    if kept is None:
        if len(there) >= MOST:
            raise TooMany
        kept = SavedView(person_id=person_id, name=name, query=query)
    kept.query = query
    session.add(kept)
    session.flush()
    audit.record(session, now, person_id, "view.keep", f"view:{kept.id}", {"name": name, "query": query})
    return kept


def forget(session: Session, person_id: int, view_id: int) -> None:
    """Removes one's own view; another's stays as it is."""
    view = session.get(SavedView, view_id)
    if view is not None and view.person_id == person_id:
        session.delete(view)
