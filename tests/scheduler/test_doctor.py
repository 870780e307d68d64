"""What `liaison doctor` says of each part, and what to do."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from cli import liaison
from config import clock, database, secrets
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners import sources
from listeners.tables import Source
from networks import accounts
from networks.network import SignedIn
from posts import reach
from scheduler import doctor, signs, skew, status
from scheduler.tables import SignOfLife
from sentiment import feedback


def parts(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> dict[str, doctor.Part]:
    return {part.name: part for part in doctor.look(engine, settings, keys, now)}


def test_a_new_installation_says_what_is_fine_and_what_to_do(engine: sa.Engine, settings: Settings, keys: Keys) -> None:
    found = parts(engine, settings, keys, clock.now())
    assert {name for name, part in found.items() if part.fine} == {
        "database", "migrations", "model", "disk", "clock", "outbox", "records", "secret key"
    }  # fmt: skip
    assert "LIAISON_SMTP_URL" in found["mail"].words
    assert "liaison run" in found["work"].words


def test_a_mail_server_that_cannot_be_reached_is_told(engine: sa.Engine, settings: Settings, keys: Keys) -> None:
    settings = settings.model_copy(update={"smtp_url": Settings(smtp_url="smtp://127.0.0.1:1").smtp_url})
    mail = parts(engine, settings, keys, clock.now())["mail"]
    assert (mail.fine, "cannot be reached" in mail.words) == (False, True)


def test_a_refit_that_cannot_be_read_is_told_with_how_to_take_it_back(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime
) -> None:
    encoder = parts(sqlite_engine, settings, keys, now)["model"].words.rpartition("-")[2]
    refit = settings.data_dir / feedback.FOLDER / f"{encoder}-1.npz"
    refit.parent.mkdir(parents=True)
    refit.write_bytes(b"PK")
    told = parts(sqlite_engine, settings, keys, now)["model"]
    assert (told.fine, str(refit) in told.words, "--undo" in told.words) == (False, True, True)


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (("run",), "jobs are being done"),
        (("clock", "worker"), "jobs are being done"),
        (("clock", "web"), "start liaison worker"),
        (("worker",), "start liaison clock"),
        (("web",), "start liaison run"),
    ],
)
def test_a_desk_at_work_is_told_from_one_that_rests(
    engine: sa.Engine, settings: Settings, keys: Keys, kinds: tuple[str, ...], words: str
) -> None:
    now = clock.now()  # PostgreSQL's own clock is asked
    with database.writing(engine) as session:
        for kind in kinds:
            signs.give_one(session, SignOfLife(key=kind, kind=kind, host="a", began_at=now, seen_at=now))
    found = parts(engine, settings, keys, now)["work"]
    assert (found.fine, words in found.words) == ("start" not in words, True)
    with database.writing(engine) as session:
        for sign in signs.seen(session):
            sign.seen_at = now - timedelta(minutes=2)  # killed
    assert "start liaison run" in parts(engine, settings, keys, now)["work"].words


def test_people_whom_no_mail_reaches_are_named(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Ana", Role.OFFICER)
        person(session, "Jose", Role.OFFICER).email = "josé@riverton.example"
    found = parts(sqlite_engine, settings, keys, now)["addresses"]
    assert (found.fine, found.words.startswith("no mail reaches josé@riverton.example:")) == (False, True)


@pytest.mark.parametrize(
    ("state", "ends", "words"),
    [("signed_out", None, "signed out"), ("connected", 5, "ends on 2026-11-29"), ("connected", None, "another secret")],
)
def test_each_account_says_what_it_needs(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, state: str, ends: int | None, words: str
) -> None:
    with database.writing(engine) as session:
        signed = SignedIn("1", "riverton", "Riverton PD", {}, "secret")
        account = accounts.connect(session, "mastodon", signed, keys, now)
        account.state = state
        account.ends_at = now + timedelta(days=ends) if ends else None
        session.add(account)
    seen_by = keys if words != "another secret" else secrets.derive("other")
    found = parts(engine, settings, seen_by, now)["account Riverton PD (mastodon)"]
    assert (found.fine, words in found.words) == (False, True)


@pytest.mark.parametrize(
    ("back", "words"), [(timedelta(hours=2), "2 h off"), (timedelta(seconds=skew.MOST + 2), "7 s off")]
)
def test_a_source_behind_and_a_clock_that_went_back_are_told(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, back: timedelta, words: str
) -> None:
    with database.writing(sqlite_engine) as session:
        number = sources.add(session, network="practice", name="Board", settings={}, every_seconds=60, now=now).id
        held = session.get_one(Source, number)
        held.last_ok_at, held.last_polled_at = now - timedelta(hours=1), now + back
        session.add(held)
    found = parts(sqlite_engine, settings, keys, now)
    assert (found["source Board"].fine, "catching up" in found["source Board"].words) == (False, True)
    assert (found["clock"].fine, words in found["clock"].words) == (False, True)


def test_a_server_that_is_away_is_told_in_one_line(settings: Settings, keys: Keys, now: datetime) -> None:
    away = database.connect("postgresql://nobody@127.0.0.1:1/none")
    part = parts(away, settings, keys, now)["database"]
    assert (part.fine, part.words.count("\n"), "check LIAISON_DATABASE_URL" in part.words) == (False, 0, True)


def test_a_store_that_was_never_set_up_is_told(settings: Settings, keys: Keys, tmp_path: object) -> None:
    engine = database.connect(f"sqlite:///{tmp_path}/new.db")
    found = parts(engine, settings, keys, clock.now())
    assert (found["database"].fine, "source" in " ".join(found)) == (False, False)
    assert f"there is no desk in {tmp_path}/new.db yet: liaison run begins one" in found["database"].words
    with database.writing(engine) as session:
        session.connection().exec_driver_sql("CREATE TABLE word (id integer)")
    assert not parts(engine, settings, keys, clock.now())["migrations"].fine
    engine.dispose()


def test_the_command_ends_with_1_where_something_is_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("LIAISON_DATA_DIR", str(tmp_path))
    said = CliRunner().invoke(liaison, ["doctor"])
    assert said.exit_code == 1
    assert "TO DO\tmail" in said.output
    assert "OK\tmodel" in said.output


def test_reach_that_cannot_be_read_is_told_after_several_times(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        signed = SignedIn("1", "riverton", "Riverton PD", {}, "secret")
        account = accounts.connect(session, "mastodon", signed, keys, now)
        session.flush()
        number = account.id or 0
        for _ in range(reach.SEVERAL - 1):
            reach.failed(session, number, "503 Service Unavailable", None, now)
    assert "reach of Riverton PD (mastodon)" not in parts(engine, settings, keys, now)
    with database.writing(engine) as session:
        reach.failed(session, number, "503 Service Unavailable", None, now)
    told = parts(engine, settings, keys, now)["reach of Riverton PD (mastodon)"]
    assert (told.fine, "503 Service Unavailable" in told.words) == (False, True)
    with database.reading(engine) as session:
        found = status.look(session, settings, now)
    assert found.reach_unread == {"Riverton PD": "503 Service Unavailable"}
    assert status.Trouble.REACH in found.troubles
