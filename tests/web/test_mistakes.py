"""A mistake is named beside its field, the summary on top leads there, and what was written is kept."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from config import database, holds
from config.permissions import Role
from config.secrets import Keys
from listeners.tables import DataRequest
from networks import accounts
from posts import drafts, snippets
from posts.tables import Post
from tests.web.browsing import Browser, send
from tests.web.mistakes import has, named

EVERYTHING = (Role.ADMINISTRATOR, Role.OFFICER, Role.APPROVER)
NEW_PERSON = {"name": "Eve", "email": "eve@riverton.example", "roles": "analyst", "time_zone": "America/New_York"}
URGENT = {"template": "road_closed", "language": "en", "where": "Elm Street", "why": "a gas leak", "rest": "keep"}


@pytest.fixture
def ruth(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime, browser_of: Callable[..., Browser]) -> Browser:
    """Somebody who may do everything, at a desk with one account, a sentence, and a post that has a time."""
    found = browser_of("Ruth", *EVERYTHING)
    with database.writing(sqlite_engine) as session:
        made = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=at_eight)
        snippets.keep(session, 1, at_eight, kind="snippet", name="Line", text="Call 555 0100.")
        post = drafts.create(session, 1, "Coffee at nine.", [made.id or 0], at_eight, title="Coffee")
        drafts.schedule(session, post.id or 0, 1, at_eight.replace(hour=17, tzinfo=None), "America/New_York", at_eight)
        drafts.create(session, 1, "Every week.", [made.id or 0], at_eight, title="Weekly")
        session.add(DataRequest(word="river", opened_by=1, opened_at=at_eight, expires_at=at_eight + timedelta(days=9)))
    return found


@pytest.mark.parametrize(
    ("page", "path", "given", "field", "kept"),
    [
        ("/snippets", "/snippets", {"kind": "template", "name": "", "text": "Meet us"}, "name-new", ["Meet us"]),
        ("/snippets", "/snippets/1", {"kind": "snippet", "name": "Desk", "text": " "}, "text-1", ["Desk"]),
        ("/snippets", "/snippets/9", {"kind": "snippet", "name": "", "text": "Gone"}, "name-new", ["Gone"]),
        ("/outreach/resources", "/outreach/resources", {"name": "Aid", "note": "free"}, "phone-new", ["Aid", "free"]),
        (
            "/people", "/people", NEW_PERSON | {"email": "eve at home", "language": "es"},
            "email-new", ["Eve", "eve at home"],
        ),
        ("/people", "/people", NEW_PERSON | {"roles": []}, "roles-new", ["Eve", "eve@riverton.example"]),
        ("/people", "/people", NEW_PERSON | {"time_zone": "Mars/Base"}, "time_zone", ["Eve"]),
        ("/people", "/people/1/roles", {"roles": ["officer"]}, "roles-1", []),
        ("/people", "/people/1/name", {"name": "", "email": "r@riverton.example"}, "name-1", ["r@riverton.example"]),
        ("/people", "/people/1/name", {"name": "Ruth B.", "email": "r at home"}, "email-1", ["Ruth B.", "r at home"]),
        ("/outreach/urgent/new", "/outreach/urgent", URGENT | {"where": ""}, "u-where", ["a gas leak"]),
        ("/outreach/urgent/new", "/outreach/urgent", URGENT | {"why": "x" * 300}, "u-why", ["Elm Street", "x" * 300]),
        ("/outreach/urgent/new", "/outreach/urgent", URGENT | {"rest": ""}, "u-rest", ["Elm Street", "a gas leak"]),
        (
            "/planning", "/planning/blackouts", {"first_day": "2026-12-25", "last_day": "2026-12-24", "reason": "Rest"},
            "b-last", ["2026-12-25", "2026-12-24", "Rest"],
        ),
        (
            "/planning", "/planning/blackouts", {"first_day": "2026-12-24", "last_day": "2026-12-25"},
            "b-reason", ["2026-12-25"],
        ),
        (
            "/planning", "/planning/series",
            {"post": 2, "first_day": "2026-12-01", "hour": "09:00", "rule": "FREQ=HOURLY"},
            "q-rule", ["2026-12-01", "FREQ=HOURLY"],
        ),
        ("/planning", "/planning/series", {"post": 1, "first_day": "2026-12-01", "hour": "09:00"}, "q-post", ["09:00"]),
        ("/planning", "/planning/kinds/general", {"step_0": "any", "step_1": "all"}, "kind-general-step_1", []),
        ("/planning", "/planning/kinds/general", {"step_0": "any", "late": "soon"}, "kind-general-late", ["soon"]),
        ("/planning", "/planning/kinds/urgent", {"step_0": "any"}, "kind-urgent-over_blackout", []),
        ("/account", "/account", {"time_zone": "Mars/Base", "language": "en"}, "time_zone", []),
        ("/account", "/account/tokens", {"name": "Feed", "days": 30}, "token-scopes", ["Feed"]),
        ("/account", "/account/tokens", {"scopes": "read_figures", "days": 30}, "token-name", []),
        ("/hold", "/hold", {"reason": " "}, "reason", []),
        (
            "/channels", "/channels", {"kind": "json", "address": "https://chat.example/x"},
            "name", ["https://chat.example/x"],
        ),
        (
            "/channels", "/channels", {"kind": "chat", "name": "Room", "address": "nowhere"},
            "address", ["Room", "nowhere"],
        ),
        ("/deliveries", "/deliveries", {"quiet_from": "22:30", "daily": "6"}, "quiet_until", ["22:30"]),
        ("/outreach/mix", "/outreach/mix", {"target_event": "many", "target_general": "3"}, "t-event", ["many", "3"]),
        ("/board", "/board", {"author": "Ann", "text": ""}, "text", ["Ann"]),
        ("/records", "/records/holds", {"kind": "post", "number": "7", "reason": "A case"}, "number", ["7", "A case"]),
        (
            "/records", "/records/holds",
            {"kind": "period", "first_day": "2026-11-03", "last_day": "2026-11-01", "reason": "A case"},
            "last_day", ["2026-11-03", "2026-11-01"],
        ),
        ("/records", "/records/holds", {"kind": "post", "number": "1"}, "reason", ["1"]),
        ("/records/own-data", "/records/own-data/1/checked", {"network": "x", "account": "55"}, "p-1", ["55"]),
        (
            "/sources", "/sources", {"network": "feed", "kind": "feed", "name": "Paper", "url": "paper"},
            "s-feed-feed-url", ["Paper", "paper"],
        ),
        (
            "/sources", "/sources", {"network": "feed", "kind": "feed", "url": "https://paper.example"},
            "s-feed-feed-name", ["https://paper.example"],
        ),
        ("/sources", "/sources/rules", {"name": "Us", "query": "(police"}, "r-query", ["Us", "(police"]),
        ("/sources", "/sources/places", {"other_names": "The Green"}, "p-name", ["The Green"]),
        ("/posts/1", "/posts/1/comment", {"comment": " "}, "comment", []),
        ("/posts/1", "/posts/1/move", {"day": "2026-12-24"}, "hour", ["2026-12-24"]),
        ("/posts/1", "/posts/1/move", {"day": "2026-02-30", "hour": "09:00"}, "day", ["2026-02-30", "09:00"]),
        ("/posts/1", "/posts/1/move", {"day": "9999-12-31", "hour": "23:59"}, "day", ["9999-12-31", "23:59"]),
        ("/posts/1", "/posts/1/move", {"day": "2026-12-24", "hour": "09:00Z"}, "day", ["2026-12-24", "09:00Z"]),
        (
            "/outreach/stories", "/outreach/stories", {"words": "They walked me home."},
            "c-new", ["They walked me home."],
        ),
        ("/outreach/glossary", "/outreach/glossary", {"term": "Chief", "language": "es"}, "g-wording", ["Chief"]),
        ("/outreach/days", "/outreach/days", {"name": "Fair"}, "d-first", ["Fair"]),
    ],
)  # fmt: skip
def test_a_mistake_is_beside_its_field_and_what_was_written_is_kept(
    ruth: Browser, page: str, path: str, given: dict[str, object], field: str, kept: list[str]
) -> None:
    answer = send(ruth, path, page=page, **given)
    assert (named(answer).field, has(answer, *kept)) == (field, True)


@pytest.mark.parametrize(
    ("path", "given", "words"),
    [
        ("/planning/blackouts", {"reason": "Rest"}, "Something that is needed was left empty."),
        ("/planning/slots", {"account": 1, "weekday": 1, "at": "25:00"}, "A day or a time in it cannot be read."),
        ("/planning/slots", {"account": 1, "weekday": 9, "at": "09:00"}, "A number in it cannot be read, or is too"),
        ("/planning/blackouts", {"first_day": "2026-12-24", "reason": "x" * 999}, "A text in it is longer than it may"),
    ],
)
def test_what_no_page_of_ours_would_send_is_refused_in_plain_words(
    ruth: Browser, path: str, given: dict[str, object], words: str
) -> None:
    answer = send(ruth, path, page="/planning", **given)
    assert (answer.status_code, words in answer.text, "Nothing was changed." in answer.text) == (422, True, True)
    assert "Field required" not in answer.text


def test_a_slot_that_is_there_already_is_said_beside_its_time(ruth: Browser) -> None:
    given = {"account": 1, "weekday": 1, "at": "17:30"}
    send(ruth, "/planning/slots", page="/planning", **given)
    answer = send(ruth, "/planning/slots", page="/planning", **given)
    assert (named(answer).field, has(answer, "17:30")) == ("t-at", True)


def test_the_roles_of_the_only_administrator_stay_as_they_were_and_stand_as_they_were_chosen(ruth: Browser) -> None:
    answer = send(ruth, "/people/1/roles", page="/people", roles=["officer", "auditor"])
    assert named(answer).words.startswith("They are the only administrator. Without one")
    at = answer.text.index('id="roles-1"')
    chosen = answer.text[at : answer.text.index("</fieldset>", at)]
    assert [role for role in Role if f'value="{role.value}" checked' in chosen] == [Role.OFFICER, Role.AUDITOR]
    assert ">administrator<" in ruth.get("/people").text.lower()


@pytest.mark.parametrize(("choice", "hour"), [("move", ""), ("move", "09:00Z"), ("keep", "09:30"), ("keep", "")])
def test_a_post_whose_new_time_is_not_whole_or_not_chosen_is_named_and_what_was_written_is_kept(
    ruth: Browser, sqlite_engine: sa.Engine, at_eight: datetime, choice: str, hour: str
) -> None:
    with database.writing(sqlite_engine) as session:
        post = session.get_one(Post, 1)
        post.state = "scheduled"
        session.add(post)
        holds.place(session, 1, "A crash", at_eight)
    answer = send(ruth, "/hold/lift", page="/hold", post_1=choice, day_1="2026-12-24", hour_1=hour)
    assert (named(answer).field, has(answer, "2026-12-24", hour)) == ("day_1", True)
    assert f'value="{choice}" checked' in answer.text
    with database.reading(sqlite_engine) as session:
        assert holds.in_force(session) is not None


def test_what_the_hold_made_too_late_is_listed_and_moving_it_to_the_past_is_refused_beside_it(
    ruth: Browser, sqlite_engine: sa.Engine, at_eight: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        holds.place(session, 1, "A crash", at_eight)
        for number, state, hours in ((1, "missed", 1), (2, "scheduled", 2)):
            post = session.get_one(Post, number)
            post.state, post.due_at = state, at_eight + timedelta(hours=hours)
            post.wall_time, post.time_zone = at_eight.replace(tzinfo=None), "America/New_York"
            session.add(post)
    assert "became too late while the hold was on" in ruth.get("/hold").text
    answer = send(ruth, "/hold/lift", page="/hold", post_1="keep", post_2="move", day_2="2026-11-01", hour_2="09:00")
    assert (named(answer).field, "That time has passed" in named(answer).words) == ("day_2", True)
    send(ruth, "/hold/lift", page="/hold", post_1="move", day_1="2026-12-01", hour_1="09:00", post_2="keep")
    with database.reading(sqlite_engine) as session:
        assert (session.get_one(Post, 1).state, holds.in_force(session)) == ("draft", None)


@pytest.mark.parametrize("stage", ["update", "all_clear"])
def test_what_follows_an_urgent_update_without_words_is_asked_for_in_its_own_form(
    ruth: Browser, sqlite_engine: sa.Engine, stage: str
) -> None:
    first = send(ruth, "/outreach/urgent", page="/outreach/urgent/new", **URGENT).headers["location"].split("?")[0]
    with database.writing(sqlite_engine) as session:
        post = session.get_one(Post, int(first.rpartition("/")[2]))
        post.state = "published"
        session.add(post)
    answer = send(ruth, f"{first}/follow", page=first, stage=stage, message=" ")
    assert named(answer).field == f"u-{stage}"


def test_a_button_that_is_pressed_twice_asks_once(ruth: Browser, sqlite_engine: sa.Engine) -> None:
    asked = [send(ruth, "/outreach/urgent", page="/outreach/urgent/new", **URGENT).headers["location"] for _ in "12"]
    other = send(ruth, "/outreach/urgent", page="/outreach/urgent/new", **(URGENT | {"where": "Oak Avenue"}))
    assert (asked[0], asked[0] != other.headers["location"]) == (asked[1], True)


def test_other_words_of_an_urgent_update_are_asked_for_beside_them(ruth: Browser) -> None:
    first = send(ruth, "/outreach/urgent", page="/outreach/urgent/new", **URGENT).headers["location"].split("?")[0]
    assert named(send(ruth, f"{first}/words", page=first, message=" ", revision=1)).field == "u-words"


def test_a_mistake_is_told_in_the_readers_language_beside_its_field_too(ruth: Browser) -> None:
    send(ruth, "/account", page="/account", time_zone="America/New_York", language="es")
    answer = send(ruth, "/snippets", page="/snippets", kind="snippet", name="Línea", text="")
    assert named(answer).words == "Necesita un nombre y un texto."
    answer = send(ruth, "/sources", page="/sources", network="feed", kind="feed", name="Diario", url="diario")
    assert named(answer).words == "Un canal necesita su dirección; comienza con https://."
    answer = send(ruth, "/planning/slots", page="/planning", account=999, weekday=1, at="09:00")
    assert (answer.status_code, "Nombra algo que no existe o que ya existe." in answer.text) == (409, True)
