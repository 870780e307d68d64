import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import sqlalchemy as sa

from config import clock
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks.network import Publisher, Rejected
from networks.tables import Account
from posts import claims, publishing
from posts.pools import Pools
from posts.publishing import Outcome
from posts.workflow import TargetState
from tests.posts.conftest import Desk, set_up
from tests.posts.square import Square

ENOUGH = 30  # seconds after which a test gives up


@dataclass
class Town:
    """A square for each account; the first account's does not answer until `answer` is set."""

    slow: int
    squares: dict[int, Square] = field(default_factory=dict)
    answer: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)

    def open_account(self, engine: sa.Engine, account: Account, keys: Keys, settings: Settings) -> Publisher:
        number = account.id or 0
        return self.squares.setdefault(number, Square(before=self._wait if number == self.slow else lambda: None))

    def _wait(self) -> None:
        self.asked.set()
        self.answer.wait(ENOUGH)


@pytest.fixture
def desk(engine: sa.Engine, keys: Keys, person: Callable[..., Person]) -> Desk:
    """On the real clock, as pools are."""
    return set_up(engine, keys, clock.now(), person)


def states(desk: Desk, numbers: list[int], account: int) -> list[str]:
    return [target.state for number in numbers for target in desk.targets(number) if target.account_id == account]


def wait_for(account: int, squares: dict[int, Square], posts: int) -> None:
    done, pause = threading.Event(), 0.01
    for _ in range(int(ENOUGH / pause)):
        if len(squares.get(account, Square()).posts) == posts:
            return
        done.wait(pause)
    pytest.fail("the other account's posts did not go out")


def test_a_network_that_does_not_answer_delays_no_other_account(desk: Desk, settings: Settings) -> None:
    numbers = [desk.approved(f"Notice {number}", after=timedelta()) for number in range(4)]
    slow, quick = desk.accounts
    town = Town(slow)
    pools = Pools(desk.engine, settings, desk.keys, town.open_account)
    for claim in claims.claim(desk.engine, desk.keys, clock.now()):
        pools.submit(claim)
    wait_for(quick, town.squares, len(numbers))
    assert town.squares[slow].posts == []
    town.answer.set()
    assert pools.drain(ENOUGH)
    assert states(desk, numbers, slow) == states(desk, numbers, quick) == ["published"] * 4


def test_stopping_gives_back_what_has_not_begun_and_leaves_calls_under_way_to_their_lease(
    desk: Desk, settings: Settings
) -> None:
    numbers = [desk.approved(f"Notice {number}", after=timedelta()) for number in range(6)]
    slow, quick = desk.accounts
    town = Town(slow)
    pools = Pools(desk.engine, settings, desk.keys, town.open_account)
    for claim in claims.claim(desk.engine, desk.keys, clock.now()):
        pools.submit(claim)
    town.asked.wait(ENOUGH)
    wait_for(quick, town.squares, len(numbers))
    assert not pools.drain(0.5)
    assert sorted(states(desk, numbers, slow)) == ["publishing"] * 2 + ["waiting"] * 4
    town.answer.set()
    assert pools.drain(ENOUGH)


def test_a_claim_handed_to_stopped_pools_is_given_back(desk: Desk, settings: Settings) -> None:
    number = desk.approved(after=timedelta())
    pools = Pools(desk.engine, settings, desk.keys)
    assert pools.drain(ENOUGH)
    for claim in claims.claim(desk.engine, desk.keys, clock.now()):
        pools.submit(claim)
    assert [target.state for target in desk.targets(number)] == ["waiting"] * 2


def test_an_account_that_cannot_be_opened_gives_its_claims_back_for_later(desk: Desk, settings: Settings) -> None:
    def nothing(engine: sa.Engine, account: Account, keys: Keys, settings: Settings) -> Publisher:
        raise Rejected("nothing can be published there")

    number = desk.approved(after=timedelta())
    pools = Pools(desk.engine, settings, desk.keys, nothing)
    for claim in claims.claim(desk.engine, desk.keys, clock.now()):
        pools.submit(claim)
    assert pools.drain(ENOUGH)
    assert [(target.state, target.last_error) for target in desk.targets(number)] == [
        ("waiting", "the account cannot be opened: nothing can be published there")
    ] * 2


def test_receipts_that_cannot_be_written_together_are_written_one_by_one(
    desk: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [desk.approved(f"Notice {number}", after=timedelta()) for number in range(5)]
    town = Town(slow=0)
    real = publishing.record

    def record(engine: sa.Engine, outcomes: Sequence[Outcome]) -> list[TargetState]:
        if len(outcomes) > 1 or outcomes[0].claim.target_id == 1:
            raise RuntimeError("the store is out of sorts")
        return real(engine, outcomes)

    monkeypatch.setattr(publishing, "record", record)
    pools = Pools(desk.engine, settings, desk.keys, town.open_account)
    for claim in claims.claim(desk.engine, desk.keys, clock.now()):
        pools.submit(claim)
    assert pools.drain(ENOUGH)
    found = [target.state for number in numbers for target in desk.targets(number)]
    assert sorted(found) == ["published"] * 9 + ["publishing"]  # the one that failed alone is left to its lease
    assert sum(len(square.posts) for square in town.squares.values()) == 10
