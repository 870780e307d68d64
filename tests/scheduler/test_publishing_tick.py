"""One publishing tick by itself: what it claims, and that it ends."""

from datetime import timedelta

import pytest

from config.settings import Settings
from posts import claims, publishing
from posts.claims import Claim
from scheduler.jobs import publishing as job
from tests.posts.conftest import Desk, desk

__all__ = ["desk"]


class _NothingBegins:
    """Pools whose calls all come too late to begin: each claim is given back at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self.count = desk, 0

    def submit(self, made: Claim) -> None:
        self.count += 1
        assert self.count < 3_000, "the tick does not end"
        publishing.give_back(self._desk.engine, made, "the lease is half over", self._desk.now)


def test_a_tick_ends_though_all_that_it_claims_comes_back_not_begun(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.approved(after=timedelta())
    monkeypatch.setattr(claims, "LEASE", timedelta(milliseconds=200))
    pools = _NothingBegins(desk)
    claimed = job.tick(desk.engine, Settings(), desk.keys, pools, desk.now)  # type: ignore[arg-type]
    assert claimed >= 2
    assert {target.state for target in desk.targets(1)} == {"waiting"}
