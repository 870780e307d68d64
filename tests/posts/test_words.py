"""How easily a text reads, and links that say where a visit came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posts import links, readability

EASY = (
    "You told us drivers speed past the school on Elm Street. From Monday our officers will be there each school day. "
    "The city is moving the speed sign. Come and tell us if it helps."
)
HARD = (
    "Notwithstanding the aforementioned considerations, the department's administrative restructuring necessitates "
    "comprehensive reevaluation of interjurisdictional responsibilities, accountability mechanisms and organizational "
    "communication infrastructure throughout the metropolitan community."
)


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("community", 4),
        ("school", 1),
        ("table", 2),
        ("asked", 1),
        ("wanted", 2),
        ("people", 2),
        ("safety", 2),
        ("area", 3),
    ],
)
def test_english_syllables(word: str, number: int) -> None:
    assert readability.syllables(word, "en") == number


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("comunidad", 4),
        ("policía", 4),
        ("ciudad", 2),
        ("guerra", 2),
        ("país", 2),
        ("ahora", 3),
        ("rey", 1),
        ("quién", 1),
    ],
)
def test_spanish_syllables(word: str, number: int) -> None:
    assert readability.syllables(word, "es") == number


def test_plain_words_are_easy_and_office_words_are_hard() -> None:
    easy, hard = readability.ease(EASY, "en"), readability.ease(HARD, "en")
    assert easy is not None
    assert hard is not None
    assert (easy.band, hard.band) == ("easy", "hard")
    assert (easy.grade or 0) <= 6 < 16 <= (hard.grade or 0)


def test_spanish_has_its_own_measure() -> None:
    found = readability.ease(
        "Mañana hay café con los oficiales en la biblioteca. Venga y cuéntenos qué le preocupa.", "es"
    )
    assert found is not None
    assert found.band == "easy"


def test_links_and_handles_do_not_count() -> None:
    assert readability.ease(f"{EASY} https://riverton.example/organizational @department", "en") == readability.ease(
        EASY, "en"
    )


@pytest.mark.parametrize("text", ["", "Two words.", "https://a.example " * 40])
def test_what_is_too_short_is_not_judged(text: str) -> None:
    assert readability.ease(text, "en") is None


@given(st.text(max_size=500), st.sampled_from(["en", "es", "fr"]))
def test_no_text_makes_it_stumble(text: str, language: str) -> None:
    found = readability.ease(text, language)
    assert found is None or found.band in ("easy", "fair", "hard")


def test_a_link_gets_its_campaign_and_keeps_what_it_had() -> None:
    made = links.tracked("rivertonpd.example/elm?lang=es#map", "You told us: Elm Street")
    assert made == (
        "https://rivertonpd.example/elm?lang=es&utm_source=liaison&utm_medium=social"
        "&utm_campaign=you-told-us-elm-street#map"
    )
    assert links.tracked(made, "another") == made


@pytest.mark.parametrize(
    "address", ["", "javascript:alert(1)", "ftp://a.example", "two words.example", 'https://a.example/"']
)
def test_what_is_no_link_is_refused(address: str) -> None:
    with pytest.raises(links.NotALink):
        links.tracked(address, "")


@given(st.text(max_size=300))
def test_a_campaign_is_short_plain_ascii(words: str) -> None:
    made = links.slug(words)
    assert made == links.slug(made)
    assert len(made) <= 60
    assert not set(made) - set("abcdefghijklmnopqrstuvwxyz0123456789-")
