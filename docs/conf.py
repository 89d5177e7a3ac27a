"""The documentation site: ``make docs`` builds it in ``site/``; a warning, such as a dead link, is an error."""

from importlib import metadata

from sphinx.application import Sphinx

project, author, release = "orbicyte", "the authors of orbicyte", metadata.version("orbicyte")
extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"orbicyte {release}"
myst_heading_anchors = 4
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
exclude_patterns = ["site", "results"]  # tables of results.md, which has them
suppress_warnings = ["myst.header"]  # pages may skip a level


def _escape_bars(*about: object) -> None:
    """In docstrings, |f| is a magnitude and not a substitution; bars within code stay."""
    lines = about[-1]
    assert isinstance(lines, list)
    lines[:] = [
        "``".join(p.replace("|", r"\|") if i % 2 == 0 else p for i, p in enumerate(line.split("``"))) for line in lines
    ]


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _escape_bars)
