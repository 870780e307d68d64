"""Success stories: praise asked for, agreed to, told. Nothing is used before whoever said it agreed, no name is kept,
and a consent that is taken back takes the words with it."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from sqlmodel import Session, col, select

from config import audit
from config.phrases import Phrase
from config.translations import translate
from listeners import mentions
from listeners.tables import Mention
from networks import accounts, registry
from networks.network import Outgoing
from posts import drafts, heard
from posts.tables import Post, Story
from posts.workflow import DEAD, OPEN, WrongState

LONGEST = 1000  # characters
LONGEST_CONSENT = 200


class StoryState(StrEnum):
    ASKED = "asked"
    AGREED = "agreed"
    REFUSED = "refused"  # or taken back


class StoryMove(StrEnum):
    AGREE = "agree"
    REFUSE = "refuse"


MOVES: Mapping[tuple[StoryState, StoryMove], StoryState] = MappingProxyType(
    {
        (StoryState.ASKED, StoryMove.AGREE): StoryState.AGREED,
        (StoryState.ASKED, StoryMove.REFUSE): StoryState.REFUSED,
        (StoryState.AGREED, StoryMove.REFUSE): StoryState.REFUSED,
    }
)


def ask(session: Session, mention_id: int, person_id: int, now: datetime) -> Post:
    """The draft of an answer that asks for consent, from our accounts on the mention's network; the one that is there,
    unless it was cancelled or refused for good. Raises WrongState where nobody can be asked, or no means no."""
    mention = session.get(Mention, mention_id)
    if mention is None or mention.text is None or not mention.shown:
        raise WrongState("This mention is not here any more; nobody can be asked.")
    there = [one.id or 0 for one in accounts.connected(session) if one.network == mention.network]
    if not there:
        raise WrongState("None of our accounts is where this was said; nobody can be asked there.")
    language = "es" if mention.language == "es" else "en"
    _check_answerable(mention, question(language))
    found = session.exec(select(Story).where(Story.mention_id == mention_id).with_for_update()).first()
    if found is not None and found.state != StoryState.ASKED:
        raise WrongState("They answered already; ask once.")
    asked = session.get(Post, found.ask_id) if found is not None and found.ask_id is not None else None
    if asked is not None and asked.state not in DEAD:
        return asked
    made = drafts.create(
        session, person_id, question(language), there, now, title=translate(language).gettext("May we share this?"),
        category="answer", language=language, reply_to_mention_id=mention_id,
    )  # fmt: skip
    story = found or Story(
        mention_id=mention_id, language=language, begun_by=person_id, begun_at=now, changed_by=person_id, changed_at=now
    )
    story.ask_id = made.id
    session.add(story)
    session.flush()
    _note(session, story, "ask", person_id, now, post=made.id)
    return made


def _check_answerable(mention: Mention, words: str) -> None:
    """Raises WrongState for what its network does not let us answer."""
    answer = Outgoing(
        key="",
        text=words,
        reply_to="its mention",
        reply_addressed=mention.addressed,
        reply_root=mentions.begins_thread(mention),
    )
    limits = registry.network(mention.network).limits
    for problem in limits.problems(answer) if limits is not None else ():
        if problem.field == "reply_to":
            raise WrongState(problem.message)


def question(language: str) -> str:
    """The first wording of the question. Pure."""
    _ = translate(language).gettext
    return _(
        "Thank you for these words. May we share them in a post of ours, without your name? "
        "Please answer yes or no; without an answer we do not."
    )


def told_to_us(session: Session, words: str, consent: str, language: str, person_id: int, now: datetime) -> Story:
    """A story that was told in person or by letter, with consent. Raises WrongState without words or consent."""
    made = Story(language=language, begun_by=person_id, begun_at=now, changed_by=person_id, changed_at=now)
    session.add(made)
    session.flush()
    return agree(session, made.id or 0, words, consent, person_id, now)


def agree(session: Session, story_id: int, words: str, consent: str, person_id: int, now: datetime) -> Story:
    """Whoever said it agreed: the words as they may be used, and how they agreed. Raises WrongState without both."""
    if not words.strip() or not consent.strip():
        empty = [name for name, text in (("words", words), ("consent", consent)) if not text.strip()]
        raise WrongState("Write down the words as they may be used, and how they agreed.", *empty)
    if len(words) > LONGEST or len(consent) > LONGEST_CONSENT:
        raise WrongState(
            Phrase(
                "The words have %(most)s characters at most, how they agreed %(consent)s.",
                most=LONGEST,
                consent=LONGEST_CONSENT,
            ),
            *(
                name
                for name, long in (("words", len(words) > LONGEST), ("consent", len(consent) > LONGEST_CONSENT))
                if long
            ),
        )
    found = _moved(session, story_id, StoryMove.AGREE, person_id, now)
    found.words, found.consent = heard.nameless(words.strip()), consent.strip()
    session.add(found)
    return found


def refuse(session: Session, story_id: int, person_id: int, now: datetime) -> Story:
    """They said no, or took their consent back: the words go whatever became of the post, and what of it has not gone
    out does not."""
    found = _moved(session, story_id, StoryMove.REFUSE, person_id, now)
    found.words = found.consent = ""
    session.add(found)
    post = session.get(Post, found.post_id) if found.post_id is not None else None
    if post is not None and post.state in OPEN:
        with suppress(WrongState):  # all of it may be there already
            drafts.cancel(session, post.id or 0, person_id, now)
    return found


def tell(session: Session, story_id: int, every: Iterable[int], person_id: int, now: datetime) -> Post:
    """The draft that tells it, to be worded and approved like any post; the one that is there, unless it was
    cancelled or refused for good. Raises WrongState before they agreed."""
    found = _read(session, story_id)
    if found.state != StoryState.AGREED:
        raise WrongState("Nothing of it is used before they agreed.")
    there = session.get(Post, found.post_id) if found.post_id is not None else None
    if there is not None and there.state not in DEAD:
        return there
    _ = translate(found.language).gettext
    made = drafts.create(
        session, person_id, _("“%(words)s”") % {"words": found.words}, every, now, title=_("Success story"),
        category="success_story", language=found.language,
    )  # fmt: skip
    found.post_id = made.id
    session.add(found)
    _note(session, found, "tell", person_id, now, post=made.id)
    return made


def kept(session: Session, limit: int = 100) -> list[Story]:
    """Every story that was begun, the last changed first."""
    return list(session.exec(select(Story).order_by(col(Story.changed_at).desc(), col(Story.id).desc()).limit(limit)))


def begun(session: Session, mention_ids: Iterable[int]) -> set[int]:
    """Those of the mentions about which somebody asked already."""
    found = session.exec(select(Story.mention_id).where(col(Story.mention_id).in_(list(mention_ids))))
    return {number for number in found if number is not None}


def _read(session: Session, story_id: int) -> Story:
    found = session.exec(select(Story).where(Story.id == story_id).with_for_update()).one_or_none()
    if found is None:
        raise WrongState("There is no such story.")
    return found


def _moved(session: Session, story_id: int, move: StoryMove, person_id: int, now: datetime) -> Story:
    found = _read(session, story_id)
    state = MOVES.get((StoryState(found.state), move))
    if state is None:
        raise WrongState("Somebody wrote down an answer since you looked.")
    found.state, found.changed_by, found.changed_at = state.value, person_id, now
    _note(session, found, move.value, person_id, now)
    return found


def _note(session: Session, story: Story, move: str, person_id: int, now: datetime, **detail: object) -> None:
    audit.record(session, now, person_id, f"story.{move}", f"story:{story.id}", detail)
