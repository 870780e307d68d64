"""Works out what each sensitivity would have alerted last month, where somebody asked; a few seconds at a time, so that
scoring and the real alerts have their turn."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from config import database
from config.settings import Settings
from scheduler import backtest, marks
from sentiment import hindsight, tuning
from sentiment.emerging import Sensitivity
from sentiment.hindsight import Answer, Raised

FOR = 10.0  # seconds at a time
TURN = timedelta(minutes=5)  # of the process that works it out; another begins anew after so long without a sign
_under_way: WeakKeyDictionary[sa.Engine, tuple[int, Iterator[float]]] = WeakKeyDictionary()  # of this process
_turns: WeakKeyDictionary[sa.Engine, datetime] = WeakKeyDictionary()


def go_on(engine: sa.Engine, settings: Settings, now: datetime) -> bool:
    """Some hours of what is asked for; whether anything was."""
    with database.reading(engine) as session:
        number = hindsight.waiting(session)
    if number is None:
        _under_way.pop(engine, None)
        return False
    with database.writing(engine) as session:
        turn = marks.hold(session, "hindsight_turn", _turns.get(engine), TURN, now)
    if turn is None:
        return True
    _turns[engine] = turn
    known = _under_way.get(engine)
    steps = known[1] if known is not None and known[0] == number else _steps(engine, settings, number, now)
    _under_way[engine] = (number, steps)
    until = time.monotonic() + FOR
    for done in steps:
        if time.monotonic() >= until:
            with database.writing(engine) as session:
                hindsight.note(session, number, done)
            return True
    del _under_way[engine]
    return True


def _steps(engine: sa.Engine, settings: Settings, number: int, now: datetime) -> Iterator[float]:
    """The whole work, an hour of the month a step, and how much of it is done (0 to 1); keeps the answer at its end."""
    zone = settings.department.zone
    today = now.astimezone(zone).date()
    store = backtest.in_memory()
    try:
        with database.reading(engine) as session:
            start, enough = hindsight.span(session, now, zone)
            tuned = tuning.read(session, now)
            if start is not None and enough:
                hindsight.copied(session, store, start)
        raised: dict[Sensitivity, tuple[Raised, ...]] | None = None
        first = start.astimezone(zone).date() if start is not None else None
        if start is not None and enough:
            raised = {}
            hours = (now - start) // hindsight.HOUR + 1
            for before, level in enumerate(tuning.LEVELS):
                found: list[Raised] = []
                for hour, new in enumerate(hindsight.replay(store, level, tuned, start, now, zone), 1):
                    found += new
                    yield (before + hour / hours) / len(tuning.LEVELS)
                raised[level] = tuple(found)
        elif first is not None:
            first += hindsight.LEAST
        with database.writing(engine) as session:
            hindsight.keep(session, number, Answer(now, first, today, raised))
    finally:
        store.dispose()
