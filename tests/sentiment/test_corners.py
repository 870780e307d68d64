"""A few neighbours who raise one concern at one place are found within hours, whatever words they use."""

import numpy as np
import pytest

from sentiment import corners, recent
from sentiment.recent import Memory
from sentiment.surges import Surge
from sentiment.tuning import Tuning

DAYS = 26
NOW = DAYS * 24.0
ELM, MARKET = 1, 2
TRAFFIC, DRUGS = recent.KEYS.index("traffic_safety"), recent.KEYS.index("drugs")
# (hours, author, place, concern or -1 for none)
Post = tuple[float, int, int, int]


def _town(extra: list[Post], *, odds: float = 1.0) -> Memory:
    """Twenty posts a day: one in five names Elm, one in five the market, one in eight raises traffic; beside `extra`,
    whose log-odds are `odds`."""
    rng = np.random.default_rng(7)
    posts: list[Post] = [
        (
            float(at),
            int(rng.integers(400)),
            int(rng.choice([ELM, MARKET, 0, 0, 0])),
            TRAFFIC if rng.random() < 1 / 8 else -1,
        )
        for at in rng.uniform(0, NOW, 20 * DAYS)
    ]
    posts = sorted([*posts, *extra])
    memory = Memory()
    memory.ids = np.arange(1, len(posts) + 1)
    memory.hours = np.array([at for at, *_ in posts])
    memory.authors = np.array([author for _, author, _, _ in posts])
    memory.places = np.array([place for _, _, place, _ in posts])
    memory.raised = np.array([[concern == one for one in range(len(recent.KEYS))] for *_, concern in posts])
    memory.concerns = np.where(memory.raised, odds, -4.0).astype(np.float16)
    return memory


def _neighbours(hours: list[float], place: int = ELM, concern: int = TRAFFIC) -> list[Post]:
    return [(NOW - 3 + at, 1000 + number, place, concern) for number, at in enumerate(hours)]


def _find(memory: Memory, now: float = NOW) -> list[Surge]:
    return corners.find(memory, now, Tuning())


def test_four_neighbours_within_three_hours_are_told_of() -> None:
    (surge,) = _find(_town(_neighbours([0.1, 0.3, 0.9, 2.8])))
    assert (surge.concern, surge.place_id, surge.authors, len(surge.mention_ids)) == ("traffic_safety", ELM, 4, 4)
    assert surge.hours <= 6
    assert surge.expected < 0.5


def test_what_a_street_says_in_the_first_hours_is_told_of_within_six() -> None:
    memory = _town(_neighbours([0.0, 0.2, 0.8, 2.75, 5.0]))
    found = next(hour for hour in range(1, 24) if _find(memory, NOW - 3 + hour))
    assert found <= 6


def test_an_ordinary_day_has_nothing_of_the_kind() -> None:
    memory = _town([])
    assert [surge for hour in range(24 * 15, 24 * DAYS) for surge in _find(memory, float(hour))] == []


@pytest.mark.parametrize(
    ("posts", "why"),
    [
        (_neighbours([0.1, 0.3, 0.9]), "three people"),
        ([(NOW - 1, 1000, ELM, TRAFFIC)] * 9, "one account"),
        ([(NOW - 1, 1000 + number % 4, ELM, TRAFFIC) for number in range(13)], "four loud accounts"),
        (_neighbours([0.1, 0.3, 0.9, 2.8], place=0), "no place"),
        ([(NOW - 1, 1000 + number, ELM, (TRAFFIC, DRUGS)[number % 2]) for number in range(4)], "two concerns"),
        ([(NOW - 2 - 24 * day, 1000 + day * 4 + who, ELM, TRAFFIC) for day in range(25) for who in range(4)], "usual"),
    ],
)
def test_nothing_is_told_of(posts: list[Post], why: str) -> None:
    assert _find(_town(posts)) == [], why


def test_what_the_model_takes_for_unlikely_is_not_told_of() -> None:
    assert _find(_town(_neighbours([0.1, 0.3, 0.9, 2.8]), odds=-3.0)) == []


def test_the_usual_of_a_rare_pair_is_what_place_and_concern_make() -> None:
    """Drugs are raised often, and the market is named often, though never together: four at once are no wonder."""
    elsewhere = [(0.3 * number, number, 0, DRUGS) for number in range(2000)]
    busy = [(0.3 * number, 5000 + number, MARKET, -1) for number in range(2000)]
    rare = _town(_neighbours([0.1, 0.3, 0.9, 2.8], MARKET, DRUGS))
    assert len(_find(rare)) == 1
    assert _find(_town([*elsewhere, *busy, *_neighbours([0.1, 0.3, 0.9, 2.8], MARKET, DRUGS)])) == []
