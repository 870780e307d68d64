"""The form for what was heard in person: the meeting is kept for the next note; words only for who reads mentions."""

from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import database
from config.permissions import Role
from posts.tables import Heard
from tests.web.browsing import Browser, send

GIVEN = {
    "heard_on": "2026-11-23", "channel": "meeting", "where": "Elm Street Library", "language": "es",
    "concern": "traffic_safety", "trust": "mistrust", "people": "4", "words": "Cars <b>never</b> stop. 555-010-0199",
}  # fmt: skip


@pytest.fixture
def ada(at_eight: datetime, browser_of: Callable[..., Browser]) -> Browser:
    return browser_of("Ada", Role.OFFICER)


def test_a_note_is_counted_and_the_form_keeps_the_meeting(ada: Browser) -> None:
    page = send(ada, "/outreach/heard", page="/outreach/heard", **GIVEN).text
    assert "4 people told us something" in page
    assert ('value="Elm Street Library"' in page, 'value="es" selected' in page) == (True, True)
    assert "Cars &lt;b&gt;never&lt;/b&gt; stop. …" in page
    concern = ada.get("/concerns/traffic_safety").text
    assert "Nobody raised it in the last 7 days." in concern
    assert "4 with mistrust; in no other figure" in concern


@pytest.mark.parametrize("wrong", [{"concern": "protest_public_order"}, {"people": "many"}, {"heard_on": "2026-12-24"}])
def test_what_is_wrong_is_said_and_what_was_written_is_kept(
    ada: Browser, sqlite_engine: sa.Engine, wrong: dict[str, str]
) -> None:
    answer = send(ada, "/outreach/heard", page="/outreach/heard", **{**GIVEN, **wrong})
    assert (answer.status_code, "stop. 555-010-0199" in answer.text) == (422, True)
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Heard)).all() == []


def test_analysts_see_counts_and_no_words(ada: Browser, browser_of: Callable[..., Browser]) -> None:
    send(ada, "/outreach/heard", page="/outreach/heard", **GIVEN)
    page = browser_of("Ana", Role.ANALYST).get("/outreach/heard").text
    assert ("4 people told us" in page, "never" in page.split("By concern")[1]) == (True, False)
    send(ada, "/outreach/heard/1/remove", page="/outreach/heard")
    assert "Nothing was written down" in ada.get("/outreach/heard").text


def test_words_that_only_a_legal_hold_keeps_are_out_of_the_desks_sight(
    ada: Browser, sqlite_engine: sa.Engine, at_eight: datetime
) -> None:
    send(ada, "/outreach/heard", page="/outreach/heard", **GIVEN)
    assert ["stop. …" in ada.get(way).text for way in ("/outreach/heard", "/api/v1/heard/notes")] == [True, True]
    with database.writing(sqlite_engine) as session:
        session.exec(select(Heard)).one().expires_at = at_eight
    assert ["stop. …" in ada.get(way).text for way in ("/outreach/heard", "/api/v1/heard/notes")] == [False, False]
    assert "Elm Street Library" in ada.get("/outreach/heard").text.split("Notes")[1]
