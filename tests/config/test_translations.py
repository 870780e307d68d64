"""Every sentence has its words in every language, with the same places for values; the files are as the code is."""

import re
from collections import Counter
from functools import cache

import pytest
from babel.messages.catalog import Message

from config import catalogue
from config.translations import LANGUAGES, translate

OTHERS = [language for language in LANGUAGES if language != "en"]
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%%")


def sides(message: Message) -> list[tuple[str, str]]:
    """Each form of a sentence with its translation."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return [(message.id[min(at, 1)], words) for at, words in enumerate(message.string or ())]


@cache
def messages(language: str) -> list[Message]:
    return [message for message in catalogue.kept(language) if message.id]


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_of_the_code_is_in_the_catalogue_and_no_other(language: str) -> None:
    mails = catalogue.elsewhere(language)
    marked = {(one.context, one.id) for one in catalogue.found() if one.id and one.id not in mails}
    there = {(message.context, message.id) for message in messages(language)}
    assert marked - there == set(), "run `python -m config.catalogue`, then translate what came in empty"
    assert there - marked == set(), "run `python -m config.catalogue`: these sentences are no longer used"


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_left_untranslated_or_unsure(language: str) -> None:
    bare = [original for message in messages(language) for original, words in sides(message) if not words.strip()]
    assert bare == []
    assert [message.id for message in messages(language) if message.fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_values_have_the_same_places(language: str) -> None:
    wrong = [
        (original, words)
        for message in messages(language)
        for original, words in sides(message)
        if Counter(PLACES.findall(original)) != Counter(PLACES.findall(words))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", OTHERS)
def test_blanks_at_the_ends_are_kept_for_sentences_that_are_joined(language: str) -> None:
    wrong = [
        original
        for message in messages(language)
        for original, words in sides(message)
        if (original[:1] == " ", original[-1:] == " ") != (words[:1] == " ", words[-1:] == " ")
    ]
    assert wrong == []


def test_an_unknown_language_reads_english() -> None:
    assert translate("xx").gettext("Mentions") == "Mentions"
    assert translate("es").gettext("Mentions") == "Menciones"


def test_plurals_are_marked_by_the_name_that_the_catalogue_looks_for() -> None:
    """Babel finds `ngettext(...)`, whoever's it is; under another name none is found."""
    renamed = re.compile(r"^\s*(?:_, )?(\w+) = (?:[\w.()]+, )?[\w.()]+\.ngettext$", re.MULTILINE)
    others = [
        f"{path.relative_to(catalogue.HOUSE)}: {name}"
        for room in catalogue.ROOMS
        for path in (catalogue.HOUSE / room).rglob("*.py")
        for name in renamed.findall(path.read_text(encoding="utf-8"))
        if name != "ngettext"
    ]
    assert others == []
