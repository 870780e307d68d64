"""People invited by mail, and where people are signed in."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import clock, database, invitations, people, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import ApiToken, AuditEntry, OutboxMessage, Person, SecondFactor, SignIn
from tests.web.browsing import Browser, Response, send
from web import people as people_page
from web.desk import Desk
from web.guard import Visitor
from web.problems import Trouble

PASSWORD = "a bridge over the river"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def invite(admin: Browser, **more: str) -> Response:
    return send(
        admin, "/people", page="/people", name="Eve", email="eve@riverton.example", roles="analyst",
        time_zone="America/New_York", by_mail="true", **more,
    )  # fmt: skip


def link_in(engine: sa.Engine, keys: Keys) -> str:
    """The path in the newest invitation that waits in the outbox."""
    with database.reading(engine) as session:
        mail = session.exec(select(OutboxMessage).where(OutboxMessage.kind == "invitation")).all()[-1]
    assert mail.sealed
    assert b"/sign-in/link/" not in mail.message
    words = keys.open(mail.message).replace("=\r\n", "")
    return "/sign-in/link/" + words[words.index("/sign-in/link/") + 14 :].split()[0]


def test_an_invitation_goes_by_mail_and_is_nowhere_in_the_clear(
    browser_of: Callable[..., Browser], stranger: Browser, sqlite_engine: sa.Engine, keys: Keys
) -> None:
    sent = invite(browser_of("Root", Role.ADMINISTRATOR))
    assert sent.headers["location"] == "/people?said=invited"
    link = link_in(sqlite_engine, keys)
    assert send(stranger, link, page=link, new=PASSWORD).headers["location"] == "/"
    assert stranger.get(link).status_code == 410
    with database.reading(sqlite_engine) as session:
        eve = people.by_email(session, "eve@riverton.example")
        assert eve is not None
        assert people.roles_of(session, people.known_id(eve)) == {Role.ANALYST}


def waiting(engine: sa.Engine) -> int:
    """How many wait for a lock in this database."""
    asked = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database WHERE NOT granted"
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(f"{asked} AND datname = current_database()").scalar_one())


@pytest.mark.parametrize("closing", [False, True])
def test_two_administrators_who_take_that_from_each_other_at_once_leave_one(
    postgres_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person], *, closing: bool
) -> None:
    found = Desk(postgres_engine, settings, keys)
    with database.writing(postgres_engine) as session:
        both = [Visitor(person(session, name, Role.ADMINISTRATOR), frozenset(), "") for name in ("Ruth", "Sam")]

    def take_away(who: Visitor, other: Visitor) -> int:
        try:
            if closing:
                people_page.set_way_in(found, who, other.id, active=False)
            else:
                people_page.set_roles(found, who, other.id, [Role.OFFICER])
        except Trouble as error:
            return error.status
        return 200

    with ThreadPoolExecutor(2) as pool:
        with postgres_engine.begin() as connection:  # both have looked before one of them writes
            connection.exec_driver_sql("LOCK TABLE person, person_role IN SHARE MODE")
            told = [pool.submit(take_away, who, other) for who, other in (both, both[::-1])]
            until = time.monotonic() + 30
            while waiting(postgres_engine) < 2 and time.monotonic() < until:
                time.sleep(0.01)
        assert sorted(one.result() for one in told) == [200, 409]
    with database.reading(postgres_engine) as session:
        assert len(people.with_role(session, Role.ADMINISTRATOR)) == 1


def test_another_address_signs_in_from_then_on_and_the_one_before_is_told(
    browser_of: Callable[..., Browser], stranger: Browser, sqlite_engine: sa.Engine, keys: Keys
) -> None:
    admin = browser_of("Root", Role.ADMINISTRATOR)
    browser_of("Ada", Role.OFFICER)
    invite(admin)
    link = link_in(sqlite_engine, keys)
    taken = send(admin, "/people/3/name", page="/people", name="Eve", email="Ada@riverton.example")
    assert (taken.status_code, "ada@riverton.example is here already." in taken.text) == (422, True)
    assert stranger.get(link).status_code == 200  # nothing was changed by what was refused
    moved = send(admin, "/people/3/name", page="/people", name="Eve Ruiz", email="Eve.Ruiz@riverton.example")
    assert (moved.headers["location"], stranger.get(link).status_code) == ("/people?said=renamed", 410)
    again = send(admin, "/people/3/name", page="/people", name="Eve Ruiz B.", email="eve.ruiz@riverton.example")
    assert again.status_code == 303
    with database.reading(sqlite_engine) as session:
        told = session.exec(select(OutboxMessage).where(OutboxMessage.kind == "security")).all()
        eve = people.by_email(session, "eve.ruiz@riverton.example")
        said = session.exec(select(AuditEntry).where(AuditEntry.action == "person.name")).all()
    assert [mail.recipient for mail in told] == ["eve@riverton.example"]  # the name alone is no such news
    assert eve is not None
    assert (eve.id, eve.name, len(said)) == (3, "Eve Ruiz B.", 2)
    assert said[0].detail["before"] == {"name": "Eve", "email": "eve@riverton.example"}


def test_an_invitation_ends_after_its_time_when_sent_anew_and_when_withdrawn(
    browser_of: Callable[..., Browser], stranger: Browser, sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime
) -> None:
    admin = browser_of("Root", Role.ADMINISTRATOR)
    invite(admin)
    first = link_in(sqlite_engine, keys)
    assert "invited, until" in admin.get("/people").text
    with clock.at(at_eight + invitations.LIFETIME):
        assert stranger.get(first).status_code == 410
    assert send(admin, "/people/2/link", page="/people", by_mail="true").status_code == 303
    second = link_in(sqlite_engine, keys)
    assert [stranger.get(one).status_code for one in (first, second)] == [410, 200]
    assert "Withdraw the invitation" in admin.get("/people").text
    send(admin, "/people/2/active", page="/people")
    assert stranger.get(second).status_code == 410


def test_where_one_is_signed_in_is_listed_in_plain_words_and_ended_one_by_one(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys
) -> None:
    here, there = browser_of("Ada", Role.OFFICER), browser_of("Ada")
    with database.writing(sqlite_engine) as session:
        other = sign_ins.open_sign_in(session, 1, keys, clock.now(), "192.0.2.7", FIREFOX)
    page = here.get("/account").text
    assert "Firefox on Linux" in page
    assert "192.0.2.7" in page
    assert page.count(">this one<") == 1
    assert page.count("Sign out there<") == 2
    assert other not in page
    which = keys.hash("token", other).hex()
    assert send(here, "/account/sign-ins/end", page="/account", which=which).status_code == 303
    assert "Firefox on Linux" not in here.get("/account").text
    assert there.get("/account").status_code == 200
    send(here, "/account/sign-ins/end", page="/account")
    assert (here.get("/account").status_code, there.get("/account").status_code) == (200, 303)
    with database.reading(sqlite_engine) as session:
        told = [(entry.action, entry.detail) for entry in session.exec(select(AuditEntry))]
    assert told == [("sign_in.end", {"browsers": 1}), ("sign_in.end", {"browsers": 1})]


def test_nobody_ends_a_sign_in_of_somebody_else_but_an_administrator(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys
) -> None:
    ada, eve, admin = (
        browser_of("Ada", Role.OFFICER), browser_of("Eve", Role.ANALYST), browser_of("Root", Role.ADMINISTRATOR),
    )  # fmt: skip
    which = keys.hash("token", ada.cookies["liaison"]).hex()
    send(eve, "/account/sign-ins/end", page="/account", which=which)
    send(eve, "/account/sign-ins/end", page="/account", which="no hash")
    assert ada.get("/account").status_code == 200
    send(admin, "/people/2/sign-ins/end", page="/people", which=which)  # Eve's number, Ada's browser
    assert ada.get("/account").status_code == 200
    send(admin, "/people/1/sign-ins/end", page="/people", which=which)
    assert ada.get("/account").status_code == 303
    send(admin, "/people/2/sign-ins/end", page="/people")
    assert eve.get("/account").status_code == 303


def test_a_new_password_ends_every_other_sign_in_and_every_link(
    browser_of: Callable[..., Browser],
    stranger: Browser,
    sqlite_engine: sa.Engine,
    person: Callable[..., Person],
    keys: Keys,
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", Role.OFFICER, password=PASSWORD)
    here, there = browser_of("Ada"), browser_of("Ada")
    with database.writing(sqlite_engine) as session:
        link = sign_ins.new_code(session, "sign_in", 1, keys, clock.now(), timedelta(days=1))
    send(here, "/account/password", page="/account", old=PASSWORD, new="another sentence of words")
    assert (here.get("/account").status_code, there.get("/account").status_code) == (200, 303)
    assert stranger.get(f"/sign-in/link/{link}").status_code == 410
    with database.reading(sqlite_engine) as session:
        assert len(session.exec(select(SignIn)).all()) == 1
        assert [mail.subject for mail in session.exec(select(OutboxMessage))] == ["Your password was changed"]


@pytest.mark.parametrize(("days", "made"), [("7", True), ("365", True), ("36500", False)])
def test_a_token_ends_after_the_days_chosen_and_says_when_it_was_used(
    browser_of: Callable[..., Browser],
    stranger: Browser,
    sqlite_engine: sa.Engine,
    at_eight: datetime,
    days: str,
    made: bool,
) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    shown = send(ada, "/account/tokens", page="/account", name="mine", scopes="read_posts", days=days)
    assert (shown.status_code == 200) == made
    if not made:
        return
    assert "never used" in ada.get("/account").text
    token = shown.text[shown.text.index("lia_") :].split("<")[0]
    sent = {"authorization": f"Bearer {token}"}
    assert stranger.get("/api/v1/posts", headers=sent).status_code == 200
    with database.reading(sqlite_engine) as session:
        row = session.exec(select(ApiToken)).one()
    assert (row.used_at, row.expires_at) == (at_eight, at_eight + timedelta(days=int(days)))
    with clock.at(row.expires_at):
        assert stranger.get("/api/v1/posts", headers=sent).status_code == 401


def test_an_administrator_sees_and_ends_tokens_of_others_and_never_the_token(
    browser_of: Callable[..., Browser], stranger: Browser, sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime
) -> None:
    ada, sam = browser_of("Ada", Role.OFFICER), browser_of("Sam", Role.ADMINISTRATOR)
    with database.writing(sqlite_engine) as session:
        made = [
            sign_ins.new_token(session, 1, name, [Action.READ_POSTS], keys, at_eight, timedelta(days=30))
            for name in ("the wall screen", "a script")
        ]
    page = sam.get("/people").text
    assert "the wall screen" in page and "a script" in page and made[0] not in page
    assert send(ada, "/people/1/tokens/1/revoke", page="/account").status_code == 403
    assert send(sam, "/people/2/tokens/1/revoke", page="/people").status_code == 404  # no token of Sam's
    send(sam, "/people/1/tokens/1/revoke", page="/people")
    first, second = ({"authorization": f"Bearer {token}"} for token in made)
    assert stranger.get("/api/v1/posts", headers=first).status_code == 401
    assert stranger.get("/api/v1/posts", headers=second).status_code == 200
    for active in ("", "true"):
        send(sam, "/people/1/active", page="/people", active=active)
    assert stranger.get("/api/v1/posts", headers=second).status_code == 401  # closed with its owner's way in, for good
    with database.reading(sqlite_engine) as session:
        told = select(AuditEntry.action, AuditEntry.detail).where(col(AuditEntry.person_id) == 2)
        log = session.exec(told.order_by(col(AuditEntry.id))).all()
    assert log == [("token.revoke", {"person": 1}), ("person.close", {"programs": 1}), ("person.open", {})]


def test_without_a_mail_server_the_page_offers_no_mail_but_the_address_once(
    browser_of: Callable[..., Browser],
) -> None:
    page = browser_of("Root", Role.ADMINISTRATOR).get("/people").text
    assert ("No mail server is set" in page, 'name="by_mail"' in page) == (True, False)


@pytest.fixture
def reads(
    browser_of: Callable[..., Browser], stranger: Browser, sqlite_engine: sa.Engine, keys: Keys
) -> Callable[[], list[int]]:
    """How a token and the calendar of Ada, who is the first, are answered."""
    ada = browser_of("Ada", Role.OFFICER)
    with database.writing(sqlite_engine) as session:
        token = sign_ins.new_token(session, 1, "a script", [Action.READ_POSTS], keys, clock.now(), timedelta(days=30))
        session.get_one(Person, 1).password_hash = people.hash_password(PASSWORD)
    page = send(ada, "/deliveries/calendar", page="/deliveries").text
    feed = "/feeds/" + page.partition("/feeds/")[2].partition("<")[0]

    def ask() -> list[int]:
        sent = {"authorization": f"Bearer {token}"}
        return [stranger.get("/api/v1/posts", headers=sent).status_code, stranger.get(feed).status_code]

    return ask


def test_signing_out_everywhere_ends_tokens_and_the_calendar_too(
    reads: Callable[[], list[int]], browser_of: Callable[..., Browser]
) -> None:
    ada = browser_of("Ada")
    assert reads() == [200, 200]
    which = {"which": "00"}
    send(ada, "/account/sign-ins/end", page="/account", **which)  # one browser
    assert reads() == [200, 200]
    assert "your calendar’s address end too" in ada.get("/account").text
    send(ada, "/account/sign-ins/end", page="/account")
    assert reads() == [401, 404]


def test_signed_out_everywhere_by_an_administrator_tokens_and_the_calendar_end_too(
    reads: Callable[[], list[int]], browser_of: Callable[..., Browser]
) -> None:
    send(browser_of("Sam", Role.ADMINISTRATOR), "/people/1/sign-ins/end", page="/people")
    assert reads() == [401, 404]


def test_a_new_password_ends_tokens_and_the_calendar_only_for_who_came_by_a_link(
    reads: Callable[[], list[int]], browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, stranger: Browser
) -> None:
    send(browser_of("Ada"), "/account/password", page="/account", old=PASSWORD, new="another sentence of words")
    assert reads() == [200, 200]
    page = send(browser_of("Sam", Role.ADMINISTRATOR), "/people/1/link", page="/people").text
    link = page[page.index("/sign-in/link/") :].split("<")[0]
    send(stranger, link, page=link)
    send(stranger, "/account/password", page="/account", new="a third sentence of words")
    stranger.cookies.clear()
    assert reads() == [401, 404]


def test_a_second_factor_taken_away_ends_tokens_and_the_calendar(
    reads: Callable[[], list[int]], browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys
) -> None:
    with database.writing(sqlite_engine) as session:
        session.add(SecondFactor(person_id=1, begun_at=clock.now(), sealed_secret=keys.seal("A" * 32)))
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    assert send(sam, "/people/1/second-factor/reset", page="/people", reason="New phone").status_code == 303
    assert reads() == [401, 404]


def test_a_calendar_opens_only_while_its_owner_may_read_posts(
    reads: Callable[[], list[int]], sqlite_engine: sa.Engine
) -> None:
    for roles, answer in (([Role.OFFICER], 200), ([], 404), ([Role.ANALYST], 404), ([Role.APPROVER], 200)):
        with database.writing(sqlite_engine) as session:
            people.set_roles(session, session.get_one(Person, 1), roles)
        assert reads()[1] == answer
