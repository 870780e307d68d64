from networks.network import Limits, Network, Policy
from web.variants import check

TWENTY = Network("test", "Test", Policy(), Limits(20))
DOUBLE = Network("test", "Test", Policy(), Limits(20, count=lambda text: 2 * len(text)))


def test_a_text_over_the_limit_says_how_much_of_it_would_be_kept() -> None:
    found = check(TWENTY, "x" * 25, "en")
    assert (found.length, found.over, found.fits) == (25, 5, 20)
    assert found.problems == ("The text is 5 characters too long; the limit is 20.",)
    assert (found.percent, found.mark) == (100.0, 80.0)


def test_what_is_kept_is_counted_as_the_network_counts() -> None:
    assert check(DOUBLE, "x" * 25, "en").fits == 10


def test_an_empty_text_is_no_warning_yet_but_a_problem_when_sent() -> None:
    found = check(TWENTY, "  ", "en")
    assert (found.bad, found.problems) == (False, ("There is no text yet.",))


def test_a_network_without_limits_takes_anything() -> None:
    found = check(Network("test", "Test", Policy()), "x" * 5000, "en")
    assert (found.problems, found.fits, found.limit) == ((), 5000, None)
