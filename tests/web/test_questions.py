"""How often each page asks the store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from config import clock
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from scheduler.jobs import sums
from tests.browser import pages_of_the_desk as pages
from tests.web.browsing import Browser

MOST = 15


@contextmanager
def questions(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that the engine is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement != "BEGIN":
            asked.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def _full(sqlite_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person]) -> None:
    pages.fill(sqlite_engine, settings, keys, person)
    sums.keep(sqlite_engine, settings, clock.now())  # as a job does every two minutes


@pytest.mark.usefixtures("_full")
def test_pages_ask_the_store_seldom(sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    ada = browser_of("Ada", *Role)
    too_many = {}
    for path in (*pages.READING, *pages.OURS):
        ada.get(path)  # what is read once a process is read now
        with questions(sqlite_engine) as asked:
            ada.get(path)
        if len(asked) > MOST:
            too_many[path] = len(asked)
    assert too_many == {}, too_many
