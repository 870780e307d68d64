"""Why a target stands as it does: kept in English, told in Spanish, with what others said left as it is."""

import re

import pytest

from config.translations import translate
from posts import reasons

WHOLE = [
    words for name, words in vars(reasons).items() if name.isupper() and isinstance(words, str) and "%" not in words
]
AROUND = [words for name, words in vars(reasons).items() if name.isupper() and isinstance(words, str) and "%" in words]
spanish = translate("es").gettext


@pytest.mark.parametrize("words", WHOLE)
def test_our_own_sentences_are_told_in_spanish(words: str) -> None:
    told = reasons.read(words).told(spanish)
    assert (reasons.read(words), told == words) == (words, False)


@pytest.mark.parametrize("pattern", AROUND)
def test_around_what_a_network_said_stands_spanish(pattern: str) -> None:
    kept = re.sub(r"%\(\w+\)s", "503: 100% overload %s", pattern)
    told = reasons.read(kept).told(spanish)
    assert (reasons.read(kept), "503: 100% overload %s" in told, told == kept) == (kept, True, False)


def test_a_reason_within_a_reason_is_told_too() -> None:
    kept = f"too late to be sent; {reasons.SIGNED_OUT % {'account': 'Riverton PD'}}"
    assert reasons.read(kept).told(spanish) == "demasiado tarde para enviarse; Riverton PD tiene la sesión cerrada"
    assert reasons.read("too late to be sent; ").told(spanish) == "too late to be sent; "


def test_what_others_said_is_left_as_it_is() -> None:
    assert reasons.read("Duplicate status, 100% sure").told(spanish) == "Duplicate status, 100% sure"
