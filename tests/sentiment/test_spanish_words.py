"""The words of mails in Spanish: none is missing, all have the same gaps, none says more than the figures do."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from config.translations import LOCALE, translate
from sentiment import digest_words
from sentiment.digest import Edition, compose
from sentiment.morning import Morning
from sentiment.taxonomy import CONCERNS
from sentiment.trust import Show
from tests.sentiment.mornings import FULL, QUIET, mornings

ROOT = Path(__file__).parents[2]
SPOKEN = [
    *sorted((ROOT / "sentiment").glob("*.py")),
    ROOT / "scheduler/alert_mail.py",
    ROOT / "posts/calendar_feed.py",
    *sorted((ROOT / "scheduler/mail_templates").iterdir()),
]
GAP = re.compile(r"%\([a-z]+\)s|%%")


def messages() -> Iterator[tuple[str, ...]]:
    """Every message that a mail or a calendar may say: singular, or singular and plural."""
    for path in SPOKEN:
        method = "python" if path.suffix == ".py" else "jinja2.ext:babel_extract"
        keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
        for _line, said, _comments, _context in extract_from_file(method, path, keywords=keywords):
            yield (said,) if isinstance(said, str) else tuple(said)
    for concern in CONCERNS.values():
        yield (concern.name,)


def test_every_sentence_of_a_mail_is_there_in_spanish() -> None:
    with (LOCALE / "es/LC_MESSAGES/mail.po").open("rb") as source:
        catalogue = read_po(source, locale="es")
    with_others = {path.name for path in (LOCALE / "es/LC_MESSAGES").glob("*.po")}
    known = set()
    for name in with_others:
        with (LOCALE / "es/LC_MESSAGES" / name).open("rb") as source:
            for entry in read_po(source, locale="es"):
                if entry.string and all(entry.string if isinstance(entry.string, (list, tuple)) else [entry.string]):
                    known.add(entry.id if isinstance(entry.id, str) else entry.id[0])
    assert sorted({said[0] for said in messages()} - known) == []
    assert len(catalogue) > 150


def test_no_message_stands_in_a_formatted_string_where_nobody_finds_it() -> None:
    hidden = [path.name for path in SPOKEN if path.suffix == ".py" and re.search(r"\{_\(['\"]", path.read_text())]
    assert hidden == []


def test_each_translation_has_the_gaps_of_its_english() -> None:
    with (LOCALE / "es/LC_MESSAGES/mail.po").open("rb") as source:
        catalogue = read_po(source, locale="es")
    for entry in catalogue:
        if not entry.id:
            continue
        english = [entry.id] if isinstance(entry.id, str) else list(entry.id)
        spanish = [entry.string] if isinstance(entry.string, str) else list(entry.string or ())
        for said, meant in zip(spanish, english, strict=True):
            gaps = set(GAP.findall(said))
            wanted = set(GAP.findall(meant))
            assert gaps == wanted or (len(english) == 2 and gaps == wanted - {"%(count)s"}), entry.id


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from strings(one)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            if name not in ("trend", "key", "recipient", "department", "path", "language"):
                yield from strings(getattr(value, name))


def plain(morning: Morning) -> Morning:
    """Without the names that people wrote, so that only our own words are left."""
    return replace(
        morning,
        new_alerts=tuple(replace(alert, title="Título", keyphrases=()) for alert in morning.new_alerts),
        open_alerts=tuple(replace(alert, title="Título", keyphrases=()) for alert in morning.open_alerts),
        gone_quiet=(),
        quotes={},
        waiting=(),
        concerns=tuple(replace(row, mostly=None) for row in morning.concerns),
    )


_editions = st.sampled_from(list(Edition))


@settings(max_examples=40, deadline=None)
@given(mornings(), _editions)
def test_no_spanish_sentence_is_more_certain_than_its_figures(morning: Morning, edition: Edition) -> None:
    made, found = compose(replace(morning, edition=edition), "es"), morning.overview
    first = digest_words.trust(found, "es")
    assert made.headline.startswith(first)
    here = found.mistrust.share
    sayable = found.baseline_days > 0 and here is not None and here.show is not Show.NOTHING
    up, down = ("Sube", "sube", "Suben"), ("Baja", "baja", "Bajan")
    named = [figure.change.direction for figure in (found.mistrust, found.trust)] if sayable else []
    assert any(word in first.split() for word in up) is ("up" in named)
    assert any(word in first.split() for word in down) is ("down" in named)
    if "estable" in first:
        changes = (found.mistrust.change, found.trust.change)
        assert all(-0.08 < (one.low or 0) <= (one.high or 0) < 0.08 for one in changes)


@settings(max_examples=60, deadline=None)
@given(mornings(), _editions)
def test_spanish_words_agree_with_their_counts_and_none_is_english(morning: Morning, edition: Edition) -> None:
    made = compose(plain(replace(morning, edition=edition)), "es")
    many = r"(publicaciones|autores|asuntos|alertas|puntos|días|menciones|redes)\b"
    one = r"(publicación|autor|asunto|alerta|punto|mención)\b"
    for said in strings(made):
        assert not re.search(rf"(?<![\d,.])1 {many}", said), said
        assert not re.search(rf"(?<![\d,.])(?!1 )\d+ {one}", said), said
        assert not re.search(r"(?i)\b(the|of|and|posts?|authors?|usual|trust|yet|with|since|by)\b", said), said


@settings(max_examples=40, deadline=None)
@given(mornings())
def test_a_named_change_in_spanish_is_what_the_reader_gets_by_subtracting(morning: Morning) -> None:
    for words in compose(morning, "es").figures[:2]:
        moved = re.search(r"Lo habitual: (\d+)\s?%\. (Sube|Baja) (\d+) puntos?\.", words.below)
        if moved:
            usual, way, points = int(moved[1]), moved[2], int(moved[3])
            assert int(words.number.split("\xa0")[0].rstrip("%")) == usual + (points if way == "Sube" else -points)


@pytest.mark.parametrize(
    ("morning", "headline"),
    [
        (
            FULL,
            "La confianza se mantiene estable. Tráfico y seguridad vial cerca de Elm Street: mucho más de lo habitual.",
        ),
        (QUIET, "La confianza se mantiene estable. Nada fuera de lo habitual."),
    ],
)
def test_a_morning_in_spanish(morning: Morning, headline: str) -> None:
    named = replace(morning, new_alerts=[replace(alert, place="Elm Street") for alert in morning.new_alerts])
    assert compose(named, "es").headline == headline


def test_english_is_given_back_where_there_is_no_catalogue() -> None:
    assert translate("xx").gettext("Nothing unusual.") == translate("en").gettext("Nothing unusual.")
