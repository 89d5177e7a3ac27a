"""How ``--help`` is laid out: whole summaries, options under headings, lines of up to 120 characters."""

import re
from itertools import groupby
from typing import Any

import typer.core

WIDEST = 120
"""Characters of the longest lines, if the terminal has as many."""
UNGROUPED = 10
"""Up to this number of options they stand under one heading."""
ALL = 10_000
"""Characters of a summary: never cut."""


class Group(typer.core.TyperGroup):
    """Lists its commands with their whole summaries."""

    def heading(self, name: str) -> str:
        """The heading under which the command ``name`` stands."""
        return "Commands"

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One section per heading, with one column of names for all of them."""
        names = self.list_commands(ctx)
        width = max(map(len, names))
        for heading, group in groupby(names, self.heading):
            with formatter.section(heading):
                rows = [(name.ljust(width), self.commands[name].get_short_help_str(ALL)) for name in group]
                formatter.write_dl(rows)


class Command(typer.core.TyperCommand):
    """Lists its options under the headings that they have as ``rich_help_panel``, if there are many."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, options without a heading, and each heading in the order of its first option."""
        parameters = [(one, record) for one in self.get_params(ctx) if (record := one.get_help_record(ctx))]
        panels = [getattr(one, "rich_help_panel", None) for one, _ in parameters]
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for (one, (name, text)), panel in zip(parameters, panels, strict=True):
            heading = panel if panel and len(panels) > UNGROUPED and panels.count(panel) > 1 else "Options"
            heading = "Arguments" if one.param_type_name == "argument" else heading
            sections.setdefault(heading, []).append((name, _in_words(text)))
        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


def _in_words(text: str) -> str:
    """``text`` of an option; a default that is no value, which is in parentheses, becomes a sentence."""
    found = re.search(r"\s*\[((?:[^\[\]]+; )?)default: \((.+)\)((?:; .+)?)\]$", text)
    if found is None:
        return text
    others = f"  [{others}]" if (others := f"{found[1]}{found[3]}".strip("; ")) else ""
    return f"{text[: found.start()]} Without it: {found[2]}.{others}"
