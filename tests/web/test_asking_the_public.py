"""Questions to the public: asked by an approved post, answered by anybody, read by the model, answered back; spam stays
out, and nothing of who answers is kept."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlmodel import select

from config import clock, database, people, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from networks import accounts
from posts import drafts, questions
from posts.tables import Post, Question, QuestionAnswer, QuestionPoll, QuestionTry
from scheduler.jobs import expiry, scoring
from tests.sentiment.reader import WordReader
from tests.web.browsing import Browser, send

PAGE = "/outreach/questions"
GIVEN = {"text": "Where do cars go too fast?", "language": "en", "closes_on": "2026-12-01"}
LATER = timedelta(seconds=10)


@pytest.fixture
def ada(at_eight: datetime, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys) -> Browser:
    with database.writing(sqlite_engine) as session:
        accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=at_eight)
    return browser_of("Ada", Role.OFFICER)


@pytest.fixture
def path(ada: Browser, browser_of: Callable[..., Browser], stranger: Browser, sqlite_engine: sa.Engine) -> str:
    """The public address of a question whose post was approved."""
    assert send(ada, PAGE, page=PAGE, **GIVEN).headers["location"] == "/compose/1"
    with database.writing(sqlite_engine) as session:
        found = f"/ask/{session.get_one(Question, 1).code}"
        post = session.get_one(Post, 1)
        assert post.message.endswith(found)
        assert stranger.get(found).status_code == 404  # not before a second person approved it
        drafts.submit(session, 1, 1, clock.now())
    browser_of("Luc", Role.APPROVER)
    with database.writing(sqlite_engine) as session:
        luc = people.by_email(session, "luc@riverton.example")
        assert luc is not None
        drafts.approve(session, 1, luc.id or 0, session.get_one(Post, 1).content_hash, clock.now())
    return found


def answer(browser: Browser, path: str, words: str, after: timedelta = LATER, **more: str) -> str:
    """Opens the form and sends it some time after; empty when it was taken, else why not."""
    begun = re.search(r'name="begun" value="([^"]+)"', browser.get(path).text)
    assert begun is not None
    with clock.at(clock.now() + after):
        told = browser.post(path, data={"begun": begun.group(1), "words": words, **more})
    if told.status_code == 200:
        assert ("Thank you" in told.text, "set-cookie" in told.headers) == (True, False)
        return ""
    return str(re.findall(r"One thing to mend</h2><p>(?:<a[^>]+>)?([^<]+)", told.text)[0])


def test_from_a_question_to_the_answer_given_back(
    ada: Browser, stranger: Browser, path: str, sqlite_engine: sa.Engine, settings: Settings
) -> None:
    for words in ("Speeding on <b>Elm</b> Street, useless. Call 555 010 0199", "Thank you for asking", "A protest"):
        assert answer(stranger, path, words) == ""
    assert scoring.score_all(sqlite_engine, WordReader(), settings, clock.now()) == 3
    page = ada.get(f"{PAGE}/1").text
    assert ("2 answers" in page, "Speeding on &lt;b&gt;Elm&lt;/b&gt; Street, useless. Call …" in page) == (True, True)
    assert ("protest" in page, "Traffic" in page, "QuestionAnswer(" in page) == (False, True, False)
    sent = send(ada, f"{PAGE}/1/answer", page=f"{PAGE}/1", words="A camera on Elm Street from Monday.")
    assert sent.headers["location"] == "/compose/2"
    with database.writing(sqlite_engine) as session:
        assert [(one.concern, one.answers, one.mistrust, one.trust) for one in questions.counted(session, 1)] == [
            ("traffic_safety", 1, 1, 0),
            (None, 1, 0, 1),
        ]
        post = session.get_one(Post, 2)
        assert post.message.startswith("We asked: Where do cars go too fast?\n\n2 people answered.\n\nA camera")
        assert "A camera" not in stranger.get(path).text
        post.state = "published"
        session.add(post)
    assert "A camera" in stranger.get(path).text
    assert send(ada, f"{PAGE}/1/answer", page=PAGE, words="Again.").status_code == 422


def test_a_question_is_answered_again_where_the_network_refused_the_post(
    ada: Browser, path: str, sqlite_engine: sa.Engine
) -> None:
    send(ada, f"{PAGE}/1/answer", page=f"{PAGE}/1", words="A camera from Monday.")
    assert f'action="{PAGE}/1/answer"' not in ada.get(f"{PAGE}/1").text
    with database.writing(sqlite_engine) as session:
        session.get_one(Post, 2).state = "failed"
    page = ada.get(f"{PAGE}/1").text
    assert (f'action="{PAGE}/1/answer"' in page, "A camera from Monday." in page) == (True, True)
    again = send(ada, f"{PAGE}/1/answer", page=f"{PAGE}/1", words="A camera from Tuesday.")
    assert again.headers["location"] == "/compose/3"


def test_the_public_page_shows_the_question_that_was_approved_with_its_draft(
    ada: Browser, stranger: Browser, path: str, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    luc = browser_of("Luc", Role.APPROVER)
    assert re.search(
        r"/ask/[^<]*</p></header>\s*<div[^>]*><p[^>]*>Where do cars go too fast\?", luc.get("/posts/1").text
    )
    before = luc.get("/posts/1").text
    with database.writing(sqlite_engine) as session:
        post = session.get_one(Post, 1)
        approved = post.content_hash
        post.shows = {"question": "Who is to blame?"}
        drafts.changed(session, post, 1, clock.now())
        assert (post.content_hash != approved, post.state) == (True, "in_review")
    assert stranger.get(path).status_code == 404
    assert ("Who is to blame?" in before, "Who is to blame?" in luc.get("/posts/1").text) == (False, True)


def test_the_public_page_shows_the_answer_that_was_approved_with_its_post(
    ada: Browser, stranger: Browser, path: str, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    send(ada, f"{PAGE}/1/answer", page=f"{PAGE}/1", words="A camera on Elm Street from Monday.")
    shown = browser_of("Luc", Role.APPROVER).get("/posts/2").text
    assert re.search(r"/ask/[^<]*</p></header>\s*<div[^>]*><p[^>]*>A camera on Elm Street from Monday\.", shown)
    with database.writing(sqlite_engine) as session:
        post = session.get_one(Post, 2)
        post.state = "published"
        session.add(post)
        question = session.get_one(Question, 1)
        question.answer = question.text = "Nobody approved this."
        session.add(question)
    told = stranger.get(path).text
    assert ("A camera on Elm Street" in told, "Nobody approved this." in told) == (True, False)


def test_of_posts_from_before_the_public_page_shows_only_what_their_words_say(
    ada: Browser, stranger: Browser, path: str, sqlite_engine: sa.Engine
) -> None:
    send(ada, f"{PAGE}/1/answer", page=f"{PAGE}/1", words="A camera on Elm Street from Monday.")
    with database.writing(sqlite_engine) as session:
        for number in (1, 2):
            post = session.get_one(Post, number)
            post.shows = None
            session.add(post)
        session.get_one(Post, 2).state = "published"
    assert ("Where do cars go too fast?" in (told := stranger.get(path).text), "A camera" in told) == (True, True)
    with database.writing(sqlite_engine) as session:
        question = session.get_one(Question, 1)
        question.text, question.answer = "Who is to blame?", "The mayor."
        session.add(question)
    told = stranger.get(path).text
    assert ("Who is to blame?" in told, "The mayor." in told) == (False, False)
    assert ("Where do cars go too fast?" in told, "A camera" in told) == (True, True)


def test_words_go_and_counts_stay(
    stranger: Browser, path: str, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, settings: Settings
) -> None:
    answer(stranger, path, "Speeding.")
    analyst = browser_of("Ana", Role.ANALYST).get(f"{PAGE}/1").text
    assert ("one answer" in analyst, "Speeding" in analyst) == (True, False)
    gone = expiry.expire(sqlite_engine, settings, clock.now() + timedelta(days=31))
    assert gone["answers"] == 1
    with database.reading(sqlite_engine) as session:
        assert [one.words for one in session.exec(select(QuestionAnswer))] == [None]
        assert session.exec(select(QuestionTry)).all() == []
        assert [one.answers for one in questions.counted(session, 1)] == [1]


def test_spam_stays_out(stranger: Browser, path: str, sqlite_engine: sa.Engine) -> None:
    assert "very quick" in answer(stranger, path, "x", timedelta(seconds=1))
    assert "open for long" in answer(stranger, path, "x", timedelta(hours=13))
    assert "load the page again" in answer(stranger, path, "x", begun="1-00")
    assert "words" in answer(stranger, path, " ")
    assert "words" in answer(stranger, path, "x" * 601)
    assert answer(stranger, path, "Buy this", website="https://spam.example") == ""  # thanked, and not kept
    told = [answer(stranger, path, f"Answer {number}") for number in range(questions.MOST_AN_HOUR + 2)]
    assert [bool(one) for one in told] == [False] * questions.MOST_AN_HOUR + [True, True]
    with database.reading(sqlite_engine) as session:
        assert len(session.exec(select(QuestionAnswer)).all()) == questions.MOST_AN_HOUR
        assert all(len(one.subject_hash) == 16 for one in session.exec(select(QuestionTry)))
    assert answer(stranger, path, "An hour later", timedelta(minutes=61)) == ""
    with database.reading(sqlite_engine) as session:
        assert len(session.exec(select(QuestionTry)).all()) == 1  # who answered before is forgotten
    with clock.at(clock.now() + timedelta(days=8)):
        assert "closed" in stranger.get(path).text


def test_many_addresses_cannot_flood_it_either(path: str, sqlite_engine: sa.Engine, keys: Keys) -> None:
    with database.writing(sqlite_engine) as session:
        question = session.get_one(Question, 1)
        for number in range(questions.MOST_OF_ALL):
            session.add(QuestionTry(question_id=1, subject_hash=number.to_bytes(16, "big"), at=clock.now()))
        session.flush()
        with pytest.raises(questions.Refused, match="Too many"):
            questions.take(session, question, "x", "192.0.2.1", keys, clock.now(), timedelta(days=30))


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(st.sampled_from(["words", "begun", "website", "csrf", "code"]), st.text(max_size=60)),
    signed=st.booleans(),
)
def test_whatever_is_sent_is_answered(
    stranger: Browser, path: str, keys: Keys, fields: dict[str, str], signed: bool
) -> None:
    if signed:
        fields["begun"] = questions.stamp(keys, path.rpartition("/")[2], clock.now() - LATER)
    assert stranger.post(path, data=fields).status_code in (200, 422)


@pytest.mark.parametrize(
    "wrong", [{"text": ""}, {"closes_on": "2026-11-01"}, {"closes_on": "2028-01-01"}, {"language": "x"}]
)
def test_what_cannot_be_asked_is_said(ada: Browser, wrong: dict[str, str]) -> None:
    assert send(ada, PAGE, page=PAGE, **{**GIVEN, **wrong}).status_code == 422


def test_a_poll_is_offered_where_a_network_has_one_and_shown_with_its_n(
    ada: Browser, sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime
) -> None:
    assert "Choices of a poll" not in ada.get(PAGE).text
    with database.writing(sqlite_engine) as session:
        accounts.add(session, network="mastodon", name="PD there", handle="", secret="{}", keys=keys, now=at_eight)
    assert "Choices of a poll" in ada.get(PAGE).text
    send(ada, PAGE, page=PAGE, **GIVEN, choices="Elm | <b>Oak")
    assert "Elm | &lt;b&gt;Oak" in ada.get("/compose/1").text
    with database.writing(sqlite_engine) as session:
        session.add(
            QuestionPoll(
                target_id=1, question_id=1, account_id=2, choices=[["Elm", 3], ["<b>Oak", 1]], people=4,
                read_at=at_eight,
            )
        )  # fmt: skip
    page = ada.get(f"{PAGE}/1").text
    assert ("Poll on Mastodon, PD there: n = 4" in page, "&lt;b&gt;Oak" in page) == (True, True)


def test_the_api_asks_counts_and_answers(
    ada: Browser, desk_app: FastAPI, sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime
) -> None:
    scopes = (Action.WRITE_POSTS, Action.READ_FIGURES)
    with database.writing(sqlite_engine) as session:
        token = sign_ins.new_token(session, 1, "test", scopes, keys, at_eight, timedelta(days=1))
    api = Browser(desk_app, headers={"authorization": f"Bearer {token}"}, raise_server_exceptions=False)
    assert api.post("/api/v1/questions", json=GIVEN).json()["open"] is True
    assert api.post("/api/v1/questions/1/answer", json={"words": "Thank you."}).json()["open"] is False
    assert api.post("/api/v1/questions/1/answer", json={"words": "Again."}).status_code == 409
    assert [one["n"] for one in api.get("/api/v1/questions").json()] == [0]
