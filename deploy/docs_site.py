"""Hooks of `make docs`: what the pages of docs/ link to outside that folder comes along, and nothing is fetched from
elsewhere when they are read."""

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

HOUSE = Path(__file__).parent.parent
BESIDE = "source"  # of the site: what lies outside docs/, a page where it is Markdown, else plain text
ALWAYS = ("CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/RESULTS.md")
_LINK = re.compile(r"(?<!!)\[([^\]\n]*)\]\(([^)\s]+)\)")
_FETCHED = re.compile(r"""<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=["'](?:https?:)?//[^"']+["']""")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds what is linked to, and what that links to."""
    found, left = set(), [f"docs/{file.src_uri}" for file in files.documentation_pages()] + list(ALWAYS)
    while left:
        here = left.pop()
        if here in found:
            continue
        found.add(here)
        if not here.startswith("docs/"):
            files.append(File.generated(config, _in_site(here), abs_src_path=str(HOUSE / here)))
        if here.endswith(".md"):
            text = (HOUSE / here).read_text(encoding="utf-8")
            left += [there for _, there in _linked(text, here) if (HOUSE / there).is_file()]
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links lead to where things are in the site; those to folders become words."""
    del config, files
    uri = page.file.src_uri
    here = uri.removeprefix(f"{BESIDE}/") if uri.startswith(f"{BESIDE}/") else f"docs/{uri}"

    def led(link: re.Match[str]) -> str:
        words, target = link.groups()
        there = _resolved(target, here)
        if there is None:
            return link[0]
        if (HOUSE / there).is_dir():
            return words
        part = target.partition("#")[2]
        return f"[{words}]({relpath(_in_site(there), str(Path(uri).parent))}{f'#{part}' if part else ''})"

    return _LINK.sub(led, markdown)


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:
    """Raises PluginError where a page would fetch something from elsewhere."""
    del config
    fetched = _FETCHED.findall(output)
    if fetched:
        raise PluginError(f"{page.file.src_uri} would fetch {fetched[0]}")
    return output


def _linked(text: str, here: str) -> Iterator[tuple[str, str]]:
    for words, target in _LINK.findall(text):
        there = _resolved(target, here)
        if there is not None:
            yield words, there


def _resolved(target: str, here: str) -> str | None:
    """The file of the house that a link leads to; none where it leads out of it, or within its page."""
    path = target.partition("#")[0]
    if not path or re.match(r"[a-z]+:", path):
        return None
    return normpath(f"{Path(here).parent}/{path}")


def _in_site(there: str) -> str:
    if there.startswith("docs/"):
        return there.removeprefix("docs/")
    return f"{BESIDE}/{there}" if there.endswith(".md") else f"{BESIDE}/{there}.txt"
