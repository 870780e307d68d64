"""One author one vote, intervals, what may be shown, and change."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment import trust
from sentiment.trust import AuthorDays, Change, Prior, Share, Show, Span

TODAY = date(2026, 11, 24)


FIRST = TODAY - timedelta(days=21)


def _rows(posts: list[tuple[int, int, float]]) -> AuthorDays:
    """Posts as (author, day from FIRST, probability of mistrust), each a row."""
    posts = sorted(posts, key=lambda post: post[1])
    probabilities = np.array([probability for _, _, probability in posts])
    return AuthorDays(
        np.array([(FIRST + timedelta(days=day)).toordinal() for _, day, _ in posts], dtype=np.int64),
        np.array([author for author, _, _ in posts], dtype=np.int64),
        np.ones(len(posts)),
        {"mistrust": probabilities, "trust": 1 - probabilities, "negative": probabilities},
    )


def _span(first: int, last: int, by_week: bool = False) -> Span:
    return Span(FIRST + timedelta(days=first), FIRST + timedelta(days=last), by_week)


def test_five_loud_accounts_do_not_move_the_share_of_two_hundred_authors() -> None:
    town = [(author, 0, 1.0 if author < 50 else 0.0) for author in range(200)]
    loud = [(200 + account, 0, 1.0) for account in range(5) for _ in range(20)]
    rows = _rows(town + loud)
    found = trust.share_of(trust.add_up(rows, _span(0, 6)), "mistrust")
    raw = rows.sums["mistrust"].sum() / rows.posts.sum()
    assert found is not None
    assert (round(raw, 2), round(found.value, 2), found.authors) == (0.50, 0.27, 205)


def test_an_author_with_mixed_posts_has_the_mean_of_them_as_a_vote() -> None:
    found = trust.add_up(_rows([(0, 1, 1.0), (0, 3, 0.5), (1, 6, 0.0)]), _span(0, 6))
    assert (found.authors, found.posts, found.mistrust, found.trust) == (2, 3, 0.75, 1.25)


def test_days_outside_the_window_have_no_vote() -> None:
    found = trust.add_up(_rows([(0, 0, 1.0), (1, 9, 0.0), (2, 12, 1.0)]), _span(3, 11))
    assert (found.authors, found.mistrust) == (1, 0.0)


def test_a_span_without_posts_has_no_share() -> None:
    assert trust.share_of(trust.add_up(_rows([]), _span(0, 6)), "mistrust") is None


def test_the_share_is_the_beta_posterior_of_its_prior() -> None:
    found = trust.share([1.0] * 10 + [0.0] * 30, prior=Prior(0.5, 20))
    assert found is not None
    # Beta(20, 40): mean 1/3, quantiles from tables of the beta distribution
    assert found.value == pytest.approx(1 / 3)
    assert (round(found.low, 3), round(found.high, 3)) == (0.237, 0.436)


def test_no_votes_make_no_share() -> None:
    assert trust.share([]) is None


def test_equal_weights_are_worth_their_number_and_one_heavy_weight_little_more_than_one() -> None:
    assert trust.effective([2.0] * 30) == pytest.approx(30)
    assert trust.effective([100.0, 1.0, 1.0]) == pytest.approx(1.04, abs=0.01)


def test_a_small_part_is_drawn_towards_its_whole_and_a_large_one_is_not() -> None:
    town = trust.share([0.2] * 500)
    small = trust.share([1.0] * 5, prior=trust.toward(town))
    large = trust.share([1.0] * 500, prior=trust.toward(town))
    assert small is not None
    assert large is not None
    assert (round(small.value, 2), round(large.value, 2)) == (0.36, 0.97)


@pytest.mark.parametrize(
    ("authors", "show"),
    [(9, Show.NOTHING), (10, Show.INTERVAL), (29, Show.INTERVAL), (30, Show.VALUE)],
)
def test_what_is_shown_depends_on_the_number_of_authors(authors: int, show: Show) -> None:
    found = trust.share([0.3] * authors)
    assert found is not None
    assert found.show is show


@pytest.mark.parametrize(("authors", "comparable"), [(99, False), (100, True)])
def test_places_are_compared_from_a_hundred_authors(authors: int, comparable: bool) -> None:
    found = trust.share([0.3] * authors)
    assert found is not None
    assert found.comparable is comparable


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0, 1))
def test_the_interval_is_in_order_and_within_nought_and_one(votes: list[float], parent: float) -> None:
    found = trust.share(votes, prior=Prior(parent, trust.PRIOR_WEIGHT))
    assert found is not None
    assert 0 <= found.low < found.high <= 1
    assert found.low <= found.value <= found.high


def test_nine_intervals_of_ten_hold_the_true_share() -> None:
    """Concerns whose true shares lie round the town's as the prior says; labels drawn, probabilities calibrated."""
    rng = np.random.default_rng(7)
    held, runs = 0, 3000
    for _ in range(runs):
        true = rng.beta(20 * 0.25, 20 * 0.75)
        labels = rng.random(rng.integers(10, 120)) < true
        found = trust.share(labels.astype(float), prior=Prior(0.25, 20))
        assert found is not None
        held += found.low <= true <= found.high
    assert held / runs == pytest.approx(0.90, abs=0.015)


@pytest.mark.parametrize("true", [0.1, 0.25, 0.5])
def test_nine_intervals_of_ten_hold_the_town_s_share_with_calibrated_probabilities(true: float) -> None:
    """Probabilities vary less than labels do, so the interval is, if anything, too wide."""
    rng = np.random.default_rng(11)
    held, runs = 0, 1500
    for _ in range(runs):
        found = trust.share(rng.beta(0.4 * true, 0.4 * (1 - true), size=80))
        assert found is not None
        held += found.low <= true <= found.high
    assert 0.90 <= held / runs <= 0.98


def test_without_change_an_arrow_is_rare_and_with_fifteen_points_it_is_usual() -> None:
    rng = np.random.default_rng(3)

    def directions(now: float, runs: int = 600) -> list[str]:
        return [
            trust.change(
                trust.share(rng.beta(0.8 * now, 0.8 * (1 - now), size=120)),
                trust.share(rng.beta(0.8 * 0.25, 0.8 * 0.75, size=500)),
            ).direction
            for _ in range(runs)
        ]

    quiet, risen = directions(0.25), directions(0.40)
    assert quiet.count("up") + quiet.count("down") < 0.07 * len(quiet)
    assert risen.count("up") > 0.9 * len(risen)


def test_the_interval_of_a_difference_is_newcombe_s() -> None:
    """Newcombe 1998, table II, method 10 is built from two score intervals; here from two given ones."""
    change = trust.change(Share(0.7, 0.6, 0.8, 50, 50), Share(0.5, 0.4, 0.6, 50, 50))
    assert change.points == pytest.approx(0.2)
    assert change.low == pytest.approx(0.2 - 0.02**0.5)
    assert change.high == pytest.approx(0.2 + 0.02**0.5)
    assert (change.direction, change.words) == ("up", "Up 20 points")


def test_an_interval_with_nought_in_it_is_no_clear_change() -> None:
    change = trust.change(Share(0.30, 0.2, 0.4, 40, 40), Share(0.25, 0.2, 0.3, 90, 90))
    assert (change.direction, change.words) == ("steady", "No clear change")


def test_a_fall_is_named_a_fall() -> None:
    change = trust.change(Share(0.10, 0.08, 0.12, 400, 400), Share(0.11, 0.105, 0.115, 900, 900))
    assert change.direction == "steady"
    change = trust.change(Share(0.10, 0.08, 0.12, 400, 400), Share(0.30, 0.25, 0.35, 900, 900))
    assert (change.direction, change.words) == ("down", "Down 20 points")


@pytest.mark.parametrize("authors", [0, 4])
def test_four_authors_are_too_few_to_speak_of_change(authors: int) -> None:
    usual = trust.share([0.2] * 200)
    change = trust.change(trust.share([1.0] * authors), usual)
    assert change == Change("unknown", why="authors")
    assert change.words == "Cannot say yet"


def test_the_windows_leave_out_today_and_three_days_between() -> None:
    spans = trust.windows(TODAY, date(2026, 1, 1))
    assert (spans.first, spans.last) == (date(2026, 11, 17), date(2026, 11, 23))
    assert (spans.baseline_first, spans.baseline_last) == (date(2026, 10, 3), date(2026, 11, 13))


def test_a_history_of_thirty_days_has_a_baseline_of_twenty() -> None:
    spans = trust.windows(TODAY, TODAY - timedelta(days=30))
    assert spans.baseline_first == TODAY - timedelta(days=30)
    assert spans.baseline_last == TODAY - timedelta(days=11)


@pytest.mark.parametrize(("history", "enough"), [(23, False), (24, True)])
def test_fourteen_days_before_the_guard_are_needed(history: int, enough: bool) -> None:
    spans = trust.windows(TODAY, TODAY - timedelta(days=history))
    assert (spans.baseline_first is not None) is enough


def test_without_any_history_there_is_no_baseline() -> None:
    assert trust.windows(TODAY, None).baseline_first is None


def test_the_usual_level_weighs_frequent_authors_as_the_last_seven_days_do() -> None:
    """One grumbler every week, three others once: one of two in each week, so usual is a half, not a quarter."""
    posts = [(0, 7 * week, 1.0) for week in range(3)] + [(1 + week, 7 * week, 0.0) for week in range(3)]
    found = trust.share_of(trust.add_up(_rows(posts), _span(0, 20, by_week=True)), "mistrust", Prior(0.5, 0.0))
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert found.authors == 4
    assert found.n_eff == pytest.approx(36 / 12)


def test_weeks_are_counted_back_from_the_last_day_and_the_oldest_may_be_short() -> None:
    assert [(last - first).days + 1 for first, last in _span(0, 16, by_week=True).windows()] == [7, 7, 3]


def test_a_share_that_rose_or_fell_is_dated_and_a_steady_one_is_not() -> None:
    days = [date(2026, 11, 14) + timedelta(days=day) for day in range(10)]
    people = [20.0] * 10
    rose = trust.moved(days, [4.0] * 7 + [9.0] * 3, people, 0.2)
    fell = trust.moved(days, [8.0] * 5 + [2.0] * 5, people, 0.4)
    assert rose is not None
    assert fell is not None
    assert (rose.direction, rose.around) == ("up", days[7])
    assert (fell.direction, fell.around) == ("down", days[5])
    assert trust.moved(days, [4.0] * 10, people, 0.2) is None
    assert trust.moved(days, [4.0] * 10, [4.0] * 10, 0.2) is None  # under five people a day says nothing
    assert trust.moved([], [], [], 0.2) is None
