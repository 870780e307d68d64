"""Words of mentions that led to an action and stay with it, where an installation says so (`context_days`): the words
alone, without who said them, where, or when. What an action is, is another room's affair.

While the mention is here its context is tied to it and goes with it: a deletion upstream, a person's own data, a post
that is left out after all; new words replace the old ones. When the mention's days are over the tie is cut, and from
then on nothing leads from the words to their author, for nobody."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import regex
import sqlalchemy as sa
from sqlmodel import Session, col, delete, select, update

from listeners.masking import masked
from listeners.tables import ActionContext, Mention
from networks import registry

MOST = 3  # for one action
LINK = "[…]"  # what a link becomes: it may lead to the author
_LINK = regex.compile(
    r"(?:\b[a-z][a-z0-9+.\-]*://|\bwww\.|\bdid:)\S+"  # addresses, and Bluesky's numbers of accounts
    r"|(?<!@)\b[\w\-]+(?:\.[\w\-]+)+/\S+"  # addresses without their beginning
    r"|(?<!@)\b[\w.\-]+\.bsky\.social\b",
    regex.IGNORECASE,
)
_NONE = sa.false()


def stripped(text: str) -> str:
    """A mention's masked words without links and addresses. Pure."""
    return masked(_LINK.sub(LINK, text), ())


def may_stay(network: str) -> bool:
    """Whether a network's policy lets words stay with an action when their days are over."""
    return registry.network(network).policy.words_may_stay


def offered(session: Session, ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """Which of these mentions may be kept with an action: (id, words as they would be kept, language)."""
    read = (col(Mention.shown), col(Mention.scored_at).is_not(None), col(Mention.text).is_not(None))
    rows = session.exec(select(Mention).where(col(Mention.id).in_(ids), *read))
    found = {one.id or 0: one for one in rows if may_stay(one.network)}
    there = [found[number] for number in ids if number in found]
    return [(one.id or 0, stripped(one.text or ""), one.language) for one in there]


def keep(session: Session, action_id: int, ids: Sequence[int], now: datetime) -> int:
    """Keeps the words of these mentions with an action, as far as they may be; of how many."""
    kept = offered(session, list(dict.fromkeys(ids)))[:MOST]
    session.add_all(
        [
            ActionContext(action_id=action_id, mention_id=number, words=words, language=language, kept_at=now)
            for number, words, language in kept
        ]
    )
    session.flush()
    return len(kept)


def of_action(session: Session, action_id: int) -> list[ActionContext]:
    """What is kept with an action."""
    query = select(ActionContext).where(ActionContext.action_id == action_id)
    return list(session.exec(query.order_by(col(ActionContext.id))))


def of_all(session: Session) -> dict[int, list[str]]:
    """The words that are kept, by action."""
    found: dict[int, list[str]] = defaultdict(list)
    for one in session.exec(select(ActionContext).order_by(col(ActionContext.id))):
        found[one.action_id].append(one.words)
    return found


def take_out(session: Session, action_id: int, context_id: int) -> bool:
    """Removes words from an action by hand; whether they were there."""
    this = delete(ActionContext).where(col(ActionContext.id) == context_id, col(ActionContext.action_id) == action_id)
    return session.exec(this).rowcount > 0


def drop(session: Session, mention_ids: Sequence[int]) -> None:
    """Removes what is kept of mentions that stay themselves: left out whole, or under a legal hold while their author
    wants them gone."""
    session.exec(delete(ActionContext).where(col(ActionContext.mention_id).in_(mention_ids)))


def reword(session: Session, words: Mapping[int, str]) -> None:
    """What an author says now stands in place of what they said."""
    there = select(ActionContext).where(col(ActionContext.mention_id).in_(list(words)))
    for one in session.exec(there):
        one.words = stripped(words[one.mention_id or 0])
        session.add(one)


def untie(session: Session, mention_ids: Sequence[int]) -> None:
    """The mentions' days are over: the words stay, and nothing leads from them to their author."""
    tied = col(ActionContext.mention_id).in_(mention_ids)
    session.exec(update(ActionContext).where(tied).values(mention_id=None))


def forget(session: Session, before: datetime, limit: int, held: sa.ColumnElement[bool] = _NONE) -> int:
    """Removes up to `limit` that were kept at `before` or earlier, but those that are `held`; how many."""
    over = select(ActionContext.id).where(ActionContext.kept_at <= before, ~held).limit(limit)
    ids = session.exec(over).all()
    if ids:
        session.exec(delete(ActionContext).where(col(ActionContext.id).in_(ids)))
    return len(ids)
