"""What will keep posts from going out as planned, seen before they are due: for the calendar and for Today.

A handful of questions for any number of posts. What a network says of a text is posts.fitting's affair."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from listeners import mentions
from listeners.tables import Mention
from networks import registry
from networks.network import Outgoing, Picture
from networks.tables import Account
from posts import categories, fitting
from posts.observances import Day
from posts.tables import Blackout, Event, Post, PostPicture, Target, Variant
from posts.workflow import OPEN, TO_SEND


@dataclass(frozen=True)
class Obstacle:
    """One reason. `kind`: unwritten | unapproved | silent | signed_out | removed | nowhere | misfit; `about`: the
    account's name, or the reason of a day of silence; `words`: what the network says of the text."""

    kind: str
    about: str = ""
    words: str = ""
    network: str = ""  # the account's


@dataclass(frozen=True)
class _Sent:
    """What one account would send of one post."""

    account: Account
    text: str
    options: dict[str, str]


def obstacles(session: Session, post_ids: Iterable[int], now: datetime) -> dict[int, tuple[Obstacle, ...]]:
    """Post id -> why it would not go out whole at its time; posts without an obstacle, and those that are gone, are
    left out."""
    posts = _open(session, list(post_ids), now)
    if not posts:
        return {}
    ids = [post.id or 0 for post in posts]
    sent = _sent(session, ids, {post.id: post.message for post in posts})
    shown = _pictures(session, ids)
    rules = categories.rules(session)
    silences = list(session.exec(select(Blackout)))
    answered = _answered(session, posts)
    found: dict[int, tuple[Obstacle, ...]] = {}
    for post in posts:
        number = post.id or 0
        over = rules.get(post.category, rules["general"]).over_blackout
        reasons = [*_of_state(post), *_of_day(post, silences, over)]
        if not sent[number]:
            reasons.append(Obstacle("nowhere"))
        for one in sent[number]:
            if one.account.state != "connected":
                kind = "removed" if one.account.state == "removed" else "signed_out"
                reasons.append(Obstacle(kind, one.account.name, network=one.account.network))
            mention = answered.get(post.reply_to_mention_id or 0)
            reasons += _of_text(post, one, shown[number], mention)
        if reasons:
            found[number] = tuple(reasons)
    return found


def _of_state(post: Post) -> list[Obstacle]:
    if post.state == "draft":
        return [Obstacle("unwritten")]
    return [Obstacle("unapproved")] if post.state == "in_review" else []


def _of_day(post: Post, silences: Sequence[Blackout], over_blackout: bool) -> list[Obstacle]:
    if post.wall_time is None or over_blackout:
        return []
    day = post.wall_time.date()
    return [Obstacle("silent", one.reason) for one in silences if one.first_day <= day <= one.last_day][:1]


def _of_text(post: Post, one: _Sent, shown: Sequence[Picture], mention: Mention | None) -> list[Obstacle]:
    outgoing = Outgoing(
        key="",
        text=one.text,
        language=post.language,
        reply_to="its mention" if mention is not None and mention.network == one.account.network else None,
        reply_addressed=mention is None or mention.addressed,
        reply_root=mention is not None and mentions.begins_thread(mention),
        pictures=tuple(shown),
        options=one.options,
    )
    problems = fitting.problems(registry.network(one.account.network), one.account.settings, outgoing)
    return [Obstacle("misfit", one.account.name, words, one.account.network) for words in problems]


def _open(session: Session, ids: list[int], now: datetime) -> list[Post]:
    """Those that can still be changed; of posts whose time is over only what still waits to be sent."""
    query = select(Post).where(col(Post.id).in_(ids), col(Post.state).in_([one.value for one in OPEN]))
    posts = list(session.exec(query))
    late = [post.id for post in posts if post.due_at is not None and post.due_at <= now]
    waiting = select(Target.post_id).where(
        col(Target.post_id).in_(late), col(Target.state).in_([one.value for one in TO_SEND])
    )
    still = set(session.exec(waiting)) if late else set()
    return [post for post in posts if post.id not in late or post.id in still]


def _sent(session: Session, ids: list[int], messages: dict[int | None, str]) -> dict[int, list[_Sent]]:
    rows = session.exec(
        select(Variant, Account)
        .join(Account, col(Account.id) == col(Variant.account_id))
        .where(col(Variant.post_id).in_(ids))
        .order_by(col(Variant.account_id))
    )
    found: dict[int, list[_Sent]] = defaultdict(list)
    for variant, account in rows:
        text = messages.get(variant.post_id, "") if variant.text is None else variant.text
        found[variant.post_id].append(_Sent(account, text, variant.options))
    return found


def _pictures(session: Session, ids: list[int]) -> dict[int, list[Picture]]:
    """Without their bytes: a month of pictures is not read to count them."""
    rows = session.exec(
        select(PostPicture.post_id, PostPicture.mime, PostPicture.width, PostPicture.height, PostPicture.alt)  # type: ignore[call-overload]
        .where(col(PostPicture.post_id).in_(ids), col(PostPicture.taken_out).is_(False))
        .order_by(col(PostPicture.post_id), col(PostPicture.position))
    )
    found: dict[int, list[Picture]] = defaultdict(list)
    for number, mime, width, height, alt in rows:
        found[number].append(Picture(b"", mime, width, height, alt))
    return found


def _answered(session: Session, posts: Sequence[Post]) -> dict[int, Mention]:
    wanted = [post.reply_to_mention_id for post in posts if post.reply_to_mention_id is not None]
    if not wanted:
        return {}
    return {one.id or 0: one for one in session.exec(select(Mention).where(col(Mention.id).in_(wanted)))}


def on_kept_days(session: Session, days: Sequence[Day], now: datetime) -> list[tuple[Day, tuple[Post | Event, ...]]]:
    """Posts and events to come that stand on these days, day by day; seasons and days that nothing stands on are left
    out. A word to people: nothing is moved or kept back."""
    waiting = select(Post).where(col(Post.due_at) > now, col(Post.state).in_([one.value for one in OPEN]))
    planned = select(Event).where(col(Event.starts_at) > now, Event.state == "planned")
    ours = [*session.exec(waiting.order_by(col(Post.due_at))), *session.exec(planned.order_by(col(Event.starts_at)))]
    there = [(day, tuple(one for one in ours if one.wall_time and day.covers(one.wall_time.date()))) for day in days]
    return [(day, some) for day, some in there if some and not day.season]
