"""What is new is found by words and by meaning, counted in people, and must speak of a concern."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment import emerging
from sentiment.emerging import Group, Heard

DAYS = 26
NOW = DAYS * 24.0
FIRE = 900_001
WORDS = 40  # ordinary ones
_rng = np.random.default_rng(5)
CENTRE = _rng.normal(size=384)
TOPIC = _rng.normal(size=384)


def _vector(rng: np.random.Generator, towards: np.ndarray | None = None, share: float = 0.85) -> np.ndarray:
    noise = rng.normal(size=384)
    made = noise if towards is None else share * towards / np.linalg.norm(towards) * 19 + (1 - share) * noise
    made = made / np.linalg.norm(made) + 0.5 * CENTRE / np.linalg.norm(CENTRE)  # what all posts share
    return np.asarray(made / np.linalg.norm(made))


def _town(extra: Sequence[tuple[float, int, float, bool]] = (), *, seed: int = 2, tied: bool = True) -> Heard:
    """40 posts a day on nothing; `extra`: (hours, author, log-odds of the first concern, about the fire)."""
    rng = np.random.default_rng(seed)
    posts = [(float(at), int(rng.integers(500)), float(rng.normal(-3, 0.7)), False) for at in rng.uniform(0, NOW, 1040)]
    posts = sorted([*posts, *extra])
    terms = [[FIRE] if fire else sorted(rng.choice(WORDS, 3, replace=False).tolist()) for *_, fire in posts]
    concerns = np.array([[odds, float(rng.normal(-3, 0.7))] for _, _, odds, _ in posts], dtype=np.float32)
    return Heard(
        hours=np.array([at for at, *_ in posts]),
        authors=np.array([author for _, author, _, _ in posts], dtype=np.int64),
        terms=np.array([term for its in terms for term in its], dtype=np.uint32),
        ends=np.concatenate([[0], np.cumsum([len(its) for its in terms])]).astype(np.int64),
        vectors=np.array([_vector(rng, TOPIC if fire else None) for *_, fire in posts], dtype=np.float32),
        concerns=concerns,
        raised=concerns > 0,
        tied=np.full(len(posts), tied),
        places=np.zeros(len(posts), dtype=np.int64),
        pieces=np.zeros(len(posts), dtype=bool),
        urgent=(0,),
    )


def _fire(people: int = 5, odds: float = 1.0) -> list[tuple[float, int, float, bool]]:
    return [(NOW - 1.5 + 0.2 * number, 1000 + number, odds, True) for number in range(people)]


def _everyday(fire: Sequence[tuple[float, int, float, bool]]) -> Heard:
    """A town in which five people a day use the word, in other senses."""
    usual = [(24.0 * day + number, 1000 + number, -4.0, True) for day in range(DAYS) for number in range(5)]
    heard = _town([*usual, *fire])
    rng, vectors = np.random.default_rng(6), heard.vectors.copy()
    for other in np.flatnonzero(heard.concerns[:, 0] == -4.0):
        vectors[other] = _vector(rng)
    return replace(heard, vectors=vectors)


def _find(heard: Heard, now: float = NOW, sensitivity: emerging.Sensitivity = "balanced") -> list[Group]:
    return emerging.find(heard, emerging.yardstick(heard), now, sensitivity)


def test_an_ordinary_day_has_nothing_new() -> None:
    assert _find(_town()) == []


def test_a_few_people_who_write_of_one_new_emergency_are_one_group() -> None:
    heard = _town(_fire())
    (group,) = _find(heard)
    assert group.core == frozenset(np.flatnonzero(heard.authors >= 1000).tolist())
    assert (group.concern, group.authors, group.terms) == (0, 5, (FIRE,))
    assert group.p_value < 1e-5
    assert group.expected < 0.1


def test_one_loud_account_is_not_several_people() -> None:
    assert _find(_town([(at, 1000, odds, fire) for at, _, odds, fire in _fire(9)])) == []


def test_five_accounts_with_many_posts_each_are_no_new_concern() -> None:
    posts = [(NOW - 1.5 + 0.01 * number, 1000 + number % 5, 1.0, True) for number in range(60)]
    assert _find(_town(posts)) == []


def test_new_talk_that_raises_no_concern_is_not_told() -> None:
    assert _find(_town(_fire(odds=-3.0))) == []


def test_talk_that_only_leans_towards_an_emergency_needs_far_more_people() -> None:
    few, more = _town(_fire(3)), _town(_fire(6))
    assert _find(few) != []
    assert _find(replace(few, concerns=few.concerns - 6)) == []  # as far from ordinary as before, but unlikely
    (group,) = _find(replace(more, concerns=more.concerns - 6))
    assert not group.likely


def test_talk_that_only_leans_towards_what_is_no_emergency_is_not_told() -> None:
    heard = _worry(tied=True)
    assert _find(heard) != []
    assert _find(replace(heard, concerns=heard.concerns - 6)) == []


def test_few_who_mean_an_emergency_by_a_word_of_every_day_are_told_of() -> None:
    heard = _everyday(_fire())
    (group,) = _find(heard)
    assert group.core == frozenset(np.flatnonzero(heard.concerns[:, 0] == 1.0).tolist())


@pytest.mark.parametrize(("alike", "told"), [(3, 1), (2, 0)])
def test_who_share_a_word_and_lean_to_an_emergency_are_near_one_other_each(alike: int, told: int) -> None:
    heard = _everyday(_fire(3, 3.0))
    vectors = heard.vectors.copy()
    for other in np.flatnonzero(heard.concerns[:, 0] == 3.0)[alike:]:
        vectors[other] = _vector(np.random.default_rng(7))
    assert len(_find(replace(heard, vectors=vectors))) == told


def test_what_means_the_same_is_kin_whatever_its_words() -> None:
    heard = _town([*_fire(5), (NOW - 4, 3000, -3.0, True)])
    other_words = heard.terms.copy()
    lone = int(np.flatnonzero(heard.authors == 3000)[0])
    other_words[heard.ends[lone]] = 1
    (group,) = _find(replace(heard, terms=other_words))
    assert group.kin == frozenset(np.flatnonzero(heard.authors >= 1000).tolist())


def test_a_book_that_is_posted_piece_by_piece_is_no_concern() -> None:
    heard = _town(_fire(6))
    cut = np.flatnonzero(heard.authors >= 1000)
    assert _find(replace(heard, pieces=np.isin(np.arange(heard.hours.size), cut[:2]))) == []
    assert _find(replace(heard, pieces=np.zeros(heard.hours.size, dtype=bool))) != []


def test_what_is_like_the_pieces_of_a_book_is_of_the_book() -> None:
    def pages(cut: bool) -> Heard:
        heard = _town([*_fire(6), *((NOW - 12 + 0.1 * number, 3000 + number, -3.0, True) for number in range(4))])
        return replace(heard, pieces=cut & (heard.authors >= 3000))

    assert _find(pages(cut=True)) == []
    assert _find(pages(cut=False)) != []


def test_pieces_of_a_book_that_mean_something_else_make_no_book_of_a_fire() -> None:
    heard = _town([*_fire(6), *((NOW - 12 + 0.1 * number, 3000 + number, -3.0, True) for number in range(4))])
    pages = heard.authors >= 3000
    rng = np.random.default_rng(4)
    apart = heard.vectors.copy()
    apart[pages] = [_vector(rng) for _ in range(4)]
    terms = heard.terms.copy()
    terms[heard.ends[:-1][pages]] = [1, 2, 3, 4]
    assert _find(replace(heard, vectors=apart, terms=terms, pieces=pages)) != []


def test_what_was_said_every_day_is_not_new() -> None:
    usual = [(24.0 * day + number, 1000 + number, 1.0, True) for day in range(DAYS) for number in range(5)]
    assert _find(_town([*usual, *_fire()])) == []


def test_a_word_used_for_many_things_is_no_group() -> None:
    heard = _town(_fire())
    rng = np.random.default_rng(9)
    apart = np.array([_vector(rng) for _ in heard.hours], dtype=np.float32)
    assert _find(replace(heard, vectors=apart)) == []


def _loose(before: int = 0) -> Heard:
    """The fire's posts, of which only two are close to each other; the word was used `before`, and it is no
    emergency."""
    used = [(24.0 * day + 3, 2000 + day, -3.0, True) for day in range(before)]
    heard = _town([*used, *_fire(4)])
    rng = np.random.default_rng(9)
    apart = np.array([_vector(rng) for _ in heard.hours], dtype=np.float32)
    alike = np.flatnonzero(heard.authors >= 1000)[-2:]
    apart[alike] = heard.vectors[alike]
    return replace(heard, vectors=apart, urgent=())


def test_a_word_that_nobody_used_before_may_be_used_in_many_ways() -> None:
    (group,) = _find(_loose())
    assert group.authors == 4
    assert _find(_loose(before=4)) == []


def _worry(tied: bool) -> Heard:
    """The same posts, on a concern that is no emergency and that the model raises in each."""
    heard = _town(_fire(8), tied=tied)
    concerns = heard.concerns[:, ::-1].copy()
    return replace(heard, concerns=concerns, raised=concerns > 0)


def test_what_is_no_emergency_must_have_to_do_with_the_town() -> None:
    (group,) = _find(_worry(tied=True))
    assert group.concern == 1
    assert _find(_worry(tied=False)) == []


def test_nothing_posted_later_is_looked_at() -> None:
    heard = _town(_fire())
    assert _find(heard, NOW - 2) == []


def test_fewer_never_finds_more() -> None:
    heard = _town(_fire(3, odds=0.0))
    numbers = [len(_find(heard, sensitivity=level)) for level in ("fewer", "balanced", "more")]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_another_model_s_scale_of_log_odds_changes_nothing(scale: float) -> None:
    heard = _town(_fire())
    (group,) = _find(replace(heard, concerns=heard.concerns * scale + 2))
    assert group.concern == 0


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_gate_lets_through_is_brought_before_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    people = int(rng.integers(3, 9))
    said = [(NOW - float(rng.uniform(0, 20)), 1000 + one, float(rng.normal(-1, 2)), True) for one in range(people)]
    heard = _town(said, tied=False)
    heard = replace(heard, tied=rng.random(heard.hours.size) < 0.6, concerns=heard.concerns[:, :: 1 - 2 * (seed % 2)])
    heard = replace(heard, raised=heard.concerns > -1)
    ordinary = emerging.yardstick(heard)
    day = emerging.day_of(heard, ordinary, NOW)
    close = emerging._close(day.vectors, ordinary.near)
    spoken = (heard.concerns[day.start : day.end] - ordinary.means) / ordinary.spreads
    candidates = list(emerging._candidates(heard, day.start, day.end, close))
    able = list(emerging._able_to_speak(heard, ordinary, candidates, day, spoken, 0.5))
    through = [one for one in candidates if emerging._gate(heard, ordinary, one, day, close, spoken, 0.5) is not None]
    assert {id(one) for one in through} <= {id(one) for one in able}
    assert len(able) < len(candidates)


def test_some_talk_of_those_towns_does_pass_the_gate() -> None:
    heard = _town(_fire())
    ordinary = emerging.yardstick(heard)
    day = emerging.day_of(heard, ordinary, NOW)
    spoken = (heard.concerns[day.start : day.end] - ordinary.means) / ordinary.spreads
    close = emerging._close(day.vectors, ordinary.near)
    candidates = list(emerging._candidates(heard, day.start, day.end, close))
    able = list(emerging._able_to_speak(heard, ordinary, candidates, day, spoken, 2.0))
    assert FIRE in {one.term for one in able}


def test_every_number_of_half_precision_is_the_same_in_single() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    np.testing.assert_array_equal(emerging._single(halves).view(np.uint32), halves.astype(np.float32).view(np.uint32))


@given(st.integers(1, 50), st.integers(0, 500), st.floats(0.001, 2.0))
def test_more_people_are_never_more_likely(authors: int, before: int, exposure: float) -> None:
    assert 0 <= emerging.chance(authors + 1, before, exposure) <= emerging.chance(authors, before, exposure) <= 1


def test_the_chance_is_the_negative_binomial_s() -> None:
    from scipy.stats import nbinom

    size = 4.5 / emerging.DISPERSION
    expected = nbinom.sf(2, size, 1 / (1 + 0.1 * emerging.DISPERSION))
    assert emerging.chance(3, 4, 0.1) == pytest.approx(expected)
