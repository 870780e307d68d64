"""Questions to the public for programs: ask, count, answer. Figures only; the answers' words stay in the desk."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session

from config import clock, database
from config.permissions import Action
from networks import accounts
from posts import questions
from posts.tables import Question
from web import questions as room
from web.actions import today
from web.desk import Desk, TheDesk
from web.fields import Id, clean
from web.guard import Who, needs

router = APIRouter(prefix="/questions")


class QuestionIn(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "Where do cars go too fast?", "language": "en", "closes_on": "2026-12-15",
                 "choices": ["Elm Street", "Oak Lane"]}
            ]
        }
    )  # fmt: skip

    text: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=questions.LONGEST_QUESTION)]
    language: Annotated[str, Field(pattern="^(en|es)$")] = "en"
    closes_on: date
    choices: Annotated[
        list[Annotated[str, AfterValidator(clean), Field(max_length=100)]],
        Field(max_length=10, description="Of a poll, on networks that have one."),
    ] = Field(default_factory=list)


class AnswerIn(BaseModel):
    """What the department answers; with it the question closes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"words": "Two speed humps come to Elm Street in May."}]})

    words: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=questions.LONGEST)]


class SaidOut(BaseModel):
    """Answers that raise one concern most; none: no concern that we know, or not read yet."""

    concern: str | None
    answers: int
    mistrust: int
    trust: int


class PollOut(BaseModel):
    """What people chose on one account; `n` is who voted, or votes where a network tells no more."""

    account_id: int
    n: int
    closed: bool
    choices: list[tuple[str, int]]


class QuestionOut(BaseModel):
    """A question; `n` answers. `path`: where anybody answers, once the post that asks was approved."""

    id: int
    text: str
    language: str
    path: str
    closes_on: date
    open: bool
    post_id: int | None
    answer_post_id: int | None
    n: int
    said: list[SaidOut]
    polls: list[PollOut] = []


@router.get("", dependencies=[needs(Action.READ_FIGURES)])
def list_questions(found: TheDesk) -> list[QuestionOut]:
    """The last first."""
    with database.reading(found.engine) as session:
        return [_out(session, found, one) for one in questions.everyone(session)]


@router.post("", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def ask_question(found: TheDesk, who: Who, given: QuestionIn) -> QuestionOut:
    """Makes the draft that asks it too; 409 for a day gone by."""
    made = room.begin(found, who, given.text, given.language, given.closes_on, given.choices)
    with database.reading(found.engine) as session:
        return _out(session, found, made)


@router.post("/{question_id}/answer", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def answer_question(found: TheDesk, who: Who, question_id: Id, given: AnswerIn) -> QuestionOut:
    """Closes it and makes the draft that tells the answer; 409 where there is one."""
    with database.writing(found.engine) as session:
        every = [one.id or 0 for one in accounts.connected(session)]
        questions.give_back(session, question_id, given.words, every, who.id, clock.now())
        return _out(session, found, session.get_one(Question, question_id))


def _out(session: Session, found: Desk, one: Question) -> QuestionOut:
    said = questions.counted(session, one.id or 0)
    return QuestionOut(
        id=one.id or 0, text=one.text, language=one.language, path=f"/ask/{one.code}", closes_on=one.closes_on,
        open=questions.is_open(one, today(found)), post_id=one.post_id, answer_post_id=one.answer_post_id,
        n=sum(row.answers for row in said),
        said=[SaidOut.model_validate(row, from_attributes=True) for row in said],
        polls=[
            PollOut(
                account_id=poll.account_id, n=questions.voted(poll), closed=poll.closed,
                choices=[(str(words), int(votes)) for words, votes in poll.choices],
            )
            for _, poll in questions.poll_counts(session, one.id or 0)
        ],
    )  # fmt: skip
