from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import select

from config import clock, database, people, sign_ins, throttle
from config.permissions import Role
from config.secrets import Keys
from config.tables import AuditEntry, Person, SignIn
from tests.web.browsing import Browser, form_token, send
from tests.web.mistakes import named

PASSWORD = "a bridge over the river"


def add(engine: sa.Engine, person: Callable[..., Person], name: str = "Ada", *roles: Role) -> int:
    with database.writing(engine) as session:
        return people.known_id(person(session, name, *(roles or (Role.OFFICER,)), password=PASSWORD))


def test_a_password_signs_in_and_leads_on_to_the_page_that_was_asked_for(
    stranger: Browser, sqlite_engine: sa.Engine, person: Callable[..., Person]
) -> None:
    ada = add(sqlite_engine, person)
    asked = stranger.get("/account")
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=%2Faccount")
    entered = send(
        stranger, "/sign-in", page=asked.headers["location"], email="ada@riverton.example", password=PASSWORD,
        next="/account",
    )  # fmt: skip
    assert (entered.status_code, entered.headers["location"]) == (303, "/account")
    assert stranger.get("/account").status_code == 200
    with database.reading(sqlite_engine) as session:
        assert [entry.action for entry in session.exec(select(AuditEntry))] == ["sign_in"]
        assert [row.person_id for row in session.exec(select(SignIn))] == [ada]


def test_a_wrong_password_and_an_unknown_e_mail_are_told_in_the_same_words(
    stranger: Browser, sqlite_engine: sa.Engine, person: Callable[..., Person]
) -> None:
    add(sqlite_engine, person)
    wrong = send(stranger, "/sign-in", page="/sign-in", email="ada@riverton.example", password="not this one")
    unknown = send(stranger, "/sign-in", page="/sign-in", email="eve@riverton.example", password="not this one")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("ada@", "eve@") == unknown.text


def test_too_many_wrong_passwords_are_slowed_down_with_a_time_to_come_back(
    stranger: Browser, sqlite_engine: sa.Engine, person: Callable[..., Person], at_eight: datetime
) -> None:
    add(sqlite_engine, person)
    token = form_token(stranger.get("/sign-in").text)
    fields = {"csrf": token, "email": "ada@riverton.example", "password": "not this one"}
    tries = [stranger.post("/sign-in", data=fields).status_code for _ in range(throttle.TRIES + 1)]
    assert tries == [401] * throttle.TRIES + [429]
    assert "08:25 EST" in stranger.post("/sign-in", data=fields | {"password": PASSWORD}).text


def test_sign_in_leads_to_no_other_site(
    stranger: Browser, sqlite_engine: sa.Engine, person: Callable[..., Person]
) -> None:
    add(sqlite_engine, person)
    for next_ in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        entered = send(
            stranger, "/sign-in", page="/sign-in", email="ada@riverton.example", password=PASSWORD, next=next_
        )
        assert entered.headers["location"] == "/"
        stranger.cookies.delete("liaison")


def test_a_sign_in_link_shows_a_button_and_works_once(
    stranger: Browser, sqlite_engine: sa.Engine, person: Callable[..., Person], keys: Keys
) -> None:
    ada = add(sqlite_engine, person)
    with database.writing(sqlite_engine) as session:
        code = sign_ins.new_code(session, "sign_in", ada, keys, clock.now(), timedelta(hours=1))
    link = f"/sign-in/link/{code}"
    assert [stranger.get(link).status_code for _ in range(3)] == [200, 200, 200]
    entered = send(stranger, link, page=link)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert stranger.get("/account").status_code == 200
    assert stranger.get(link).status_code == 410


def test_sign_out_ends_the_sign_in_on_the_desk_and_not_only_the_cookie(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    browser = browser_of("Ada", Role.OFFICER)
    token = browser.cookies["liaison"]
    assert send(browser, "/sign-out", page="/account").headers["location"] == "/sign-in?said=signed-out"
    browser.cookies.set("liaison", token)
    assert browser.get("/account").status_code == 303
    with database.reading(sqlite_engine) as session:
        assert list(session.exec(select(SignIn))) == []


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    stranger: Browser, sqlite_engine: sa.Engine, person: Callable[..., Person]
) -> None:
    add(sqlite_engine, person)
    entered = send(stranger, "/sign-in", page="/sign-in", email="ada@riverton.example", password=PASSWORD)
    cookies = [one.lower().split("; ") for one in entered.headers.get_list("set-cookie")]
    assert [parts[0].partition("=")[0] for parts in cookies] == ["liaison", "liaison-known"]
    for parts, seconds in zip(cookies, (43_200, 31_536_000), strict=True):
        assert sorted(parts[1:]) == ["httponly", f"max-age={seconds}", "path=/", "samesite=lax"]


def test_closing_someones_way_in_ends_their_open_sign_ins(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    admin, ada = browser_of("Root", Role.ADMINISTRATOR), browser_of("Ada", Role.OFFICER)
    with database.reading(sqlite_engine) as session:
        found = people.by_email(session, "ada@riverton.example")
        assert found is not None
    assert send(admin, f"/people/{found.id}/active", page="/people").status_code == 303
    assert ada.get("/account").status_code == 303


def test_someone_invited_chooses_a_password_at_the_link_and_comes_in(
    browser_of: Callable[..., Browser], stranger: Browser
) -> None:
    admin = browser_of("Root", Role.ADMINISTRATOR)
    shown = send(
        admin, "/people", page="/people", name="Eve", email="eve@riverton.example", roles="analyst",
        time_zone="America/New_York",
    )  # fmt: skip
    link = shown.text[shown.text.index("/sign-in/link/") :].split("<")[0]
    assert named(send(stranger, link, page=link, new="password1234")).field == "new"  # and the link is not used up
    measure = f"{link}/strength"
    assert send(stranger, measure, page=link, new="password").json() == {"score": 0, "words": "Very easy to guess"}
    assert send(stranger, measure, page=link, new=PASSWORD).json()["score"] >= 3
    assert send(stranger, link, page=link, new=PASSWORD).headers["location"] == "/"
    assert stranger.get("/account").status_code == 200
    assert stranger.get(link).status_code == 410
    assert send(stranger, measure, page="/account", new=PASSWORD).status_code == 410  # measured for invitations only
    assert send(stranger, "/account/password/strength", page="/account", new=PASSWORD).json()["score"] >= 3
    wrong = send(stranger, "/account/password", page="/account", old="not this one", new="another long sentence")
    assert wrong.status_code == 422  # it was chosen just now


def test_who_came_by_a_link_need_not_know_the_old_password(
    stranger: Browser, sqlite_engine: sa.Engine, person: Callable[..., Person], keys: Keys
) -> None:
    ada = add(sqlite_engine, person)
    with database.writing(sqlite_engine) as session:
        code = sign_ins.new_code(session, "sign_in", ada, keys, clock.now(), timedelta(hours=1))
    send(stranger, f"/sign-in/link/{code}", page=f"/sign-in/link/{code}")
    changed = send(stranger, "/account/password", page="/account", new="another long sentence")
    assert changed.status_code == 303


def test_who_came_by_password_must_know_it_to_change_it(
    stranger: Browser, sqlite_engine: sa.Engine, person: Callable[..., Person]
) -> None:
    add(sqlite_engine, person)
    send(stranger, "/sign-in", page="/sign-in", email="ada@riverton.example", password=PASSWORD)
    wrong = send(stranger, "/account/password", page="/account", old="not this one", new="another long sentence")
    assert named(wrong).field == "old"
    short = send(stranger, "/account/password", page="/account", old=PASSWORD, new="short")
    assert named(short).field == "new"


def test_the_only_administrator_can_neither_leave_nor_be_closed_out(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    admin = browser_of("Root", Role.ADMINISTRATOR)
    assert send(admin, "/people/1/roles", page="/people", roles="officer").status_code == 422
    assert send(admin, "/people/1/active", page="/people").status_code == 409
    browser_of("Ada", Role.ADMINISTRATOR)
    assert send(admin, "/people/1/roles", page="/people", roles="officer").status_code == 303
    assert admin.get("/people").status_code == 403


def test_a_token_is_shown_once_and_works_until_it_is_revoked(
    browser_of: Callable[..., Browser], stranger: Browser
) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    made = send(ada, "/account/tokens", page="/account", name="mine", scopes=["read_posts", "manage"])
    token = made.text[made.text.index("lia_") :].split("<")[0]
    assert token not in ada.get("/account").text
    sent = {"authorization": f"Bearer {token}"}
    assert stranger.get("/api/v1/posts", headers=sent).status_code == 200
    assert stranger.get("/api/v1/sources", headers=sent).status_code == 403  # not hers to give
    assert send(ada, "/account/tokens/1/revoke", page="/account").status_code == 303
    assert stranger.get("/api/v1/posts", headers=sent).status_code == 401


def test_what_is_typed_can_be_seen_and_is_measured(browser_of: Callable[..., Browser]) -> None:
    page = browser_of("Ada", Role.OFFICER).get("/account").text
    assert 'data-show="new"' in page
    assert 'data-strength="/account/password/strength"' in page
    assert "js/password.js" in page
