"""Sentences with values in them: English as they are, another language where a page tells them."""

import copy

from config.phrases import Phrase
from config.translations import translate


def test_a_phrase_is_english_and_is_told_in_spanish_with_what_is_in_it() -> None:
    inner = Phrase("This network takes at most %(most)s pictures.", most=4)
    outer = ValueError(Phrase("Part %(number)s: %(problem)s", number=2, problem=inner))
    words = str(outer)  # as a page gets it from an error
    assert words == "Part 2: This network takes at most 4 pictures."
    assert isinstance(words, Phrase)
    assert words.told(translate("es").gettext) == "Parte 2: Esta red admite a lo sumo 4 imágenes."


def test_a_copy_of_a_phrase_is_the_same_phrase() -> None:
    whole = Phrase.about(Phrase("Part %(number)s: %(problem)s", number=2, problem="100% full"), "day")
    again = copy.deepcopy(whole)
    assert (again, again.words, again.values, again.fields) == (whole, whole.words, whole.values, ("day",))


def test_joined_phrases_are_told_one_after_the_other() -> None:
    parts = [Phrase("This network takes at most %(most)s pictures.", most=4), "100% theirs"]
    said = Phrase.joined(" & 5%; ", parts)
    assert said == "This network takes at most 4 pictures. & 5%; 100% theirs"
    assert said.told(translate("es").gettext) == "Esta red admite a lo sumo 4 imágenes. & 5%; 100% theirs"
