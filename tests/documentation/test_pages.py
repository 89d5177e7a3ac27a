"""The commands in the README and in docs/ exist, with the options that they are given."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from markdown_it import MarkdownIt
from tests.documentation.pages import PAGES, ROOT, commands

import orbicyte
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


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_to_files_and_headings_lead_somewhere(page: Path) -> None:
    for link in links(page):
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not heading or heading in headings(target), link


def links(page: Path) -> Iterator[str]:
    """The links of a page to other files and headings."""
    for block in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        for token in block.children or ():
            target = str(token.attrs.get("href" if token.type == "link_open" else "src", ""))
            if target and "://" not in target:
                yield target


def headings(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub and the site make them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_every_public_function_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    described = set(re.findall(r"autofunction:: \S+\.(\w+)$", page, re.MULTILINE))
    assert {*orbicyte.__all__} - {"__version__"} <= described


def test_every_page_of_the_site_is_in_its_contents() -> None:
    contents = re.findall(r"<(\w+)>$", (ROOT / "docs" / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(contents) == sorted(page.stem for page in PAGES[1:] if page.stem != "index")
