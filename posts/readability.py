"""How easily a text is read, from its words and sentences. Pure.

English: the grade of school for which it is written (Kincaid, Fishburne, Rogers, Chissom 1975). Spanish: reading ease
from 0 to 100 (Fernández Huerta 1959, as corrected by Law 2011), in the bands of Szigriszt and Barrio (INFLESZ 2008)."""

import re
import unicodedata
from dataclasses import dataclass

FEWEST_WORDS = 12  # below, a formula says nothing
_LINK = re.compile(r"https?://\S+|[@#]\S+|\b[\w-]+(?:\.[\w-]+)+/\S*")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_END = re.compile(r"[.!?…]+(?=\s|$|[\"”»)])|\n{2,}")
_VOWELS = re.compile(r"[aeiouy]+")
_HIATUS = re.compile(r"[aeo][aeo]|[íú][aeo]|[aeo][íú]|[íú][iu]|[iu][íú]")
_SPANISH = re.compile(r"[aeiouáéíóúüy]+")


@dataclass(frozen=True)
class Ease:
    """`band`: easy | fair | hard. `grade`: of school, for English; `score`: 0 to 100, the higher the easier, else."""

    band: str
    grade: int | None = None
    score: int | None = None


def ease(text: str, language: str) -> Ease | None:
    """None for a text too short to be judged, and for a language without a formula. Links and handles count for
    nothing."""
    bare = _LINK.sub(" ", text)
    words = _WORD.findall(bare)
    if len(words) < FEWEST_WORDS or language not in ("en", "es"):
        return None
    sentences = max(1, sum(bool(_WORD.search(part)) for part in _END.split(bare)))
    per_sentence = len(words) / sentences
    per_word = sum(syllables(word, language) for word in words) / len(words)
    if language == "es":
        score = round(max(0.0, min(100.0, 206.84 - 60 * per_word - 1.02 * per_sentence)))
        return Ease("easy" if score > 65 else "fair" if score > 55 else "hard", score=score)
    grade = max(1, round(0.39 * per_sentence + 11.8 * per_word - 15.59))
    return Ease("easy" if grade <= 7 else "fair" if grade <= 9 else "hard", grade=grade)


def syllables(word: str, language: str) -> int:
    """At least one. Spanish by its rules of vowels; English by groups of vowels, which is right for most words."""
    lower = unicodedata.normalize("NFC", word.lower())
    if language == "es":
        lower = re.sub(r"qu(?=[eiéí])|gu(?=[eiéí])", "q", lower)
        groups = _SPANISH.findall(re.sub(r"y(?=[aeiouáéíóú])", "j", lower))
        return max(1, sum(1 + _breaks(group) for group in groups))
    bare = re.sub(r"['’].*$", "", lower)
    number = len(_VOWELS.findall(bare))
    if number > 1 and re.search(r"[^aeiouyl]e$|[aeiouy]le$", bare):
        number -= 1  # make, while; not table
    if number > 1 and re.search(r"[^aeiouydt]ed$", bare):
        number -= 1  # asked; not wanted
    if number > 1 and re.search(r"[^aeiouyszxhg]es$", bare):
        number -= 1  # drives; not houses
    if number > 1 and re.search(r"[^aeiouyl]e(?:ty|ly|ment|ful|less)$", bare):
        number -= 1  # safety, lately
    number += len(re.findall(r"ia(?!n?t|l)|io(?!n|us)|ua(?!l)|eo(?![up])", bare))  # media, video
    return max(1, number + len(re.findall(r"^area|idea|ea(?=t[eio])", bare)))


def _breaks(group: str) -> int:
    """Where a group of Spanish vowels falls into more than one syllable: two strong ones, or a weak one with an
    accent."""
    plain = group.translate(str.maketrans("áéó", "aeo"))
    return sum(_HIATUS.fullmatch(plain[at : at + 2]) is not None for at in range(len(plain) - 1))
