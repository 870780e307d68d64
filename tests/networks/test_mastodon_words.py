"""How Mastodon counts, what its HTML says, whether two texts are one post, and which words are a server's name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.mastodon.client import address_of
from networks.mastodon.words import length, limits_of, near, plain, same
from networks.network import Outgoing, Rejected

LONG = "https://riverton.example/a/very/long/address?with=a&query=too"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="@<>&"), max_size=60)


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("Coffee at nine", 14),
        (f"See {LONG}.", 4 + 23 + 1),
        ("See http://a.example and https://b.example/", 4 + 23 + 5 + 23),
        ("Hello @ana@town.example!", len("Hello @ana!")),
        ("mail ana@town.example", len("mail ana@town.example")),
        ("👨‍👩‍👧‍👦🇲🇽", 2),
    ],
)
def test_links_mentions_and_emoji_count_as_the_server_counts_them(text: str, counted: int) -> None:
    assert length(text) == counted


def test_no_more_markup_is_read_than_takes_a_moment() -> None:
    assert plain("<p>So slow</p>" + "<ul>" * 40_000 + "late") == "So slow"


@given(st.text(max_size=40), st.text(max_size=40))
def test_more_words_never_count_less(one: str, other: str) -> None:
    assert length(f"{one} {other}") >= length(one) - 1  # a link may end differently where a word follows it


def test_a_server_s_own_limits_hold_and_nonsense_does_not() -> None:
    limits = limits_of({"characters": "1000", "reserved_url": "30", "pictures": "2", "alt_length": "x"})
    assert (limits.length, limits.count(LONG), limits.pictures, limits.alt_length) == (1000, 30, 2, 1500)


def test_a_content_warning_and_the_name_of_whom_we_answer_count_too() -> None:
    plain_post = Outgoing(key="", text="x" * 480)
    warned = Outgoing(key="", text="x" * 480, options={"content_warning": "A crash on Elm Street"})
    answer = Outgoing(key="", text="x" * 480, reply_to="1@town.example")
    assert [len(limits_of({}).problems(one)) for one in (plain_post, warned, answer)] == [0, 1, 1]


def test_html_becomes_the_words_that_were_written() -> None:
    content = (
        '<p><span class="h-card"><a href="https://town.example/@dept">@<span>dept</span></a></span> why'
        " &lt;b&gt; so<br>slow?</p>"
        '<p>See <a href="https://a.example/b"><span class="invisible">https://</span><span>a.example/b</span></a></p>'
        "<script>alert(1)</script>"
    )
    assert plain(content) == "@dept why <b> so\nslow?\n\nSee https://a.example/b"


@given(WORDS.filter(str.strip))
def test_white_space_and_names_put_in_front_do_not_make_another_post(words: str) -> None:
    assert same(words, f"@ana@town.example  {words.replace(' ', '  ')} ")


@given(WORDS, WORDS)
def test_other_words_are_another_post(one: str, other: str) -> None:
    assert same(one, other) == (one.split() == other.split())


@pytest.mark.parametrize(
    "typed", ["mastodon.social", " https://Mastodon.social/ ", "@pd@mastodon.social", "pd@mastodon.social"]
)
def test_a_server_is_found_in_what_a_person_types(typed: str) -> None:
    assert address_of(typed, allow_private=False) == "https://mastodon.social"


@pytest.mark.parametrize(
    "typed", ["", "http://mastodon.social", "mastodon.social/about", "ftp://x", "a b", "x?y", "[::1]", "x:99999999"]
)
def test_anything_else_is_refused_in_words(typed: str) -> None:
    with pytest.raises(Rejected, match="no server's name"):
        address_of(typed, allow_private=False)


def test_plain_http_is_for_servers_of_one_s_own_only() -> None:
    assert address_of("http://127.0.0.1:3000", allow_private=True) == "http://127.0.0.1:3000"


@given(st.text(alphabet="abc @.\n", max_size=60))
def test_what_is_the_same_is_always_near(text: str) -> None:
    assert near(text, f"@somebody {text}  ")


def test_another_post_altogether_is_not_near() -> None:
    assert not near("Coffee with officers at nine on Elm Street", "The road to the market is closed until Monday noon")
