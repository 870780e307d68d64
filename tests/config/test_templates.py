"""Words that are put into a template when it is compiled are those that the extension itself would look up."""

import gettext
from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup

from config import templates
from config.translations import translate

WORDS = {
    "plain": "{% trans %}Mentions{% endtrans %}",
    "called": "{{ _('Mentions') }}{% set names = {'one': _('Calendar')} %}{{ names.one }}",
    "filled": "{% trans name=name %}{{ name }}: your account{% endtrans %}",
    "filled_twice": "{% trans since=since, by=name %}{{ since }} {{ by }} 100%{% endtrans %}",
    "counted": "{% trans count=3 %}{{ count }} post{% pluralize %}{{ count }} posts{% endtrans %}",
    "in_context": "{% trans 'an event' %}Cancelled{% endtrans %}",
    "unknown": "{{ _('Words that no catalogue has, 5%% <b>') }}",
    "told": "{{ _(words) }}",
}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("suffix", ["html", "txt"])
def test_words_are_those_of_the_catalogue(tmp_path: Path, name: str, language: str, suffix: str) -> None:
    (tmp_path / f"page.{suffix}").write_text(WORDS[name], encoding="utf-8")
    asked = jinja2.Environment(
        loader=jinja2.FileSystemLoader(tmp_path),
        autoescape=jinja2.select_autoescape(["html"]),
        extensions=["jinja2.ext.i18n"],
    )
    asked.install_gettext_translations(translate(language), newstyle=True)  # type: ignore[attr-defined]
    values = {"name": "<i>Ada</i>", "since": Markup("<time>08:10</time>"), "words": "Calendar"}
    found = templates.environment(tmp_path, language).get_template(f"page.{suffix}").render(values)
    assert found == asked.get_template(f"page.{suffix}").render(values)


def test_words_are_not_looked_up_for_each_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.html").write_text("{% trans %}Mentions{% endtrans %} {{ _('Calendar') }}", encoding="utf-8")
    page = templates.environment(tmp_path, "es").get_template("page.html")
    said = page.render()
    monkeypatch.setattr(gettext.GNUTranslations, "gettext", lambda _catalogue, _words: "looked up")
    assert page.render() == said == "Menciones Calendario"
