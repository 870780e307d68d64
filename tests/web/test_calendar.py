"""The calendar: months and weeks, silence and holds, what needs a hand, and moving a post."""

import re
from collections.abc import Callable
from datetime import date, datetime, time

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from config import database, holds
from config.permissions import Role
from config.secrets import Keys
from config.tables import Person
from networks import accounts
from posts import blackouts, drafts, slots
from posts.foresight import Obstacle
from posts.tables import Post
from tests.web.browsing import Browser, send
from web import calendar


@pytest.fixture
def account(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime) -> int:
    with database.writing(sqlite_engine) as session:
        made = accounts.add(
            session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=at_eight
        )
        return made.id or 0


@pytest.fixture
def ada(browser_of: Callable[..., Browser], account: int) -> Browser:
    return browser_of("Ada", Role.OFFICER)


@pytest.fixture
def planned(sqlite_engine: sa.Engine, ada: Browser, account: int, at_eight: datetime) -> int:
    """A draft for the second of December, 16:00 in Riverton."""
    with database.writing(sqlite_engine) as session:
        post = drafts.create(session, 1, "Check your lights.", [account], at_eight, title="Lights")
        drafts.schedule(
            session, post.id or 0, 1, datetime.fromisoformat("2026-12-02T16:00"), "America/New_York", at_eight
        )
        return post.id or 0


def cell(page: str, day: str) -> str:
    found = re.search(rf'<td data-day="{day}".*?</td>', page, re.DOTALL)
    assert found is not None, f"no {day}"
    return found.group(0)


def test_a_post_stands_on_its_day_of_the_department(ada: Browser, planned: int) -> None:
    page = ada.get("/calendar?day=2026-12-01").text
    assert "December 2026" in page
    assert ">16:00</time>Lights" in cell(page, "2026-12-02")
    assert "ev--draft" in cell(page, "2026-12-02")
    assert "A draft: it is not sent before it is approved." in page


def test_a_week_shows_free_slots_that_open_compose(
    ada: Browser, sqlite_engine: sa.Engine, account: int, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        slots.add(session, account, 3, time(17, 30), "America/New_York", 1, at_eight)
    page = ada.get("/calendar?view=week&day=2026-12-01").text
    assert f'href="/compose?day=2026-12-03&amp;hour=17:30&amp;account={account}"' in cell(page, "2026-12-03")
    form = ada.get(f"/compose?day=2026-12-03&hour=17:30&account={account}").text
    assert 'value="2026-12-03"' in form
    assert 'value="17:30"' in form


def test_a_slot_that_is_taken_is_not_free(
    ada: Browser, sqlite_engine: sa.Engine, account: int, planned: int, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        slots.add(session, account, 2, time(16), "America/New_York", 1, at_eight)
    assert "ev--free" not in ada.get("/calendar?view=week&day=2026-12-01").text


def test_silence_is_hatched_and_what_it_would_keep_back_needs_a_hand(
    ada: Browser, sqlite_engine: sa.Engine, planned: int, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        blackouts.place(session, date(2026, 12, 2), date(2026, 12, 3), "A funeral", 1, at_eight)
    page = ada.get("/calendar?day=2026-12-01").text
    assert 'class="black"' in cell(page, "2026-12-03")
    assert "Day of silence: A funeral" in cell(page, "2026-12-02")
    assert "A day of silence (A funeral): it would not be sent. Move it." in page
    assert "1 needs a hand" in page


def test_that_an_account_was_removed_is_said_in_the_calendar_and_on_the_post(
    ada: Browser, sqlite_engine: sa.Engine, account: int, planned: int, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        accounts.disconnect(session, account, at_eight)
    page = ada.get("/calendar?day=2026-12-01").text
    told = "Practice board, Riverton PD was removed: it does not go out there."
    assert (told in page, "signed out" in page) == (True, False)
    assert "The account was removed; the post does not go out there." in ada.get(f"/posts/{planned}").text


def test_a_reader_of_spanish_is_told_in_spanish_what_comes_close_and_what_does_not_fit(
    ada: Browser, sqlite_engine: sa.Engine, account: int, planned: int, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        session.get_one(Person, 1).language = "es"
        drafts.submit(session, planned, 1, at_eight)
        drafts.create(session, 1, "Check your lights!", [account], at_eight)
        long = drafts.create(session, 1, "x" * 501, [account], at_eight)
        drafts.schedule(session, long.id or 0, 1, datetime.fromisoformat("2026-12-03T09:00"), "UTC", at_eight)
    for page in ("/posts/2", "/compose/2"):
        assert "<li>Riverton PD: “Lights” dice casi lo mismo.</li>" in ada.get(page).text
    words = ada.get("/calendar?day=2026-12-01").text
    assert "Tablero de práctica, Riverton PD: Al texto le sobra un carácter; el límite es 500." in words


def test_a_hold_lies_over_its_days(ada: Browser, sqlite_engine: sa.Engine, at_eight: datetime) -> None:
    with database.writing(sqlite_engine) as session:
        holds.place(session, 1, "Crash on Route 9", at_eight)
    page = ada.get("/calendar").text
    assert "Hold since 08:10" in cell(page, "2026-11-24")
    assert "Hold" not in cell(page, "2026-11-25")


def test_the_form_moves_a_post_and_leads_back_to_the_calendar(
    ada: Browser, sqlite_engine: sa.Engine, planned: int
) -> None:
    back = "/calendar?view=month&day=2026-12-01"
    moved = send(ada, f"/posts/{planned}/move", page=f"/posts/{planned}", day="2026-12-04", hour="09:30", back=back)
    assert moved.headers["location"] == f"{back}&said=scheduled"
    with database.reading(sqlite_engine) as session:
        assert session.get_one(Post, planned).wall_time == datetime.fromisoformat("2026-12-04T09:30")


def test_a_time_given_in_another_zone_stands_everywhere_by_the_department_s_clocks(
    ada: Browser, sqlite_engine: sa.Engine, planned: int, account: int, at_eight: datetime
) -> None:
    nine_in_los_angeles = datetime.fromisoformat("2026-12-02T09:00")
    with database.writing(sqlite_engine) as session:
        drafts.schedule(session, planned, 1, nine_in_los_angeles, "America/Los_Angeles", at_eight)
        due = session.get_one(Post, planned).due_at
    assert 'data-wall="2026-12-02T12:00"' in ada.get("/calendar?day=2026-12-01").text
    for page in (f"/posts/{planned}", f"/compose/{planned}"):
        shown = ada.get(page).text
        assert 'value="2026-12-02"' in shown, page
        assert 'value="12:00"' in shown, page
    given = {"message": "Check your lights.", "title": "Lights", "accounts": account, "revision": 1}
    send(ada, f"/compose/{planned}", page=f"/compose/{planned}", then="save", day="2026-12-02", hour="12:00", **given)
    with database.reading(sqlite_engine) as session:
        saved = session.get_one(Post, planned)
        assert (saved.due_at, saved.time_zone, saved.revision) == (due, "America/Los_Angeles", 2)
    send(ada, f"/posts/{planned}/move", page=f"/posts/{planned}", day="2026-12-02", hour="12:00")
    with database.reading(sqlite_engine) as session:
        assert session.get_one(Post, planned).due_at == due


def test_an_address_of_elsewhere_is_not_followed_back(ada: Browser, planned: int) -> None:
    moved = send(
        ada, f"/posts/{planned}/move", page=f"/posts/{planned}", day="2026-12-04", hour="09:30", back="//evil.example"
    )
    assert moved.headers["location"] == f"/posts/{planned}?said=scheduled"


def test_an_analyst_has_no_calendar_and_an_approver_cannot_move(
    browser_of: Callable[..., Browser], planned: int
) -> None:
    assert browser_of("Dana", Role.ANALYST).get("/calendar").status_code == 403
    page = browser_of("Luc", Role.APPROVER).get("/calendar?day=2026-12-01").text
    assert "Lights" in page
    assert "data-wall" not in page


@given(st.dates(date(1971, 1, 1), date(9990, 1, 1)), st.sampled_from(["en", "es"]))
def test_a_month_is_whole_weeks_that_hold_it(day: date, language: str) -> None:
    first, last = calendar._month(day, language)
    assert ((last - first).days + 1) % 7 == 0
    assert first <= day.replace(day=1)
    assert day <= last
    assert first.weekday() == 6  # Sunday


def test_an_obstacle_names_its_network_in_the_readers_language() -> None:
    signed_out, misfit = (Obstacle(kind, "Riverton PD", "Too long.", "practice") for kind in ("signed_out", "misfit"))
    assert calendar.obstacle_words(signed_out, "es").startswith("Tablero de práctica, Riverton PD")
    assert calendar.obstacle_words(misfit, "es") == "Tablero de práctica, Riverton PD: Too long."
