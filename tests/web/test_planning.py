"""Slots, series, silence and the rules of each kind of post, over the pages and the API."""

from collections.abc import Callable
from datetime import datetime
from itertools import islice

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from networks import accounts
from posts import series
from posts.tables import Blackout, Post, Series, Slot
from scheduler.jobs import series as series_job
from tests.web.browsing import Browser, form_token, send
from web import planning


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
def luc(browser_of: Callable[..., Browser], account: int) -> Browser:
    return browser_of("Luc", Role.APPROVER)


@pytest.fixture
def sam(browser_of: Callable[..., Browser], account: int) -> Browser:
    return browser_of("Sam", Role.ADMINISTRATOR)


def write(ada: Browser, account: int, then: str = "save", page: str = "/compose", **more: object) -> int:
    given = {"message": "Coffee at nine.", "accounts": account, "csrf": form_token(ada.get(page).text), "then": then}
    answer = ada.post(page, data={**given, **more})
    return int(answer.headers["location"].split("?")[0].rsplit("/", 1)[1])


def test_one_press_takes_the_next_free_slot(ada: Browser, sqlite_engine: sa.Engine, account: int) -> None:
    send(ada, "/planning/slots", page="/planning", account=account, weekday=1, at="17:30")
    number = write(ada, account, "slot")
    with database.reading(sqlite_engine) as session:
        post = session.get_one(Post, number)
    assert post.wall_time is not None
    assert (post.wall_time.weekday(), post.wall_time.strftime("%H:%M")) == (1, "17:30")
    assert "Tuesday, 17:30" in ada.get("/planning").text


def test_without_a_slot_the_page_says_where_to_add_one(ada: Browser, account: int) -> None:
    given = {"message": "x", "accounts": account, "csrf": form_token(ada.get("/compose").text), "then": "slot"}
    answer = ada.post("/compose", data=given)
    assert "add one under Planning" in ada.get(answer.headers["location"]).text


def test_a_slot_goes_again(ada: Browser, sqlite_engine: sa.Engine, account: int) -> None:
    send(ada, "/planning/slots", page="/planning", account=account, weekday=1, at="17:30")
    again = send(ada, "/planning/slots", page="/planning", account=account, weekday=1, at="17:30")
    kept = 'value="1" selected' in again.text and 'value="17:30"' in again.text
    assert (again.status_code, kept) == (422, True)
    send(ada, "/planning/slots/1/remove", page="/planning")
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Slot)).all() == []


def test_a_series_is_begun_approved_seen_and_ended(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    number = write(ada, account)
    begun = send(
        ada, "/planning/series", page="/planning", post=number, first_day="2026-12-01", hour="09:00", repeat="WEEKLY"
    )
    assert begun.status_code == 303
    page = ada.get("/planning").text
    assert ("nothing goes out before it is approved" in page, "· every week<" in page) == (True, True)
    assert ("Next:" in page, "Once it is approved: Tue 1 Dec, 09:00" in page) == (False, True)
    with database.reading(sqlite_engine) as session:
        revision = session.get_one(Post, number).revision
    write(ada, account, "submit", f"/compose/{number}", revision=revision)
    with database.reading(sqlite_engine) as session:
        content = session.get_one(Post, number).content_hash
    said = send(luc, f"/posts/{number}/approve", page=f"/posts/{number}", content_hash=content).headers["location"]
    page = luc.get(said).text
    assert ("Its posts are made now, each with its own time" in page, "once it has a time" in page) == (True, False)
    page = ada.get(f"/posts/{number}").text
    assert ('href="/planning#h-series"' in page, "Set the time" in page, "no time yet" in page) == (True, False, False)
    late = send(ada, f"/posts/{number}/move", page=f"/posts/{number}", day="2026-12-01", hour="09:00")
    assert (late.status_code, "pattern of a series" in late.text) == (422, True)
    assert "Next: Tue 1 Dec, 09:00" in ada.get("/planning").text
    loose = ada.get("/queue").text.split('id="h-loose"')[1]
    assert f'href="/posts/{number}"' not in loose
    with database.writing(sqlite_engine) as session:
        assert series.extend(session, session.get_one(Series, 1), clock.now()) > 0
    assert "Coffee at nine." in ada.get("/queue?start=2026-12-01").text
    page = ada.get(f"/posts/{number + 1}").text
    assert (f'href="/posts/{number}"' in page, "Set the time" in page) == (True, True)
    send(ada, "/planning/series/1/end", page="/planning")
    assert "Set the time" in ada.get(f"/posts/{number}").text
    with database.reading(sqlite_engine) as session:
        states = {post.state for post in session.exec(select(Post).where(col(Post.series_id) == 1))}
    assert states == {"cancelled"}


def test_a_pattern_that_was_given_a_time_once_says_what_it_is(
    ada: Browser, sqlite_engine: sa.Engine, account: int, at_eight: datetime
) -> None:
    number = write(ada, account)
    given = {"first_day": "2026-12-01", "hour": "09:00", "repeat": "WEEKLY"}
    send(ada, "/planning/series", page="/planning", post=number, **given)
    with database.writing(sqlite_engine) as session:  # as a desk of before could do it
        post = session.get_one(Post, number)
        post.due_at, post.wall_time, post.time_zone = at_eight, at_eight.replace(tzinfo=None), "UTC"
        session.add(post)
    assert "Pattern of a series" in ada.get(f"/posts/{number}").text


def test_an_ended_series_is_begun_anew_of_the_post_that_planning_offers(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    number = write(ada, account, "submit")
    with database.reading(sqlite_engine) as session:
        content = session.get_one(Post, number).content_hash
    send(luc, f"/posts/{number}/approve", page=f"/posts/{number}", content_hash=content)
    first = {"post": number, "first_day": "2026-12-01", "hour": "09:00", "repeat": "MONTHLY"}
    send(ada, "/planning/series", page="/planning", **first)
    send(ada, "/planning/series/1/end", page="/planning")
    assert "Pattern of a series" not in ada.get(f"/posts/{number}").text
    offered = ada.get("/planning").text.split('id="q-post"')[1].split("</select>")[0]
    assert f'value="{number}"' in offered
    assert send(ada, "/planning/series", page="/planning", **first).status_code == 303
    assert "Pattern of a series" in ada.get(f"/posts/{number}").text
    with database.reading(sqlite_engine) as session:
        made = session.exec(select(Post.series_id, Post.state).order_by(col(Post.id)).where(Post.id != number)).all()
    assert made == [(1, "cancelled"), (2, "scheduled")]
    again = send(ada, "/planning/series", page="/planning", **first)
    assert (again.status_code, "belongs to a series already" in again.text) == (422, True)


def test_what_a_series_made_is_not_offered_as_a_pattern(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    number, other = write(ada, account, "submit"), write(ada, account)
    with database.reading(sqlite_engine) as session:
        content = session.get_one(Post, number).content_hash
    send(luc, f"/posts/{number}/approve", page=f"/posts/{number}", content_hash=content)
    given = {"first_day": "2026-12-01", "hour": "09:00", "repeat": "MONTHLY"}
    send(ada, "/planning/series", page="/planning", post=number, **given)
    with database.reading(sqlite_engine) as session:
        (made,) = session.exec(select(Post.id).where(Post.series_id == 1)).all()
    send(ada, f"/posts/{made}/move", page=f"/posts/{made}", day="", hour="")
    offered = ada.get("/planning").text.split('id="q-post"')[1].split("</select>")[0]
    assert [f'value="{one}"' in offered for one in (number, other, made)] == [False, True, False]


@pytest.mark.parametrize(
    ("repeat", "first", "then"),
    [
        ("MONTHLY", "2027-01-31", ["2027-02-28", "2027-03-31", "2027-04-30"]),
        ("MONTHLY", "2027-12-30", ["2028-01-30", "2028-02-29", "2028-03-30"]),
        ("MONTHLY", "2027-01-29", ["2027-02-28", "2027-03-29", "2027-04-29"]),
        ("MONTHLY", "2027-01-28", ["2027-02-28", "2027-03-28", "2027-04-28"]),
        ("YEARLY", "2028-02-29", ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("YEARLY", "2027-01-31", ["2028-01-31", "2029-01-31"]),
    ],
)
def test_what_comes_every_month_or_year_leaves_none_out(repeat: str, first: str, then: list[str]) -> None:
    begun = datetime.fromisoformat(f"{first}T09:00")
    following = series.times(planning.rule_of(repeat, begun), begun, begun)
    assert [f"{wall:%Y-%m-%d}" for wall in islice(following, len(then))] == then


def test_the_last_day_of_every_month_is_every_month(ada: Browser, account: int) -> None:
    number = write(ada, account)
    given = {"post": number, "first_day": "2027-01-31", "hour": "09:00", "repeat": "MONTHLY"}
    assert send(ada, "/planning/series", page="/planning", **given).status_code == 303
    page = ada.get("/planning").text
    assert ("· every month<" in page, "Sun 28 Feb, 09:00" in page) == (True, True)


def test_a_rule_that_cannot_be_read_is_told_and_nothing_begins(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    number = write(ada, account)
    answer = send(
        ada, "/planning/series", page="/planning", post=number, first_day="2026-12-01", hour="09:00", rule="FREQ=HOURLY"
    )
    assert (answer.status_code, "daily at most" in answer.text) == (422, True)
    kept = ('value="2026-12-01"', 'value="09:00"', 'value="FREQ=HOURLY"', '<details class="more" open>')
    assert [words for words in kept if words not in answer.text] == []
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Series)).all() == []


def test_a_rule_kept_before_that_cannot_be_followed_is_told_and_nothing_else_fails(
    ada: Browser, sqlite_engine: sa.Engine, account: int, settings: Settings, at_eight: datetime
) -> None:
    numbers = [write(ada, account), write(ada, account)]
    with database.writing(sqlite_engine) as session:
        for number, rule in zip(numbers, ("FREQ=YEARLY;BYEASTER=277", "FREQ=WEEKLY"), strict=True):
            session.add(
                Series(
                    post_id=number, rule=rule, first=datetime.fromisoformat("2026-12-01T09:00"),
                    time_zone="America/New_York", created_by=1, created_at=at_eight,
                )
            )  # fmt: skip
    page = ada.get("/planning")
    assert (page.status_code, "Its rule cannot be followed" in page.text, "BYEASTER" in page.text) == (200, True, True)
    assert "Tue 1 Dec, 09:00" in page.text  # the other one
    send(ada, f"/posts/{numbers[1]}/cancel", page=f"/posts/{numbers[1]}")
    page = ada.get("/planning")
    assert ("Tue 1 Dec, 09:00" in page.text, "as its post stands" in page.text) == (False, True)
    assert series_job.extend(sqlite_engine, settings, at_eight) == 0


def test_officers_keep_silent_and_only_approvers_end_it(
    ada: Browser, luc: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    send(
        ada, "/planning/blackouts", page="/planning", first_day="2026-12-24", last_day="2026-12-25", reason="<b>Funeral"
    )
    assert "&lt;b&gt;Funeral" in ada.get("/planning").text
    assert send(ada, "/planning/blackouts/1/lift", page="/planning").status_code == 403
    send(luc, "/planning/blackouts/1/lift", page="/planning")
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Blackout)).all() == []


def test_days_of_silence_that_are_refused_stand_in_the_form_as_they_were_written(ada: Browser) -> None:
    given = {"first_day": "2026-12-25", "last_day": "2026-12-24", "reason": "A funeral"}
    answer = send(ada, "/planning/blackouts", page="/planning", **given)
    assert (answer.status_code, "The last day is before the first." in answer.text) == (422, True)
    assert [value for value in given.values() if f'value="{value}"' not in answer.text] == []


def test_a_kind_with_two_steps_says_so_in_compose_and_on_the_post(
    ada: Browser, luc: Browser, sam: Browser, browser_of: Callable[..., Browser], account: int
) -> None:
    browser_of("Mina", Role.APPROVER)
    send(sam, "/planning/kinds/safety", page="/planning", step_0="any", step_1="any", late="15", over_blackout="yes")
    assert "15 minutes late at most" in sam.get("/planning").text
    number = write(ada, account, "submit", category="safety")
    answer = luc.get(f"/posts/{number}").text
    content = answer.split('name="content_hash" value="')[1].split('"')[0]
    assert "said=step-done" in send(
        luc, f"/posts/{number}/approve", page=f"/posts/{number}", content_hash=content
    ).headers["location"]  # fmt: skip
    page = luc.get(f"/posts/{number}").text
    assert ("1 of 2 steps are done" in page, "Approve these words" in page) == (True, False)
    send(sam, "/planning/kinds/safety", page="/planning", step_0="any", late="15", over_blackout="yes")
    assert "Approve these words" in luc.get(f"/posts/{number}").text
    again = send(luc, f"/posts/{number}/approve", page=f"/posts/{number}", content_hash=content)
    assert "said=approved" in again.headers["location"]


def test_only_administrators_change_what_a_kind_asks_for(ada: Browser, luc: Browser, sam: Browser) -> None:
    for browser in (ada, luc):
        assert send(browser, "/planning/kinds/general", page="/planning", step_0="any").status_code == 403
    assert send(sam, "/planning/kinds/general", page="/planning", step_0="all").status_code == 422
    answer = send(sam, "/planning/kinds/general", page="/planning", step_0="any", late="soon", over_blackout="yes")
    assert (answer.status_code, 'value="soon"' in answer.text) == (422, True)


def test_programs_do_the_same(ada: Browser, luc: Browser, sam: Browser, account: int) -> None:
    headers = {"x-csrf-token": form_token(ada.get("/account").text)}
    slot = ada.post("/api/v1/slots", json={"account": account, "weekday": 2, "at": "08:15"}, headers=headers)
    assert slot.status_code == 201
    free = ada.get("/api/v1/slots/next", params={"account": account}).json()
    assert free["wall_time"].endswith("T08:15:00")
    again = ada.post("/api/v1/slots", json={"account": account, "weekday": 2, "at": "08:15"}, headers=headers)
    assert again.status_code == 409
    assert ada.delete(f"/api/v1/slots/{slot.json()['id']}", headers=headers).status_code == 204
    number = write(ada, account)
    begun = ada.post(
        "/api/v1/series", json={"post": number, "rule": "FREQ=DAILY", "first": "2026-12-01T09:00"}, headers=headers
    )
    assert [begun.status_code, len(ada.get("/api/v1/series").json())] == [201, 1]
    assert ada.post("/api/v1/series/1/end", headers=headers).status_code == 204
    silence = {"first_day": "2026-12-24", "last_day": "2026-12-24", "reason": "A funeral"}
    assert ada.post("/api/v1/blackouts", json=silence, headers=headers).status_code == 201
    assert ada.get("/api/v1/blackouts").json()[0]["reason"] == "A funeral"
    other = {"x-csrf-token": form_token(luc.get("/account").text)}
    assert luc.delete("/api/v1/blackouts/1", headers=other).status_code == 204
    theirs = {"x-csrf-token": form_token(sam.get("/account").text)}
    rules = {"steps": [{}, {}], "late_minutes": 30}
    changed = sam.put("/api/v1/categories/event", json=rules, headers=theirs)
    assert changed.status_code == 200
    assert ada.get("/api/v1/categories").json()["event"] == changed.json()
    assert sam.put("/api/v1/categories/nonsense", json=rules, headers=theirs).status_code == 409
