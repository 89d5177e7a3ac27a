"""The pages of the documentation, and the examples in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Example:
    """Python code, or one line for a shell; ``line``: its block begins there in the page."""

    line: int
    python: str = ""
    shell: str = ""


def examples(page: Path) -> Iterator[Example]:
    """The blocks of code of a page, from top to bottom; shell lines that end with a backslash or a bar are joined."""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        line = (token.map or [0])[0] + 1
        if token.type == "fence" and token.info == "python":
            yield Example(line, python=token.content)
        if token.type == "code_block":
            joined = re.sub(r"\\\n\s*|(?<=\|)\n\s*", " ", token.content)
            yield from (Example(line, shell=one.strip()) for one in joined.splitlines() if one.strip())


def commands(page: Path) -> Iterator[str]:
    """Every ``orbicyte`` command of a page, in a block or within a line."""
    yield from (one.shell for one in examples(page) if one.shell.startswith("orbicyte "))
    mentions = re.findall(r"`(orbicyte [^`]+)`", page.read_text(encoding="utf-8"))
    yield from (" ".join(mention.split()) for mention in mentions)
