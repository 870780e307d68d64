"""How often each page asks the store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from tests.browser import pages_of_the_desk as pages
from tests.web.browsing import Browser

MOST = 15
MORE = {  # Today gathers from every room; a post is read with its whole story
    "/": 40,
    "/compose/1": 19,
    "/compose?reply_to=1": 17,
    "/outreach/urgent/3": 21,
    "/posts/1": 21,
    "/posts/2": 21,
}


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


@pytest.mark.usefixtures("_full")
def test_pages_ask_the_store_seldom(sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    ada = browser_of("Ada", *Role)
    too_many = {}
    for path in (*pages.READING, *pages.OURS):
        ada.get(path)  # what is read once a process is read now
        with questions(sqlite_engine) as asked:
            ada.get(path)
        if len(asked) > MORE.get(path, MOST):
            too_many[path] = len(asked)
    assert too_many == {}, too_many
