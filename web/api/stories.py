"""Success stories for programs: consent first, as on the page; praise itself stays in the desk."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config import clock, database
from config.permissions import Action
from networks import accounts
from posts import stories
from web.desk import TheDesk
from web.fields import Id, clean
from web.guard import Who, needs

router = APIRouter(prefix="/stories")
Words = Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=stories.LONGEST)]
Consent = Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=stories.LONGEST_CONSENT)]
Language = Annotated[str, Field(pattern="^(en|es)$")]


class ConsentIn(BaseModel):
    """The words as they may be used, without a name, and how whoever said them agreed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"words": "They found my father.", "consent": "by message, 3 December"}]}
    )

    words: Words
    consent: Consent


class StoryIn(ConsentIn):
    """What was told in person or by letter, with consent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"words": "They found my father.", "consent": "signed at the counter", "language": "en"}]
        }
    )

    language: Language = "en"


class StoryOut(BaseModel):
    """A story. `state`: asked, agreed or refused; `ask_id`: the post that asks for consent; `post_id`: that tells it;
    `mention_id`: the praise that it came from, if it was a mention."""

    id: int
    state: str
    language: str
    words: str
    consent: str
    mention_id: int | None
    ask_id: int | None
    post_id: int | None
    changed_at: datetime


class PostMade(BaseModel):
    post_id: int


@router.get("", dependencies=[needs(Action.READ_MENTIONS)])
def list_stories(found: TheDesk) -> list[StoryOut]:
    """The last changed first."""
    with database.reading(found.engine) as session:
        return [StoryOut.model_validate(one, from_attributes=True) for one in stories.kept(session)]


@router.post("", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def add_story(found: TheDesk, who: Who, given: StoryIn) -> StoryOut:
    with database.writing(found.engine) as session:
        made = stories.told_to_us(session, given.words, given.consent, given.language, who.id, clock.now())
        return StoryOut.model_validate(made, from_attributes=True)


@router.post("/ask/{mention_id}", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def ask_for_consent(found: TheDesk, who: Who, mention_id: Id) -> PostMade:
    """Makes the draft of an answer that asks; 409 where nobody can be asked, or they answered already."""
    with database.writing(found.engine) as session:
        return PostMade(post_id=stories.ask(session, mention_id, who.id, clock.now()).id or 0)


@router.post("/{story_id}/agree", dependencies=[needs(Action.WRITE_POSTS)])
def agree(found: TheDesk, who: Who, story_id: Id, given: ConsentIn) -> StoryOut:
    """409 once they answered."""
    with database.writing(found.engine) as session:
        made = stories.agree(session, story_id, given.words, given.consent, who.id, clock.now())
        return StoryOut.model_validate(made, from_attributes=True)


@router.post("/{story_id}/refuse", dependencies=[needs(Action.WRITE_POSTS)])
def refuse(found: TheDesk, who: Who, story_id: Id) -> StoryOut:
    """They said no, or took their consent back: the words go, and a post that is not out is cancelled."""
    with database.writing(found.engine) as session:
        made = stories.refuse(session, story_id, who.id, clock.now())
        return StoryOut.model_validate(made, from_attributes=True)


@router.post("/{story_id}/tell", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def tell(found: TheDesk, who: Who, story_id: Id) -> PostMade:
    """Makes the draft that tells it; 409 before they agreed."""
    with database.writing(found.engine) as session:
        every = [account.id or 0 for account in accounts.connected(session)]
        return PostMade(post_id=stories.tell(session, story_id, every, who.id, clock.now()).id or 0)
