import os
import signal
from collections.abc import Callable
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from pydantic import SecretStr
from sqlmodel import Session, SQLModel, select

import cli
from config import database, invitations, key_mark, key_rotation, people, second_factor, secrets
from config import settings as configured
from config.permissions import Role
from config.secrets import KEY_FILE, SecretKeyError
from config.settings import Settings
from config.tables import Person
from networks import accounts
from networks.tables import Account
from scheduler import doctor, resealing
from tests import killing

# Bytes that nothing seals: hashes, pictures, numbers of the model.
NOT_SEALED = {
    "sign_in.token_hash", "one_time_code.code_hash", "sign_in_failure.subject_hash", "api_token.token_hash",
    "calendar_feed.token_hash", "recovery_code.code_hash", "question_try.subject_hash", "kept_reply.key_hash",
    "kept_reply.request_hash", "kept_reply.body", "key_mark.hashes", "audit_seal.hash", "audit_seal.mark",
    "mention.key", "mention.author", "mention.thread", "pending_sign_in.state", "post_picture.data",
    "score.embedding", "author_day.author",
}  # fmt: skip
MANY = 3 * resealing.BATCH


def fill(session: Session, settings: Settings, person: Callable[..., Person], now: datetime, many: int = 3) -> None:
    keys = secrets.load(settings)
    ada = person(session, "Ada", Role.OFFICER)
    second_factor.begin(session, people.known_id(ada), keys, now)
    invitations.send(session, ada, "Root", settings, keys, now)
    for number in range(many):
        accounts.add(
            session,
            network="practice",
            name=f"Account {number}",
            handle="",
            secret=f"word {number}",
            keys=keys,
            now=now,
        )


def test_every_column_of_bytes_is_sealed_anew_or_known_not_to_be_sealed() -> None:
    every = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary)
    }
    sealed = {f"{model.__tablename__}.{name}" for model, name in resealing.SEALED}
    assert every - NOT_SEALED == sealed
    assert {f"{table}.{name}" for table, name in key_mark.SEALED} | {"key_mark.sealed"} == sealed


def test_all_is_sealed_anew_the_old_key_opens_meanwhile_and_then_no_more(
    engine: sa.Engine, settings: Settings, person: Callable[..., Person], now: datetime
) -> None:
    old = secrets.load(settings)
    with database.writing(engine) as session:
        fill(session, settings, person, now)
    assert key_rotation.begin(settings)
    keys = secrets.load(settings)
    with database.reading(engine) as session:
        assert resealing.left(session, keys) == resealing.Left(old=5)
        assert second_factor.pending(session, 1, keys) == second_factor.pending(session, 1, old)
        part = {part.name: part for part in doctor.look(engine, settings, keys, now)}["secret key"]
        assert (part.fine, part.words[:8]) == (False, "5 things")
    assert resealing.reseal(engine, keys) == resealing.Left()
    with database.reading(engine) as session:
        sealed = [one.sealed_secret or b"" for one in session.exec(select(Account))]
        assert [old.open(one) for one in sealed] == ["word 0", "word 1", "word 2"]  # a process of before reads the file
        assert all(keys.is_present(one) for one in sealed)
    key_rotation.finish(settings)
    after = secrets.load(settings)
    assert not after.rotating
    assert [after.open(one) for one in sealed] == ["word 0", "word 1", "word 2"]
    assert after.hash("author", "x") == old.hash("author", "x")
    assert (settings.data_dir / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_second_rotation_keeps_the_first_secret_for_hashes_only(settings: Settings) -> None:
    first = secrets.load(settings)
    for _ in range(2):
        sealed = secrets.load(settings).seal("x")
        assert key_rotation.begin(settings)
        assert not key_rotation.begin(settings)  # goes on with the one that was begun
        assert secrets.load(settings).open(sealed) == "x"
        key_rotation.finish(settings)
        with pytest.raises(SecretKeyError):
            secrets.load(settings).open(sealed)
    assert secrets.load(settings).hash("author", "x") == first.hash("author", "x")
    with pytest.raises(SecretKeyError, match="no key before"):
        key_rotation.finish(settings)


def test_a_key_in_the_environment_is_changed_there_and_sealed_anew(settings: Settings) -> None:
    one = settings.model_copy(update={"secret_key": SecretStr("first")})
    with pytest.raises(SecretKeyError, match="LIAISON_SECRET_KEY_BEFORE"):
        key_rotation.begin(one)
    two = one.model_copy(update={"secret_key": SecretStr("second"), "secret_key_before": SecretStr("first")})
    with pytest.raises(SecretKeyError, match="LIAISON_SECRET_KEY_HASHES"):
        key_rotation.begin(two)
    three = two.model_copy(update={"secret_key_hashes": SecretStr("first")})
    assert not key_rotation.begin(three)
    assert secrets.load(three).open(secrets.load(one).seal("x")) == "x"
    assert secrets.load(three).hash("author", "x") == secrets.load(one).hash("author", "x")


def test_what_no_key_opens_is_counted_and_left(
    sqlite_engine: sa.Engine, settings: Settings, person: Callable[..., Person], now: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        fill(session, settings, person, now, many=1)
        lost = accounts.add(
            session, network="practice", name="Lost", handle="", secret="x", keys=secrets.derive("gone"), now=now
        )
    key_rotation.begin(settings)
    assert resealing.reseal(sqlite_engine, secrets.load(settings)) == resealing.Left(old=0, lost=1)
    with database.reading(sqlite_engine) as session:
        assert session.get_one(Account, lost.id).sealed_secret == lost.sealed_secret


def rotate(_say: Connection) -> None:
    """The command as it is, killed by the system after its second batch: no finally, no goodbye."""
    whole, done = resealing._reseal, []

    def until(*given: Any, **named: Any) -> Any:
        done.append(whole(*given, **named))
        if len(done) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return done[-1]

    resealing._reseal = until
    cli.liaison(["key", "rotate"])


def test_killed_in_the_middle_the_next_run_goes_on(
    sqlite_engine: sa.Engine,
    settings: Settings,
    person: Callable[..., Person],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with database.writing(sqlite_engine) as session:
        fill(session, settings, person, now, many=MANY)
    monkeypatch.setenv("LIAISON_DATABASE_URL", sqlite_engine.url.render_as_string())
    monkeypatch.setenv("LIAISON_DATA_DIR", str(settings.data_dir))
    with killing.at_work(rotate) as (rotating, _hear):
        rotating.join()
        assert rotating.exitcode == -signal.SIGKILL
    keys = secrets.load(settings)
    with database.reading(sqlite_engine) as session:
        assert resealing.left(session, keys).old == MANY + 3 - 2 * resealing.BATCH  # and the store's mark
        assert all(keys.open(one.sealed_secret or b"") for one in session.exec(select(Account)))

    def run(*words: str) -> Result:
        configured.load.cache_clear()
        return CliRunner().invoke(cli.liaison, words)

    assert "run liaison key rotate again" in run("key", "finish").output
    assert run("key", "rotate").exit_code == 0
    assert run("key", "finish").exit_code == 0
    with database.reading(sqlite_engine) as session:
        assert resealing.left(session, secrets.load(settings)) == resealing.Left()
        assert second_factor.pending(session, 1, secrets.load(settings)) is not None
