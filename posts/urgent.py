"""Urgent safety updates: from a template to a post that a second person approves and that goes out at once; one thread
on each network from the first word to the all-clear. Who is asked to approve it, and how: scheduler.urgent_call."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from sqlmodel import Session, col, select

from config import audit, holds
from config.phrases import Phrase
from config.settings import Settings
from config.tables import Person
from config.translations import translate
from networks import accounts, registry
from networks.network import Outgoing
from networks.tables import Account
from posts import approval, drafts, fitting
from posts.tables import Post, Target, Variant
from posts.workflow import PostState, WrongState

LONGEST = 1000  # characters
LONGEST_BLANK = 120
TWICE = timedelta(minutes=5)  # within which the same words by the same person are a button pressed twice
PATIENCE, OLD = timedelta(minutes=2), timedelta(hours=2)  # until everyone is asked again; after which nobody is
_BLANK = re.compile(r"%\((\w+)\)s")


class Stage(StrEnum):
    FIRST = "first"
    UPDATE = "update"
    CORRECTION = "correction"
    ALL_CLEAR = "all_clear"


FOLLOWING = (Stage.UPDATE, Stage.CORRECTION, Stage.ALL_CLEAR)


@dataclass(frozen=True)
class Template:
    """A first word with blanks to be filled, in English; `told` and `words` are translated when used."""

    name: str
    words: str

    @property
    def blanks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_BLANK.findall(self.words)))


@dataclass(frozen=True)
class Thread:
    """An urgent update with what followed it, the first first."""

    posts: tuple[Post, ...]

    @property
    def first(self) -> Post:
        return self.posts[0]

    @property
    def over(self) -> bool:
        """Whether the all-clear is out, or the first word never went."""
        sent = (PostState.PUBLISHED, PostState.PARTLY_PUBLISHED)
        clear = any(post.urgent == Stage.ALL_CLEAR and post.state in sent for post in self.posts)
        return clear or self.first.state == PostState.CANCELLED

    @property
    def waiting(self) -> Post | None:
        """What somebody must still approve or mend, the last first."""
        open_states = (PostState.IN_REVIEW, PostState.DRAFT, PostState.MISSED, PostState.APPROVED)
        return next((post for post in reversed(self.posts) if post.state in open_states), None)


def _(message: str) -> str:
    """Marks a sentence for the catalogue; it is translated when used."""
    return message


TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        "missing_person": Template(
            _("Missing person"),
            _(
                "Please help us find a missing person: %(who)s, last seen %(where)s. If you have seen this person, "
                "call %(number)s. Please do not guess or name anyone here."
            ),
        ),
        "road_closed": Template(
            _("Road closed"),
            _("Road closed: %(where)s, because of %(why)s. Please take another way. We will say here when it is open."),
        ),
        "evacuation": Template(
            _("Evacuation"),
            _(
                "Leave now: %(where)s, because of %(why)s. Go to %(shelter)s. Help those who cannot go alone. "
                "In danger, call %(number)s."
            ),
        ),
        "boil_water": Template(
            _("Boil water"),
            _(
                "Boil tap water for one minute before drinking or cooking: %(where)s, because of %(why)s. "
                "We will say here when it is safe again."
            ),
        ),
        "avoid_area": Template(
            _("Avoid the area"),
            _("Please avoid %(where)s: %(why)s. If you are there, %(advice)s. We will say more here."),
        ),
        "all_clear": Template(_("All clear"), _("All clear: %(where)s. %(why)s is over. Thank you for your patience.")),
    }
)
BLANKS: Mapping[str, str] = MappingProxyType(
    {
        "who": _("Who, without private details: age, clothes, nothing about health or home"),
        "where": _("Where: street, quarter, landmark"),
        "why": _("What happens, in a few words"),
        "number": _("Number to call"),
        "shelter": _("Where people can go"),
        "advice": _("What people there should do"),
    }
)
OPENINGS: Mapping[Stage, str] = MappingProxyType(
    {
        Stage.UPDATE: _("Update: "),
        Stage.CORRECTION: _("Correction: "),
        Stage.ALL_CLEAR: _("All clear: "),
    }
)


def words(template: str, blanks: Mapping[str, str], language: str) -> str:
    """The first word with its blanks filled. Raises WrongState for one that is empty or too long. Pure."""
    found = TEMPLATES[template]
    filled = {name: " ".join(blanks.get(name, "").split()).rstrip(".") for name in found.blanks}
    if empty := [name for name, value in filled.items() if not value]:
        raise WrongState("Fill every blank: a few words each.", *empty)
    if long := [name for name, value in filled.items() if len(value) > LONGEST_BLANK]:
        raise WrongState(Phrase("A blank takes %(most)s characters at most.", most=LONGEST_BLANK), *long)
    return translate(language).gettext(found.words) % filled


def opening(stage: Stage, language: str) -> str:
    """How a follow-up begins, so that it is understood by whoever sees it alone."""
    return translate(language).gettext(OPENINGS[stage])


def fitting_accounts(session: Session) -> list[Account]:
    """Connected accounts that can say something without a picture: those that an urgent update goes to."""
    return [
        account
        for account in accounts.connected(session)
        if registry.network(account.network).limits_for(account.settings) is not None
        and not fitting.problems(registry.network(account.network), account.settings, Outgoing(key="", text="Test."))
    ]


def begin(
    session: Session,
    person_id: int,
    now: datetime,
    *,
    template: str,
    message: str,
    language: str,
    settings: Settings,
) -> Post:
    """The first word, handed in: with the last approval it goes out on every account that takes it. Raises
    WrongState."""
    title = translate(language).gettext(TEMPLATES[template].name)
    everywhere = [account.id or 0 for account in fitting_accounts(session)]
    return _hand_in(session, person_id, now, Stage.FIRST, title, message, language, everywhere, None, settings)


def follow(
    session: Session,
    first_id: int,
    person_id: int,
    now: datetime,
    *,
    stage: Stage,
    message: str,
    settings: Settings,
) -> Post:
    """An update, correction or all-clear, handed in; it answers the first word on each of its accounts, and stands
    alone where that is not out. Raises WrongState while the first word waits."""
    first = drafts.locked(session, first_id)
    if first.urgent != Stage.FIRST or stage not in FOLLOWING:
        raise WrongState("There is no such update.")
    if first.state in (PostState.DRAFT, PostState.IN_REVIEW, PostState.MISSED, PostState.CANCELLED):
        raise WrongState("The first word is not out yet: change its words instead.")
    if message.strip() == opening(stage, first.language).strip():
        raise WrongState("There is no text yet.", "message")
    went = session.exec(select(Variant.account_id).where(Variant.post_id == first_id)).all()
    there = {account.id for account in fitting_accounts(session)}
    title = f"{translate(first.language).gettext(OPENINGS[stage])}{first.title}"
    to = [number for number in went if number in there]
    return _hand_in(session, person_id, now, stage, title, message, first.language, to, first.id, settings)


def asked_already(
    session: Session, person_id: int, stage: Stage, first_id: int | None, message: str, now: datetime
) -> Post | None:
    """What this person handed in moments ago, word for word, and nobody decided yet: on a slow phone a button is
    pressed twice. Of two presses at once the second waits for the first."""
    session.exec(select(Person.id).where(Person.id == person_id).with_for_update()).one()
    same = select(Post).where(
        Post.author_id == person_id,
        Post.urgent == stage.value,
        Post.message == message.strip(),
        Post.state == PostState.IN_REVIEW.value,
        Post.created_at > now - TWICE,
        col(Post.follows_id).is_(None) if first_id is None else Post.follows_id == first_id,
    )
    return session.exec(same.limit(1)).first()


def reword(
    session: Session, post_id: int, person_id: int, message: str, revision: int, now: datetime, settings: Settings
) -> Post:
    """Other words for what is not approved yet, handed in again. Raises EditConflict if somebody saved since."""
    post = drafts.locked(session, post_id)
    if post.urgent is None or post.state not in (PostState.DRAFT, PostState.IN_REVIEW, PostState.MISSED):
        raise WrongState("These words are approved already; say more in a correction.")
    _check(message)
    wordings: dict[int, str | None] = dict.fromkeys(
        session.exec(select(Variant.account_id).where(Variant.post_id == post_id)).all()
    )
    saved = drafts.save(
        session, post_id, person_id, revision, message=message.strip(), title=post.title, category=post.category,
        language=post.language, concern=post.concern, wordings=wordings, now=now,
    )  # fmt: skip
    if saved.state == PostState.MISSED:
        saved = drafts.unschedule(session, post_id, person_id, now)
    if saved.state == PostState.IN_REVIEW:
        saved = drafts.withdraw(session, post_id, person_id, now)
    return drafts.submit(session, post_id, person_id, now, base_url=settings.base_url)


def approve(
    session: Session, post_id: int, person_id: int, content_hash: str, now: datetime, *, past_hold: bool
) -> Post:
    """As drafts.approve. `past_hold`: this person says that it goes out although a hold is in force; a hold placed
    later stops it all the same."""
    post = drafts.approve(session, post_id, person_id, content_hash, now)
    hold = holds.in_force(session)
    if past_hold and hold is not None and post.urgent is not None and post.state == PostState.SCHEDULED:
        for target in session.exec(select(Target).where(Target.post_id == post_id)):
            target.over_hold_id = hold.id
            session.add(target)
        audit.record(session, now, person_id, "post.past_hold", f"post:{post_id}", {"hold": hold.id})
        session.flush()
    return post


def thread(session: Session, post_id: int) -> Thread | None:
    """The thread that an urgent post belongs to; none if it is no such post."""
    post = session.get(Post, post_id)
    if post is None or post.urgent is None:
        return None
    first = post if post.follows_id is None else session.get(Post, post.follows_id)
    if first is None:
        return Thread((post,))
    query = select(Post).where(col(Post.follows_id) == first.id).order_by(col(Post.id))
    return Thread((first, *session.exec(query)))


def threads(session: Session, limit: int = 30) -> list[Thread]:
    """The last of them, those that are not over first."""
    query = select(Post).where(Post.urgent == Stage.FIRST.value).order_by(col(Post.id).desc()).limit(limit)
    found = [one for first in session.exec(query) if (one := thread(session, first.id or 0)) is not None]
    return sorted(found, key=lambda one: one.over)


def is_late(post: Post, now: datetime) -> bool:
    """Whether it waits for its approval for longer than it should."""
    return post.state == PostState.IN_REVIEW and post.submitted_at is not None and now - post.submitted_at >= PATIENCE


def late(session: Session, now: datetime) -> list[Post]:
    """Urgent posts that wait for too long; what was asked for hours ago is left to people."""
    query = select(Post).where(
        col(Post.urgent).is_not(None),
        Post.state == PostState.IN_REVIEW.value,
        col(Post.submitted_at) <= now - PATIENCE,
        col(Post.submitted_at) > now - OLD,
    )
    return list(session.exec(query.order_by(col(Post.id))))


def asked(session: Session, post: Post, approvers: list[int]) -> list[int]:
    """Of these approvers, those whose word the post needs now."""
    stands = approval.of_all(session, [post])[post.id or 0]
    return [number for number in approvers if stands.asks(number)]


def _hand_in(
    session: Session,
    person_id: int,
    now: datetime,
    stage: Stage,
    title: str,
    message: str,
    language: str,
    to: list[int],
    follows_id: int | None,
    settings: Settings,
) -> Post:
    _check(message)
    if not to:
        raise WrongState("No account is connected that takes a text without a picture.")
    made = drafts.create(
        session,
        person_id,
        message.strip(),
        to,
        now,
        title=title[:120],
        category="urgent",
        language=language,
        urgent=stage.value,
        follows_id=follows_id,
        time_zone=settings.department.time_zone,
    )
    return drafts.submit(session, made.id or 0, person_id, now, base_url=settings.base_url)


def _check(message: str) -> None:
    if not message.strip() or len(message) > LONGEST:
        raise WrongState(Phrase("It needs words, %(most)s characters at most.", most=LONGEST), "message")
