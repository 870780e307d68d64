"""A store knows its secret key, and takes no other."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import select

from config import (
    audit,
    chain,
    database,
    invitations,
    key_mark,
    key_rotation,
    letters,
    people,
    second_factor,
    secrets,
)
from config import settings as configured
from config.permissions import Role
from config.secrets import KEY_FILE, SecretKeyError
from config.settings import Settings
from config.tables import KeyMark, OutboxMessage, Person
from networks import accounts
from scheduler import resealing
from scheduler.jobs import records
from tests.config.test_chain import tampered
from tests.test_cli import run

FIRST, SECOND = SecretStr("the first of all the keys"), SecretStr("the second of the keys")


def elsewhere(settings: Settings, tmp_path: Path) -> Settings:
    """The same desk from another machine, which has no key yet."""
    return settings.model_copy(update={"data_dir": tmp_path / "other"})


def test_a_store_begun_with_one_key_refuses_another(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    first = key_mark.keys(engine, settings)
    assert key_mark.keys(engine, settings).hash("author", "x") == first.hash("author", "x")
    other = elsewhere(settings, tmp_path)
    secrets.load(other, begin=True)
    with pytest.raises(SecretKeyError, match=rf"the secret key in {other.data_dir / KEY_FILE} is not the one"):
        key_mark.keys(engine, other)
    with pytest.raises(SecretKeyError, match="the secret key in LIAISON_SECRET_KEY is not the one"):
        key_mark.keys(engine, settings.model_copy(update={"secret_key": FIRST}))


def test_no_key_is_made_where_a_desk_has_one(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    key_mark.keys(engine, settings)
    other = elsewhere(settings, tmp_path)
    with pytest.raises(SecretKeyError, match=f"there is no secret key at {other.data_dir / KEY_FILE}"):
        key_mark.keys(engine, other)
    assert not other.data_dir.exists()


def test_a_desk_of_before_marks_is_known_by_its_sealed_log_and_gets_its_mark(
    engine: sa.Engine, settings: Settings, tmp_path: Path, now: datetime
) -> None:
    first = secrets.load(settings, begin=True)
    with database.writing(engine) as session:
        audit.record(session, now, None, "place.add", "place:1")
        session.flush()
        chain.seal(session, first)
    other = elsewhere(settings, tmp_path)
    with pytest.raises(SecretKeyError, match="there is no secret key"):
        key_mark.keys(engine, other)
    secrets.load(other, begin=True)
    with pytest.raises(SecretKeyError, match="is not the one of the desk"):
        key_mark.keys(engine, other)
    key_mark.keys(engine, settings)
    with database.reading(engine) as session:
        assert session.get(KeyMark, key_mark.ROW) is not None


@pytest.mark.parametrize("what", ["account", "second factor", "invitation"])
def test_a_desk_of_before_marks_that_sealed_nothing_in_its_log_is_known_by_what_else_it_sealed(
    engine: sa.Engine, settings: Settings, tmp_path: Path, now: datetime, person: Callable[..., Person], what: str
) -> None:
    first = secrets.load(settings, begin=True)
    with database.writing(engine) as session:
        sam = person(session, "Sam", Role.ADMINISTRATOR)
        if what == "account":
            accounts.add(session, network="practice", name="A", handle="", secret="word", keys=first, now=now)
        elif what == "second factor":
            second_factor.begin(session, people.known_id(sam), first, now)
        else:
            invitations.send(session, sam, "Root", settings, first, now)
    other = elsewhere(settings, tmp_path)
    with pytest.raises(SecretKeyError, match="there is no secret key"):
        key_mark.keys(engine, other)
    assert not other.data_dir.exists()
    for another in (other, settings.model_copy(update={"secret_key": FIRST})):
        secrets.load(another, begin=True)
        with pytest.raises(SecretKeyError, match="is not the one of the desk"):
            key_mark.keys(engine, another)
    key_mark.keys(engine, settings)
    with database.reading(engine) as session:
        assert session.get(KeyMark, key_mark.ROW) is not None


def test_a_desk_of_before_marks_that_lost_a_key_once_is_known_by_what_it_sealed_since(
    engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    present = secrets.load(settings, begin=True)
    with database.writing(engine) as session:
        for keys in (secrets.derive("a key that was lost"), present, secrets.derive("another one")):
            accounts.add(session, network="practice", name="A", handle="", secret="word", keys=keys, now=now)
    assert key_mark.keys(engine, settings).hash("author", "x") == present.hash("author", "x")


def test_a_mail_that_is_not_sealed_begins_no_desk(engine: sa.Engine, settings: Settings, now: datetime) -> None:
    with database.writing(engine) as session:
        message = EmailMessage()
        message.set_content("words")
        letters.put(session, message, key="k", kind="post", recipient="a@b.example", settings=settings, now=now)
    key_mark.keys(engine, settings)
    assert (settings.data_dir / KEY_FILE).exists()


def test_a_rotation_in_the_file_goes_its_way(engine: sa.Engine, settings: Settings) -> None:
    first = key_mark.keys(engine, settings)
    key_rotation.begin(settings)
    resealing.reseal(engine, key_mark.keys(engine, settings))
    key_rotation.finish(settings)
    assert key_mark.keys(engine, settings).hash("author", "x") == first.hash("author", "x")
    secrets.write(secrets.path(settings), secrets.Secrets("a copy of another time"))
    with pytest.raises(SecretKeyError):
        key_mark.keys(engine, settings)


def test_a_key_file_of_before_a_rotation_is_refused_after_it(sqlite_engine: sa.Engine, settings: Settings) -> None:
    key_mark.keys(sqlite_engine, settings)
    before = secrets.read(secrets.path(settings))
    key_rotation.begin(settings)
    resealing.reseal(sqlite_engine, key_mark.keys(sqlite_engine, settings))
    secrets.write(secrets.path(settings), before)
    with pytest.raises(SecretKeyError, match="only its hashes are"):
        key_mark.keys(sqlite_engine, settings)


def test_a_rotation_in_the_environment_goes_its_way(sqlite_engine: sa.Engine, settings: Settings) -> None:
    def keys(**given: SecretStr) -> secrets.Keys:
        return key_mark.keys(sqlite_engine, settings.model_copy(update=given))

    keys(secret_key=FIRST)
    with pytest.raises(SecretKeyError, match="set LIAISON_SECRET_KEY_HASHES to the first one"):
        keys(secret_key=SECOND, secret_key_before=FIRST)
    with pytest.raises(SecretKeyError, match="set LIAISON_SECRET_KEY_BEFORE to the one until now"):
        keys(secret_key=SECOND, secret_key_hashes=FIRST)
    resealing.reseal(sqlite_engine, keys(secret_key=SECOND, secret_key_before=FIRST, secret_key_hashes=FIRST))
    assert not keys(secret_key=SECOND, secret_key_hashes=FIRST).rotating


@pytest.fixture
def desk(sqlite_engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    """A desk with its key, as commands find it."""
    monkeypatch.setenv("LIAISON_DATABASE_URL", sqlite_engine.url.render_as_string())
    monkeypatch.setenv("LIAISON_DATA_DIR", str(settings.data_dir))
    key_mark.keys(sqlite_engine, settings)
    return sqlite_engine


def test_commands_and_the_doctor_say_that_the_key_is_another(
    desk: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "OK\tsecret key\tone key seals and opens" in run("doctor").stdout
    (settings.data_dir / KEY_FILE).rename(settings.data_dir / "away")
    for words, told in ((("source", "list"), "liaison: there is no"), (("doctor",), "TO DO\tsecret key\tthere is no")):
        said = run(*words)
        assert (said.exit_code, f"{told} secret key at {settings.data_dir}" in said.output) == (1, True), said.output
    assert not (settings.data_dir / KEY_FILE).exists()
    monkeypatch.setenv("LIAISON_SECRET_KEY", FIRST.get_secret_value())
    configured.load.cache_clear()
    for words, told in ((("source", "list"), "liaison: the"), (("doctor",), "TO DO\tsecret key\tthe")):
        said = run(*words)
        assert (said.exit_code, f"{told} secret key in LIAISON_SECRET_KEY is not" in said.output) == (1, True)


def test_a_key_that_is_lost_for_good_is_given_up_by_an_administrator(
    desk: sa.Engine, settings: Settings, person: Callable[..., Person]
) -> None:
    with database.writing(desk) as session:
        person(session, "Sam", Role.ADMINISTRATOR)
        person(session, "Ada", Role.OFFICER)
    by = ("--by", "sam@riverton.example")
    kept = run("key", "lost", *by)
    assert (kept.exit_code, kept.stderr) == (1, "liaison: the key here is the desk's own: nothing is lost\n")
    (settings.data_dir / KEY_FILE).unlink()
    assert run("key", "lost", "--by", "ada@riverton.example").exit_code == 1
    assert run("source", "list").exit_code == 1
    assert run("key", "lost", *by).exit_code == 0
    assert run("source", "list").exit_code == 0
    with database.reading(desk) as session:
        assert audit.newest(session, "key.lost") is not None


def test_a_lost_key_alarms_nobody_about_the_audit_log_until_what_it_sealed_is_altered(
    desk: sa.Engine, settings: Settings, person: Callable[..., Person], now: datetime
) -> None:
    def told(night: int) -> list[str]:
        records.check(desk, settings, now + timedelta(days=night))
        with database.reading(desk) as session:
            return list(session.exec(select(OutboxMessage.recipient).where(OutboxMessage.kind == "records")))

    with database.writing(desk) as session:
        person(session, "Sam", Role.ADMINISTRATOR)
        for number in range(3):
            audit.record(session, now, None, "place.add", f"place:{number}")
    assert told(0) == []
    (settings.data_dir / KEY_FILE).unlink()
    assert run("key", "lost", "--by", "sam@riverton.example").exit_code == 0
    assert told(1) == []
    assert "held on 2026-11-25; 3 seals are of a lost key\n" in run("doctor").stdout
    assert run("verify", "records").stdout.startswith("3 seals are of a lost key: up to there the hashes alone are")
    tampered(desk, "UPDATE audit_entry SET subject = 'place:9' WHERE id = 2")
    assert told(2) == ["sam@riverton.example"]
    assert run("verify", "records").stdout == "2\t2\tthe entry or its seal was changed\n"


def test_a_process_that_still_has_a_key_that_was_given_up_seals_nothing_and_alarms_nobody(
    desk: sa.Engine, settings: Settings, person: Callable[..., Person], now: datetime
) -> None:
    with database.writing(desk) as session:
        person(session, "Sam", Role.ADMINISTRATOR)
    (settings.data_dir / KEY_FILE).unlink()
    assert run("key", "lost", "--by", "sam@riverton.example").exit_code == 0
    before = settings.model_copy(update={"secret_key": FIRST})
    for job in (records.seal, records.check):
        with pytest.raises(SecretKeyError, match="restart liaison"):
            job(desk, before, now)
    with pytest.raises(SecretKeyError, match="restart liaison"):
        records.walk(desk, secrets.load(before))  # as the export of a page does
    assert records.check(desk, settings, now).wrong == []
    with database.reading(desk) as session:
        assert session.exec(select(OutboxMessage)).all() == []
