"""Posts that say the same: refused where a network forbids it of several accounts, otherwise only mentioned."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa
from rapidfuzz import fuzz
from sqlmodel import Session, col, select

from config.phrases import Phrase
from networks import registry
from networks.tables import Account
from posts.tables import Post, Target, Variant
from posts.workflow import PostState

ALIKE = 90.0  # of 100, by rapidfuzz's ratio of the longest common subsequence (indel similarity)
BACK = timedelta(days=30)
HOUR = timedelta(hours=1)
_STANDS = tuple(
    state.value
    for state in (
        PostState.IN_REVIEW,
        PostState.APPROVED,
        PostState.SCHEDULED,
        PostState.PUBLISHED,
        PostState.PARTLY_PUBLISHED,
    )
)
_LINK = re.compile(r"https?://\S+")
_MARK = re.compile(r"[^\w\s]|_")


@dataclass(frozen=True)
class Said:
    """What one account says, or will say, in one post."""

    post_id: int | None
    title: str
    account_id: int
    account: str
    network: str
    text: str
    due_at: datetime | None
    published_at: datetime | None = None  # on this account


def alike(one: str, other: str) -> bool:
    """Whether two texts say nearly the same: links, case, marks and white space aside. Pure."""
    first, second = _bare(one), _bare(other)
    return bool(first) and bool(second) and fuzz.ratio(first, second) >= ALIKE


def copies(session: Session, said: Iterable[Said], now: datetime) -> list[Phrase]:
    """Why networks that forbid it would take offence at these texts of one post, in plain words."""
    mine = [one for one in said if registry.network(one.network).no_copies]
    if not mine:
        return []
    others = [*mine, *(one for one in _standing(session, now) if one.post_id != mine[0].post_id)]
    found = []
    for one in mine:
        for other in others:
            same = one.network == other.network and one.account_id != other.account_id and alike(one.text, other.text)
            if same:
                found.append(_forbidden(one, other, here=other in mine))
                break
    return found


def warnings(session: Session, said: Iterable[Said], now: datetime) -> list[Phrase]:
    """What an author may want to know, and may pass over: the same said lately, another post in the same hour."""
    mine = list(said)
    others = [one for one in _standing(session, now) if mine and one.post_id != mine[0].post_id]
    found: list[Phrase] = []
    for one in mine:
        for other in others:
            if other.account_id != one.account_id:
                continue
            if alike(one.text, other.text):
                about = Phrase("%(account)s: “%(title)s” says nearly the same.", account=one.account, title=other.title)
            elif one.due_at is None or other.due_at is None or abs(one.due_at - other.due_at) >= HOUR:
                continue
            elif other.published_at is not None:
                about = Phrase(
                    "%(account)s: “%(title)s” went out within the same hour.", account=one.account, title=other.title
                )
            else:
                about = Phrase(
                    "%(account)s: “%(title)s” goes out within the same hour.", account=one.account, title=other.title
                )
            found.append(about)
    return list(dict.fromkeys(found))


def _forbidden(one: Said, other: Said, *, here: bool) -> Phrase:
    network = Phrase(registry.network(one.network).label)
    if here:
        return Phrase(
            "%(network)s forbids the same text from several accounts: %(account)s says what %(other)s says here. "
            "Reword one of them, or leave one out.",
            network=network, account=one.account, other=other.account,
        )  # fmt: skip
    return Phrase(
        "%(network)s forbids the same text from several accounts: %(account)s says what %(other)s says in "
        "“%(title)s”. Reword one of them, or leave one out.",
        network=network, account=one.account, other=other.account, title=other.title,
    )  # fmt: skip


def said_by(session: Session, post: Post) -> list[Said]:
    """What each account says in a post as it stands."""
    rows = session.exec(
        select(Variant, Account)
        .join(Account, col(Account.id) == col(Variant.account_id))
        .where(Variant.post_id == post.id)
        .order_by(col(Variant.account_id))
    )
    return [_said(post, variant, account) for variant, account in rows]


def said_in(post: Post, variants: Iterable[Variant], accounts: Mapping[int, Account]) -> list[Said]:
    """The same of what was read before. Pure."""
    chosen = sorted(variants, key=lambda one: one.account_id)
    return [_said(post, one, accounts[one.account_id]) for one in chosen if one.account_id in accounts]


def _standing(session: Session, now: datetime) -> list[Said]:
    """What accounts say, said lately or will say, drafts aside. Columns, not rows: there may be a thousand."""
    rows = session.execute(
        sa.select(
            col(Post.id), col(Post.title), col(Variant.account_id), col(Account.name), col(Account.network),
            sa.func.coalesce(Variant.text, Post.message), col(Post.due_at), col(Target.published_at),
        )
        .join(Variant, col(Variant.post_id) == col(Post.id))
        .join(Account, col(Account.id) == col(Variant.account_id))
        .outerjoin(
            Target,
            sa.and_(
                col(Target.post_id) == col(Post.id),
                col(Target.account_id) == col(Variant.account_id),
                col(Target.part) == 0,
            ),
        )
        .where(col(Post.state).in_(_STANDS), col(Post.updated_at) >= now - BACK)
    )  # fmt: skip
    return [Said(*row) for row in rows]


def _said(post: Post, variant: Variant, account: Account) -> Said:
    text = post.message if variant.text is None else variant.text
    return Said(post.id, post.title, variant.account_id, account.name, account.network, text, post.due_at)


@lru_cache(4096)
def _bare(text: str) -> str:
    return " ".join(_MARK.sub(" ", _LINK.sub(" ", text.casefold())).split())
