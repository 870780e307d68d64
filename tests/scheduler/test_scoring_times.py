"""Batches of one long run of the scorer, each marked with its own time."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from config.settings import Settings
from scheduler.jobs import scoring
from tests.sentiment.reader import WordReader


def test_each_batch_is_marked_with_the_time_at_which_it_is_read(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked: list[datetime] = []

    def pending(_engine: sa.Engine, _reader: Any, at: datetime, **_: object) -> int:
        marked.append(at)
        return 1 if len(marked) < 3 else 0

    monkeypatch.setattr("sentiment.scoring.score_pending", pending)
    hours = iter(now + timedelta(hours=hour) for hour in range(9))
    assert scoring.score_all(sqlite_engine, WordReader(), settings, lambda: next(hours)) == 2
    assert marked == [now + timedelta(hours=hour) for hour in range(3)]
