"""Slides: slides check, slides draw, slides drop."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orbicyte.cli import paths
from orbicyte.cli.app import command, group
from orbicyte.cli.options import Encoding, StudyWithSlides, ValueRange, value_range
from orbicyte.errors import OrbicyteError

if TYPE_CHECKING:
    from rich.console import Console

    from orbicyte.slides.check import Checked

slides_app = group(
    "slides", "Check slides, drop some of a study, or make synthetic ones: 'slides check PATH...'.", __name__
)

Slides = Annotated[list[Path], typer.Argument(help="Slides, or folders of slides.", callback=paths.existing)]
Mpp = Annotated[float | None, typer.Option(help="µm per pixel of slides whose file has none.")]
MppCsv = Annotated[
    Path | None, typer.Option(help="CSV file with columns file and mpp (µm per pixel).", callback=paths.existing)
]
COLUMNS = ("slide", "vendor", "size (px)", "levels", "µm/px", "state")
GAP = 2
WORDS = {"yellow": "see below", "red": "unreadable"}
"""The state of a slide whose problem is below the table."""
LEAST_WIDTH = 36
"""Minimum width of the column of reasons, in characters."""


@command(slides_app, "check")
def slides_check_command(
    paths: Slides,
    mpp: Mpp = None,
    mpp_csv: MppCsv = None,
    whole: Annotated[
        bool, typer.Option("--all", help="Decode every slide completely, instead of 13 regions per level.")
    ] = False,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0.1, help="Seconds after which the check of a slide is aborted.", show_default="60, with --all 3600"
        ),
    ] = None,
    value_range_: ValueRange = None,
    encoding: Encoding = None,
) -> None:
    """Check slides: print vendor, size, levels, µm per pixel, and problems.

    By default 13 regions per level are decoded: "ok (sampled)" means that these are readable. --all decodes everything.
    Exit code 2 if a slide cannot be read.
    """
    from orbicyte.slides.check import TIME_LIMIT_S, WHOLE_TIME_LIMIT_S, check_slides
    from orbicyte.slides.listing import list_slides
    from orbicyte.slides.mpp import read_mpp_csv

    table = {} if mpp_csv is None else read_mpp_csv(mpp_csv, encoding)
    limit_s = time_limit or (WHOLE_TIME_LIMIT_S if whole else TIME_LIMIT_S)
    range_ = value_range(value_range_)
    rows = check_slides(list_slides(paths), mpp, table, limit_s, whole=whole, value_range=range_)
    _print(rows, "ok" if whole else "ok (sampled)")
    if not all(row.readable for row in rows):
        raise typer.Exit(2)


@command(slides_app, "draw")
def slides_draw_command(
    folder: Annotated[Path, typer.Argument(help="Folder to create.")],
    slides: Annotated[int, typer.Option(min=1, help="Number of slides.")] = 6,
    cells: Annotated[int, typer.Option(min=1, help="White blood cells per slide, approximately.")] = 200,
    mpp: Annotated[float, typer.Option(min=0.05, max=2, help="µm per pixel.")] = 0.25,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 0,
) -> None:
    """Make synthetic slides, each with the true positions and types of its cells, and a label image."""
    from orbicyte.study.files import replacing
    from orbicyte.synthetic import draw_slides

    if folder.exists():
        raise OrbicyteError(f"{folder} exists: choose a new folder")
    with replacing(folder) as temporary:
        temporary.mkdir()
        draw_slides(temporary, slides, cells, seed, mpp)
    typer.echo(str(folder))


@command(slides_app, "drop")
def slides_drop_command(
    study: StudyWithSlides,
    names: Annotated[list[str], typer.Argument(help="Names of slides, as 'orbicyte review' shows them.")],
    back: Annotated[bool, typer.Option("--back", help="Put slides back that were dropped.")] = False,
) -> None:
    """Drop slides from a study: their cells are no longer cut, trained on or counted.

    Nothing is deleted: cells and decisions are kept in STUDY/dropped, and --back puts them back.
    """
    from orbicyte.study.dropped import drop_slides

    drop_slides(study, names, back=back)
    typer.echo(f"{'put back' if back else 'dropped'}: {', '.join(names)}; run 'orbicyte cut {study}' to update patches")


def _print(rows: list["Checked"], ok: str) -> None:
    """Print aligned lines of any length; on a terminal, a table of its width."""
    from rich.console import Console

    from orbicyte.progress import print_line

    folder = Path(os.path.commonpath([row.path.absolute().parent for row in rows]))
    if folder == Path(folder.anchor):
        cells = [_cells(row, None, ok) for row in rows]
    else:
        print_line(f"slides in {folder}")
        cells = [_cells(row, folder, ok) for row in rows]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *cells, strict=True)]
    console = Console()
    if console.is_terminal:
        styles = ["red" if not row.readable else "yellow" if row.problem else "green" for row in rows]
        _print_table(console, cells, styles, console.width - sum(widths[:-1]) - GAP * len(widths[:-1]))
        return
    for texts in (COLUMNS, *cells):
        line = "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True))
        typer.echo(line.rstrip())


def _print_table(console: "Console", cells: list[tuple[str, ...]], styles: list[str], width: int) -> None:
    """Problems are in the last column or, where that is too narrow, below the table, with one word in the column."""
    from rich.table import Column, Table
    from rich.text import Text

    in_table = width >= LEAST_WIDTH
    whole = [Column(name, no_wrap=True) for name in COLUMNS[1:-1]]
    table = Table(Column(COLUMNS[0], overflow="fold"), *whole, Column(COLUMNS[-1]), box=None, pad_edge=False)
    for texts, style in zip(cells, styles, strict=True):
        state = texts[-1] if in_table or style == "green" else WORDS[style]
        table.add_row(Text(texts[0], style), *map(Text, texts[1:-1]), Text(state, style))
    console.print(table)
    for texts, style in zip(cells, styles, strict=True):
        if not in_table and style != "green":
            console.print(Text(f"{texts[0]}: {texts[-1]}", style))


def _cells(row: "Checked", folder: Path | None, ok: str) -> tuple[str, ...]:
    """The texts of a slide; its path within ``folder``, or the whole path where slides have no folder in common."""
    info, problem = row.info, row.problem or ok
    name = str(row.path.absolute()) if folder is None else os.path.relpath(row.path, folder)
    if info is None:
        return (name, "", "", "", "", problem)
    size = f"{info.width_px:,} x {info.height_px:,}"
    if info.value_range is not None:
        problem += f"; {info.value_range[0]:g} is black, {info.value_range[1]:g} is white"
    mpp = "" if info.mpp is None else f"{info.mpp:.4g}"
    return (name, info.vendor, size, str(len(info.level_sizes)), mpp, problem)
