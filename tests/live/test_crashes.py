"""The publisher killed at random, short form: `python -m benchmarks.publishing crash` is the long one."""

import random

import pytest

from benchmarks import crashes

pytestmark = pytest.mark.live

NOTHING = {"doubled": 0, "lost": 0, "not_published_but_there": 0}


def test_a_publisher_that_is_killed_again_and_again_publishes_everything_once() -> None:
    told = crashes.crash(kills=12, targets=60, chance=random.Random(20261123))
    networks: dict[str, dict[str, int]] = told["networks"]  # type: ignore[assignment]
    assert {name: {key: found[key] for key in NOTHING} for name, found in networks.items()} == dict.fromkeys(
        ("bluesky", "mastodon", "x", "facebook", "instagram"), NOTHING
    )
    assert [networks[name]["handed_to_a_person"] for name in ("bluesky", "instagram")] == [0, 0]
    assert sum(found["replies_lost"] for found in networks.values()) > 0
