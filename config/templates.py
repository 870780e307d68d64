"""Environments for templates: pages, mail and reports share how they escape, translate and write numbers and times."""

from pathlib import Path

import jinja2

from config.translations import translate


def environment(folder: Path, language: str = "en") -> jinja2.Environment:
    """A Jinja environment for one language: everything is escaped, an unknown name is an error, `_()` and
    `{% trans %}` translate."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=jinja2.select_autoescape(["html", "xml", "mjml"], default_for_string=True, default=False),
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # `make dev` starts anew; looking at every file for every page is not free
    )
    made.install_gettext_translations(translate(language), newstyle=True)  # type: ignore[attr-defined]
    return made
