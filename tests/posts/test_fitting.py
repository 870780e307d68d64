"""A post that its network would not take is stopped when it is handed in, and once more before it is sent."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from config import database
from networks import practice, registry
from networks.network import Limits
from posts import drafts
from posts.workflow import WrongState
from tests.posts.conftest import Desk
from tests.posts.square import Square
from tests.posts.test_publishing import HOUR, publish


def limited_to(monkeypatch: pytest.MonkeyPatch, length: int, threads: bool = True) -> None:
    changed = replace(practice.NETWORK, limits=Limits(length), threads=threads)
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType({**registry.NETWORKS, "practice": changed}))


def test_what_is_too_long_is_not_handed_in_and_every_account_says_why(desk: Desk) -> None:
    number = desk.writing("x" * 501)
    with pytest.raises(WrongState) as refused, database.writing(desk.engine) as session:
        drafts.submit(session, number, desk.officer, desk.now)
    assert str(refused.value) == (
        "Riverton PD: The text is 1 character too long; the limit is 500. "
        "Riverton PD en español: The text is 1 character too long; the limit is 500."
    )
    assert desk.post(number).state == "draft"


def test_each_part_of_a_thread_has_the_whole_length(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    number = desk.writing("x" * 400 + "\n---\n" + "y" * 400)
    limited_to(monkeypatch, 500, threads=False)
    with pytest.raises(WrongState, match="has no threads"), database.writing(desk.engine) as session:
        drafts.submit(session, number, desk.officer, desk.now)
    limited_to(monkeypatch, 500)
    with database.writing(desk.engine) as session:
        assert drafts.submit(session, number, desk.officer, desk.now).state == "in_review"


def test_what_a_server_takes_no_more_is_not_even_sent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    number, square = desk.approved("x" * 20), Square()
    limited_to(monkeypatch, 10)
    publish(desk, square, desk.now + HOUR)
    targets = desk.targets(number)
    assert (square.posts, [target.state for target in targets]) == ([], ["failed"] * 2)
    assert targets[0].last_error == "The text is 10 characters too long; the limit is 10."
