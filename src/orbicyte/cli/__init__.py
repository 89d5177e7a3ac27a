"""The command line: parse, call, print; one file per group of ``orbicyte --help``.

Slow modules, such as torch, are imported only when a command runs.
"""

# Importing them registers their commands, in this order.
# isort: off
from orbicyte.cli import all_steps as all_steps
from orbicyte.cli import slides as slides
from orbicyte.cli import detection as detection
from orbicyte.cli import review as review
from orbicyte.cli import patches as patches
from orbicyte.cli import representation as representation
from orbicyte.cli import cell_types as cell_types
from orbicyte.cli import exchange as exchange

# isort: on
from orbicyte.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Entry point."""
    app()
