"""The watch rules that are stored."""

from datetime import datetime

from sqlmodel import Session, col, select

from listeners import watch
from listeners.tables import Mention, WatchRule

TRIED = 5_000  # the newest posts on which a rule is tried


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


def switch(session: Session, rule_id: int, on: bool) -> WatchRule | None:
    """Switches a rule on or off; what it let in stays. None when there is no such rule."""
    rule = session.get(WatchRule, rule_id)
    if rule is not None:
        rule.enabled = on
        session.add(rule)
    return rule


def tried(session: Session, query: str, since: datetime) -> tuple[int, int]:
    """How many of the posts that came in since then, and still have their words, a rule would match; and of how many.
    Raises watch.WatchRuleError."""
    rule = watch.parse(query)
    texts = session.exec(
        select(Mention.text)
        .where(col(Mention.shown), col(Mention.text).is_not(None), col(Mention.received_at) >= since)
        .order_by(col(Mention.received_at).desc())
        .limit(TRIED)
    ).all()
    return sum(rule.matches(text) for text in texts if text is not None), len(texts)
