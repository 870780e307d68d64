"""Resources and the content mix on the pages; care where a mention is angry."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, update

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from listeners.tables import Mention, Source
from networks import accounts
from networks.network import Page, RemoteMention
from posts import drafts
from sentiment.tables import Score
from tests.listeners.said import admit
from tests.web.browsing import Browser, send

CARE = "An answer that calms"


@pytest.fixture
def ada(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime, browser_of: Callable[..., Browser]) -> Browser:
    with database.writing(sqlite_engine) as session:
        accounts.add(session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=at_eight)
    return browser_of("Ada", Role.OFFICER)


def test_a_resource_is_kept_once_and_offered_in_compose(ada: Browser) -> None:
    page = "/outreach/resources"
    wrong = send(ada, page, page=page, kind="legal_aid", name="Legal aid")
    assert (wrong.status_code, 'value="Legal aid"' in wrong.text) == (422, True)
    send(ada, page, page=page, kind="legal_aid", name="Legal <b>aid</b>", phone="555 0142", address="legal.example")
    for path in (page, "/compose"):
        shown = ada.get(path).text
        assert ("Legal &lt;b&gt;aid" in shown, "https://legal.example" in shown, "<b>aid" in shown) == (
            True,
            True,
            False,
        )
    send(ada, f"{page}/1", page=page, kind="legal_aid", name="Legal aid", phone="555 0143")
    assert "555 0143" in ada.get("/compose").text
    send(ada, f"{page}/1/remove", page=page)
    assert "555 0143" not in ada.get("/compose").text


def test_targets_of_the_mix_are_set_and_what_is_short_is_said(ada: Browser, browser_of: Callable[..., Browser]) -> None:
    page = "/outreach/mix"
    assert send(ada, page, page=page, target_event="many").status_code == 422
    assert send(ada, page, page=page, target_event="0").status_code == 422
    send(ada, page, page=page, target_event="2")
    shown = ada.get(page).text
    assert ("One kind of post is short of its target." in shown, "2 short" in shown) == (True, True)
    assert send(browser_of("Ana", Role.ANALYST), page, page="/account", target_event="1").status_code == 403


def test_care_is_shown_where_a_mention_is_angry_and_while_it_is_answered(
    ada: Browser, sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        said(session, keys, settings, at_eight)
    assert CARE in ada.get("/mentions/1").text
    assert CARE in ada.get("/compose?reply_to=1").text
    assert CARE not in ada.get("/mentions/2").text
    assert CARE not in ada.get("/compose?reply_to=2").text


def test_who_approves_an_answer_sees_what_it_answers(
    ada: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys, settings: Settings,
    at_eight: datetime,
) -> None:  # fmt: skip
    with database.writing(sqlite_engine) as session:
        said(session, keys, settings, at_eight, "practice")
        text = session.get_one(Mention, 1).text
        made = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=at_eight)
        drafts.create(session, 1, "Yes, that is right.", [made.id or 0], at_eight, reply_to_mention_id=1)
    shown = browser_of("Luc", Role.APPROVER).get("/posts/1").text
    assert (f'dir="auto">{text}</p></blockquote>' in shown, "· as an answer" in shown) == (True, True)
    with database.writing(sqlite_engine) as session:
        session.get_one(Mention, 1).text = None
    assert "Its words are not kept here any more" in ada.get("/posts/1").text


def said(session: Session, keys: Keys, settings: Settings, now: datetime, network: str = "facebook") -> None:
    source = Source(network=network, name="Town")
    session.add(source)
    session.flush()
    texts = ("You never come when we call, liars.", "Thank you for walking my mother home.")
    found = [RemoteMention(str(n), text, now - timedelta(hours=n), f"a{n}") for n, text in enumerate(texts, 1)]
    admit(session, source, Page(found, None), keys, settings, now)
    session.exec(update(Mention).values(shown=True, scored_at=now))
    for number, (trust, tone) in enumerate((("mistrust", "negative"), ("trust", "positive")), 1):
        session.add(
            Score(
                mention_id=number, model="m", negative=0.5, neutral=0.0, positive=0.5, mistrust=0.5, neither=0.0,
                trust=0.5, concerns={}, mistrust_flag=trust == "mistrust", sentiment_label=tone, trust_label=trust,
                day=now.date(), embedding=b"",
            )
        )  # fmt: skip
