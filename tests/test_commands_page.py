"""The page of every command, and that each says how it is called."""

from pathlib import Path

import click

import cli
from config import command_page

PAGE = Path(__file__).parent.parent / "docs/for-administrators/commands.md"


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == command_page.written(cli.liaison), "liaison commands > " + str(PAGE)


def test_every_option_says_what_it_is() -> None:
    for name, command in command_page.leaves(cli.liaison):
        assert [one.opts for one in command.params if isinstance(one, click.Option) and not one.help] == [], name


def test_every_command_says_what_it_does_and_gives_an_example() -> None:
    every = dict(command_page.leaves(cli.liaison))
    assert [name for name, command in every.items() if name not in (command.help or "").partition("Example")[2]] == []
