"""Events on the pages, for the public, on the calendar, and for programs."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import icalendar
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import Session, select

from config import clock, database, people, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from networks import accounts
from posts import calendar_feed, drafts, partners
from posts.tables import Event, Heard, Post, Target
from tests.web.browsing import Browser, send
from web import app as web_app
from web import own_pages

GIVEN = {
    "name": "Town hall on <b>Elm</b> Street", "kind": "town_hall", "day": "2026-12-08", "hour": "18:00",
    "time_zone": "America/New_York", "minutes": "90", "where": "Elm Street Library", "access": "Step-free.",
    "languages": ["en", "es"], "capacity": "60", "notes": "There is coffee.",
}  # fmt: skip
EVENTS = "/outreach/events"


@pytest.fixture
def ada(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime, browser_of: Callable[..., Browser]) -> Browser:
    with database.writing(sqlite_engine) as session:
        accounts.add(session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=at_eight)
    return browser_of("Ada", Role.OFFICER)


def plan(ada: Browser, **more: object) -> str:
    answer = send(ada, EVENTS, page=f"{EVENTS}/new", **{**GIVEN, **more})
    return answer.headers.get("location", "").split("?")[0] or answer.text


def test_partners_are_chosen_from_the_directory_and_named_to_the_public(
    ada: Browser, sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        for name in ("Elm Street School", "Food bank"):
            partners.keep(session, partners.Given(name, "school"), keys, 1, at_eight)
    assert send(ada, EVENTS, page=f"{EVENTS}/new", **GIVEN, held_with="9").status_code == 422
    page = plan(ada, held_with=["2"], partners="the library")
    assert "Together with Food bank, the library." in ada.get(page).text
    assert "Town hall on" in ada.get("/outreach/partners/2").text
    send(ada, "/outreach/partners/2/retire", page="/outreach/partners/2")
    assert re.search(r'value="2" checked', ada.get(f"{page}/edit").text)
    send(ada, page, page=f"{page}/edit", **GIVEN, held_with=["2", "1"], revision="0")
    assert "Together with Food bank, Elm Street School." in ada.get(page).text


def publish(session: Session, post_id: int) -> None:
    moment, post = clock.now(), session.get_one(Post, post_id)
    session.add(
        Target(
            post_id=post_id, account_id=1, state="published", due_at=moment, next_try_at=moment, key=f"k{post_id}",
            content_hash="h", text=post.message, published_at=moment,
        )
    )  # fmt: skip
    post.state = "published"
    session.add(post)


def test_from_a_plan_to_its_announcement(ada: Browser) -> None:
    page = plan(ada)
    assert page == f"{EVENTS}/1"
    made = send(ada, f"{page}/posts", page=page, kind="announcement", languages=["en"])
    assert made.headers["location"] == "/compose/1"
    both = send(ada, f"{page}/posts", page=page, kind="announcement", languages=["en", "es"])
    assert both.headers["location"].startswith(page)
    for path in (
        page,
        EVENTS,
        "/outreach",
        "/calendar?day=2026-12-08",
        "/calendar?view=week&day=2026-12-08",
        "/posts/1",
    ):
        shown = ada.get(path).text
        assert ("Town hall on &lt;b&gt;Elm&lt;/b&gt; Street" in shown, "<b>Elm</b>" in shown) == (True, False), path
    assert "Español" in ada.get(page).text


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"day": "2026-11-01"}, {"hour": ""}, {"minutes": "x"}, {"day": "2026-02-31"}]
)
def test_what_is_wrong_is_said_and_what_was_written_is_kept(ada: Browser, wrong: dict[str, str]) -> None:
    page = plan(ada, **wrong)
    assert ("One thing to mend" in page, "There is coffee." in page) == (True, True)


def test_a_change_tells_of_the_posts_and_a_second_one_at_once_is_told(ada: Browser) -> None:
    page = plan(ada)
    send(ada, f"{page}/posts", page=page, kind="reminder", before="1440")
    assert "Sun 6 Dec" not in ada.get(page).text
    changed = send(ada, page, page=f"{page}/edit", **{**GIVEN, "day": "2026-12-10", "revision": "0"})
    assert changed.headers["location"] == f"{page}?said=event-changed"
    assert "Wed 9 Dec, 18:00" in ada.get(page).text
    late = send(ada, page, page=f"{page}/edit", **{**GIVEN, "where": "Town Hall", "revision": "0"})
    assert (late.status_code, 'value="Town Hall"' in late.text) == (409, True)


def test_cancelling_takes_its_posts_back(ada: Browser) -> None:
    page = plan(ada)
    send(ada, f"{page}/posts", page=page, kind="announcement")
    send(ada, f"{page}/cancel", page=page, reason="The hall has no heating.")
    shown = ada.get(page).text
    assert ("The hall has no heating." in shown, "Draft the announcement" in shown) == (True, False)
    assert send(ada, f"{page}/cancel", page="/account").status_code == 422


def test_a_translation_of_its_announcement_is_a_post_of_the_event(
    ada: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    page = plan(ada)
    browser_of("Luc", Role.APPROVER)
    send(ada, f"{page}/posts", page=page, kind="announcement")
    with database.writing(sqlite_engine) as session:
        post = session.get_one(Post, 1)
        given = {"title": post.title, "message": post.message, "category": "event", "accounts": "1", "language": "en"}
    for revision in (1, 2):  # it is opened the second time
        answer = send(ada, "/compose/1", page="/compose/1", **given, revision=revision, then="translate-es")
        assert answer.headers["location"] == "/compose/2"
    assert ("Le invitamos: Town hall on" in ada.get("/compose/2").text, "/compose/2" in ada.get(page).text) == (
        True,
        True,
    )
    with database.writing(sqlite_engine) as session:
        moment, spanish = clock.now(), session.get_one(Post, 2)
        assert spanish.translation_of == 1
        drafts.save(
            session, 2, 1, spanish.revision, message="Vengan el martes 8 de diciembre, 6:00 p.m.", title="Vengan",
            category="event", language="es", concern=None, wordings={1: None}, now=moment,
        )  # fmt: skip
        drafts.schedule(session, 2, 1, datetime.fromisoformat("2026-12-01T09:00"), "America/New_York", moment)
        drafts.submit(session, 2, 1, moment)
        luc = people.by_email(session, "luc@riverton.example")
        assert luc is not None
        drafts.approve(session, 2, luc.id or 0, spanish.content_hash, moment)
    send(ada, f"{page}/cancel", page=page, reason="The hall has no heating.")
    with database.reading(sqlite_engine) as session:
        assert session.get_one(Post, 2).state == "cancelled"


def test_the_public_sees_what_was_announced_and_the_day_as_it_is_now(
    ada: Browser, stranger: Browser, sqlite_engine: sa.Engine, settings: Settings, keys: Keys
) -> None:
    page = plan(ada)
    send(ada, f"{page}/posts", page=page, kind="announcement")
    with database.writing(sqlite_engine) as session:
        code = session.exec(select(Event.code)).one()
    on: FastAPI = web_app.create(sqlite_engine, settings.model_copy(update={"public_events": True}), keys)
    with Browser(on) as anyone:
        assert anyone.get(f"/events/{code}").status_code == 404  # nobody announced it yet
        with database.writing(sqlite_engine) as session:
            publish(session, 1)
        assert stranger.get(f"/events/{code}").status_code == 404  # switched off
        assert "There is coffee." in anyone.get(f"/events/{code}").text
        send(ada, page, page=f"{page}/edit", **{**GIVEN, "notes": "Not approved.", "hour": "19:00", "revision": "0"})
        shown = anyone.get(f"/events/{code}").text
        assert ("Not approved." in shown, "Tuesday, December 8, 7:00 PM EST" in shown) == (False, True)
        file = anyone.get(f"/events/{code}.ics")
    assert file.headers["content-type"].startswith("text/calendar")
    found: Any
    (found,) = icalendar.Calendar.from_ical(file.content).walk("VEVENT")
    assert (found["sequence"], found["dtstart"].dt.hour, str(found["url"])) == (
        1,
        19,
        f"{settings.base_url}/events/{code}",
    )


def public_desk(engine: sa.Engine, settings: Settings, keys: Keys) -> Browser:
    """Anyone, at a desk that shows its events to the public."""
    return Browser(web_app.create(engine, settings.model_copy(update={"public_events": True}), keys))


def test_what_the_page_shows_is_approved_with_the_post_and_a_change_of_it_asks_again(
    ada: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, settings: Settings, keys: Keys
) -> None:
    page = plan(ada)
    send(ada, f"{page}/posts", page=page, kind="announcement")
    shown = browser_of("Luc", Role.APPROVER).get("/posts/1").text
    own = shown[shown.index('id="vh-own"') :].split("</article>")[0]
    for line in ("Town hall on &lt;b&gt;Elm&lt;/b&gt; Street", "Elm Street Library", "There is coffee.", "Step-free."):
        assert line in own, line
    with database.writing(sqlite_engine) as session:
        code, luc = session.exec(select(Event.code)).one(), people.by_email(session, "luc@riverton.example")
        assert luc is not None
        post = session.get_one(Post, 1)
        drafts.save(
            session, 1, 1, post.revision, message="Come along.", title="Come", category="event", language="en",
            concern=None, wordings={1: None}, now=clock.now(),
        )  # fmt: skip
        drafts.submit(session, 1, 1, clock.now())
        drafts.approve(session, 1, luc.id or 0, session.get_one(Post, 1).content_hash, clock.now())
        open_to_all = settings.model_copy(update={"public_events": True})
        pages = [
            own_pages.of_post(session, session.get_one(Post, 1), None, one, "en") for one in (settings, open_to_all)
        ]
    assert [one and one.address for one in pages] == ["", f"{settings.base_url}/events/{code}"]
    assert "switched off" in own
    send(ada, page, page=f"{page}/edit", **{**GIVEN, "notes": "Nobody approved this.", "revision": "0"})
    with database.writing(sqlite_engine) as session:
        assert session.get_one(Post, 1).state == "in_review"
    after = browser_of("Luc", Role.APPROVER).get("/posts/1").text
    assert "Nobody approved this." in after[after.index('id="vh-own"') :].split("</article>")[0]


def test_another_place_is_only_said_to_be_until_a_post_that_tells_it_is_out(
    ada: Browser, sqlite_engine: sa.Engine, settings: Settings, keys: Keys
) -> None:
    page = plan(ada)
    send(ada, f"{page}/posts", page=page, kind="announcement")
    with database.writing(sqlite_engine) as session:
        code = session.exec(select(Event.code)).one()
        publish(session, 1)
    send(ada, page, page=f"{page}/edit", **{**GIVEN, "where": "Nobody approved this", "revision": "0"})
    with public_desk(sqlite_engine, settings, keys) as anyone:
        for path in (f"/events/{code}", f"/events/{code}.ics"):
            shown = anyone.get(path).text
            assert ("Nobody approved" in shown, "Library" in shown) == (False, False), path
            assert re.search(r"changed\\?, see our posts", shown), path
        with database.writing(sqlite_engine) as session:
            publish(session, 2)
        assert "Nobody approved this" in anyone.get(f"/events/{code}").text  # its change of plan is out


def test_why_it_is_cancelled_is_public_once_the_post_that_tells_it_is_out(
    ada: Browser, sqlite_engine: sa.Engine, settings: Settings, keys: Keys
) -> None:
    page = plan(ada)
    send(ada, f"{page}/posts", page=page, kind="announcement")
    with database.writing(sqlite_engine) as session:
        code = session.exec(select(Event.code)).one()
        publish(session, 1)
    send(ada, f"{page}/cancel", page=page, reason="No heating.")
    assert "No heating." in ada.get(f"{page}/event.ics").text
    with public_desk(sqlite_engine, settings, keys) as anyone:
        file = anyone.get(f"/events/{code}.ics").text
        assert ("STATUS:CANCELLED" in file, "No heating." in file) == (True, False)
        with database.writing(sqlite_engine) as session:
            publish(session, 2)
        assert "No heating." in anyone.get(f"/events/{code}.ics").text


def test_of_posts_from_before_the_page_shows_only_what_their_words_say(
    ada: Browser, sqlite_engine: sa.Engine, settings: Settings, keys: Keys
) -> None:
    page = plan(ada)
    send(ada, f"{page}/posts", page=page, kind="announcement")
    with database.writing(sqlite_engine) as session:
        code, post = session.exec(select(Event.code)).one(), session.get_one(Post, 1)
        post.shows = None
        publish(session, 1)
    with public_desk(sqlite_engine, settings, keys) as anyone:
        shown = anyone.get(f"/events/{code}").text
        for line in ("Town hall on", "Elm Street Library", "There is coffee.", "Step-free."):
            assert line in shown, line
        with database.writing(sqlite_engine) as session:
            target = session.exec(select(Target)).one()
            target.text = "Come along to the Elm Street Library."
            session.add(target)
        shown = anyone.get(f"/events/{code}").text
        assert [line in shown for line in ("Town hall on", "There is coffee.", "Step-free.")] == [False] * 3
        assert ("Elm Street Library" in shown, "<h1>Event</h1>" in shown) == (True, True)


def test_what_was_heard_is_written_down_with_the_event_and_told(ada: Browser, sqlite_engine: sa.Engine) -> None:
    page = plan(ada, day="2026-11-24", hour="09:00")
    with clock.at(datetime.fromisoformat("2026-11-24T15:30:00+00:00")):
        form = ada.get("/outreach/heard?event=1").text
        assert ('value="2026-11-24"' in form, "From the event" in form) == (True, True)
        send(
            ada, "/outreach/heard", page="/outreach/heard?event=1", event="1", heard_on="2026-11-24", channel="meeting",
            concern="traffic_safety", people="4", trust="neither", language="en",
        )  # fmt: skip
        shown = ada.get(page).text
        assert ("Traffic" in shown, ">4</td>" in shown) == (True, True)
        told = send(ada, f"{page}/tell", page=page)
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Heard.event_id)).one() == 1
        assert "(4 people)" in session.get_one(Post, int(told.headers["location"].rpartition("/")[2])).message


def test_events_stand_in_the_calendar_feed(ada: Browser, sqlite_engine: sa.Engine, at_eight: datetime) -> None:
    plan(ada)
    reader = calendar_feed.Reader("https://desk.example", "Riverton PD", "en")
    with database.reading(sqlite_engine) as session:
        (found,) = icalendar.Calendar.from_ical(calendar_feed.read(session, reader, at_eight)).walk("VEVENT")
    assert (str(found["location"]), str(found["url"])) == (
        "Elm Street Library",
        "https://desk.example/outreach/events/1",
    )


def test_analysts_read_and_change_nothing(ada: Browser, browser_of: Callable[..., Browser]) -> None:
    page = plan(ada)
    ana = browser_of("Ana", Role.ANALYST)
    assert ana.get(page).status_code == 200
    assert send(ana, f"{page}/cancel", page="/account").status_code == 403


def test_programs_do_what_pages_do(ada: Browser, desk_app: FastAPI, sqlite_engine: sa.Engine, keys: Keys) -> None:
    with database.writing(sqlite_engine) as session:
        who = people.by_email(session, "ada@riverton.example")
        assert who is not None
        token = sign_ins.new_token(
            session, people.known_id(who), "t", [Action.READ_FIGURES, Action.WRITE_POSTS], keys, clock.now(),
            timedelta(days=1),
        )  # fmt: skip
    program = Browser(desk_app, headers={"authorization": f"Bearer {token}"}, raise_server_exceptions=False)
    given = {"name": "Coffee", "kind": "coffee", "wall_time": "2026-12-08T09:00", "where": "Main Street"}
    made = program.post("/api/v1/events", json=given).json()
    assert (made["starts_at"], made["revision"]) == ("2026-12-08T14:00:00Z", 0)
    path = f"/api/v1/events/{made['id']}"
    posts = program.post(f"{path}/posts", json={"kind": "reminder", "languages": ["en"], "minutes_before": 1440})
    assert posts.json()["posts"][0]["due_at"] == "2026-12-07T14:00:00Z"
    moved = program.put(path, json={**given, "wall_time": "2026-12-09T09:00"}).json()
    assert (moved["revision"], moved["posts"][0]["due_at"]) == (1, "2026-12-08T14:00:00Z")
    assert program.put(path, json=given).status_code == 409
    assert program.post(f"{path}/cancel", json={}).json()["state"] == "cancelled"
    assert [one["id"] for one in program.get("/api/v1/events").json()] == [1]
    assert program.get("/api/v1/events/9").status_code == 404


def test_a_mistake_is_named_beside_its_field_which_has_the_focus(ada: Browser) -> None:
    page = plan(ada, day="2020-01-01")
    said = "It begins in the past; choose a day to come."
    assert page.count(said) == 3  # at the top, beside the day and beside the hour
    assert re.findall(r'id="([a-z-]+)"[^>]*aria-invalid="true"', page) == ["e-day", "e-hour"]
    assert re.findall(r'id="([a-z-]+)"[^>]* autofocus', page) == ["e-day"]
    assert 'aria-describedby="e-day-wrong"' in page
