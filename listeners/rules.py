"""The watch rules that are stored."""

from sqlmodel import Session, col, select

from listeners import watch
from listeners.tables import WatchRule


def add(session: Session, name: str, query: str) -> WatchRule:
    """Adds a rule. Raises watch.WatchRuleError for one that cannot be read."""
    watch.parse(query)
    rule = WatchRule(name=name.strip(), query=query.strip())
    session.add(rule)
    session.flush()
    return rule


def enabled(session: Session) -> list[tuple[int, watch.Rule]]:
    """Rules that are switched on, by id. None at all: everything matches."""
    rows = session.exec(select(WatchRule).where(col(WatchRule.enabled)).order_by(col(WatchRule.id)))
    return [(row.id or 0, watch.parse(row.query)) for row in rows]
