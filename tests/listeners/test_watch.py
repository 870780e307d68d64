import pytest
from hypothesis import given
from hypothesis import strategies as st

from listeners import masking, watch
from listeners.masking import masked, storable
from listeners.watch import WatchRuleError

WORD = st.from_regex(r"[a-z]{2,8}", fullmatch=True).filter(lambda word: word not in ("and", "or", "not"))


@pytest.mark.parametrize(
    ("query", "text", "matches"),
    [
        ("police", "The POLICE came", True),
        ("police", "policeman", False),
        ("policía", "la policia vino", True),
        ("policia", "¡La Policía!", True),
        ('"river rd"', "on River  Rd today", True),
        ('"river rd"', "the river and the rd", False),
        ('("river rd" OR elm) police NOT minneapolis', "Police on Elm", True),
        ('("river rd" OR elm) police NOT minneapolis', "Minneapolis police on Elm", False),
        ("#elm", "see #elm", True),
        ("#elm", "see elm", False),
        ("elm", "see #elm", True),
        ("@rpd", "hey @RPD!", True),
        ("a.b", "axb", False),
        ("police", "po\u200blice here", True),
        ("ａｂｃ", "abc", True),
        ("🚨", "now 🚨🚨 again", True),
        ("👮🏽‍♀️ elm", "👮🏽‍♀️ on Elm", True),
        ("警察", "我看到警察了", True),
        ("पुल", "पुलिस", False),
        ("elm lang:es", "elm", True),
        ('near:"Old Town" police', "police in old town", True),
        ('near:"Old Town" police', "police in town", False),
        ("not elm", "no elm here", False),
    ],
)
def test_rules_match_whole_words_whatever_case_and_accents(query: str, text: str, matches: bool) -> None:
    if query.lower().startswith("not "):
        with pytest.raises(WatchRuleError):
            watch.parse(query)
        return
    assert watch.parse(query).matches(text) == matches


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ("", 0), ("elm OR", 6), ("(elm", 0), ('police "elm', 7),
        ("elm )", 4), ("NOT elm", 0), ("lang:es", 0),
        ("elm lang:spanish", 9), ("elm near:", 9), ("a AND OR b", 6),
        ('police ""', 7), ("(" * 50 + "elm" + ")" * 50, 40),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_points_at_the_character(query: str, position: int) -> None:
    with pytest.raises(WatchRuleError) as wrong:
        watch.parse(query)
    assert wrong.value.position == position


@pytest.mark.parametrize(
    ("query", "language", "matches"),
    [
        ("elm lang:es", "es", True), ("elm lang:es", "en", False), ("elm lang:es", "und", True),
        ("elm NOT lang:es", "es", False), ("elm NOT lang:es", "en", True), ("elm NOT lang:es", "und", True),
        ("elm NOT (lang:es OR oak)", "und", True),
    ],
)  # fmt: skip
def test_an_unsure_language_counts_as_in_on_either_side_of_not(query: str, language: str, matches: bool) -> None:
    assert watch.parse(query).matches("on elm", language) == matches


def test_near_means_every_name_of_the_place_and_of_what_lies_in_it() -> None:
    places = {"old town": ("old town", "casco viejo", "harbor street")}
    rule = watch.parse('near:"Old Town" (police OR policía)')
    texts = ("Police on Harbor Street", "la policía en el casco viejo", "police on Mill Road")
    assert [rule.matches(text, "und", places) for text in texts] == [True, True, False]
    assert rule.why("Police on Harbor Street", places) == ["harbor street", "police"]


LEAF = WORD.map(watch.Term)
PARTS = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda found: watch.Either(tuple(found))),
        st.tuples(inner, LEAF).map(lambda pair: watch.All((pair[0], watch.Not(pair[1])))),
        st.lists(inner, min_size=2, max_size=3).map(lambda found: watch.All(tuple(found))),
    ),
    max_leaves=8,
)


def holds(part: watch.Part, words: set[str]) -> bool:
    match part:
        case watch.Term():
            return part.words in words
        case watch.Not():
            return not holds(part.part, words)
        case watch.All():
            return all(holds(inner, words) for inner in part.parts)
        case watch.Either():
            return any(holds(inner, words) for inner in part.parts)
    raise AssertionError(part)


@given(st.lists(PARTS, max_size=6), st.lists(WORD, max_size=6))
def test_all_rules_at_once_match_as_each_does_by_its_logic(parts: list[watch.Part], words: list[str]) -> None:
    rules = [(number, watch.Rule("", part)) for number, part in enumerate(parts)]
    expected = [number for number, part in enumerate(parts) if holds(part, set(words))]
    assert watch.Matcher(rules).matching(" ".join(words)) == expected


@given(st.text(max_size=200))
def test_whatever_is_written_is_a_rule_or_a_clear_error(query: str) -> None:
    try:
        rule = watch.parse(query)
    except WatchRuleError as error:
        assert 0 <= error.position <= max(len(query), watch.LONGEST)
    else:
        assert rule.matches("") in (True, False)


@given(WORD, WORD, st.lists(WORD, max_size=6))
def test_and_or_and_not_mean_what_they_say(one: str, other: str, words: list[str]) -> None:
    text = " ".join(words)
    has_one, has_other = one in words, other in words
    assert watch.parse(f"{one} AND {other}").matches(text) == (has_one and has_other)
    assert watch.parse(f"{one} {other}").matches(text) == (has_one and has_other)
    assert watch.parse(f"{one} OR {other}").matches(text) == (has_one or has_other)
    assert watch.parse(f"{one} NOT {other}").matches(text) == (has_one and not has_other)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@nan hello", "@… hello"),
        ("thanks @RivertonPD!", "thanks @RivertonPD!"),
        ("thanks @rivertonpd.", "thanks @rivertonpd."),
        ("@nan@town.example and @nan.bsky.social.", "@… and @…."),
        ("write to nan.o+x@town.example", "write to @…"),
        ("at 5@door", "at 5@door"),
    ],
)
def test_handles_are_masked_but_our_own(text: str, shown: str) -> None:
    assert masked(text, ["RivertonPD"]) == shown


def test_a_very_long_text_is_cut_and_its_addresses_are_masked_still() -> None:
    """Of a megabyte, in one pass: whoever writes "aaaa… @" keeps nobody waiting."""
    kept = storable("write to nan@town.example " + "a" * 1_000_000 + " @nan")
    assert len(kept) == masking.LONGEST
    assert masked(kept, []) == "write to @… " + "a" * (masking.LONGEST - 26)


@given(st.text(st.characters(categories=["L", "N", "Zs"], include_characters="@._-"), max_size=80))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = masked(text, [])
    assert masked(once, []) == once


@given(
    st.lists(
        st.sampled_from(["elm", "river rd", "#safe", "c++", "@pd", "two-tier", "^", "peña", "o'neil st", "🚔", "a_b"]),
        min_size=1,
        max_size=4,
    ),
    st.text(alphabet="elm river d#safc+@pdtwo-^ña'nt🚔_b,", max_size=60),
)
def test_many_terms_at_once_find_what_each_finds_alone(terms: list[str], text: str) -> None:
    rules = [(number, watch.parse(f'"{term}"')) for number, term in enumerate(terms)]
    alone = [number for number, rule in rules if rule.why(text)]
    assert watch.Matcher(rules).matching(text) == alone
