"""Where bars, rings and sparks stand, and what is said beside them."""

from datetime import date, timedelta

from sentiment.figures import Volume
from sentiment.trust import DayShare, Share
from web import rulers
from web.rulers import Spark

FIRST = date(2026, 10, 12)


def share(value: float, low: float, high: float, authors: int = 120) -> Share:
    return Share(value=value, low=low, high=high, n_eff=float(authors), authors=authors)


def days(*shares: Share | None) -> list[DayShare]:
    return [DayShare(FIRST + timedelta(days=number), one) for number, one in enumerate(shares)]


MANY, SOME, FEW = share(0.3, 0.2, 0.4), share(0.3, 0.1, 0.5, 20), share(0.3, 0.0, 0.9, 5)


def test_enough_authors_have_bar_ring_tick_and_words() -> None:
    found = rulers.ruler("Mistrust", MANY, share(0.24, 0.2, 0.28), 0.6, "en")
    assert (found.show, found.low, found.width, found.value, found.usual) == ("value", 33.3, 33.3, 50.0, 40.0)
    assert found.label == "Mistrust: 30%, likely 20 to 40%, usual 24%"


def test_few_authors_have_a_hatched_bar_and_no_value() -> None:
    found = rulers.ruler("Mistrust", SOME, None, 0.6, "en")
    assert (found.show, found.words, found.beside) == ("interval", "10 to 50%", "")
    assert found.label == "Mistrust: between 10 to 50%, too few authors for one value"


def test_under_ten_authors_the_ruler_is_empty() -> None:
    found = rulers.ruler("Mistrust", FEW, MANY, 0.6, "en")
    assert (found.show, found.width, found.usual, found.words) == ("nothing", 0, None, "Too few posts to say")


def test_rulers_of_one_page_share_an_end_on_which_all_that_is_shown_fits() -> None:
    assert rulers.top([MANY, SOME, FEW, None]) == 0.6
    assert rulers.top([share(0.7, 0.6, 0.75)]) == 0.8


def test_marks_stand_every_fifth() -> None:
    assert rulers.ruler("", None, None, 0.6, "en").marks == ((0.0, "0"), (33.3, "20"), (66.7, "40"), (100.0, "60"))


def test_a_spark_goes_on_where_there_is_a_value_and_breaks_where_there_is_none() -> None:
    found = rulers.spark(days(*[MANY] * 7, SOME, None, *[MANY] * 8), 0.8)
    assert found is not None
    assert [path.count("L") for path in found.lines] == [6, 7]
    assert [path.count("L") for path in found.bands] == [15, 15]
    assert found.lines[0].startswith("M0.0 62.5 L6.2 62.5")
    assert found.last == 62.5


def test_a_spark_that_ends_without_a_value_has_no_ring() -> None:
    found = rulers.spark(days(*[MANY] * 14, FEW), 0.8)
    assert found == Spark(found.bands if found else (), found.lines if found else (), None)


def test_two_weeks_with_values_are_the_least_for_a_spark() -> None:
    assert rulers.spark(days(*[MANY] * 13, *[SOME] * 20), 0.8) is None
    assert rulers.spark([], 0.8) is None


def test_a_count_stands_against_the_box_of_what_is_usual() -> None:
    found = rulers.count_ruler("All posts", Volume(143, 61.0, 44, 81), "en")
    assert found is not None
    assert [label for _, label in found.marks] == ["0", "50", "100", "150"]
    assert (found.value, found.low, found.width, found.usual) == (95.3, 29.3, 24.7, 40.7)
    assert found.label == "All posts: 143; usually 44 to 81"
    assert rulers.count_ruler("All posts", Volume(143, None, None, None), "en") is None
