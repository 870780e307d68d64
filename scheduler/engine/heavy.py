"""The one separate, niced process for work that takes CPU: scoring, alerts, digests, expiry.

Kept apart so that pages and publishing stay quick while thousands of mentions are read."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from config import clock, database, secrets
from config.settings import Settings
from scheduler import marks
from scheduler.engine import beside, rota
from scheduler.engine.beside import Beside, Stop
from scheduler.jobs import rescoring, scoring

if TYPE_CHECKING:
    from sentiment.model import Model

log = structlog.get_logger(__name__)
PAUSE = 1.0  # seconds between two looks for work
LOOK_AFTER = 20.0  # seconds between two looks whether a periodic job is due


def start(settings: Settings) -> Beside:
    """Starts the process."""
    return Beside("heavy", work, settings)


def work(settings: Settings, stop: Stop) -> None:
    """Does what is due until told to stop."""
    beside.begin(settings)
    from sentiment import feedback, model  # loads the tokenizer library: only this process needs it

    try:
        reader: model.Model | None = model.load()
    except model.ModelDamaged as error:
        log.error("model_damaged", what=str(error), effect="mentions wait unscored; everything else goes on")
        reader = None
    engine = database.connect(settings.database)
    hands = rota.Hands(engine, settings, secrets.load(settings))
    asked: dict[str, float] = {}  # when each job's mark was last looked at: a look costs more than it finds
    while not stop.is_set():
        if reader is not None:
            if time.monotonic() - asked.get("heads", -LOOK_AFTER) >= LOOK_AFTER:
                asked["heads"] = time.monotonic()
                reader = feedback.in_use(settings.data_dir / feedback.FOLDER, model.load())  # they may be refitted
            _step("score", partial(_score, engine, reader, settings, stop))
            _step("rescore", partial(_rescore, engine, reader, settings, stop))
        for one in rota.READS:
            if time.monotonic() - asked.get(one.name, -LOOK_AFTER) >= min(LOOK_AFTER, one.every.total_seconds() / 2):
                asked[one.name] = time.monotonic()
                _step(one.name, partial(_periodic, one, hands))
        stop.wait(PAUSE)
    engine.dispose()


def _score(engine: sa.Engine, reader: "Model", settings: Settings, stop: Stop) -> None:
    scoring.score_all(engine, reader, settings, clock.now, stop=stop.is_set)


def _rescore(engine: sa.Engine, reader: "Model", settings: Settings, stop: Stop) -> None:
    rescoring.go_on(engine, reader, clock.now(), stop.is_set, zone=settings.department.zone)


def _periodic(one: rota.Regular, hands: rota.Hands) -> None:
    now = clock.now()
    if marks.mine(hands.engine, one.name, one.every, now):
        one.job(hands, now)
        marks.done(hands.engine, one.name, one.every, now)


def _step(name: str, step: Callable[[], object]) -> None:
    """One job's failure is logged and never stops the others; it is due again soon (scheduler.marks)."""
    try:
        step()
    except Exception as error:
        log.error("job_failed", job=name, error=str(error), kind=type(error).__name__)
