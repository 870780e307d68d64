"""What is shipped to run it as a service and in containers says the same as the program and the docs."""

import asyncio
import configparser
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from procrastinate import PsycopgConnector

from config import backup, clock, database
from config.secrets import Keys
from config.settings import Settings
from scheduler.engine import queue
from tests.config.test_backup import _programs

__all__ = ["_programs"]  # a fixture: PostgreSQL's own programs
DEPLOY = Path(__file__).parent.parent / "deploy"
SERVICES = ("web", "clock", "worker")


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return read


def test_every_setting_reaches_every_container_and_so_does_the_file() -> None:
    for name in SERVICES:
        service = compose()["services"][name]
        assert service["env_file"] == ".env", name
        assert "./settings:/etc/liaison:ro,z" in service["volumes"], name
        assert service["environment"]["LIAISON_CONFIG"] == "-/etc/liaison/liaison.toml", name
        ours = {key.removeprefix("LIAISON_").lower() for key in service["environment"] if key.startswith("LIAISON_")}
        assert ours - {"config"} <= set(Settings.model_fields), name
        # what stands here wins over .env: of the secret keys only the one that must be there
        assert {key for key in ours if "secret" in key or "smtp" in key} == {"secret_key"}, name


def test_the_databases_password_stands_in_no_address() -> None:
    for name in SERVICES:
        given = compose()["services"][name]["environment"]
        assert sa.make_url(given["LIAISON_DATABASE_URL"]).password is None, name
        assert given["PGPASSWORD"] == "${POSTGRES_PASSWORD:?}", name


def test_what_is_secret_goes_into_no_image_nor_repository() -> None:
    root = DEPLOY.parent
    for ignored in (".containerignore", ".dockerignore"):
        assert {"deploy/.env", "deploy/settings", "liaison.toml"} <= set((root / ignored).read_text().split()), ignored
    assert "/deploy/.env" in (root / ".gitignore").read_text().split()


PASSWORD = "a/b@c:d e%f#g?"


@pytest.fixture
def with_password(postgres_engine: sa.Engine) -> Iterator[str]:
    """The address of the database for a role that comes in with a password only, which the address does not have."""
    with postgres_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
        rules = Path(admin.exec_driver_sql("SHOW hba_file").scalar_one())
        admin.exec_driver_sql("DROP ROLE IF EXISTS behind_a_password")
        admin.exec_driver_sql(f"CREATE ROLE behind_a_password SUPERUSER LOGIN PASSWORD '{PASSWORD}'".replace("%", "%%"))
        before = rules.read_text()
        rules.write_text(
            f"local all behind_a_password scram-sha-256\nhost all behind_a_password all scram-sha-256\n{before}"
        )
        admin.exec_driver_sql("SELECT pg_reload_conf()")
        without = postgres_engine.url._replace(username="behind_a_password", password=None)
        yield without.render_as_string(hide_password=False)
        rules.write_text(before)
        admin.exec_driver_sql("SELECT pg_reload_conf()")
        admin.exec_driver_sql("DROP ROLE behind_a_password")


def test_every_way_to_the_database_takes_its_password_from_the_environment(
    with_password: str, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = database.connect(with_password)
    with pytest.raises(sa.exc.OperationalError, match="no password supplied"):
        engine.connect()
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT current_user").scalar_one() == "behind_a_password"
    assert backup.make(engine, tmp_path / "data", keys, tmp_path / "backup.tar", clock.now()).kind == "postgresql"
    engine.dispose()
    assert asyncio.run(asked(queue.connector(with_password))) == "behind_a_password"


async def asked(connector: PsycopgConnector) -> object:
    """What the database says over a worker's own way to the queue, which it is told of new jobs by, too."""
    await connector.open_async()
    try:
        async with connector.pool.connection() as connection:
            await connection.execute("LISTEN anything")
        return (await connector.execute_query_one_async("SELECT current_user AS name"))["name"]
    finally:
        await connector.close_async()


class Unit(configparser.ConfigParser):
    """A unit of systemd: names keep their capitals."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit(name: str) -> dict[str, str]:
    read = Unit(interpolation=None, strict=False)
    read.read(DEPLOY / name, encoding="utf-8")
    return dict(read["Service"])


def asked_of_systemd(folder: Path, command: Sequence[str], **variables: str) -> list[str]:
    """The words that systemd-run is given for a command of somebody with these variables."""
    (folder / "systemd-run").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (folder / "systemd-run").chmod(0o700)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", **variables}
    ran = subprocess.run([DEPLOY / "liaison", *command], env=environment, check=True, capture_output=True, text=True)
    return ran.stdout.splitlines()


def test_commands_run_as_the_service_is(tmp_path: Path) -> None:
    told = asked_of_systemd(tmp_path, ["backup", "/backups/two words.tar"])
    service = unit("liaison.service")
    program = service["ExecStart"].removesuffix(" run")
    assert told[-3:] == [program, "backup", "/backups/two words.tar"]
    given = dict(one.removeprefix("--property=").removeprefix("--").partition("=")[::2] for one in told[:-3])
    assert (given["uid"], given["working-directory"]) == (service["User"], service["WorkingDirectory"])
    assert (given["EnvironmentFile"], given["UMask"]) == (service["EnvironmentFile"], service["UMask"])


def test_what_a_command_takes_from_its_caller_s_environment_reaches_it(tmp_path: Path) -> None:
    written = (DEPLOY.parent / "cli.py").read_text(encoding="utf-8")
    read = set(re.findall(r"""(?:envvar=|environ\.get\(|environ\[|getenv\()["'](LIAISON_\w+)""", written))
    assert {"LIAISON_USER_PASSWORD", "LIAISON_ACCOUNT_SECRET"} <= read
    told = asked_of_systemd(tmp_path, ["user", "add"], **dict.fromkeys(read, "two words"))
    assert {one.removeprefix("--setenv=") for one in told if one.startswith("--setenv=")} == read  # no value in sight
    assert "--setenv" not in " ".join(asked_of_systemd(tmp_path, ["user", "add"]))


def test_the_docs_say_how_commands_are_run() -> None:
    page = (DEPLOY.parent / "docs/for-administrators/operating.md").read_text(encoding="utf-8")
    assert re.search(r"install .*/usr/local/bin /opt/liaison/deploy/liaison\b", page)
