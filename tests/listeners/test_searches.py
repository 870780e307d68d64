"""Watch rules as a network's searches: nothing that a rule matches is missed, and none is longer than it may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listeners import searches, watch
from tests.networks.x_search import finds

WORDS = ("police", "elm", "river rd", "peña", "#safe", "o'neil", "two-tier", "luz", "calle", "stop")
NEARBY = {"old town": ("old town", "plaza", "elm street")}


def asked(*rules: str, longest: int = 498) -> tuple[str, ...]:
    return searches.queries([watch.parse(rule) for rule in rules], NEARBY, longest)


@pytest.mark.parametrize(
    ("rule", "search"),
    [
        ("police", "police"),
        ('("river rd" OR elm) police NOT minneapolis', '(("river rd" OR elm) police -minneapolis)'),
        ('Peña lang:es near:"Old Town"', '((peña OR pena) ("old town" OR plaza OR "elm street"))'),
        ("police NOT (film OR movie)", "(police -film -movie)"),
        ("police NOT (film movie)", "police"),
        ("police NOT NOT elm", "(police elm)"),
        ("police NOT cañón", "(police -cañón -canon)"),
        ('police (elm OR (elm NOT "or"))', '(police (elm OR (elm -"or")))'),
        ("two-tier @RivertonPD #Safe", '("two-tier" @rivertonpd #safe)'),
    ],
)
def test_a_rule_is_said_in_the_networks_words(rule: str, search: str) -> None:
    assert asked(rule) == (search,)


def test_rules_share_a_search_as_long_as_they_fit() -> None:
    assert asked("elm police", "oak police", "elm police") == ("(elm police) OR (oak police)",)
    assert asked("elm police", "oak police", longest=20) == ("(elm police)", "(oak police)")


def test_a_thousand_streets_are_divided_over_searches_that_each_keep_the_other_words() -> None:
    names = [f'"street number {number}"' for number in range(1000)]
    made = asked(f"police NOT film ({' OR '.join(names)})")
    assert max(map(len, made)) <= 498
    assert all(" police -film" in one or "(police -film " in one for one in made)
    assert all(sum(name in one for one in made) >= 1 for name in names)


def test_what_cannot_be_made_shorter_loses_the_words_that_ask_for_most() -> None:
    assert asked('police "a very long name of a street" NOT film', longest=20) == ("police",)


def test_a_name_longer_than_any_search_is_told() -> None:
    with pytest.raises(watch.WatchRuleError, match="too long for a search"):
        asked("x" * 30, longest=20)


leaves = st.sampled_from([*(f'"{word}"' for word in WORDS), "lang:es", 'near:"old town"', "PEÑA", "Luz"])
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda one: f"NOT {one}"),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' OR '.join(parts)})"),
    ),
    max_leaves=12,
)
texts = st.lists(st.sampled_from([*WORDS, "pena", "PEÑA", "old town", "plaza", "no"]), max_size=6).map(" ".join)


@given(st.lists(rules, min_size=1, max_size=3), texts, st.integers(min_value=25, max_value=200))
def test_whatever_a_rule_matches_some_search_finds(written: list[str], text: str, longest: int) -> None:
    parsed = []
    for rule in written:
        try:
            parsed.append(watch.parse(rule))
        except watch.WatchRuleError:
            continue  # a rule that asks for no word is refused when it is made
    made = searches.queries(parsed, NEARBY, longest)
    found = [finds(one, text) for one in made]
    assert all(len(one) <= longest for one in made)
    if any(rule.matches(text, "es", NEARBY) for rule in parsed):
        assert any(found)
