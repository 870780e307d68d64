"""Sentences with values in them: English as they are, another language where a page tells them."""

from config.phrases import Phrase
from config.translations import translate


def test_a_phrase_is_english_and_is_told_in_spanish_with_what_is_in_it() -> None:
    inner = Phrase("This network takes at most %(most)s pictures.", most=4)
    outer = ValueError(Phrase("Part %(number)s: %(problem)s", number=2, problem=inner))
    words = str(outer)  # as a page gets it from an error
    assert words == "Part 2: This network takes at most 4 pictures."
    assert isinstance(words, Phrase)
    assert words.told(translate("es").gettext) == "Parte 2: Esta red admite a lo sumo 4 imágenes."
