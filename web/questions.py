"""Questions to the public: the desk's list, form and page; and /ask/…, where anybody answers without an account."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from config import audit, clock, database
from config.permissions import Action
from config.phrases import Phrase
from networks import accounts, polls, registry
from posts import questions
from posts.questions import Refused
from posts.tables import Post, Question
from posts.workflow import WrongState
from sentiment.taxonomy import CONCERNS
from web import compose_page, pages
from web.actions import today
from web.desk import Desk, TheDesk
from web.fields import Comment, Id, Line
from web.guard import Visitor, Who, address_of, needs
from web.problems import Trouble

router = APIRouter()
Code = Annotated[str, Path(max_length=40)]
FIRST_DAYS = timedelta(days=14)
PAGE = "/outreach/questions"


@router.get(PAGE, dependencies=[needs(Action.READ_FIGURES)])
def list_page(request: Request, found: TheDesk) -> Response:
    """Every question with how many answered; and the form."""
    return _list(request, found, {})


@router.post(PAGE, dependencies=[needs(Action.WRITE_POSTS)])
def ask(
    request: Request,
    found: TheDesk,
    who: Who,
    text: Line = "",
    language: Line = "",
    closes_on: Annotated[date | None, Form()] = None,
    choices: Line = "",
) -> Response:
    """Keeps it, and leads to the draft that asks it. `choices`: of a poll, with bars between."""
    try:
        made = begin(found, who, text, language, closes_on, choices.split(polls.BAR))
    except WrongState as error:
        day = closes_on.isoformat() if closes_on is not None else ""
        given = {"text": text, "language": language, "closes_on": day, "choices": choices}
        return _list(request, found, given, wrong=str(error))
    return RedirectResponse(f"/compose/{made.post_id}", 303)


@router.get(PAGE + "/{question_id}", dependencies=[needs(Action.READ_FIGURES)])
def page(request: Request, found: TheDesk, who: Who, question_id: Id) -> Response:
    """What was answered, by concern; words only for who reads mentions."""
    return _page(request, found, who, question_id)


@router.post(PAGE + "/{question_id}/answer", dependencies=[needs(Action.WRITE_POSTS)])
def answer(request: Request, found: TheDesk, who: Who, question_id: Id, words: Comment = "") -> Response:
    """Closes it, and leads to the draft that gives the answer back."""
    try:
        with database.writing(found.engine) as session:
            every = [one.id or 0 for one in accounts.connected(session)]
            post = questions.give_back(session, question_id, words, every, who.id, clock.now())
            number = post.id
    except WrongState as error:
        return _page(request, found, who, question_id, wrong=str(error), words=words)
    return RedirectResponse(f"/compose/{number}", 303)


@router.get("/ask/{code}")
def public_page(request: Request, found: TheDesk, code: Code) -> Response:
    """The question, and a short form; after its day, what we answered."""
    return _public(request, found, code)


@router.post("/ask/{code}")
def take(
    request: Request, found: TheDesk, code: Code, words: Comment = "", begun: Line = "", website: Line = ""
) -> Response:
    """An answer. `website` is for programs that fill in everything: they are thanked, and nothing is kept."""
    now = clock.now()
    if website:
        return _public(request, found, code, done=True)
    try:
        questions.check_stamp(found.keys, code, begun, now)
        with database.writing(found.engine) as session:
            question = questions.by_code(session, code)
            if question is None or not questions.is_open(question, today(found)):
                raise Refused(Phrase("This question is not open any more."))
            keep = timedelta(days=found.settings.retention_days)
            questions.take(session, question, words, address_of(request), found.keys, now, keep)
    except Refused as error:
        return _public(request, found, code, words=words, wrong=str(error))
    return _public(request, found, code, done=True)


def begin(
    found: Desk, who: Visitor, text: str, language: str, closes_on: date | None, choices: Iterable[str] = ()
) -> Question:
    """A new question. Raises WrongState."""
    if language not in dict(compose_page.languages()) or closes_on is None:
        raise WrongState("Say in which language, and until which day.", "closes_on")
    with database.writing(found.engine) as session:
        every = [one.id or 0 for one in accounts.connected(session)]
        return questions.ask(
            session, who.id, clock.now(), text=text, language=language, closes_on=closes_on, today=today(found),
            accounts=every, base_url=found.settings.base_url, choices=choices,
        )  # fmt: skip


def _list(request: Request, found: Desk, given: dict[str, str], *, wrong: str | None = None) -> Response:
    day = today(found)
    with database.reading(found.engine) as session:
        rows = [(one, number, questions.is_open(one, day)) for one, number in questions.with_numbers(session)]
        there = [registry.network(one.network) for one in accounts.connected(session)]
    blank = {
        "choices": "",
        "text": "",
        "language": found.settings.department.language,
        "closes_on": (day + FIRST_DAYS).isoformat(),
    }
    return pages.render(
        request,
        "questions.html",
        status=200 if wrong is None else 422,
        rows=rows,
        has_polls=sorted({network.label for network in there if network.polls is not None}),
        given=blank | given,
        languages=compose_page.languages(),
        first_day=day.isoformat(),
        longest=questions.LONGEST_QUESTION,
        wrong=wrong,
    )


def _page(
    request: Request, found: Desk, who: Visitor, question_id: int, *, wrong: str | None = None, words: str = ""
) -> Response:
    with database.reading(found.engine) as session:
        question = session.get(Question, question_id)
        if question is None:
            raise Trouble(404, "There is no such question", "It may be a number from another desk.")
        counted = questions.counted(session, question_id)
        chosen = questions.poll_counts(session, question_id)
        answers = questions.answers(session, question_id, clock.now()) if who.may(Action.READ_MENTIONS) else []
        post = session.get(Post, question.post_id or 0)
        told = session.get(Post, question.answer_post_id or 0)
    if answers:
        with database.writing(found.engine) as session:
            audit.record(session, clock.now(), who.id, "question.read", f"question:{question_id}", {}, who.address)
    return pages.render(
        request,
        "question.html",
        status=200 if wrong is None else 422,
        question=question,
        open_now=questions.is_open(question, today(found)),
        counted=counted,
        polls=[
            (registry.network(account.network).label, account, poll, questions.voted(poll)) for account, poll in chosen
        ],
        total=sum(one.answers for one in counted),
        answers=answers,
        post=post,
        can_look=post is not None and questions.is_public(post),
        told=told,
        address=f"{found.settings.base_url.rstrip('/')}/ask/{question.code}",
        concerns=CONCERNS,
        kept_days=found.settings.retention_days,
        longest=questions.LONGEST,
        words=words,
        wrong=wrong,
    )


def _public(
    request: Request, found: Desk, code: str, *, words: str = "", wrong: str | None = None, done: bool = False
) -> Response:
    with database.reading(found.engine) as session:
        question = questions.by_code(session, code)
        if question is None:
            raise Trouble(404, "There is no such question", "Its address may have been cut.")
        text, told = questions.asked(session, question), questions.told(session, question)
    return pages.render(
        request,
        "ask.html",
        status=200 if wrong is None else 422,
        question=question,
        text=text,
        open_now=questions.is_open(question, today(found)),
        told=told,
        begun=questions.stamp(found.keys, code, clock.now()),
        words=words,
        longest=questions.LONGEST,
        kept_days=found.settings.retention_days,
        wrong=wrong,
        done=done,
    )
