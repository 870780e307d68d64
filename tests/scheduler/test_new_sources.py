"""A source that is added while the desk runs is heard without a restart."""

import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import select

from config import clock, database
from config import settings as config_settings
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from listeners import rules, streams
from listeners.tables import Mention, Source
from networks import practice
from networks.jetstream import line
from scheduler.engine import embedded
from tests.networks import jetstream_server
from tests.networks.jetstream_server import V1, Network, post
from tests.test_cli import run
from tests.web.browsing import Browser, send
from tests.web.conftest import browser_of, desk_app

__all__ = ["browser_of", "desk_app"]  # fixtures


@pytest.fixture
def settings(settings: Settings, sqlite_engine: sa.Engine) -> Settings:
    """The store of the test stands where its processes look for it."""
    url = SecretStr(sqlite_engine.url.render_as_string(hide_password=False))
    return settings.model_copy(update={"database_url": url, "fetch_private_addresses": True})


@pytest.fixture
def _desk(sqlite_engine: sa.Engine, settings: Settings, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The embedded engine, running; it listens, whatever comes of the model's process."""
    monkeypatch.setattr(line, "BURST", 0.05)
    monkeypatch.setattr(streams, "SAVE_AFTER", 0.05)
    with embedded.running(sqlite_engine, settings, keys):
        yield


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def texts(engine: sa.Engine) -> set[str | None]:
    with database.reading(engine) as session:
        return set(session.exec(select(Mention.text)))


@pytest.mark.usefixtures("_desk")
def test_a_source_that_is_added_on_the_page_is_heard_without_a_restart(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    with database.writing(sqlite_engine) as session:
        practice.post_as_resident(session, "nan", "When is coffee?", clock.now())
    browser = browser_of("Sam", Role.ADMINISTRATOR)
    send(browser, "/sources", page="/sources", network="practice", kind="mentions", name="Board")
    until(lambda: texts(sqlite_engine) == {"When is coffee?"})


@pytest.mark.usefixtures("_desk")
def test_a_stream_that_is_added_by_command_is_heard_without_a_restart_and_left_when_it_is_switched_off(
    sqlite_engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIAISON_DATABASE_URL", settings.database)
    monkeypatch.setenv("LIAISON_DATA_DIR", str(settings.data_dir))
    config_settings.load.cache_clear()
    with database.writing(sqlite_engine) as session:
        rules.add(session, "Elm", "elm")
    network = Network()
    with jetstream_server.running(network) as server:
        servers = ("--set", f"servers={server}{V1}")
        added = run("source", "add", "bluesky", "--kind", "everything", "--name", "All", *servers)
        assert added.exit_code == 0, added.output
        until(lambda: network.asked)
        step = iter(range(10_000))

        def heard() -> bool:
            network.tell(post(next(step), "Police on Elm", clock.now()))
            return texts(sqlite_engine) == {"Police on Elm"}

        until(heard)
        assert run("source", "switch", "1", "off").exit_code == 0

        def let_go() -> bool:
            with database.reading(sqlite_engine) as session:
                return session.get_one(Source, 1).lease_until is None

        until(let_go)
    config_settings.load.cache_clear()
