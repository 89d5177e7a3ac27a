"""Slides: are they fit for work?"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orbicyte.cli.app import command, group

if TYPE_CHECKING:
    from orbicyte.slides.check import Checked

slides_app = group("slides", "Whole-slide images: 'slides check PATH...'.")

Slides = Annotated[list[Path], typer.Argument(help="Slides, or folders of them.")]
Mpp = Annotated[float | None, typer.Option(help="µm per pixel of slides that the table does not name.")]
MppCsv = Annotated[Path | None, typer.Option(help="CSV with the columns file and mpp, µm per pixel.")]
COLUMNS = ("slide", "vendor", "size (px)", "levels", "µm/px", "state")
STATE_WIDTH = 30


@command(slides_app, "check")
def slides_check_command(
    paths: Slides,
    mpp: Mpp = None,
    mpp_csv: MppCsv = None,
    time_limit: Annotated[float, typer.Option(min=0.1, help="Seconds after which a slide counts as stuck.")] = 60.0,
) -> None:
    """Open slides and decode them in places: vendor, size, levels, µm per pixel, what is wrong.

    Ends with 2 if a slide cannot be read.
    """
    from orbicyte.slides.check import check_slides
    from orbicyte.slides.listing import list_slides
    from orbicyte.slides.mpp import read_mpp_csv

    table = {} if mpp_csv is None else read_mpp_csv(mpp_csv)
    rows = check_slides(list_slides(paths), mpp, table, time_limit)
    _print(rows)
    if not all(row.readable for row in rows):
        raise typer.Exit(2)


def _print(rows: list["Checked"]) -> None:
    """A table as wide as the terminal; in a log, aligned lines as long as they are."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    folder = os.path.commonpath([row.path.absolute().parent for row in rows])
    cells = [_cells(row, folder) for row in rows]
    console = Console()
    if console.is_terminal:
        table = Table(*(Column(name, overflow="fold") for name in COLUMNS), box=None, pad_edge=False)
        table.columns[-1].min_width = STATE_WIDTH
        for row, texts in zip(rows, cells, strict=True):
            style = "red" if not row.readable else "yellow" if row.problem else "green"
            table.add_row(*map(Text, texts[:-1]), Text(texts[-1], style))
        console.print(table)
        return
    widths = [max(map(len, column)) for column in zip(COLUMNS, *cells, strict=True)]
    for texts in (COLUMNS, *cells):
        line = "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True))
        typer.echo(line.rstrip())


def _cells(row: "Checked", folder: str) -> tuple[str, ...]:
    info, problem, name = row.info, row.problem or "ok", os.path.relpath(row.path, folder)
    if info is None:
        return (name, "", "", "", "", problem)
    size = f"{info.width_px:,} x {info.height_px:,}"
    mpp = "" if info.mpp is None else f"{info.mpp:.4g}"
    return (name, info.vendor, size, str(len(info.level_sizes)), mpp, problem)
