"""What there is to translate, found in the code and the templates; and the catalogues brought up to date with it.

`python -m config.catalogue` rewrites config/locale: new sentences come in empty, old ones go. For developers only."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python
from babel.messages.pofile import read_po, write_po

from config.translations import LANGUAGES, LOCALE

HOUSE = Path(__file__).parent.parent
ROOMS = ("config", "networks", "listeners", "sentiment", "posts", "scheduler", "web")
_MARKED = re.compile(rf"\b({'|'.join(DEFAULT_KEYWORDS)})\(".encode())


def _python(file: BinaryIO, *given: Any, **options: Any) -> Iterable[Any]:
    """Babel's own way; without a look at the files that mark nothing, which are most: to read them takes seconds."""
    marked = _MARKED.search(file.read())
    file.seek(0)
    found: Iterable[Any] = extract_python(file, *given, **options) if marked else ()
    return found


METHODS: list[tuple[str, Any]] = [
    ("sentiment/training/**", "ignore"),
    ("**.py", _python),
    ("**.html", "jinja2"),
    ("**/mail_templates/**.txt", "jinja2"),
    ("mail_templates/**.txt", "jinja2"),
]
REFUSALS = ("Limits", "Phrase", "Problem", "Trouble", "UnreadablePicture", "WrongState")
FORMS = ("Field", "Network", "Option", "SourceKind")
_JINJA = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
OPTIONS = {"**.html": _JINJA, "mail_templates/**.txt": _JINJA}
HEAD = """# The words of Liaison: formal, the Spanish of the Americas. docs/for-developers/translating.md says how.
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def found() -> Catalog:
    """Every sentence that is marked for translation, and the names of the concerns."""
    made = Catalog(project="Liaison", copyright_holder="the authors of Liaison", charset="utf-8")
    for room in ROOMS:
        for name, _line, message, _comments, context in extract_from_dir(HOUSE / room, METHODS, OPTIONS):
            made.add(message, locations=[(f"{room}/{name}", 1)], context=context)
    for location, message in (*_refusals(), *_forms()):
        made.add(message, locations=[(location, 1)])
    taxonomy = json.loads((HOUSE / "sentiment/taxonomy.json").read_text(encoding="utf-8"))
    for entry in taxonomy["concerns"]:
        for words in (entry["name"], entry["about"]):
            made.add(words, locations=[("sentiment/taxonomy.json", 1)])
    return made


def _refusals() -> Iterator[tuple[str, str]]:
    """What rooms and pages say when they refuse something: the whole sentences that these errors are made with. They
    are translated where a page tells them (web.problems, web.pages); programs get them as they are."""
    for room in ("listeners", "networks", "posts", "sentiment", "web"):
        for file in sorted((HOUSE / room).rglob("*.py")):
            location, code = str(file.relative_to(HOUSE)), file.read_text(encoding="utf-8")
            if location.startswith(("sentiment/training/", "web/api/")):
                continue
            if not any(f"{name}(" in code for name in REFUSALS):  # most: to walk them all takes a second
                continue
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
                    given = node.args[:1] if node.func.id in ("Problem", "WrongState") else node.args  # then its fields
                    given = [*given, *(one.value for one in node.keywords if one.arg == "note")]
                    words = (one.value for one in given if isinstance(one, ast.Constant))
                    yield from ((location, one) for one in words if isinstance(one, str) and one)


def _forms() -> Iterator[tuple[str, str]]:
    """What networks call themselves, their ways to listen, their fields and what a post may choose there: translated
    where a page shows them."""
    for file in sorted((HOUSE / "networks").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORMS:
                named = {one.arg: one.value for one in node.keywords}
                given = [*node.args[1:3], *(named[name] for name in ("label", "help", "choices") if name in named)]
                for one in given:
                    choices = (
                        [pair.elts[1] for pair in one.elts if isinstance(pair, ast.Tuple)]
                        if isinstance(one, ast.Tuple)
                        else []
                    )
                    for words in (one, *choices):
                        if isinstance(words, ast.Constant) and isinstance(words.value, str) and words.value:
                            yield str(file.relative_to(HOUSE)), words.value


def path(language: str) -> Path:
    """The catalogue's file."""
    return LOCALE / language / "LC_MESSAGES" / "liaison.po"


def elsewhere(language: str) -> set[str | tuple[str, ...] | list[str]]:
    """Sentences whose words stand in another catalogue of the language, as those of mails do."""
    found: set[str | tuple[str, ...] | list[str]] = set()
    for other in path(language).parent.glob("*.po"):
        if other != path(language):
            with other.open("rb") as file:
                found |= {message.id for message in read_po(file, locale=language) if message.id}
    return found


def kept(language: str) -> Catalog:
    """The catalogue as it is kept; an empty one where there is none."""
    if not path(language).exists():
        return Catalog(locale=language)
    with path(language).open("rb") as file:
        return read_po(file, locale=language)


def update() -> None:
    """Brings every catalogue up to date. Nothing is guessed: what changed is to be translated anew."""
    template = found()
    for language in LANGUAGES:
        if language == "en":
            continue
        catalogue = kept(language)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        for sentence in elsewhere(language):
            catalogue.delete(sentence)
        write(language, catalogue)


def write(language: str, catalogue: Catalog) -> None:
    """Writes a catalogue in one order, without dates and lines, so that only words make a difference."""
    written = BytesIO()
    write_po(written, catalogue, width=120, omit_header=True, no_location=True, sort_output=True)
    head = HEAD.format(language=language, plurals=catalogue.plural_forms)
    path(language).parent.mkdir(parents=True, exist_ok=True)
    path(language).write_bytes(head.encode() + written.getvalue())


if __name__ == "__main__":
    update()
