"""Writing and approving: what people do to a post before it goes out. Every change is in the audit log.

An approval holds for one exact content, and never comes from the author or from who wrote any of what stands there.

Long, because every move that people make stands here beside the others."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, delete, select

from config import audit
from config.phrases import Phrase
from listeners import mentions
from listeners.tables import Mention
from networks import registry
from networks.network import Outgoing, Picture
from networks.tables import Account
from posts import addresses, approval, blackouts, categories, fitting, likeness, reasons, threads, workflow
from posts.approval import writers
from posts.tables import Attempt, Post, PostPicture, PostVersion, Review, Series, Target, Variant
from posts.targets import settle
from posts.workflow import (
    GOES_OUT,
    TO_SEND,
    UNSENT,
    Content,
    EditConflict,
    Move,
    NotAllowed,
    PostState,
    TargetState,
    WrongState,
)

JUST_NOW = timedelta(minutes=5)  # a time no longer past than this is "now", as people write it


def create(
    session: Session,
    author_id: int,
    message: str,
    accounts: Iterable[int],
    now: datetime,
    *,
    title: str = "",
    category: str = "general",
    language: str = "en",
    concern: str | None = None,
    reply_to_mention_id: int | None = None,
    wordings: Mapping[int, str | None] | None = None,
    options: Mapping[int, Mapping[str, str]] | None = None,
    pictures: Iterable[PostPicture] = (),
    translation_of: int | None = None,
    urgent: str | None = None,
    follows_id: int | None = None,
    time_zone: str | None = None,
    shows: Mapping[str, Any] | None = None,
    pattern: Post | None = None,
) -> Post:
    """A new draft. `wordings`: account id -> its own words, or none to follow the message (default: `accounts`);
    `options`: account id -> what it chose of its network's own options; `pictures`: of no post yet. `urgent`: a stage
    of posts.urgent; `time_zone`: of the wall time that such a post gets when it is approved; `shows`: as in the table,
    approved with the words; `pattern`: whose approval it will carry, so that what this is bound to beside the words is
    taken from there."""
    post = Post(
        title=title.strip() or message.strip().split("\n")[0][:80] or "Untitled",
        category=category,
        author_id=author_id,
        message=message,
        language=language,
        concern=concern,
        reply_to_mention_id=reply_to_mention_id,
        translation_of=translation_of,
        urgent=urgent,
        follows_id=follows_id,
        time_zone=time_zone,
        shows=None if shows is None else dict(shows),
        leave=categories.leave(categories.rules_of(session, category)),
        created_at=now,
        updated_at=now,
    )
    if pattern is not None:
        post.shows, post.leave = pattern.shows, pattern.leave
    session.add(post)
    session.flush()
    _word(session, post, wordings if wordings is not None else dict.fromkeys(accounts), options or {})
    for picture in pictures:
        picture.post_id = post.id or 0
        session.add(picture)
    session.flush()
    _keep_version(session, post, author_id, now)
    _note(session, post, "create", author_id, now)
    return post


def save(
    session: Session,
    post_id: int,
    person_id: int,
    revision: int,
    *,
    message: str,
    title: str,
    category: str,
    language: str,
    concern: str | None,
    wordings: Mapping[int, str | None],
    now: datetime,
    options: Mapping[int, Mapping[str, str]] | None = None,
    descriptions: Mapping[int, str] | None = None,
    shows: Mapping[str, Any] | None = None,
    gets_time: bool = False,
) -> Post:
    """Saves over `revision`. Raises EditConflict if someone saved since, WrongState once it is on its way and as
    `changed` does.

    Words, pictures, accounts, options or language that change take an approval with them, and so does a category that
    asks for other steps or lets the post do more or less at its time; title and concern do not. `descriptions`: picture
    id -> what it shows; pictures that are not named keep theirs, and so does what a page of ours shows (`shows`)."""
    post = locked(session, post_id)
    if post.revision != revision:
        raise EditConflict("Someone saved this post since you opened it.")
    post.message, post.title = message, title.strip() or post.title
    post.leave = _leave(session, post, category)
    post.shows = post.shows if shows is None else dict(shows)
    post.category, post.language, post.concern = category, language, concern
    _word(session, post, wordings, options or {})
    for picture in pictures_of(session, post):
        picture.alt = (descriptions or {}).get(picture.id or 0, picture.alt).strip()
        session.add(picture)
    return changed(session, post, person_id, now, gets_time=gets_time)


def changed(session: Session, post: Post, person_id: int, now: datetime, *, gets_time: bool = False) -> Post:
    """Keeps a new version of a post that was just changed, and sends it back to review if its content is another.

    Raises WrongState for one that would have gone out, held or tried again, and whose time has passed: in review it
    would be missed at once. `gets_time`: it is given another time, or none, in the same transaction."""
    content = _hash(session, post)
    if content != post.content_hash:
        post.content_hash = content
        would_go = post.state in GOES_OUT
        post.state = workflow.after(post.state, Move.EDIT).value
        _forget_targets(session, post, now)
        if would_go and not gets_time and post.due_at is not None and post.due_at <= now:
            raise WrongState("That time has passed; choose a later one.", "day")
    elif post.state not in workflow.OPEN:
        raise WrongState("This post is on its way or gone; write a new one.")
    post.revision += 1
    post.updated_at = now
    _keep_version(session, post, person_id, now)
    _note(session, post, "save", person_id, now, revision=post.revision)
    return post


def submit(session: Session, post_id: int, person_id: int, now: datetime, *, base_url: str | None = None) -> Post:
    """Hands the post in for approval. Raises WrongState for one that goes nowhere, says nothing, or could not be sent.
    `base_url`: where networks would fetch its pictures; none: not asked."""
    post = locked(session, post_id)
    texts = texts_of(session, post)
    if not texts:
        raise WrongState("Choose at least one account that it goes to.")
    if any(not text.strip() for text in texts.values()):
        raise WrongState("There is no text yet.")
    if misfits := [*_misfits(session, post, base_url), *likeness.copies(session, likeness.said_by(session, post), now)]:
        raise WrongState(Phrase.joined(" ", misfits))
    post.submitted_at = now
    return _move(session, post, Move.SUBMIT, person_id, now)


def ask(session: Session, post_id: int, person_id: int, approvers: Iterable[int], now: datetime) -> Post:
    """Whom the author asks by name to approve it: they see it first. Others who may approve it still may."""
    post = locked(session, post_id)
    wanted = sorted(set(approvers) - {post.author_id})
    if wanted != post.asked:
        post.asked = wanted
        session.add(post)
        _note(session, post, "ask", person_id, now, people=wanted)
    return post


def translations_of(session: Session, post: Post) -> list[Post]:
    """The post and what says the same in other languages, the first written one first; cancelled ones left out."""
    root = post.translation_of or post.id
    query = select(Post).where((col(Post.id) == root) | (col(Post.translation_of) == root))
    query = query.where(Post.state != PostState.CANCELLED.value)
    return list(session.exec(query.order_by(col(Post.id))))


def withdraw(session: Session, post_id: int, person_id: int, now: datetime) -> Post:
    """Back to a draft, out of the approvers' sight; an approval it had is void. So is a time that has passed: it would
    be missed at once, though nobody was asked."""
    post = locked(session, post_id)
    if post.due_at is not None and post.due_at <= now:
        post.wall_time = post.time_zone = post.due_at = None
    moved = _move(session, post, Move.WITHDRAW, person_id, now)
    _forget_targets(session, moved, now)
    return moved


def approve(session: Session, post_id: int, person_id: int, content_hash: str, now: datetime) -> Post:
    """Approves exactly the content that was looked at; with the last step of its kind, the post is approved, and goes
    out at once if it is urgent.

    Raises NotAllowed for the author, the last one who changed the words, and whose word this step does not ask for;
    WrongState if the words changed since, a translation is not signed off where that is asked, or another post has come
    to say the same where that is forbidden."""
    post = locked(session, post_id)
    if person_id in writers(session, post):
        raise NotAllowed("Nobody approves a post of their own, or words that they wrote last.")
    if content_hash != post.content_hash:
        raise WrongState("The words changed since you looked; read them again.")
    workflow.after(post.state, Move.APPROVE)
    stands = approval.progress(session, post)
    if person_id in stands.said and not stands.complete:  # else its kind asks for less now: the same word again ends it
        raise NotAllowed("You approved this already; the next step is somebody else's.")
    if stands.missing and person_id not in stands.missing:
        raise NotAllowed("This step of the approval is somebody else's.")
    if copies := likeness.copies(session, likeness.said_by(session, post), now):
        raise WrongState(Phrase.joined(" ", copies))
    if approval.unsigned(session, post):
        raise WrongState("Somebody reads this translation and signs it off first; then it can be approved.")
    said = Review(post_id=post_id, person_id=person_id, at=now, decision="approved", content_hash=content_hash)
    session.add(said)
    session.flush()
    if not approval.progress(session, post).complete:
        said.final = False
        session.add(said)
        _note(session, post, "approve_step", person_id, now, content_hash=content_hash)
        return post
    moved = _move(session, post, Move.APPROVE, person_id, now, content_hash=content_hash)
    if moved.urgent is not None:
        zone = moved.time_zone or "UTC"
        moved.wall_time, moved.time_zone, moved.due_at = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None), zone, now
    if moved.due_at is not None:
        moved.state = workflow.after(moved.state, Move.SCHEDULE).value
        _make_targets(session, moved, now)
    session.flush()
    return moved


def carry_approval(session: Session, post: Post, review: Review, wall_time: datetime, zone: str, now: datetime) -> Post:
    """Schedules a new post that says exactly what `review` approved elsewhere (a series' pattern). Raises WrongState
    if it does not."""
    if post.state != PostState.DRAFT or post.content_hash != review.content_hash:
        raise WrongState("These are not the words that were approved.")
    post.wall_time, post.time_zone, post.due_at = wall_time, zone, workflow.instant(wall_time, zone)
    post.state, post.submitted_at = PostState.SCHEDULED.value, now
    said = Review(
        post_id=post.id or 0,
        person_id=review.person_id,
        at=now,
        decision="approved",
        content_hash=review.content_hash,
        comment=f"approved with its series (post {review.post_id})",
    )
    session.add_all([post, said])
    session.flush()
    _make_targets(session, post, now)
    _note(session, post, "carry_approval", None, now, review=review.id, due=post.due_at.isoformat())
    return post


def ask_changes(session: Session, post_id: int, person_id: int, words: str, now: datetime) -> Post:
    """Sends it back to its author with what should change. Raises WrongState also where that is not said."""
    if not words.strip():
        raise WrongState("Say what to change, so that the author can.", "ask")
    post = locked(session, post_id)
    _move(session, post, Move.ASK_CHANGES, person_id, now)
    session.add(_review(post, person_id, "changes_asked", words, now))
    return post


def comment(session: Session, post_id: int, person_id: int, words: str, now: datetime) -> Post:
    """A word beside it; nothing moves. Raises WrongState without one."""
    if not words.strip():
        raise WrongState("There is no comment yet.", "comment")
    post = locked(session, post_id)
    session.add(_review(post, person_id, "comment", words, now))
    _note(session, post, "comment", person_id, now)
    return post


def schedule(session: Session, post_id: int, person_id: int, wall_time: datetime, zone: str, now: datetime) -> Post:
    """Gives it a time, or another one: wall time (naive) in an IANA zone. An approval stays. Raises WrongState for the
    pattern of a series that runs, for a day on which the department is silent, and for a time that has passed: an
    approved post would go out at once, one that waits for its approval would be missed at once."""
    post = locked(session, post_id)
    _check_unsent(session, post)
    if is_pattern(session, post_id):
        raise WrongState("This is the pattern of a series and has no time of its own; end the series first.", "day")
    if (silent := blackouts.stopping(session, wall_time, post.category)) is not None:
        raise WrongState(f"Nothing goes out on that day: {silent.reason}. Choose another day.", "day")
    before, due = post.due_at, workflow.instant(wall_time, zone)
    waits = post.state == PostState.IN_REVIEW
    if (post.state in GOES_OUT and due < now - JUST_NOW) or (waits and due <= now):
        raise WrongState("That time has passed; choose a later one.", "day")
    post.wall_time, post.time_zone, post.due_at = wall_time, zone, due
    moved = _move(
        session, post, Move.SCHEDULE, person_id, now,
        was=before.isoformat() if before else None, due=due.isoformat(),
    )  # fmt: skip
    targets = session.exec(select(Target).where(Target.post_id == post_id)).all()
    if moved.state == PostState.SCHEDULED and targets and all(target.state in TO_SEND for target in targets):
        for target in targets:  # the same row, so the same key and the attempts so far
            target.due_at = target.next_try_at = due
            session.add(target)
        return moved
    _forget_targets(session, moved, now)
    if moved.state == PostState.SCHEDULED:
        _make_targets(session, moved, now)
    return moved


def is_pattern(session: Session, post_id: int) -> bool:
    """Whether a series that was not ended makes its posts of it."""
    runs = select(Series.id).where(Series.post_id == post_id, col(Series.ended_at).is_(None))
    return session.exec(runs).first() is not None


def wall_here(post: Post, zone: ZoneInfo) -> datetime | None:
    """Its time as clocks of `zone` show it (naive), whichever zone it was given in; none without a time."""
    if post.wall_time is None or post.time_zone is None:
        return None
    return workflow.wall_here(post.wall_time, post.time_zone, zone)


def unschedule(session: Session, post_id: int, person_id: int, now: datetime) -> Post:
    """Takes its time away; an approval stays."""
    post = locked(session, post_id)
    _check_unsent(session, post)
    post.wall_time = post.time_zone = post.due_at = None
    moved = _move(session, post, Move.UNSCHEDULE, person_id, now)
    _forget_targets(session, moved, now)
    return moved


def cancel(session: Session, post_id: int, person_id: int, now: datetime) -> Post:
    """It will not go out; where a part of it may be on a network, what has not gone out will not. WrongState where all
    of it may be there."""
    post = locked(session, post_id)
    there = _targets(session, post)
    left = [target for target in there if target.state in TO_SEND]
    if left and any(target.state not in UNSENT for target in there):
        return _call_off(session, post, left, person_id, now)
    _check_unsent(session, post)
    moved = _move(session, post, Move.CANCEL, person_id, now)
    _forget_targets(session, moved, now)
    return moved


def read(session: Session, post_id: int) -> Post:
    """The post as it stands. Raises WrongState if there is none."""
    post = session.get(Post, post_id)
    if post is None:
        raise WrongState("There is no such post.")
    return post


def texts_of(session: Session, post: Post) -> dict[int, str]:
    """Account id -> the text that it would send."""
    variants = session.exec(select(Variant).where(Variant.post_id == post.id).order_by(col(Variant.account_id)))
    return {variant.account_id: post.message if variant.text is None else variant.text for variant in variants}


def content_of(session: Session, post: Post) -> Content:
    """Everything that readers would see of the post as it stands."""
    chosen = session.exec(select(Variant).where(Variant.post_id == post.id))
    return Content(
        texts=texts_of(session, post),
        language=post.language,
        reply_to_mention_id=post.reply_to_mention_id,
        pictures=tuple((picture.digest, picture.alt) for picture in pictures_of(session, post)),
        options={variant.account_id: variant.options for variant in chosen},
        steps=categories.signature(categories.rules_of(session, post.category)),
        follows_id=post.follows_id,
        shows=post.shows or {},
        leave=post.leave or "",
    )


def pictures_of(session: Session, post: Post | int) -> list[PostPicture]:
    """The pictures of a post, or of the one with this number, in their order."""
    number = post if isinstance(post, int) else post.id
    query = select(PostPicture).where(PostPicture.post_id == number, col(PostPicture.taken_out).is_(False))
    return list(session.exec(query.order_by(col(PostPicture.position), col(PostPicture.id))))


def locked(session: Session, post_id: int) -> Post:
    """The post, for changing. Raises WrongState if there is none."""
    post = session.exec(
        select(Post).where(Post.id == post_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if post is None:
        raise WrongState("There is no such post.")
    return post


def _move(session: Session, post: Post, move: Move, person_id: int | None, now: datetime, **detail: object) -> Post:
    before = post.state
    post.state = workflow.after(post.state, move).value
    post.updated_at = now
    session.add(post)
    _note(session, post, move.value, person_id, now, **{"from": before, "to": post.state}, **detail)
    return post


def _word(
    session: Session, post: Post, wordings: Mapping[int, str | None], options: Mapping[int, Mapping[str, str]]
) -> None:
    known = session.exec(select(Account).where(col(Account.id).in_(list(wordings))).order_by(col(Account.id))).all()
    if missing := sorted(set(wordings) - {account.id for account in known}):
        raise WrongState(f"There is no account {', '.join(map(str, missing))} here.")
    session.exec(delete(Variant).where(col(Variant.post_id) == post.id))
    for account in known:
        number = account.id or 0
        chosen = _chosen(account, options.get(number, {}))
        session.add(Variant(post_id=post.id or 0, account_id=number, text=wordings[number], options=chosen))
    session.flush()


def _misfits(session: Session, post: Post, base_url: str | None) -> list[Phrase]:
    """Why a network would not take the post, account by account."""
    content, shown = content_of(session, post), pictures_of(session, post)
    mention = session.get(Mention, post.reply_to_mention_id) if post.reply_to_mention_id is not None else None
    found = []
    for account in session.exec(select(Account).where(col(Account.id).in_(list(content.texts)))):
        number = account.id or 0
        outgoing = Outgoing(
            key="",
            text=content.texts[number],
            language=post.language,
            reply_to="its mention" if mention is not None and mention.network == account.network else None,
            reply_addressed=mention is None or mention.addressed,
            reply_root=mention is not None and mentions.begins_thread(mention),
            pictures=tuple(Picture(b"", one.mime, one.width, one.height, one.alt) for one in shown),
            options=content.options.get(number, {}),
        )
        network = registry.network(account.network)
        problems = [*fitting.problems(network, account.settings, outgoing)]
        if base_url is not None and (unreachable := addresses.obstacle(network, base_url)) is not None:
            problems.append(unreachable)
        found += [Phrase("%(account)s: %(why)s", account=account.name, why=Phrase.about(one)) for one in problems]
    return found


def _chosen(account: Account, options: Mapping[str, str]) -> dict[str, str]:
    """What was chosen of the network's own options. Raises WrongState for what it does not offer: some servers would
    take a visibility that nobody here was shown."""
    offered = {
        option.name: [value for value, _ in option.choices] for option in registry.network(account.network).options
    }
    for name, value in options.items():
        if value and (name not in offered or (offered[name] and value not in offered[name])):
            raise WrongState(f"{account.name} offers no {name.replace('_', ' ')} “{value}”.")
    return {name: value for name, value in options.items() if value}


def _leave(session: Session, post: Post, category: str) -> str | None:
    """What `category` lets the post do; of one from before approvals were bound to that, none while it is the same, so
    that its approval stays."""
    if category == post.category:
        return post.leave
    before, now = (categories.leave(categories.rules_of(session, name)) for name in (post.category, category))
    return post.leave if post.leave is None and before == now else now


def _hash(session: Session, post: Post) -> str:
    return workflow.content_hash(content_of(session, post))


def _keep_version(session: Session, post: Post, person_id: int, now: datetime) -> None:
    post.content_hash = _hash(session, post)
    variants = session.exec(select(Variant).where(Variant.post_id == post.id)).all()
    content = {
        "title": post.title,
        "message": post.message,
        "language": post.language,
        "variants": {str(variant.account_id): variant.text for variant in variants},
        "options": {str(variant.account_id): variant.options for variant in variants if variant.options},
        "pictures": [{"digest": one.digest, "alt": one.alt} for one in pictures_of(session, post)],
        "reply_to_mention_id": post.reply_to_mention_id,
    } | ({} if post.shows is None else {"shows": post.shows})
    session.add(post)
    session.add(
        PostVersion(
            post_id=post.id or 0,
            revision=post.revision,
            saved_by=person_id,
            saved_at=now,
            content_hash=post.content_hash,
            content=content,
        )
    )
    session.flush()


def _review(post: Post, person_id: int, decision: str, words: str, now: datetime) -> Review:
    return Review(
        post_id=post.id or 0,
        person_id=person_id,
        at=now,
        decision=decision,
        content_hash=post.content_hash,
        comment=words.strip(),
    )


def _make_targets(session: Session, post: Post, now: datetime) -> None:
    """One row for each account, or for each part of its thread, with the words that were approved."""
    if post.due_at is None:
        raise WrongState("This post has no time yet.")
    networks = {account.id: account.network for account in session.exec(select(Account))}
    content = content_of(session, post)
    mention = session.get(Mention, post.reply_to_mention_id) if post.reply_to_mention_id is not None else None
    for account_id, text in content.texts.items():
        network, chosen = registry.network(networks[account_id]), content.options.get(account_id, {})
        for number, part in enumerate(threads.parts(text)):
            session.add(
                Target(
                    post_id=post.id or 0,
                    account_id=account_id,
                    part=number,
                    state=TargetState.WAITING.value,
                    due_at=post.due_at,
                    next_try_at=post.due_at,
                    key=new_key(now),
                    content_hash=post.content_hash,
                    text=part,
                    options=network.with_part(chosen, number),
                    reply_to=_answered(session, post, networks[account_id]) if number == 0 else None,
                    reply_addressed=mention is None or mention.addressed,
                    follows_id=post.follows_id if number == 0 else None,
                )
            )
    session.flush()


def new_key(now: datetime) -> str:
    """An idempotency key: a UUID of version 7 (RFC 9562, section 5.7), 48 bits of milliseconds and then chance."""
    stamp, chance = int(now.timestamp() * 1000) & (2**48 - 1), int(token_hex(10), 16)
    rest = (0x7 << 76) | ((chance >> 62) & 0xFFF) << 64 | (0b10 << 62) | (chance & (2**62 - 1))
    return f"{stamp:012x}{rest:020x}"


def _answered(session: Session, post: Post, network: str) -> bytes | None:
    """The sealed reference of what an account on `network` answers; none where it speaks for itself.

    Raises WrongState when that is gone: without it an answer would go out as a post of its own, unapproved as such."""
    if post.reply_to_mention_id is None:
        return None
    mention = session.get(Mention, post.reply_to_mention_id)
    if mention is None or (mention.network == network and mention.sealed_reference is None):
        raise WrongState("What this post answers is no longer kept here; say it in a new post.")
    return mention.sealed_reference if mention.network == network else None


def _check_unsent(session: Session, post: Post) -> None:
    if any(target.state not in UNSENT for target in _targets(session, post)):
        raise WrongState("This post is on its way or gone; it cannot be called back.")


def _targets(session: Session, post: Post) -> Sequence[Target]:
    query = select(Target).where(Target.post_id == post.id).order_by(col(Target.id)).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).all()


def _call_off(session: Session, post: Post, left: Sequence[Target], person_id: int, now: datetime) -> Post:
    """What is left of a post that is partly out does not follow."""
    _note(session, post, "call_off", person_id, now, targets=[target.id for target in left])
    for target in left:
        if target.state in TO_SEND:  # else it went with the part of its thread before it
            settle(session, target, TargetState.CANCELLED, reasons.CALLED_OFF, now)
    return post


def _forget_targets(session: Session, post: Post, now: datetime) -> None:
    """Takes back what is not sent; its attempts stay in the audit log. WrongState if any part may be on a network."""
    _check_unsent(session, post)
    ours = select(Target.id).where(Target.post_id == post.id)
    for attempt in session.exec(select(Attempt).where(col(Attempt.target_id).in_(ours)).order_by(col(Attempt.id))):
        detail = attempt.model_dump(mode="json", exclude={"id"})
        audit.record(session, now, None, "target.attempt", f"post:{post.id}", detail)
    session.exec(delete(Attempt).where(col(Attempt.target_id).in_(ours)))
    session.exec(delete(Target).where(col(Target.post_id) == post.id))


def _note(session: Session, post: Post, move: str, person_id: int | None, now: datetime, **detail: object) -> None:
    audit.record(session, now, person_id, f"post.{move}", f"post:{post.id}", detail)
