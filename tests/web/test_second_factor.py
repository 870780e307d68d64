import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pyotp
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from fastapi import FastAPI
from sqlmodel import select

import cli
from config import clock, database, people, second_factor, sign_ins, throttle
from config.permissions import Action, Role
from config.secrets import Keys, Secrets
from config.settings import Settings
from config.tables import AuditEntry, OutboxMessage, Person
from tests.web.browsing import Browser, Response, form_token, send
from tests.web.mistakes import named

PASSWORD = "a bridge over the river"
PAGE = "/account/second-factor"


def with_password(engine: sa.Engine, person: Callable[..., Person], *roles: Role) -> None:
    with database.writing(engine) as session:
        person(session, "Ada", *roles, password=PASSWORD)


def enrol(browser: Browser, **proof: str) -> tuple[pyotp.TOTP, list[str]]:
    """On the page, as a person does: her app, and her recovery codes."""
    assert send(browser, f"{PAGE}/begin", page=PAGE, **proof).headers["location"] == PAGE
    shown = browser.get(PAGE).text
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', shown)
    assert secret is not None
    assert "<svg" in shown
    app = pyotp.TOTP(secret.group(1).replace(" ", ""))
    confirmed = send(browser, f"{PAGE}/confirm", page=PAGE, code=app.at(clock.now()))
    codes = re.findall(r"<li>([A-Z2-9-]{19})</li>", confirmed.text)
    assert len(codes) == second_factor.CODES
    assert codes[0] not in browser.get(PAGE).text
    return app, codes


def password_step(browser: Browser) -> Response:
    return send(
        browser, "/sign-in", page="/sign-in", email="ada@riverton.example", password=PASSWORD, next="/deliveries"
    )


def code_step(browser: Browser, asked: Response, code: str) -> Response:
    half = re.search(r'name="half" value="([^"]+)"', asked.text)
    assert half is not None, asked.text
    fields = {"csrf": form_token(asked.text), "half": half.group(1), "code": code, "next": "/deliveries"}
    return browser.post("/sign-in/code", data=fields)


def test_after_the_password_the_code_is_asked_for_and_only_then_the_desk_opens(
    stranger: Browser,
    browser_of: Callable[..., Browser],
    sqlite_engine: sa.Engine,
    person: Callable[..., Person],
    at_eight: datetime,
) -> None:
    with_password(sqlite_engine, person, Role.OFFICER)
    app, _ = enrol(browser_of("Ada"), password=PASSWORD)
    with clock.at(at_eight + timedelta(minutes=5)):
        asked = password_step(stranger)
        assert asked.status_code == 200
        assert stranger.get("/account").status_code == 303
        wrong = code_step(stranger, asked, "000000")
        assert (wrong.status_code, "liaison" in stranger.cookies) == (401, False)
        entered = code_step(stranger, wrong, app.at(clock.now()))
        assert (entered.status_code, entered.headers["location"]) == (303, "/deliveries")
        assert stranger.get("/account").status_code == 200
        stranger.cookies.delete("liaison")
        assert code_step(stranger, asked, app.at(clock.now())).headers["location"] == "/sign-in?said=half-over"
        assert code_step(stranger, password_step(stranger), app.at(clock.now())).status_code == 401  # the same again
    with database.reading(sqlite_engine) as session:
        told = [(entry.action, entry.detail) for entry in session.exec(select(AuditEntry))]
    assert told == [
        ("second_factor.on", {}),
        ("sign_in.wrong_code", {}),
        ("sign_in", {"factor": "app"}),
        ("sign_in.wrong_code", {}),
    ]


def test_a_recovery_code_lets_in_once_and_its_owner_is_told_by_mail(
    stranger: Browser,
    browser_of: Callable[..., Browser],
    sqlite_engine: sa.Engine,
    person: Callable[..., Person],
    at_eight: datetime,
) -> None:
    with_password(sqlite_engine, person, Role.OFFICER)
    _, codes = enrol(browser_of("Ada"), password=PASSWORD)
    assert code_step(stranger, password_step(stranger), codes[3]).status_code == 303
    stranger.cookies.delete("liaison")
    assert code_step(stranger, password_step(stranger), codes[3]).status_code == 401
    with database.reading(sqlite_engine) as session:
        mails = [(mail.subject, mail.recipient) for mail in session.exec(select(OutboxMessage))]
    assert mails == [
        ("Your second factor is in use", "ada@riverton.example"),
        ("One of your recovery codes was used", "ada@riverton.example"),
    ]


def test_with_another_secret_key_than_before_a_recovery_code_still_lets_in(
    stranger: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, desk_app: FastAPI,
    person: Callable[..., Person], at_eight: datetime,
) -> None:  # fmt: skip
    with_password(sqlite_engine, person, Role.OFFICER)
    app, codes = enrol(browser_of("Ada"), password=PASSWORD)
    desk_app.state.desk = replace(
        desk_app.state.desk, keys=Secrets("another", hashes="not a secret: tests only").keys()
    )
    asked = password_step(stranger)
    told = code_step(stranger, asked, app.at(clock.now()))
    assert (told.status_code, "the secret key is another one" in told.text) == (503, True)
    assert code_step(stranger, told, codes[0]).headers["location"] == "/deliveries"


def test_what_another_secret_key_sealed_is_told_as_that(
    browser_of: Callable[..., Browser], desk_app: FastAPI, keys: Keys
) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    send(ada, f"{PAGE}/begin", page=PAGE)
    desk_app.state.desk = replace(
        desk_app.state.desk, keys=Secrets("another", hashes="not a secret: tests only").keys()
    )
    told = ada.get(PAGE)
    assert (told.status_code, "The secret key is another one than it was sealed with" in told.text) == (503, True)


def test_a_half_done_sign_in_lasts_ten_minutes_and_guessing_is_slowed(
    stranger: Browser,
    browser_of: Callable[..., Browser],
    sqlite_engine: sa.Engine,
    person: Callable[..., Person],
    at_eight: datetime,
) -> None:
    with_password(sqlite_engine, person, Role.OFFICER)
    app, _ = enrol(browser_of("Ada"), password=PASSWORD)
    asked = password_step(stranger)
    with clock.at(at_eight + sign_ins.HALFWAY):
        late = code_step(stranger, asked, app.at(clock.now()))
        assert late.headers["location"] == "/sign-in?said=half-over"
        asked = password_step(stranger)
        assert [code_step(stranger, asked, "000000").status_code for _ in range(throttle.TRIES)] == [401] * 8
        slowed = code_step(stranger, asked, app.at(clock.now()))
    assert slowed.status_code == 429
    assert "08:35 EST" in slowed.text


def test_a_link_of_an_administrator_stands_in_for_the_password_only(
    stranger: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime
) -> None:
    _, codes = enrol(browser_of("Ada", Role.OFFICER))
    with database.writing(sqlite_engine) as session:
        code = sign_ins.new_code(session, "sign_in", 1, keys, clock.now(), timedelta(hours=1))
    asked = send(stranger, f"/sign-in/link/{code}", page=f"/sign-in/link/{code}")
    assert stranger.get("/account").status_code == 303
    assert code_step(stranger, asked, codes[0]).status_code == 303
    assert stranger.get("/account").status_code == 200


@pytest.mark.parametrize("purpose", ["sign_in", sign_ins.BREAK_GLASS])
def test_who_forgot_the_password_and_must_have_one_sets_it_up_by_a_link(
    stranger: Browser, sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person], at_eight: datetime,
    purpose: str,
) -> None:  # fmt: skip
    with_password(sqlite_engine, person, Role.OFFICER)
    with database.writing(sqlite_engine) as session:
        second_factor.require(session, [Role.OFFICER])
        code = sign_ins.new_code(session, purpose, 1, keys, clock.now(), timedelta(hours=1))
    send(stranger, f"/sign-in/link/{code}", page=f"/sign-in/link/{code}")
    assert stranger.get("/").headers["location"] == PAGE
    assert 'name="password"' not in stranger.get(PAGE).text
    _, codes = enrol(stranger)
    assert stranger.get("/account").status_code == 200
    assert send(stranger, f"{PAGE}/begin", page=PAGE, code="000000").status_code == 422  # the factor is asked for still
    assert send(stranger, f"{PAGE}/begin", page=PAGE, code=codes[0]).headers["location"] == PAGE


def test_who_must_have_one_sees_nothing_else_until_it_is_there(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys
) -> None:
    admin, ada, eve = (
        browser_of("Root", Role.ADMINISTRATOR), browser_of("Ada", Role.OFFICER), browser_of("Eve", Role.ANALYST),
    )  # fmt: skip
    with database.writing(sqlite_engine) as session:
        token = sign_ins.new_token(session, 2, "mine", [Action.READ_POSTS], keys, clock.now(), timedelta(days=1))
    assert send(admin, "/people/second-factor", page="/people", roles="officer").status_code == 303
    assert ada.get("/").headers["location"] == PAGE
    assert ada.get("/api/v1/posts").status_code == 403
    assert ada.post("/account", data={"csrf": form_token(ada.get(PAGE).text)}).status_code == 403
    assert eve.get("/").status_code == admin.get("/people").status_code == 200
    assert ada.get("/api/v1/posts", headers={"authorization": f"Bearer {token}"}).status_code == 200
    enrol(ada)
    assert ada.get("/").status_code == 200
    with database.reading(sqlite_engine) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "second_factor.required")).one()
    assert entry.detail == {"before": [], "after": ["officer"]}


def test_it_is_taken_away_with_a_code_and_not_where_the_role_asks_for_it(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    _, codes = enrol(ada)
    assert send(ada, f"{PAGE}/remove", page=PAGE, code="000000").status_code == 422
    with database.writing(sqlite_engine) as session:
        second_factor.require(session, [Role.OFFICER])
    assert send(ada, f"{PAGE}/remove", page=PAGE, code=codes[0]).status_code == 409
    with database.writing(sqlite_engine) as session:
        second_factor.require(session, [])
    assert send(ada, f"{PAGE}/remove", page=PAGE, code=codes[0]).headers["location"] == "/account?said=factor-off"
    with database.reading(sqlite_engine) as session:
        assert not second_factor.is_on(session, 1)


def test_an_open_browser_alone_does_not_change_it(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, person: Callable[..., Person]
) -> None:
    with_password(sqlite_engine, person, Role.OFFICER)
    ada = browser_of("Ada")
    assert send(ada, f"{PAGE}/begin", page=PAGE, password="not this one").status_code == 422
    _, codes = enrol(ada, password=PASSWORD)
    for fields in ({"password": PASSWORD, "code": "000000"}, {"password": "not this one", "code": codes[0]}):
        assert send(ada, f"{PAGE}/begin", page=PAGE, **fields).status_code == 422
    assert send(ada, f"{PAGE}/codes", page=PAGE, code="000000").status_code == 422
    fresh = send(ada, f"{PAGE}/codes", page=PAGE, code=codes[0])
    assert len(re.findall(r"<li>[A-Z2-9-]{19}</li>", fresh.text)) == second_factor.CODES
    assert send(ada, f"{PAGE}/begin", page=PAGE, password=PASSWORD, code=codes[1]).status_code == 422  # void now


def test_an_administrator_takes_it_away_with_a_reason_and_never_their_own(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    admin, ada = browser_of("Root", Role.ADMINISTRATOR), browser_of("Ada", Role.OFFICER)
    enrol(admin)
    enrol(ada)
    reset = "/people/2/second-factor/reset"
    assert named(send(admin, reset, page="/people", reason=" ")).field == "why-2"
    assert send(admin, "/people/1/second-factor/reset", page="/people", reason="mine").status_code == 409
    assert send(admin, reset, page="/people", reason="New phone").status_code == 303
    assert ada.get("/account").status_code == 303  # signed out
    assert send(admin, reset, page="/people", reason="New phone").status_code == 409
    with database.reading(sqlite_engine) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "second_factor.reset")).one()
        mail = session.exec(select(OutboxMessage).where(OutboxMessage.recipient == "ada@riverton.example")).all()[-1]
    assert (entry.person_id, entry.subject, entry.detail) == (1, "person:2", {"reason": "New phone"})
    assert mail.subject == "An administrator took your second factor away"


def test_the_command_takes_it_away_when_no_administrator_can_come_in(
    browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, settings: Settings
) -> None:
    enrol(browser_of("Root", Role.ADMINISTRATOR))
    environment = {
        "LIAISON_DATABASE_URL": sqlite_engine.url.render_as_string(),
        "LIAISON_DATA_DIR": str(settings.data_dir),
        "LIAISON_SECRET_KEY": "not a secret: tests only",
    }
    asked = ["user", "reset-second-factor", "root@riverton.example", "--reason", "Lost everything"]
    done = CliRunner().invoke(cli.liaison, asked, env=environment)
    assert done.exit_code == 0, done.output
    with database.reading(sqlite_engine) as session:
        assert not second_factor.is_on(session, 1)
        assert people.by_email(session, "root@riverton.example") is not None
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "second_factor.reset")).one()
    assert (entry.person_id, entry.detail) == (None, {"reason": "Lost everything"})
    assert CliRunner().invoke(cli.liaison, asked, env=environment).exit_code == 1
