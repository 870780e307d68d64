from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlmodel import col, select

from config import database, passwords, people, sign_ins, throttle
from config.permissions import Action, Role
from config.phrases import Phrase
from config.secrets import Keys
from config.tables import AuditEntry, Person, SignIn
from config.translations import translate

PASSWORD = "correct horse battery"


@pytest.fixture
def ada(engine: sa.Engine, person: Callable[..., Person]) -> Person:
    with database.writing(engine) as session:
        return person(session, "Ada", Role.OFFICER, Role.APPROVER, password=PASSWORD)


def known(
    engine: sa.Engine, email: str, password: str, keys: Keys, now: datetime, address: str = "192.0.2.1", mark: str = ""
) -> Person | None:
    """Who signs in with this from there, in a browser that bears this mark."""
    tries = passwords.strangers_tries(email, address, mark, keys)
    return passwords.check(engine, email, password, tries, address, keys, now)


def test_the_right_password_finds_the_person_with_her_roles(
    engine: sa.Engine, ada: Person, keys: Keys, now: datetime
) -> None:
    found = known(engine, "ADA@riverton.example", PASSWORD, keys, now)
    assert found is not None
    with database.reading(engine) as session:
        assert people.roles_of(session, people.known_id(found)) == {Role.OFFICER, Role.APPROVER}


def test_a_password_is_stored_only_as_argon2id(ada: Person) -> None:
    assert ada.password_hash is not None
    assert ada.password_hash.startswith("$argon2id$")


def test_a_hash_takes_as_much_as_rfc_9106_asks(our_hasher: PasswordHasher) -> None:
    kept = extract_parameters(our_hasher.hash(PASSWORD))
    asked = RFC_9106_LOW_MEMORY
    assert (kept.type, kept.version, kept.salt_len, kept.hash_len) == (Type.ID, 19, asked.salt_len, asked.hash_len)
    assert kept.time_cost >= asked.time_cost
    assert kept.memory_cost >= asked.memory_cost


def test_a_wrong_password_and_an_unknown_person_both_find_nobody(
    engine: sa.Engine, ada: Person, keys: Keys, now: datetime
) -> None:
    assert known(engine, ada.email, "wrong password", keys, now) is None
    assert known(engine, "who@riverton.example", PASSWORD, keys, now) is None


def test_guessing_is_slowed_for_the_guesser_and_nobody_else(
    engine: sa.Engine, ada: Person, keys: Keys, now: datetime
) -> None:
    for _ in range(throttle.TRIES):
        known(engine, ada.email, "wrong password", keys, now)
    with pytest.raises(throttle.TooManyTries) as slowed:
        known(engine, ada.email, PASSWORD, keys, now)
    assert slowed.value.until == now + throttle.WINDOW
    assert known(engine, ada.email, PASSWORD, keys, now, "198.51.100.7") is not None
    later = now + throttle.WINDOW + timedelta(seconds=1)
    assert known(engine, ada.email, PASSWORD, keys, later) is not None


def test_guessing_at_one_account_from_ever_new_places_is_slowed_and_its_owner_comes_in_all_the_same(
    engine: sa.Engine, ada: Person, keys: Keys, now: datetime
) -> None:
    for number in range(passwords.OF_ONE_ACCOUNT):
        known(engine, ada.email, "wrong password", keys, now, f"203.0.113.{number}")
    with pytest.raises(throttle.TooManyTries):
        known(engine, ada.email, PASSWORD, keys, now, "198.51.100.7")
    mark = passwords.mark(ada.email, keys)
    assert known(engine, ada.email, PASSWORD, keys, now, "198.51.100.7", mark) is not None


def test_a_password_that_was_changed_while_it_was_compared_lets_nobody_in(
    engine: sa.Engine, ada: Person, keys: Keys, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  argon2's own name
            with database.writing(engine) as session:
                session.get_one(Person, ada.id).password_hash = people.hash_password("another long sentence")
            return super().verify(hash, password)

    monkeypatch.setattr(people, "_hasher", Slow(time_cost=1, memory_cost=8, parallelism=1))
    assert known(engine, ada.email, PASSWORD, keys, now) is None


def test_somebody_who_left_cannot_sign_in(engine: sa.Engine, ada: Person, keys: Keys, now: datetime) -> None:
    with database.writing(engine) as session:
        token = sign_ins.open_sign_in(session, people.known_id(ada), keys, now)
        session.get_one(Person, ada.id).active = False
        session.flush()
        assert sign_ins.who(session, token, keys, now) is None
    assert known(engine, ada.email, PASSWORD, keys, now) is None


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("no address", PASSWORD),
        ("josé@riverton.example", PASSWORD),
        ("ada@riverton.example", PASSWORD),
        ("b@riverton.example", "short"),
    ],
)
def test_a_wrong_address_a_taken_one_and_a_short_password_are_refused(
    engine: sa.Engine, ada: Person, now: datetime, email: str, password: str
) -> None:
    with pytest.raises(people.PersonError), database.writing(engine) as session:
        people.add_person(
            session, name="B", email=email, password=password, roles=[Role.OFFICER], time_zone="UTC", now=now
        )


def test_a_sign_in_lasts_its_time_and_ends_when_closed(
    engine: sa.Engine, ada: Person, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        token = sign_ins.open_sign_in(session, people.known_id(ada), keys, now)
        found = sign_ins.who(session, token, keys, now + sign_ins.LIFETIME - timedelta(seconds=1))
        assert found is not None and found.person == ada and found.roles == people.roles_of(session, ada.id or 0)
        assert sign_ins.who(session, token, keys, now + sign_ins.LIFETIME) is None
        sign_ins.close(session, token, keys)
        assert sign_ins.who(session, token, keys, now) is None
        assert session.exec(select(SignIn)).all() == []


def test_a_code_works_once_in_time_and_for_its_purpose(engine: sa.Engine, keys: Keys, now: datetime) -> None:
    hour = timedelta(hours=1)
    with database.writing(engine) as session:
        code = sign_ins.new_code(session, "first_run", None, keys, now, hour)
        assert sign_ins.use_code(session, code, "sign_in", keys, now) is None
        assert sign_ins.use_code(session, code, "first_run", keys, now + hour) is None
        assert sign_ins.code_is_live(session, code, "first_run", keys, now)
        assert sign_ins.use_code(session, code, "first_run", keys, now) is not None
        assert sign_ins.use_code(session, code, "first_run", keys, now) is None


def test_a_token_carries_its_scopes_until_it_expires(engine: sa.Engine, ada: Person, keys: Keys, now: datetime) -> None:
    day = timedelta(days=1)
    with database.writing(engine) as session:
        token = sign_ins.new_token(session, people.known_id(ada), "script", [Action.READ_POSTS], keys, now, day)
        held = sign_ins.token_holder(session, token, keys, now)
        roles = people.roles_of(session, people.known_id(ada))
        assert held == sign_ins.TokenHeld(ada, roles, frozenset({Action.READ_POSTS}), unnoted=True)
        assert sign_ins.token_holder(session, token, keys, now + day) is None
        assert sign_ins.token_holder(session, "lia_other", keys, now) is None


@pytest.mark.parametrize(
    "password",
    ["password1234", "qwertyuiop123", "aaaaaaaaaaaaaaaa", "letmein12345", "Okafor123456", "rivertonriverton"],
)
def test_a_password_that_is_easy_to_guess_is_refused(password: str) -> None:
    with pytest.raises(people.PersonError, match="easy to guess"):
        people.hash_password(password, ("Ada Okafor", "ada.okafor@riverton.example"))


def test_a_sentence_is_taken_however_long() -> None:
    for sentence in (PASSWORD, "una puente sobre el río " * 40):
        assert people.hash_password(sentence, ("Ada Okafor",)).startswith("$argon2id$")


def test_why_a_password_is_refused_is_told_in_each_language() -> None:
    with pytest.raises(people.PersonError) as refused:
        people.hash_password("password1234")
    words: Phrase = refused.value.args[0]
    assert words.told(translate("es").gettext).startswith("Esta contraseña es fácil de adivinar: ")
    assert str(refused.value).startswith("This password is easy to guess: ")
    with pytest.raises(people.PersonError, match="at least 12 characters"):
        people.hash_password("one  two    ")


def test_a_wrong_password_is_an_entry_at_whose_door_and_no_name_that_nobody_has(
    sqlite_engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "NOTED", 3)
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", password=PASSWORD)
    for email in (ada.email, "my password in the wrong field", ada.email, "x", "y"):
        assert known(sqlite_engine, email, "wrong", keys, now, "10.0.0.9") is None
    with database.reading(sqlite_engine) as session:
        log = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
    assert [(one.action, one.person_id, one.subject, one.detail, one.address) for one in log] == [
        ("sign_in.wrong_password", None, subject, {}, "10.0.0.9") for subject in ("person:1", "nobody", "person:1")
    ]
