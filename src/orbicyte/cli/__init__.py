"""The command line: parse, call, print; commands of one kind a file. Nothing heavy is imported before one runs."""

from orbicyte.cli import (  # noqa: F401  (importing registers their commands)
    cutting,
    detect,
    detector,
    exchange,
    representation,
    review,
    slides,
    typing_,
)
from orbicyte.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Entry point."""
    app()
