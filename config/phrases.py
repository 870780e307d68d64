"""Sentences with a number or a name in them: English as strings, and still to be told in another language by a page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def told(words: str, gettext: Callable[[str], str]) -> str:
    """These words, a phrase or a whole sentence, as `gettext` has them; what it has not, as it is."""
    if isinstance(words, Phrase):
        return words.told(gettext)
    return gettext(words) if words else ""


class Phrase(str):
    """`Phrase("A post has at most %(most)s pictures.", most=4)`. What it is raised or kept with keeps it whole."""

    words: str
    values: dict[str, object]
    fields: tuple[str, ...]  # of a form, that it is about; the first of them first

    __slots__ = ("fields", "values", "words")

    def __new__(cls, words: str, **values: object) -> "Phrase":
        made = super().__new__(cls, words % values)
        made.words, made.values, made.fields = words, values, ()
        return made

    @classmethod
    def about(cls, words: str, *fields: str) -> "Phrase":
        """The sentence, a phrase already or not, about these fields of a form."""
        made = words if isinstance(words, Phrase) else cls(words.replace("%", "%%"))
        made.fields = fields
        return made

    @classmethod
    def joined(cls, separator: str, parts: Sequence[str]) -> "Phrase":
        """These, phrases or not, one after the other; there is one at least."""
        values = {f"part_{number}": part for number, part in enumerate(parts)}
        return cls(separator.replace("%", "%%").join(f"%({name})s" for name in values), **values)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.words, self.values, self.fields)  # else a copy would take the sentence for its pattern

    def __str__(self) -> str:
        return self  # else `str(error)` would forget the places

    def told(self, gettext: Callable[[str], str]) -> str:
        """The sentence in the words that `gettext` has for it, and for the phrases in it."""
        within = {name: one.told(gettext) for name, one in self.values.items() if isinstance(one, Phrase)}
        return gettext(self.words) % (self.values | within)


def _again(words: str, values: Mapping[str, object], fields: tuple[str, ...]) -> Phrase:
    return Phrase.about(Phrase(words, **values), *fields)
