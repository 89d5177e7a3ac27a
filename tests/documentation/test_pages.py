"""The commands in the README and in docs/ exist, with the options that they are given."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.documentation.pages import PAGES, ROOT, commands

from orbicyte import cli


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_with_their_options(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line, comments=True)[1:]
        command: Any = typer.main.get_command(cli.app)
        while words and hasattr(command, "commands"):
            if words[0].startswith("-"):
                break
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, line


def test_every_page_of_the_site_is_in_its_contents() -> None:
    contents = re.findall(r"<(\w+)>$", (ROOT / "docs" / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(contents) == sorted(page.stem for page in PAGES[1:] if page.stem != "index")
