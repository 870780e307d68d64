from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Thread
from typing import Literal

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlmodel import func, select

from config import clock, database, passwords, people, sign_ins, throttle
from config.permissions import Role
from config.secrets import Keys
from config.tables import Person, SignInFailure
from tests.web.browsing import Browser, form_token, send

PASSWORD = "a bridge over the river"
ADA = "ada@riverton.example"


class Watching(PasswordHasher):
    """Compares and hashes as ever, and notes each time whether somebody else may write meanwhile."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.engine = engine
        self.free: list[bool] = []

    def _look(self) -> None:
        other = Thread(target=self._write, daemon=True)
        other.start()
        other.join(2)
        self.free.append(not other.is_alive())

    def _write(self) -> None:
        with database.writing(self.engine):
            pass

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  argon2's own name
        self._look()
        return super().verify(hash, password)

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self._look()
        return super().hash(password, salt=salt)


@pytest.fixture
def ada(sqlite_engine: sa.Engine, person: Callable[..., Person]) -> int:
    with database.writing(sqlite_engine) as session:
        return people.known_id(person(session, "Ada", Role.OFFICER, password=PASSWORD))


@pytest.fixture
def watching(sqlite_engine: sa.Engine) -> Iterator[Watching]:
    before, people._hasher = people._hasher, Watching(sqlite_engine)
    yield people._hasher
    people._hasher = before


def test_whoever_tries_passwords_holds_nobodys_write(stranger: Browser, ada: int, watching: Watching) -> None:
    tried = [(ADA, "not this one"), ("eve@riverton.example", "not this one"), (ADA, PASSWORD)]
    for email, password in tried:
        send(stranger, "/sign-in", page="/sign-in", email=email, password=password)
    assert len(watching.free) >= len(tried)
    assert all(watching.free)


def test_a_new_password_and_a_second_factor_hold_nobodys_write(stranger: Browser, ada: int, watching: Watching) -> None:
    send(stranger, "/sign-in", page="/sign-in", email=ADA, password=PASSWORD)
    watching.free.clear()
    assert send(stranger, "/account/second-factor/begin", page="/account", password=PASSWORD).status_code < 400
    changed = send(stranger, "/account/password", page="/account", old=PASSWORD, new="another long sentence of hers")
    assert changed.headers["location"] == "/account?said=account-saved"
    assert watching.free == [True] * 3


def test_the_first_password_of_a_desk_is_hashed_in_nobodys_write(
    stranger: Browser, sqlite_engine: sa.Engine, keys: Keys, watching: Watching
) -> None:
    with database.writing(sqlite_engine) as session:
        code = sign_ins.new_code(session, "first_run", None, keys, clock.now(), timedelta(hours=1))
    fields = {"name": "Ada", "email": ADA, "password": PASSWORD, "time_zone": "America/New_York"}
    send(stranger, "/first-run", page="/first-run", code="not the code", **fields)
    assert watching.free == []
    assert send(stranger, "/first-run", page="/first-run", code=code, **fields).status_code == 303
    assert watching.free == [True]


def test_ever_new_names_from_one_place_are_slowed_too(
    stranger: Browser, sqlite_engine: sa.Engine, ada: int, at_eight: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "FROM_ONE_PLACE", 5)
    token = form_token(stranger.get("/sign-in").text)
    for number in range(5):
        fields = {"csrf": token, "email": f"nobody{number}@riverton.example", "password": "x"}
        assert stranger.post("/sign-in", data=fields).status_code == 401
    fields = {"csrf": token, "email": "another@riverton.example", "password": "x"}
    assert stranger.post("/sign-in", data=fields).status_code == 429
    with database.reading(sqlite_engine) as session:
        before = session.exec(select(func.count()).select_from(SignInFailure)).one()
    stranger.post("/sign-in", data=fields)
    with database.reading(sqlite_engine) as session:  # what is refused writes nothing
        assert session.exec(select(func.count()).select_from(SignInFailure)).one() == before


def test_guessing_behind_the_same_address_keeps_nobody_out_of_a_browser_of_theirs(
    stranger: Browser, sqlite_engine: sa.Engine, ada: int, at_eight: datetime
) -> None:
    send(stranger, "/sign-in", page="/sign-in", email=ADA, password=PASSWORD)
    known = stranger.cookies["liaison-known"]
    stranger.cookies.clear()
    token = form_token(stranger.get("/sign-in").text)
    fields = {"csrf": token, "email": ADA, "password": "not this one"}
    for _ in range(throttle.TRIES):
        stranger.post("/sign-in", data=fields)
    assert stranger.post("/sign-in", data=fields | {"password": PASSWORD}).status_code == 429
    stranger.cookies.set("liaison-known", f"{known}0")
    assert stranger.post("/sign-in", data=fields | {"password": PASSWORD}).status_code == 429
    stranger.cookies.set("liaison-known", known)
    assert (
        stranger.post("/sign-in", data=fields | {"email": "eve@riverton.example"}).status_code == 401
    )  # nobody's mark
    tries = [stranger.post("/sign-in", data=fields).status_code for _ in range(throttle.TRIES + 1)]
    assert tries == [401] * throttle.TRIES + [429]  # in that browser too
    with clock.at(at_eight + throttle.WINDOW + timedelta(seconds=1)):
        assert stranger.post("/sign-in", data=fields | {"password": PASSWORD}).status_code == 303


def test_what_cannot_be_compared_now_is_said_and_counts_as_nothing(
    stranger: Browser, sqlite_engine: sa.Engine, ada: int
) -> None:
    taken = [passwords._room.acquire(blocking=False) for _ in range(passwords.AT_ONCE + passwords.WAITING)]
    try:
        busy = send(stranger, "/sign-in", page="/sign-in", email=ADA, password=PASSWORD)
    finally:
        passwords._room.release(len(taken))
    assert busy.status_code == 503
    assert "Try again in a few seconds" in busy.text
    assert send(stranger, "/sign-in", page="/sign-in", email=ADA, password=PASSWORD).status_code == 303
