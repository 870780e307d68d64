"""X's counter, as its configuration of version 3 has it: weight 100 in four ranges, else 200; links 23; emoji 2. And
whether a text that X shows is one that we sent."""

import html
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from networks.network import Outgoing
from networks.registry import NETWORKS
from networks.x.posts import Link
from networks.x.words import LIMITS, expanded, has_link, is_picture, same, weight
from tests.networks.x_server import as_x_holds_it

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
        ("", 0),
        ("\n\n a \t", 6),
        ("\r\n", 1),  # one line's end, however it is written
        ("\u10ff\u1100", 1 + 2),  # the last of the first range, and the one after it
        ("\u200d\u200e", 1 + 2),  # the second range ends within the marks that nobody sees
        ("\u2010\u201f\u2020", 1 + 1 + 2),
        ("\u2032\u2037\u2038", 1 + 1 + 2),
        ("❤️", 2),
        ("❤", 2),
        ("1️⃣", 2),
        ("#️⃣", 2),
        ("🏴󠁧󠁢󠁳󠁣󠁴󠁿", 2),
        ("👨‍👩‍👧‍👦" * 140, 280),
        ("é" * 280, 280),
        ("https://t.co/abcdefghij", 23),
        ("HTTPS://RIVERTON.GOV", 23),
        ("a.co", 23),
        ("münchen.de", 23),
        ("日本.jp", 2 + 2 + 3),  # without its protocol a name must be in Latin letters
        ("https://münchen.de", 23),
        ("riverton.notatld", 16),
        ("v1.2.3", 6),
        ("riverton.gov.", 23 + 1),
        ("(https://riverton.gov/a_(b))", 1 + 23 + 1),
        ("https://riverton.gov/a,b", 23),
        ("日本https://riverton.gov語", 4 + 23 + 2),
        ("@pd.riverton.gov", 16),
        ("$GOV", 4),
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


def test_whom_we_may_not_answer_is_said_before_x_says_it() -> None:
    said = [
        [problem.message for problem in LIMITS.problems(Outgoing("", "Hello", reply_to=to, reply_addressed=named))]
        for to, named in ((None, False), ("1", True), ("1", False))
    ]
    assert said == [[], [], ["X lets us answer only who mentioned us."]]


def links_of(urls: list[dict[str, object]]) -> dict[str, str]:
    found = [Link.model_validate(one) for one in urls]
    return {one.url: "" if one.media_key else one.expanded_url or "" for one in found}


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Co", "Cn"]), min_size=1, max_size=40)
PARTS = st.one_of(
    WORDS,
    st.sampled_from(
        ["https://riverton.gov/roads?a=1&b=2", "http://Riverton.gov/", "riverton.gov", "riverton.gov/a/b/"]
    ),
    st.sampled_from(["https://münchen.de/straße", "https://a.gov/%C3%A9", " ", "\n\n", "&amp;", "<b>", "&", "."]),
    st.sampled_from(["👮🏽‍♀️", "1️⃣", "@ines", "#ElmStreet"]),
)
TEXTS = st.lists(PARTS, min_size=1, max_size=8).map("".join).filter(lambda text: text.strip() != "")


@given(TEXTS, st.integers(0, 4))
def test_what_x_makes_of_a_text_is_still_that_text(text: str, pictures: int) -> None:
    raw, urls = as_x_holds_it(text, "1", pictures)
    assert same(text, raw, links_of(urls), answers=False) is True


@given(TEXTS, st.sampled_from(["@ines ", "@ines @RivertonPD "]))
def test_in_an_answer_the_names_that_x_puts_in_front_do_not_count(text: str, names: str) -> None:
    assume(not text.lstrip().startswith("@"))
    raw, urls = as_x_holds_it(text, "1", 0)
    assert same(text, names + raw, links_of(urls), answers=True) is True
    assert same(text, names + raw, links_of(urls), answers=False) is False


@given(TEXTS, st.sampled_from(["again", "1", "日", "!"]), st.integers(0, 4))
def test_another_text_is_another(text: str, more: str, pictures: int) -> None:
    raw, urls = as_x_holds_it(f"{text} {more}", "1", pictures)
    assert same(text, raw, links_of(urls), answers=False) is not True


@pytest.mark.parametrize(
    ("ours", "theirs", "is_same"),
    [
        ("Roads: riverton.gov/a", "Roads: https://riverton.gov/a/", True),
        ("Roads: riverton.gov/a", "Roads: riverton.gov/b", None),  # perhaps X changed the address
        ("Roads: riverton.gov/a", "Roads:", None),
        ("Roads: riverton.gov/a", "Streets: riverton.gov/a", False),
        ("Coffee at nine", "Coffee at ten", False),
        ("Coffee  at\nnine ", "Coffee at nine", True),
        ("nin\u0303o", "niño", True),
        ("R&amp;D", "R&amp;D", True),
        ("R&amp;D", "R&D", False),
    ],
)
def test_texts_are_compared_by_their_words_and_their_addresses(ours: str, theirs: str, *, is_same: bool | None) -> None:
    raw, urls = as_x_holds_it(theirs, "1", 0)
    assert same(ours, raw, links_of(urls), answers=False) is is_same


def test_an_address_that_x_did_not_explain_proves_nothing() -> None:
    assert same("Roads: riverton.gov/a", "Roads: https://t.co/abc", {}, answers=False) is None
    assert same("A picture", "A picture https://t.co/abc", {}, answers=False) is None


@given(WORDS)
def test_a_text_is_read_as_its_author_wrote_it(text: str) -> None:
    assert expanded(html.escape(text, quote=False), {}) == text.strip()


def test_pictures_and_links_are_told_apart() -> None:
    assert is_picture("https://x.com/RivertonPD/status/1/photo/1")
    assert not is_picture("https://x.com/RivertonPD/status/1")
    assert [has_link(text) for text in ("see riverton.gov", "at 9.30", "mail pd@riverton.gov")] == [True, False, False]


def test_what_was_collected_there_trains_nothing_and_deletions_are_followed_in_a_day() -> None:
    policy = NETWORKS["x"].policy
    assert (policy.deletion_hours, policy.corrections_may_train) == (24, False)
