"""Environments for templates: pages, mail and reports share how they escape, translate and write numbers and times."""

import gettext
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from config.translations import translate


class _Translated(NodeTransformer):
    """Puts the language's words where a template asks for their translation. They never change in an environment, and a
    page asks for some three hundred: looked up anew, they were a fifth of its time."""

    def __init__(self, catalogue: gettext.NullTranslations) -> None:
        self._catalogue = catalogue

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802  (Jinja's name)
        """`_("words")` and `{% trans %}` as their words, which `%` fills as the extension's own gettext does."""
        self.generic_visit(node)
        match node:
            case nodes.Call(node=nodes.Name(name="_" | "gettext"), args=[nodes.Const(value=str(words))]):
                filled = [nodes.Pair(nodes.Const(one.key), one.value) for one in node.kwargs]
                told = nodes.MarkSafeIfAutoescape(nodes.Const(self._catalogue.gettext(words)))
                return nodes.Mod(told, nodes.Dict(filled), lineno=node.lineno)
        return node


class _Environment(jinja2.Environment):
    catalogue: gettext.NullTranslations

    def _generate(self, source: nodes.Template, *rest: Any, **more: Any) -> str:
        return super()._generate(_Translated(self.catalogue).visit(source), *rest, **more)


def environment(folder: Path, language: str = "en") -> jinja2.Environment:
    """A Jinja environment for one language: everything is escaped, an unknown name is an error, `_()` and
    `{% trans %}` translate."""
    made = _Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=jinja2.select_autoescape(["html", "xml", "mjml"], default_for_string=True, default=False),
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # `make dev` starts anew; looking at every file for every page is not free
    )
    made.catalogue = translate(language)
    made.install_gettext_translations(made.catalogue, newstyle=True)  # type: ignore[attr-defined]
    return made
