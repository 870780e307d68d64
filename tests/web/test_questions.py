"""How often each page asks the store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners.tables import Place
from scheduler.jobs import sums
from sentiment.tables import Alert, AlertMention
from tests.browser import pages_of_the_desk as pages
from tests.web.browsing import Browser

MOST = 15


@contextmanager
def questions(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that the engine is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def _full(sqlite_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person]) -> None:
    pages.fill(sqlite_engine, settings, keys, person)
    with database.writing(sqlite_engine) as session:  # two open alerts, with words to show
        session.add_all([new := _alert(1, None), _alert(1, 2)])
        session.flush()
        session.add_all(AlertMention(alert_id=new.id or 0, mention_id=number) for number in (1, 2))
    sums.keep(sqlite_engine, settings, clock.now())  # as a job does every two minutes


@pytest.mark.long
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


@pytest.mark.usefixtures("at_eight")
def test_many_alerts_ask_no_more_than_one(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser], person: Callable[..., Person]
) -> None:
    ada = browser_of("Ada", Role.OFFICER)

    def asked_with(*alerts: Alert) -> dict[str, int]:
        with database.writing(sqlite_engine) as session:
            session.add_all(alerts)
        found = {}
        for path in ("/", "/alerts"):
            ada.get(path)
            with questions(sqlite_engine) as asked:
                ada.get(path)
            found[path] = len(asked)
        return found

    with database.writing(sqlite_engine) as session:
        takers = [person(session, name, Role.OFFICER).id for name in ("Luc", "Dana", "Mo")]
        session.add_all(Place(name=f"Street {number}") for number in range(3))
    few = asked_with(_alert(1, None), _alert(1, takers[0]))
    many = asked_with(*(_alert(number, by) for number in (2, 3) for by in (None, takers[1], takers[2])))
    assert many == few


def _alert(place_id: int, taken_by: int | None) -> Alert:
    moment = clock.now()
    return Alert(
        kind="cell",
        concern="traffic_safety",
        place_id=place_id,
        title="Traffic",
        raised_at=moment,
        since=moment,
        updated_at=moment,
        window_hours=24,
        posts=9,
        authors=9,
        expected=1.0,
        p_value=0.001,
        state="taken" if taken_by else "new",
        taken_by=taken_by,
    )
