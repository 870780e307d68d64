"""Translations: gettext catalogues in config/locale, read from their .po files, English where there is none.

A language may have several: liaison.po for the pages, mail.po for mails, reports and calendars; all are read as one."""

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
    if language not in LANGUAGES:
        return gettext.NullTranslations()
    found: gettext.NullTranslations | None = None
    for path in sorted((LOCALE / language / "LC_MESSAGES").glob("*.po")):
        catalogue = _read(path, language)
        if found is None:
            found = catalogue
        else:
            found.add_fallback(catalogue)
    return found or gettext.NullTranslations()


def _read(path: Path, language: str) -> gettext.NullTranslations:
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
