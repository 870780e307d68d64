"""The words that set a group of posts apart."""

from sentiment import keyphrases

BEFORE = [
    "The library on Elm Street opens late this week",
    "Farmers' market at Old Mill was lovely",
    "Break-ins near the bus depot again, lock your cars",
    "Police thanked the volunteers at the park",
    "Fireworks all night on Fuller Ave and no police",
] * 12


def _posts(*texts: str) -> list[tuple[bytes, str]]:
    return [(bytes([number]), text) for number, text in enumerate(texts)]


def test_what_many_authors_say_and_nobody_said_before_comes_out() -> None:
    found = keyphrases.phrases(
        _posts(
            "Cars speeding past Lincoln School again",
            "speeding by Lincoln School this morning, kids crossing",
            "Somebody will be hit. Lincoln School, 8 am, speeding.",
            "When will the police stop the speeding at Lincoln School?",
        ),
        BEFORE,
    )
    assert found == ["lincoln school", "speeding"]


def test_one_author_alone_makes_no_phrase() -> None:
    posts = [(b"a", "Herons forever")] * 9 + _posts("nice weather", "quiet night")
    assert keyphrases.phrases(posts, BEFORE) == []


def test_handles_addresses_and_numbers_are_never_a_phrase() -> None:
    assert keyphrases.phrases(_posts(*["@sam.whit and @RivertonPD https://riverton.example/x 4711"] * 6), BEFORE) == []


def test_words_that_are_as_common_elsewhere_do_not_come_out() -> None:
    posts = _posts("police passing", "the police", "police again", "rain", "snow", "hail", "sun", "fog")
    assert keyphrases.phrases(posts, BEFORE) == []


def test_plain_words_of_both_languages_do_not_come_out() -> None:
    posts = _posts("porque está muy rápido", "porque pasan muy rápido", "porque van rápido", "rápido, muy rápido")
    assert keyphrases.phrases(posts, BEFORE) == ["rápido"]


def test_a_pair_is_not_made_across_the_end_of_a_sentence() -> None:
    posts = _posts(*["I saw the crossing. Guard dogs are loose"] * 5)
    assert "crossing guard" not in keyphrases.phrases(posts, BEFORE)
