"""X's counter, as its configuration of version 3 has it: weight 100 in four ranges, else 200; links 23; emoji 2."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.network import Outgoing
from networks.registry import NETWORKS
from networks.x.words import LIMITS, weight

RANGES = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("Coffee at nine", 14),
        ("niño", 4),
        ("nin\u0303o", 4),  # the same word, written with a combining mark: X counts it composed
        ("日本語", 6),
        ("한국", 4),
        ("👮", 2),
        ("👮🏽‍♀️", 2),
        ("👨‍👩‍👧‍👦🇲🇽", 4),
        ("https://riverton.gov/a/very/long/address/that/goes/on?and=on", 23),
        ("See riverton.gov, or http://a.co", 4 + 23 + 5 + 23),
        ("mail ana@riverton.gov", 21),
        ("#ElmStreet @RivertonPD", 22),
        ("…", 2),  # U+2026 lies between two ranges
        ("“quoted” – said", 15),
    ],
)
def test_known_texts_count_as_x_counts_them(text: str, counted: int) -> None:
    assert weight(text) == counted


LETTERS = st.characters(categories=["Lu", "Ll", "Lo", "Nd"], exclude_characters="0123456789")


@given(LETTERS.filter(lambda letter: unicodedata.normalize("NFC", letter) == letter))
def test_a_letter_weighs_what_its_range_says(letter: str) -> None:
    assert weight(letter) == (1 if any(low <= ord(letter) <= high for low, high in RANGES) else 2)


@given(st.text(st.characters(min_codepoint=97, max_codepoint=122), max_size=300))
def test_plain_words_count_their_letters(word: str) -> None:
    assert weight(word) == len(word)


def problems(text: str) -> list[str]:
    return [problem.message for problem in LIMITS.problems(Outgoing(key="", text=text))]


def test_the_limit_is_280_by_weight() -> None:
    assert problems("日" * 140) == []
    assert problems("日" * 141) == ["The text is 2 characters too long; the limit is 280."]
    assert problems("x" * 257 + " riverton.gov/roads") == ["The text is 1 character too long; the limit is 280."]


def test_a_character_that_is_none_is_refused_before_x_refuses_it() -> None:
    assert problems("Coffee\ufffe at nine") == ["The text holds a character that X does not take."]


def test_what_was_collected_there_trains_nothing_and_deletions_are_followed_in_a_day() -> None:
    policy = NETWORKS["x"].policy
    assert (policy.deletion_hours, policy.corrections_may_train) == (24, False)
