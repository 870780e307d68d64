"""The watch rules that are stored."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

from sqlmodel import Session, col, select

from listeners import places, watch
from listeners.searches import queries
from listeners.tables import Mention, WatchRule

TRIED = 5_000  # the newest posts on which a rule is tried
SHOWN = 5  # examples of them


@dataclass(frozen=True)
class Tried:
    """What a rule would have matched: how many, of how many, and the newest of them."""

    matched: int
    of: int
    newest: tuple[int, ...]  # ids of mentions


def add(session: Session, name: str, query: str) -> WatchRule:
    """Adds a rule. Raises watch.WatchRuleError for one that cannot be read or names a place that nobody added."""
    _check(session, query)
    rule = WatchRule(name=name.strip(), query=query.strip())
    session.add(rule)
    session.flush()
    return rule


def _check(session: Session, query: str) -> watch.Rule:
    rule = watch.parse(query)
    wanted = rule.near()
    known = places.nearby(session) if wanted else {}
    for near in wanted:
        if near.place not in known:
            raise watch.WatchRuleError(
                f"there is no place called {near.place!r} yet; add it under Places", near.position
            )
    return rule


def all_rules(session: Session) -> list[WatchRule]:
    """On or off, by name."""
    return list(session.exec(select(WatchRule).order_by(col(WatchRule.name))))


def enabled(session: Session) -> list[tuple[int, watch.Rule]]:
    """Rules that are switched on, by id."""
    rows = session.exec(select(WatchRule).where(col(WatchRule.enabled)).order_by(col(WatchRule.id)))
    return [(row.id or 0, watch.parse(row.query)) for row in rows]


def searches(session: Session, longest: int) -> tuple[str, ...]:
    """The rules that are switched on as a network's searches of at most so many characters each (listeners.searches).
    Raises watch.WatchRuleError."""
    return queries([rule for _, rule in enabled(session)], places.nearby(session), longest)


def matcher(session: Session) -> watch.Matcher:
    """All rules that are switched on, ready to match. False when there are none: then everything matches."""
    rows = session.exec(
        select(WatchRule.id, WatchRule.query).where(col(WatchRule.enabled)).order_by(col(WatchRule.id))
    ).all()
    nearby = places.nearby(session) if any("near:" in query.lower() for _, query in rows) else {}
    named = tuple((name, tuple(names)) for name, names in sorted(nearby.items()))
    return _matcher(tuple((number or 0, query) for number, query in rows), named)


@lru_cache(maxsize=4)
def _matcher(rows: tuple[tuple[int, str], ...], named: tuple[tuple[str, tuple[str, ...]], ...]) -> watch.Matcher:
    """Built once for the rules and places as they stand: thousands of terms take part of a second."""
    return watch.Matcher([(number, watch.parse(query)) for number, query in rows], dict(named))


def why(session: Session, mention: Mention) -> list[tuple[WatchRule, list[str]]]:
    """The rules that let a mention in and are still there, each with its words that stand in the text as it is kept."""
    if not mention.rules:
        return []
    nearby = places.nearby(session)
    found = session.exec(select(WatchRule).where(col(WatchRule.id).in_(mention.rules)).order_by(col(WatchRule.id)))
    return [(rule, watch.parse(rule.query).why(mention.text or "", nearby)) for rule in found]


def switch(session: Session, rule_id: int, on: bool) -> WatchRule | None:
    """Switches a rule on or off; what it let in stays. None when there is no such rule."""
    rule = session.get(WatchRule, rule_id)
    if rule is not None:
        rule.enabled = on
        session.add(rule)
    return rule


def tried(session: Session, query: str, since: datetime) -> Tried:
    """What a rule would have matched of the posts that came in since then and still have their words.
    Raises watch.WatchRuleError."""
    one = watch.Matcher([(0, _check(session, query))], places.nearby(session))
    rows = session.exec(
        select(Mention.id, Mention.text, Mention.language)
        .where(col(Mention.shown), col(Mention.text).is_not(None), col(Mention.received_at) >= since)
        .order_by(col(Mention.received_at).desc())
        .limit(TRIED)
    ).all()
    matched = [number or 0 for number, text, language in rows if one.matching(text or "", partial(str, language))]
    return Tried(len(matched), len(rows), tuple(matched[:SHOWN]))
