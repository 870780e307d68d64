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

    in_hand = 0

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


class _Slow:
    """Pools whose calls do not end meanwhile."""

    def __init__(self) -> None:
        self.taken: list[Claim] = []

    @property
    def in_hand(self) -> int:
        return len(self.taken)

    def submit(self, made: Claim) -> None:
        self.taken.append(made)


def test_a_tick_leaves_to_other_processes_what_it_has_no_room_for(desk: Desk) -> None:
    for number in range(3):  # for two accounts
        desk.approved(f"Announcement {number}", after=timedelta())
    one, other = _Slow(), _Slow()
    claimed = [
        job.tick(desk.engine, Settings(), desk.keys, pools, desk.now, 3)  # type: ignore[arg-type]
        for pools in (one, one, other)
    ]
    assert (claimed, len({made.target_id for made in one.taken + other.taken})) == ([3, 0, 3], 6)
