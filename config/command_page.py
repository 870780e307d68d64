"""Every command of Liaison on one page, as `--help` says it: docs/for-administrators/commands.md."""

import re
from collections.abc import Iterator
from inspect import cleandoc

import click

HEAD = """# Every command
Exit status 0 when done, 1 on failure with one clear line on stderr, 2 on bad arguments. Progress goes to stderr,
answers to stdout. Each says the same with `--help`. This page is written by `liaison commands`.
"""


def leaves(group: click.Group, before: str = "liaison") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with all its words, by name."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from leaves(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


def written(group: click.Group) -> str:
    """The page, Markdown."""
    return "\n".join([HEAD, *(_one(name, command) for name, command in leaves(group))])


def _one(name: str, command: click.Command) -> str:
    shown = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    arguments = " ".join(one.make_metavar(click.Context(command)) for one in command.params if one not in shown)
    lines = [f"## {name}", *_words(cleandoc(command.help or ""))]
    lines += ["", f"`{' '.join(filter(None, (name, arguments, '[options]' if shown else '')))}`", ""]
    lines += [f"- `{', '.join(one.opts)}`{_about(one)}" for one in shown]
    return "\n".join(lines).rstrip() + "\n"


def _about(option: click.Option) -> str:
    about = option.help or ""
    if option.required:
        about = f"{about} (needed)".strip()
    if isinstance(option.type, click.Choice):
        about = f"{about} One of {', '.join(option.type.choices)}.".strip()
    if option.show_default and option.default is not None:
        about = f"{about} [default: {option.default}]".strip()
    return f": {about}" if about else ""


def _words(text: str) -> Iterator[str]:
    """Help as Markdown: what \\b keeps as it is written is shown as it is written."""
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.startswith("\b"):
            yield from ("", "```", *paragraph.split("\n")[1:], "```")
        else:
            yield from ("", " ".join(paragraph.split()))
