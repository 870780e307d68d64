"""The posts of an event, made from it as drafts and kept in step with it. Each goes the way of every post: written,
approved by a second person, sent at its time.

When an event moves, posts that have not gone out get its new words, and need a new approval as after any edit; for
those that are out a post that tells the change is proposed.

Long, because how a post is made and how it follows must say the same of each kind."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from config import audit
from networks import registry
from networks.network import Outgoing
from networks.tables import Account
from posts import drafts, event_words, events, fitting, workflow
from posts.event_words import TELLS_WHEN, Beside, Facts, Kind
from posts.events import Given
from posts.tables import Event, EventPost, Post, Target, Variant
from posts.workflow import OPEN, UNSENT, PostState, TargetState, WrongState

BY_HAND = (Kind.ANNOUNCEMENT, Kind.REMINDER, Kind.THANKS)  # the others are proposed when they are needed
LONGEST_BEFORE = timedelta(days=60)
_SAID = frozenset({TargetState.PUBLISHED, TargetState.PUBLISHING, TargetState.UNKNOWN})
_COMING = frozenset({TargetState.WAITING, TargetState.RETRY})
_WITHDRAWN = frozenset({PostState.IN_REVIEW, PostState.APPROVED, PostState.SCHEDULED})


@dataclass(frozen=True)
class Desk:
    """Where posts are made: the department's zone, for their times, and the event's page for the public, if any."""

    zone: ZoneInfo
    link: str = ""


@dataclass(frozen=True)
class _Step:
    """How an event changed: its facts before and now, how far it moved by the department's clock, and what the public
    was told last in a language."""

    event: Event
    old: Facts
    new: Facts
    moved: timedelta
    known: Facts | None


@dataclass(frozen=True)
class Made:
    """A post of an event. `stands`: open (can be changed), out (the public has it, or is about to), gone."""

    row: EventPost
    post: Post
    stands: str
    accounts: tuple[int, ...]  # where it is out

    @property
    def kind(self) -> Kind:
        return Kind(self.row.kind)

    @property
    def change(self) -> int | None:
        """The post of the change that this tells, or tells in another language; none for other kinds."""
        return (self.post.translation_of or self.post.id) if self.kind is Kind.CHANGE else None

    @property
    def look(self) -> bool:
        """Whether its words could not all be brought in step, and nobody has saved it since."""
        return self.stands == "open" and self.row.look_at == self.post.revision


def of_event(session: Session, event_id: int) -> list[Made]:
    """The posts of an event, the first made first."""
    rows = session.exec(
        select(EventPost, Post)
        .join(Post, col(Post.id) == col(EventPost.post_id))
        .where(EventPost.event_id == event_id)
        .order_by(col(EventPost.id))
    ).all()
    ids = [post.id for _, post in rows]
    targets: dict[int, list[Target]] = {}
    for target in session.exec(select(Target).where(col(Target.post_id).in_(ids))):
        targets.setdefault(target.post_id, []).append(target)
    return [_made(row, post, targets.get(post.id or 0, [])) for row, post in rows]


def of_post(session: Session, post_id: int) -> Event | None:
    """The event that a post was made from."""
    return session.exec(
        select(Event).join(EventPost, col(EventPost.event_id) == col(Event.id)).where(EventPost.post_id == post_id)
    ).first()


def make(
    session: Session,
    event_id: int,
    kind: Kind,
    languages: Iterable[str],
    accounts: Iterable[int],
    person_id: int,
    now: datetime,
    desk: Desk,
    *,
    before: timedelta | None = None,
) -> list[Post]:
    """Drafts of one kind, one a language; what is there already is not made twice. A reminder gets its time, `before`
    the event by the clock on the wall. Raises WrongState once the event is cancelled, or it is no time for it."""
    event = events.locked(session, event_id)
    _check(event, kind, now, before)
    facts, found, accounts = events.facts(event), list[Post](), list(accounts)
    due = _due(event, before, desk.zone) if before is not None else None
    if due is not None and workflow.instant(due, desk.zone.key) <= now:
        raise WrongState("That is too late for a reminder; choose a shorter time before.")
    there = [made for made in of_event(session, event_id) if made.stands != "gone" and made.kind is kind]
    for language in languages:
        same = next((one for one in there if one.post.language == language and _same_time(one, due, desk.zone)), None)
        if same is not None:
            found.append(same.post)
            continue
        first = found[0].id if found else None
        post = _draft(session, event, kind, facts, Beside(desk.link), language, accounts, person_id, now, first)
        if due is not None:
            drafts.schedule(session, post.id or 0, person_id, due, desk.zone.key, now)
        found.append(post)
    return found


def tell_heard(
    session: Session,
    event_id: int,
    heard: Mapping[str, Iterable[tuple[str, int]]],
    accounts: Iterable[int],
    person_id: int,
    now: datetime,
) -> list[Post]:
    """The drafts that tell what was heard at an event: language -> concerns by name in it, with how many raised them.
    Raises WrongState before the event has begun, and while nothing is written down."""
    event = events.locked(session, event_id)
    if event.state != "planned" or not events.begun(event, now):
        raise WrongState("What was heard can be told once the event has begun.")
    accounts, found = list(accounts), list[Post]()
    there = [one for one in of_event(session, event_id) if one.stands != "gone" and one.kind is Kind.HEARD]
    for language, concerns in heard.items():
        beside = Beside(heard=tuple(concerns))
        if not beside.heard:
            raise WrongState("Write down first what was heard there.")
        same = next((one.post for one in there if one.post.language == language), None)
        first = found[0].id if found else None
        found.append(
            same
            or _draft(
                session, event, Kind.HEARD, events.facts(event), beside, language, accounts, person_id, now, first
            )
        )
    return found


def translate(
    session: Session,
    event_id: int,
    post_id: int,
    language: str,
    person_id: int,
    now: datetime,
    desk: Desk,
    *,
    heard: Iterable[tuple[str, int]] = (),
) -> Post:
    """The post of an event that tells in another language what this one does: the one that is there, or a draft for the
    same accounts, with the same time where it is a reminder. `heard`: concerns by name in that language, as in
    tell_heard. Raises WrongState for what is not to be told of a cancelled event any more."""
    event = events.locked(session, event_id)
    made = of_event(session, event_id)
    ours = next((one for one in made if one.post.id == post_id), None)
    if ours is None:
        raise WrongState("There is no such post.")
    kind, first = ours.kind, ours.post
    if event.state != "planned" and kind is not Kind.CANCELLATION:
        raise WrongState("This event is cancelled.")
    # a change that is out told of an earlier one
    standing = {"open"} if kind is Kind.CHANGE else {"open", "out"}
    for one in made:
        same = one.kind is kind and one.post.language == language and one.stands in standing
        if same and (kind is not Kind.REMINDER or one.post.due_at == first.due_at):
            return one.post
    facts = event_words.read(ours.row.told) if kind is Kind.CANCELLATION else events.facts(event)
    # a change that is out on one account only tells of itself: the day before it is what others told
    told = [one for one in made if kind is not Kind.CHANGE or _news(event_words.read(one.row.told), facts)]
    beside = Beside(desk.link, _known(told, language, ours.change), facts.reason, tuple(heard))
    accounts = session.exec(select(Variant.account_id).where(Variant.post_id == post_id)).all()
    root = first.translation_of or post_id
    post = _draft(session, event, kind, facts, beside, language, accounts, person_id, now, root, like=first)
    if kind is Kind.REMINDER and first.wall_time is not None and first.time_zone is not None:
        with suppress(WrongState):  # a day of silence
            drafts.schedule(session, post.id or 0, person_id, first.wall_time, first.time_zone, now)
    return post


def change(
    session: Session, event_id: int, revision: int, given: Given, person_id: int, now: datetime, desk: Desk
) -> Event:
    """Changes an event, and brings its posts in step. Raises EditConflict and WrongState as posts.events.write."""
    was = events.locked(session, event_id)
    old, begun = events.facts(was), events.begun(was, now)
    started = workflow.wall_here(was.wall_time, was.time_zone, desk.zone)
    event = events.write(session, event_id, revision, given, person_id, now)
    moved = workflow.wall_here(event.wall_time, event.time_zone, desk.zone) - started
    if events.facts(event) != old or moved:
        made = of_event(session, event_id)
        for one in made:
            if one.stands == "open" and one.kind is not Kind.CANCELLATION:
                known = _known(made, one.post.language, one.change)
                step = _Step(event, old, events.facts(event), moved, known)
                _in_step(session, one, step, person_id, now, desk)
        if not begun:
            _propose_change(session, event, events.facts(event), made, person_id, now, desk)
    return event


def cancel(session: Session, event_id: int, reason: str, person_id: int, now: datetime, desk: Desk) -> Event:
    """Cancels an event: what has not gone out of its posts is taken back, also where a post is out on another account,
    and where any is out a post that tells it is proposed, in each language. Raises WrongState as
    posts.events.call_off."""
    event = events.call_off(session, event_id, reason, person_id, now)
    for one in of_event(session, event_id):
        if one.stands != "gone":
            with suppress(WrongState):  # all of it may be there
                drafts.cancel(session, one.post.id or 0, person_id, now)
    for language, (known, accounts) in _public(of_event(session, event_id)).items():
        told, beside = replace(known, reason=event.reason), Beside(desk.link, reason=event.reason)
        _draft(session, event, Kind.CANCELLATION, told, beside, language, accounts, person_id, now, None)
    return event


def _made(row: EventPost, post: Post, targets: list[Target]) -> Made:
    states = {TargetState(target.state) for target in targets}
    said = _SAID | _COMING if states & _SAID or not states <= UNSENT else _SAID
    where = tuple(sorted({target.account_id for target in targets if TargetState(target.state) in said}))
    if post.state in OPEN and states <= UNSENT:
        return Made(row, post, "open", ())
    return Made(row, post, "out" if where else "gone", where)


def _check(event: Event, kind: Kind, now: datetime, before: timedelta | None) -> None:
    if event.state != "planned":
        raise WrongState("This event is cancelled.")
    if kind not in BY_HAND:
        raise WrongState("This post is proposed when it is needed.")
    if kind is Kind.THANKS and not events.begun(event, now):
        raise WrongState("Thanks are for after the event.")
    if kind is not Kind.THANKS and events.begun(event, now):
        raise WrongState("The event has begun.")
    if (before is not None) is not (kind is Kind.REMINDER):
        raise WrongState("Say how long before the event the reminder goes out.")
    if before is not None and not timedelta(minutes=15) <= before <= LONGEST_BEFORE:
        raise WrongState("A reminder goes out a quarter of an hour to sixty days before.")


def _due(event: Event, before: timedelta, zone: ZoneInfo) -> datetime:
    """So long before by the clock on the wall of the event, as wall time (naive) of the department."""
    return workflow.wall_here(event.wall_time - before, event.time_zone, zone)


def _same_time(made: Made, due: datetime | None, zone: ZoneInfo) -> bool:
    return due is None or drafts.wall_here(made.post, zone) == due


def _draft(
    session: Session,
    event: Event,
    kind: Kind,
    facts: Facts,
    beside: Beside,
    language: str,
    accounts: Iterable[int],
    person_id: int,
    now: datetime,
    translation_of: int | None,
    *,
    like: Post | None = None,
) -> Post:
    """A draft that tells these facts, with its row; of the same category and concern as another."""
    texts = _texts(kind, facts, language, beside)
    told = (events.facts(event) if kind is not Kind.CANCELLATION else facts).kept()
    made = drafts.create(
        session,
        person_id,
        texts[0],
        (),
        now,
        title=event_words.title(kind, facts, language),
        category=like.category if like is not None else "event",
        language=language,
        concern=like.concern if like is not None else None,
        wordings=_wordings(session, texts, language, accounts),
        translation_of=translation_of,
        shows={"event": told},
    )
    session.add(EventPost(event_id=event.id or 0, post_id=made.id or 0, kind=kind.value, told=told))
    session.flush()
    audit.record(session, now, person_id, "event.post", f"event:{event.id}", {"post": made.id, "kind": kind.value})
    return made


def _texts(kind: Kind, facts: Facts, language: str, beside: Beside) -> tuple[str, str]:
    """The long wording and the short one."""
    return (
        event_words.words(kind, facts, language, beside),
        event_words.words(kind, facts, language, beside, short=True),
    )


def _wordings(
    session: Session, texts: tuple[str, str], language: str, accounts: Iterable[int]
) -> dict[int, str | None]:
    """Account -> none to follow the long wording, or the short one where the long one is too long for it."""
    found: dict[int, str | None] = {}
    for account in session.exec(select(Account).where(col(Account.id).in_(list(accounts)))):
        outgoing = Outgoing(key="", text=texts[0], language=language)
        long_fits = not fitting.problems(registry.network(account.network), account.settings, outgoing)
        found[account.id or 0] = None if long_fits or texts[0] == texts[1] else texts[1]
    return found


def _public(made: Iterable[Made]) -> dict[str, tuple[Facts, tuple[int, ...]]]:
    """Language -> what the public was last told of when and where, and on which accounts it was told anything."""
    found: dict[str, tuple[Facts, tuple[int, ...]]] = {}
    for one in made:
        if one.stands == "out" and one.kind in TELLS_WHEN:
            before = found.get(one.post.language, (None, ()))[1]
            known = event_words.read(one.row.told)
            found[one.post.language] = (known, tuple(sorted({*before, *one.accounts})))
    return found


def _known(made: Iterable[Made], language: str, change: int | None) -> Facts | None:
    """What the public was told last in a language; where nothing was in this, in another one before the post `change`,
    which is what is told here: once that one is out, its facts are old there, and still news here."""
    told = [one for one in made if one.stands == "out" and one.kind in TELLS_WHEN]
    before = [one for one in told if change is None or (one.post.id or 0) < change]
    same = [one for one in told if one.post.language == language] or before
    return event_words.read(same[-1].row.told) if same else None


def _in_step(session: Session, one: Made, step: _Step, person_id: int, now: datetime, desk: Desk) -> None:
    """Gives a post that has not gone out the new words and the new time. What people worded themselves gets the new
    day, hour, place and name put in; where that cannot be, it is a draft again and marked to be looked at."""
    post, language, number = one.post, one.post.language, one.post.id or 0
    beside = Beside(desk.link, before=step.known)
    was, becomes = _texts(one.kind, step.old, language, beside), _texts(one.kind, step.new, language, beside)
    variants = list(session.exec(select(Variant).where(Variant.post_id == number)))
    fresh = _wordings(session, becomes, language, [variant.account_id for variant in variants])
    message, whole = _follow(post.message, was, becomes, one.kind, step, language)
    ours = post.message == was[0] and one.kind is not Kind.HEARD
    wordings: dict[int, str | None] = {}
    for variant in variants:
        if ours and variant.text in (None, was[1]):
            wordings[variant.account_id] = fresh[variant.account_id]
        elif variant.text is None:
            wordings[variant.account_id] = None
        else:
            wordings[variant.account_id], found = _follow(variant.text, was, becomes, one.kind, step, language)
            whole = whole and found
    title = event_words.title(one.kind, step.new, language)
    title = title if post.title == event_words.title(one.kind, step.old, language) else post.title
    shows, worded = {"event": step.new.kept()}, {one.account_id: one.text for one in variants}
    if (message, title, wordings, shows) != (post.message, post.title, worded, post.shows):
        post = drafts.save(
            session,
            number,
            person_id,
            post.revision,
            message=message,
            title=title,
            category=post.category,
            language=language,
            concern=post.concern,
            wordings=wordings,
            options={variant.account_id: variant.options for variant in variants},
            shows=shows,
            now=now,
            gets_time=True,
        )
    whole = _in_time(session, post, one.kind, step, person_id, now, desk) and whole
    if post.state == PostState.IN_REVIEW and post.due_at is not None and post.due_at <= now:  # it was held, say
        drafts.unschedule(session, number, person_id, now)
        whole = False
    if not whole and post.state in _WITHDRAWN:
        drafts.withdraw(session, number, person_id, now)
    one.row.told = step.new.kept()
    one.row.look_at = None if whole else post.revision
    session.add(one.row)
    session.flush()


def _follow(
    text: str, was: tuple[str, str], becomes: tuple[str, str], kind: Kind, step: _Step, language: str
) -> tuple[str, bool]:
    """One text, following the event; and whether all that changed was found in it. Our own words are made anew."""
    if text in was and kind is not Kind.HEARD:  # what was heard is not the event's to say again
        return becomes[was.index(text)], True
    return event_words.mended(text, kind, step.old, step.new, language)


def _in_time(session: Session, post: Post, kind: Kind, step: _Step, person_id: int, now: datetime, desk: Desk) -> bool:
    """Moves a reminder as far as its event moved; takes the time of a post away that would come when it is too late,
    or on a day of silence. Whether the time is right now."""
    number, wall = post.id or 0, drafts.wall_here(post, desk.zone)
    if wall is None or kind not in TELLS_WHEN or not step.moved:
        return True
    if kind is Kind.REMINDER:
        wall += step.moved
    if now < workflow.instant(wall, desk.zone.key) < step.event.starts_at:
        try:
            if kind is Kind.REMINDER:
                drafts.schedule(session, number, person_id, wall, desk.zone.key, now)
        except WrongState:  # a day of silence
            pass
        else:
            return True
    drafts.unschedule(session, number, person_id, now)
    return False


def _propose_change(
    session: Session, event: Event, new: Facts, made: list[Made], person_id: int, now: datetime, desk: Desk
) -> None:
    """One post a language that tells what the public does not know yet; none where it knows."""
    waiting = {one.post.language: one for one in made if one.kind is Kind.CHANGE and one.stands == "open"}
    for language, (known, accounts) in _public(made).items():
        if _news(known, new) and language not in waiting:
            beside = Beside(desk.link, before=known)
            _draft(session, event, Kind.CHANGE, new, beside, language, accounts, person_id, now, None)
    for language, there in waiting.items():
        told = _known(made, language, there.change)
        if told is not None and not _news(told, new):
            drafts.cancel(session, there.post.id or 0, person_id, now)


def _news(known: Facts, new: Facts) -> bool:
    return (known.starts, known.where) != (new.starts, new.where)
