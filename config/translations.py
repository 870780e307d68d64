"""Translations: gettext catalogues in config/locale, read from their .po files, English where there is none."""

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("en", "es")


@cache
def translate(language: str) -> gettext.NullTranslations:
    """The catalogue of a language such as "es"; an empty one, which gives back the English, if there is none."""
    path = LOCALE / language / "LC_MESSAGES" / "liaison.po"
    if language not in LANGUAGES or not path.exists():
        return gettext.NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
