"""The short form of `python -m benchmarks.flowing`: a reader of a whole network, killed at work, loses and doubles
nothing, its cursor included. The Jetstream is ours."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.listeners.flowing import killed


@pytest.mark.long
def test_a_reader_that_is_killed_again_and_again_loses_and_doubles_nothing(engine: sa.Engine, tmp_path: Path) -> None:
    url = engine.url.render_as_string(hide_password=False)
    found = killed(url, tmp_path / "data", rate=1500, seconds=8, kills=3, lease=0.5)
    assert (found.stored, found.doubled) == (found.sent, 0)
    assert found.cursor == 1500 * 8
