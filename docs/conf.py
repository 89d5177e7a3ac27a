"""The documentation site: ``make docs`` builds it in ``site/``; a warning, such as a dead link, is an error."""

from importlib import metadata

project, author, release = "orbicyte", "the authors of orbicyte", metadata.version("orbicyte")
extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"orbicyte {release}"
myst_heading_anchors = 4
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
exclude_patterns = ["site"]
suppress_warnings = ["myst.header"]  # pages may skip a level
